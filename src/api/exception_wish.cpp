#include "api/exception_wish.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "api/duration.h"
#include "intel/feed_name.h"

namespace postern::api {
namespace {

using simdjson::dom::element;

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
  if (name && name->is_root()) {
    return fail(Errc::invalid_input,
                fmt::format("names: \"{}\" is the root; for every name say \"*\"", text));
  }
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
  const auto tenant = POSTERN_TRY(text_of(body, "tenant"));
  if (int{client.has_value()} + int{group.has_value()} + int{tenant.has_value()} > 1) {
    return fail(Errc::invalid_input, "name a client, a group or a tenant, not two of them");
  }
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
  if (tenant) {
    if (tenant->empty() || std::ranges::find(generation.groups(), *tenant,
                                             &policy::Group::tenant) == generation.groups().end()) {
      return fail(Errc::invalid_input,
                  fmt::format("tenant: no group is of a tenant \"{}\"", *tenant));
    }
    audience = {.kind = policy::Audience::Kind::tenant, .name = *tenant};
  }
  return {};
}

}  // namespace

Result<state::ExceptionWish> wish_from_json(const std::string& text,
                                            const policy::Generation& generation) {
  simdjson::dom::parser parser;
  element body;
  if (parser.parse(text).get(body) != simdjson::SUCCESS || !body.is_object()) {
    return fail(Errc::invalid_input,
                "the body must be like {\"action\": \"allow\", \"names\": [\"a.example\"], "
                "\"for\": \"1h\", \"reason\": \"…\"}");
  }
  for (const auto member : simdjson::dom::object(body)) {
    static constexpr std::string_view kKnown[] = {"action", "names",  "for",   "client",
                                                  "group",  "tenant", "reason"};
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

}  // namespace postern::api
