// Exceptions over the API: made, listed, removed, audited.
#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "api/deed.h"
#include "api/exception_json.h"
#include "api/exception_wish.h"
#include "api/handlers.h"
#include "api/limits.h"
#include "api/record_filter.h"
#include "event/json_writer.h"
#include "event/time_text.h"

namespace postern::api {
namespace {

constexpr std::size_t kMaxId = 0xffffffff;  ///< Of exceptions and of entries of the audit.

using event::JsonWriter;

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
  const auto wish = wish_from_json(call.request.body, *context.services.policy->current());
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
