#include <charconv>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "api/handlers.h"
#include "api/limits.h"
#include "api/record_filter.h"
#include "event/json_writer.h"
#include "event/query_json.h"
#include "event/time_text.h"

namespace postern::api {
namespace {

using event::JsonWriter;

Result<std::optional<std::int64_t>> before_from(const Params& params) {
  const auto text = params.get("before");
  if (!text) return std::optional<std::int64_t>();
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), id);
  if (error != std::errc() || end != text->data() + text->size()) {
    return fail(Errc::invalid_input,
                fmt::format("before: \"{}\" is not the \"next\" of a page", *text));
  }
  return std::optional<std::int64_t>(id);
}

Result<std::string> queries_json(journal::Journal& journal, const Call& call) {
  POSTERN_CHECK(check_known(call.params, {"limit", "before"}));
  const journal::Filter filter = POSTERN_TRY(filter_from(call.params, call.request.now));
  const std::size_t limit = POSTERN_TRY(
      number_from(call.params, "limit", kDefaultPageRows, journal::Journal::kMaxPageRows));
  const auto before = POSTERN_TRY(before_from(call.params));
  const journal::Page page = POSTERN_TRY(journal.search(filter, limit, before));
  JsonWriter json_text;
  json_text.begin_object().key("rows").begin_array();
  for (const journal::Row& row : page.rows) {
    json_text.begin_object().field("id", row.id);
    event::write_query_fields(json_text, row.query);
    json_text.end_object();
  }
  json_text.end_array().key("next");
  if (page.next) {
    json_text.number(*page.next);
  } else {
    json_text.null();
  }
  json_text.end_object();
  return std::move(json_text).take();
}

Result<journal::TopBy> top_by(std::string_view text) {
  if (text == "name") return journal::TopBy::name;
  if (text == "client") return journal::TopBy::client;
  if (text == "zone") return journal::TopBy::zone;
  return fail(Errc::invalid_input, fmt::format("by: \"{}\" is not name, client or zone", text));
}

Result<std::string> top_json(journal::Journal& journal, const Call& call) {
  POSTERN_CHECK(check_known(call.params, {"by", "limit"}));
  const std::string_view by_text = call.params.get("by").value_or("name");
  const journal::TopBy by = POSTERN_TRY(top_by(by_text));
  const journal::Filter filter = POSTERN_TRY(filter_from(call.params, call.request.now));
  const std::size_t limit = POSTERN_TRY(number_from(call.params, "limit", kDefaultTop, kMaxTop));
  const auto entries = POSTERN_TRY(journal.top(filter, by, limit));
  JsonWriter json_text;
  json_text.begin_object().field("by", by_text).key("entries").begin_array();
  for (const journal::TopEntry& entry : entries) {
    json_text.begin_object().field("key", entry.key).field("count", entry.count).end_object();
  }
  json_text.end_array().end_object();
  return std::move(json_text).take();
}

struct Range {
  WallTime since{};  ///< On an interval's start.
  WallTime until{};
  seconds interval{};
};

WallTime interval_start(WallTime at, seconds interval) {
  const auto length = std::chrono::duration_cast<microseconds>(interval);
  const auto since_epoch = at.time_since_epoch();
  return WallTime(since_epoch - ((since_epoch % length) + length) % length);
}

Result<Range> range_of(const journal::Filter& filter, const Params& params, WallTime now) {
  Range range;
  range.interval = seconds(POSTERN_TRY(number_from(params, "interval_s", 60, 86'400)));
  range.until = filter.until.value_or(now);
  range.since =
      interval_start(filter.since.value_or(range.until - std::chrono::hours(1)), range.interval);
  if (range.since >= range.until) {
    return fail(Errc::invalid_input, "since: must be before until");
  }
  const auto points = (range.until - range.since) / range.interval + 1;
  if (points > static_cast<std::int64_t>(kMaxTimelinePoints)) {
    return fail(
        Errc::invalid_input,
        fmt::format("interval_s: {} s is too fine for so long a time: {} points, at most {}",
                    range.interval.count(), points, kMaxTimelinePoints));
  }
  return range;
}

Result<std::string> timeline_json(journal::Journal& journal, const Call& call) {
  POSTERN_CHECK(check_known(call.params, {"interval_s"}));
  journal::Filter filter = POSTERN_TRY(filter_from(call.params, call.request.now));
  const Range range = POSTERN_TRY(range_of(filter, call.params, call.request.now));
  filter.since = range.since;
  filter.until = range.until;
  std::map<WallTime, journal::TimelinePoint> counted;
  for (const auto& point : POSTERN_TRY(journal.timeline(filter, range.interval))) {
    journal::TimelinePoint& sum = counted[interval_start(point.at, range.interval)];
    sum.total += point.total;
    sum.blocked += point.blocked;
  }
  JsonWriter json_text;
  json_text.begin_object().field("interval_s", range.interval.count()).key("points").begin_array();
  // Intervals in which nothing happened are told too, so that a chart can be drawn as it stands.
  for (WallTime at = range.since; at < range.until; at += range.interval) {
    const auto found = counted.find(at);
    const journal::TimelinePoint point =
        found == counted.end() ? journal::TimelinePoint{} : found->second;
    json_text.begin_object().field("at", event::to_rfc3339(at));
    json_text.field("total", point.total).field("blocked", point.blocked).end_object();
  }
  json_text.end_array().end_object();
  return std::move(json_text).take();
}

Response answer(const Context& context, const Call& call,
                Result<std::string> (*make)(journal::Journal&, const Call&)) {
  if (context.services.journal == nullptr) return no_journal();
  auto text = make(*context.services.journal, call);
  return text ? json(*std::move(text)) : problem(text.error());
}

}  // namespace

Response no_journal() {
  return problem(503, "the journal is switched off in the configuration, so nothing is kept");
}

Response get_queries(const Context& context, const Call& call) {
  return answer(context, call, queries_json);
}

Response get_top(const Context& context, const Call& call) {
  return answer(context, call, top_json);
}

Response get_timeline(const Context& context, const Call& call) {
  return answer(context, call, timeline_json);
}

Response watch_live(const Context&, const Call& call) {
  if (const auto known = check_known(call.params, {}); !known) return problem(known.error());
  auto filter = filter_from(call.params, call.request.now);
  if (!filter) return problem(filter.error());
  if (filter->since || filter->until) {
    return problem(400, "since, until: the stream shows what happens from now on");
  }
  Response response;
  response.content_type = "text/event-stream";
  response.live = *std::move(filter);
  return response;
}

}  // namespace postern::api
