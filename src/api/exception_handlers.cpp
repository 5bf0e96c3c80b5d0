// Exceptions over the API: made, listed, removed, audited.
#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <pwd.h>
#include <simdjson.h>

#include "api/duration.h"
#include "api/exception_json.h"
#include "api/handlers.h"
#include "api/limits.h"
#include "api/record_filter.h"
#include "event/json_writer.h"
#include "event/time_text.h"
#include "intel/feed_name.h"

namespace postern::api {
namespace {

constexpr std::size_t kMaxId = 0xffffffff;  ///< Of exceptions and of entries of the audit.

using event::JsonWriter;
using simdjson::dom::element;

/// "postern (uid 105)".
std::string user_text(std::uint32_t uid) {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  const bool is_known =
      ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return is_known ? fmt::format("{} (uid {})", found->pw_name, uid) : fmt::format("uid {}", uid);
}

/// Who asks, as the audit says it.
std::string actor_of(const Call& call) {
  const Peer& peer = call.request.peer;
  if (peer.trusted) return user_text(peer.uid);
  return fmt::format("{} from {}",
                     call.let_in_by == Credential::Kind::session ? "console session" : "API token",
                     peer.to_text());
}

/// The text of a member; nothing where it is absent or null. An error where it is something else.
Result<std::optional<std::string>> text_of(const element& body, const char* key) {
  const auto member = body[key];
  if (member.error() != simdjson::SUCCESS || member.is_null()) return std::nullopt;
  std::string_view text;
  if (member.get_string().get(text) != simdjson::SUCCESS) {
    return fail(Errc::invalid_input, fmt::format("{}: must be a text", key));
  }
  return std::string(text);
}

/// "name.example", "*.name.example", "*".
Result<std::pair<dns::Name, policy::Scope>> pattern_of(std::string_view text) {
  if (text == "*") return std::pair(dns::Name(), policy::Scope::at_and_below);
  const bool is_wildcard = text.starts_with("*.");
  const auto name = intel::read_domain(is_wildcard ? text.substr(2) : text);
  if (!name) {
    return fail(Errc::invalid_input,
                fmt::format("names: \"{}\" {}", text, intel::advice(name.error())));
  }
  return std::pair(*name, is_wildcard ? policy::Scope::at_and_below : policy::Scope::exact);
}

Result<void> read_names(const element& body, state::ExceptionWish& wish) {
  simdjson::dom::array names;
  if (body["names"].get_array().get(names) != simdjson::SUCCESS) {
    return fail(Errc::invalid_input, "names: say which names, as a list of texts");
  }
  for (const element item : names) {
    std::string_view text;
    if (item.get_string().get(text) != simdjson::SUCCESS) {
      return fail(Errc::invalid_input, "names: say which names, as a list of texts");
    }
    wish.names.push_back(POSTERN_TRY(pattern_of(text)));
    // More of them are refused by the store; here no memory is to be spent on them.
    if (wish.names.size() > state::kMaxNamesAtOnce) break;
  }
  return {};
}

Result<void> read_audience(const element& body, const policy::Generation& generation,
                           policy::Audience& audience) {
  const auto client = POSTERN_TRY(text_of(body, "client"));
  const auto group = POSTERN_TRY(text_of(body, "group"));
  if (client && group) return fail(Errc::invalid_input, "name a client or a group, not both");
  if (client) {
    const auto prefix = IpPrefix::from_text(*client);
    if (!prefix) return Unexpected(Error(prefix.error()).context("client"));
    audience = {.kind = policy::Audience::Kind::clients, .clients = *prefix};
  }
  if (group) {
    if (!generation.group_named(*group)) {
      return fail(Errc::invalid_input,
                  fmt::format("group: there is no group \"{}\"; GET /api/v1/status has those there "
                              "are",
                              *group));
    }
    audience = {.kind = policy::Audience::Kind::group, .name = *group};
  }
  return {};
}

Result<state::ExceptionWish> wish_of(const std::string& text,
                                     const policy::Generation& generation) {
  simdjson::dom::parser parser;
  element body;
  if (parser.parse(text).get(body) != simdjson::SUCCESS || !body.is_object()) {
    return fail(Errc::invalid_input,
                "the body must be like {\"action\": \"allow\", \"names\": [\"a.example\"], "
                "\"for\": \"1h\", \"reason\": \"…\"}");
  }
  for (const auto member : simdjson::dom::object(body)) {
    static constexpr std::string_view kKnown[] = {"action", "names", "for",
                                                  "client", "group", "reason"};
    if (std::ranges::find(kKnown, member.key) == std::end(kKnown)) {
      return fail(Errc::invalid_input, fmt::format("\"{}\" is not known here", member.key));
    }
  }
  state::ExceptionWish wish;
  const std::string action = POSTERN_TRY(text_of(body, "action")).value_or("");
  if (action != "allow" && action != "block") {
    return fail(Errc::invalid_input, "action: must be \"allow\" or \"block\"");
  }
  wish.action = action == "allow" ? policy::Action::pass : policy::Action::block;
  const std::string lasts = POSTERN_TRY(text_of(body, "for")).value_or("");
  const auto duration = duration_from_text(lasts);
  if (!duration) {
    return fail(Errc::invalid_input,
                fmt::format("for: \"{}\" is no length of time; 30m, 1h, 7d …", lasts));
  }
  wish.lasts = *duration;
  wish.reason = POSTERN_TRY(text_of(body, "reason")).value_or("");
  POSTERN_CHECK(read_names(body, wish));
  POSTERN_CHECK(read_audience(body, generation, wish.audience));
  return wish;
}

/// `limit` and `before` of a page.
struct PageWish {
  std::size_t limit = 0;
  std::optional<std::uint32_t> before{};
};

Result<PageWish> page_of(const Params& params) {
  POSTERN_CHECK(check_only(params, {"limit", "before"}));
  PageWish page;
  page.limit = POSTERN_TRY(number_from(params, "limit", kDefaultPageRows, state::kMaxAuditRows));
  const std::size_t before = POSTERN_TRY(number_from(params, "before", 0, kMaxId));
  if (before != 0) page.before = static_cast<std::uint32_t>(before);
  return page;
}

template <class Item>
void write_next(JsonWriter& json, const std::vector<Item>& items, std::size_t limit) {
  json.key("next");
  if (items.size() == limit) {
    json.number(items.back().id);
  } else {
    json.null();
  }
}

void log_deed(const Context& context, std::string_view what, const policy::Exception& exception,
              const state::Deed& deed) {
  context.log.info("api", fmt::format("exception {} {} by {}: {}", exception.id, what, deed.actor,
                                      state::describe(exception)));
}

void text_or_null(JsonWriter& json, std::string_view key, const std::string& text) {
  json.key(key);
  if (text.empty()) {
    json.null();
  } else {
    json.string(text);
  }
}

}  // namespace

Response add_exception(const Context& context, const Call& call) {
  if (const auto known = check_only(call.params, {}); !known) return problem(known.error());
  if (!call.request.content_type.starts_with("application/json")) {
    return problem(415, "the body must be application/json");
  }
  const auto wish = wish_of(call.request.body, *context.services.policy->current());
  if (!wish) return problem(wish.error());
  const state::Deed deed{.actor = actor_of(call), .at = call.request.now};
  const auto made = context.services.exceptions->add(*wish, deed);
  if (!made) return problem(made.error());
  JsonWriter json_text;
  json_text.begin_object().key("exceptions").begin_array();
  for (const policy::Exception& exception : *made) {
    log_deed(context, "made", exception, deed);
    write_exception(json_text, exception);
  }
  json_text.end_array().end_object();
  Response response = json(std::move(json_text).take());
  response.status = 201;
  return response;
}

Response get_exceptions(const Context& context, const Call& call) {
  const auto page = page_of(call.params);
  if (!page) return problem(page.error());
  const auto found = context.services.exceptions->list(page->limit, page->before, call.request.now);
  JsonWriter json_text;
  json_text.begin_object().key("exceptions").begin_array();
  for (const policy::Exception& exception : found) write_exception(json_text, exception);
  json_text.end_array();
  write_next(json_text, found, page->limit);
  json_text.end_object();
  return json(std::move(json_text).take());
}

Response remove_exception(const Context& context, const Call& call) {
  if (const auto known = check_only(call.params, {}); !known) return problem(known.error());
  std::uint32_t id = 0;
  const char* const end = call.capture.data() + call.capture.size();
  const auto [read, error] = std::from_chars(call.capture.data(), end, id);
  if (error != std::errc() || read != end) {
    return problem(400, "an exception's id is a whole number");
  }
  const state::Deed deed{.actor = actor_of(call), .at = call.request.now};
  const auto removed = context.services.exceptions->remove(id, deed);
  if (!removed) return problem(removed.error());
  log_deed(context, "removed", *removed, deed);
  JsonWriter json_text;
  write_exception(json_text, *removed);
  return json(std::move(json_text).take());
}

Response get_audit(const Context& context, const Call& call) {
  const auto page = page_of(call.params);
  if (!page) return problem(page.error());
  const auto entries = context.services.exceptions->audit(page->limit, page->before);
  if (!entries) return problem(entries.error());
  JsonWriter json_text;
  json_text.begin_object().key("entries").begin_array();
  for (const state::AuditEntry& entry : *entries) {
    json_text.begin_object();
    json_text.field("id", entry.id).field("at", event::to_rfc3339(entry.at));
    json_text.field("actor", entry.actor).field("action", entry.action);
    json_text.field("subject", entry.subject);
    text_or_null(json_text, "before", entry.before);
    text_or_null(json_text, "after", entry.after);
    json_text.field("reason", entry.reason).end_object();
  }
  json_text.end_array();
  write_next(json_text, *entries, page->limit);
  json_text.end_object();
  return json(std::move(json_text).take());
}

}  // namespace postern::api
