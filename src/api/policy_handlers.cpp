#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "api/deed.h"
#include "api/explain.h"
#include "api/handlers.h"
#include "api/limits.h"
#include "api/record_filter.h"
#include "event/json_writer.h"
#include "event/time_text.h"

namespace postern::api {
namespace {

using event::JsonWriter;

void time_or_null(JsonWriter& json, std::string_view key, const std::optional<WallTime>& at) {
  json.key(key);
  if (at) {
    json.string(event::to_rfc3339(*at));
  } else {
    json.null();
  }
}

void text_or_null(JsonWriter& json, std::string_view key, std::string_view text) {
  json.key(key);
  if (text.empty()) {
    json.null();
  } else {
    json.string(text);
  }
}

void write_held(JsonWriter& json, const std::optional<intel::HeldUpdate>& held) {
  json.key("held");
  if (!held) {
    json.null();
    return;
  }
  json.begin_object().field("state", held->state).field("since", event::to_rfc3339(held->since));
  json.field("rules", held->rules).key("reasons").begin_array();
  for (const std::string& reason : held->reasons) json.string(reason);
  json.end_array().end_object();
}

void write_feed(JsonWriter& json, const intel::FeedStatus& feed) {
  json.begin_object();
  json.field("name", feed.name).field("format", feed.format).field("source", feed.source);
  json.field("health", to_string(feed.health));
  time_or_null(json, "last_try", feed.last_try);
  time_or_null(json, "last_success", feed.last_success);
  time_or_null(json, "next_try", feed.next_try);
  json.field("rules", feed.rules).field("lines_skipped", feed.lines_skipped);
  text_or_null(json, "first_skipped", feed.first_skipped);
  text_or_null(json, "last_error", feed.last_error);
  write_held(json, feed.held);
  json.field("generation", feed.generation);
  json.end_object();
}

void write_policy(JsonWriter& json, const policy::Generation& generation) {
  json.key("policy").begin_object();
  json.field("generation", generation.number());
  json.field("built_at", event::to_rfc3339(generation.built_at()));
  json.field("zones", generation.zone_count());
  json.field("rules", generation.rule_count());
  json.field("memory_octets", generation.memory_octets());
  json.key("groups").begin_array();
  for (const policy::Group& group : generation.groups()) {
    if (group.hours.empty()) json.string(group.name);
  }
  json.end_array().end_object();
}

void write_feed_counts(JsonWriter& json, const std::vector<intel::FeedStatus>& feeds) {
  using intel::Health;
  json.key("feeds").begin_object();
  for (const Health health : {Health::never, Health::good, Health::stale, Health::failed}) {
    std::size_t count = 0;
    for (const intel::FeedStatus& feed : feeds) count += feed.health == health ? 1 : 0;
    json.field(to_string(health), count);
  }
  const auto held = std::ranges::count_if(feeds, [](const intel::FeedStatus& feed) {
    return feed.held && feed.held->state == "waiting";
  });
  json.field("held", held).end_object();
}

Response update(const Context& context, const Call& call, const FeedUpdate& update) {
  const std::string what = update.name.empty() ? "all feeds" : "feed " + update.name;
  if (const auto started = context.services.update_feed(update); !started) {
    return problem(started.error());
  }
  if (update.any_size) {
    keep_deed(context, call, {"next update accepted at any size", what});
  } else {
    context.log.info("api", fmt::format("update of {} asked for by {}", what, actor_of(call)));
  }
  JsonWriter json_text;
  json_text.begin_object();
  text_or_null(json_text, "feed", update.name);
  json_text.field("started", true).end_object();
  Response response = json(std::move(json_text).take());
  response.status = 202;
  return response;
}

std::shared_ptr<const policy::DeviceTable> devices_of(const Context& context) {
  return context.services.devices != nullptr ? context.services.devices->current() : nullptr;
}

Result<ExplainQuestion> question_from(const Params& params) {
  const auto text = params.get("name");
  if (!text) return fail(Errc::invalid_input, "name: say which name to explain");
  const auto name = dns::Name::from_text(*text);
  if (!name) {
    return fail(Errc::invalid_input,
                fmt::format("name: \"{}\" is not a name ({})", *text, to_string(name.error())));
  }
  ExplainQuestion question;
  question.name = *name;
  if (const auto client = params.get("client")) {
    const auto address = IpAddress::from_text(*client);
    if (!address) {
      return fail(Errc::invalid_input, fmt::format("client: \"{}\" is not an address", *client));
    }
    question.client = *address;
  }
  if (const auto device = params.get("device")) {
    const auto address = MacAddress::from_text(*device);
    if (!address) return Unexpected<Error>(Error(address.error()).context("device"));
    question.said.device = *address;
  }
  if (const auto id = params.get("client_id")) {
    question.said.id = policy::ClientId::from_text(*id);
    if (!question.said.id) {
      return fail(Errc::invalid_input,
                  "client_id: at most 32 printable ASCII characters, without spaces");
    }
  }
  if (const auto type = params.get("type")) {
    const auto known = dns::rr_type_from_text(*type);
    if (!known) {
      return fail(Errc::invalid_input, fmt::format("type: \"{}\" is not a record type", *type));
    }
    question.type = *known;
  }
  return question;
}

/// The generation asked about: the one in force, or what is asked for instead.
Result<std::shared_ptr<const policy::Generation>> generation_for(const Context& context,
                                                                 const Call& call,
                                                                 ExplainQuestion& question) {
  const auto at = call.params.get("at");
  const auto candidate = call.params.get("candidate");
  if (at && candidate) return fail(Errc::invalid_input, "at, candidate: give one of them");
  if (candidate) {
    question.about_generation =
        fmt::format(" It is what there would be with the held update of the feed {}.", *candidate);
    return context.services.candidate(std::string(*candidate));
  }
  if (!at) return context.services.policy->current();
  const auto time = time_from_text(*at, call.request.now);
  if (!time) return Unexpected<Error>(Error(time.error()).context("at"));
  question.about_generation = fmt::format(
      " These are the rules of {}, for the groups and options of now.", event::to_rfc3339(*time));
  return context.services.generation_at(*time);
}

/// Adds the newest record of the question's name, type and group, or why there is none.
void add_record(const Context& context, const policy::InForce& in_force,
                ExplainQuestion& question) {
  if (context.services.journal == nullptr) {
    question.why_no_record = "The journal is off, so where its answer leads is not known.";
    return;
  }
  const std::uint16_t group = group_of(in_force, question);
  journal::Filter filter;
  filter.since = question.now - kExplainLooksBack;
  filter.name_below = question.name.to_display();
  filter.qtype = question.type;
  filter.group = in_force.generation().groups()[group].name;
  const auto page = context.services.journal->search(filter, kExplainRows, std::nullopt);
  if (!page) {
    question.why_no_record = fmt::format(
        "Where its answer leads is not known: the journal cannot be read ({}).", page.error().text);
    return;
  }
  const auto row = std::ranges::find(page->rows, question.name,
                                     [](const journal::Row& r) { return r.query.qname; });
  if (row != page->rows.end()) {
    question.record = row->query;
  } else {
    question.why_no_record =
        "Nobody of this group has asked for it in the last 24 hours, so where its answer leads is "
        "not known; \"postern query\" asks.";
  }
}

}  // namespace

Response get_status(const Context& context, const Call& call) {
  JsonWriter json_text;
  json_text.begin_object();
  json_text.field("version", context.services.version);
  json_text.field("now", event::to_rfc3339(call.request.now));
  json_text.field("started_at", event::to_rfc3339(context.started_at));
  const auto up = std::chrono::floor<seconds>(call.request.now - context.started_at);
  json_text.field("uptime_s", std::max<std::int64_t>(up.count(), 0));
  json_text.key("endpoints").begin_array();
  for (const std::string& endpoint : context.services.endpoints) json_text.string(endpoint);
  json_text.end_array();
  json_text.field("journal", context.services.journal != nullptr);
  write_policy(json_text, *context.services.policy->current());
  write_feed_counts(json_text, context.services.feeds());
  json_text.end_object();
  return json(std::move(json_text).take());
}

Response get_metrics(const Context& context, const Call&) {
  Metrics metrics = context.services.metrics();
  context.stats.collect(metrics);
  const auto add_dropped = [&](std::string_view kind, std::uint64_t count) {
    metrics.push_back({.name = "postern_api_live_queue_dropped_total",
                       .kind = MetricKind::counter,
                       .help = "Records that came faster than watchers could be told.",
                       .labels = fmt::format("kind=\"{}\"", kind),
                       .value = static_cast<double>(count)});
  };
  const LiveTail::Dropped dropped = context.live.dropped();
  add_dropped("threat", dropped.threats);
  add_dropped("other", dropped.others);
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = to_prometheus(metrics);
  return response;
}

Response get_published_list(const Context& context, const Call& call) {
  const auto list = context.services.published_list(call.capture);
  if (!list) return problem(list.error());
  Response response;
  const std::string tag = '"' + list->digest + '"';
  response.content_type = "text/plain; charset=utf-8";
  response.cache_control = "no-cache";  // Kept, but asked about.
  response.headers.emplace_back("ETag", tag);
  if (call.request.if_none_match.find(tag) != std::string::npos) {
    response.status = 304;
    return response;
  }
  auto parts = list->open();
  if (!parts) return problem(parts.error());
  response.parts = *std::move(parts);
  return response;
}

Response get_feeds(const Context& context, const Call&) {
  JsonWriter json_text;
  json_text.begin_object().key("feeds").begin_array();
  for (const intel::FeedStatus& feed : context.services.feeds()) write_feed(json_text, feed);
  json_text.end_array().end_object();
  return json(std::move(json_text).take());
}

Response update_feed(const Context& context, const Call& call) {
  if (call.capture.empty()) return problem(404, "no feed has an empty name");
  if (const auto known = check_only(call.params, {"accept"}); !known) {
    return problem(known.error());
  }
  const std::string_view accept = call.params.get("accept").value_or("false");
  if (accept != "true" && accept != "false") {
    return problem(400, fmt::format("accept: \"{}\" is neither true nor false", accept));
  }
  return update(context, call, {.name = call.capture, .any_size = accept == "true"});
}

Response update_feeds(const Context& context, const Call& call) {
  if (call.params.get("accept")) {
    return problem(400, "accept: a copy of any size is accepted of one feed at a time; name it");
  }
  if (const auto known = check_only(call.params, {}); !known) return problem(known.error());
  return update(context, call, {});
}

Response reload(const Context& context, const Call& call) {
  context.log.info("api", fmt::format("reload asked for by {}", actor_of(call)));
  const auto done = context.services.reload();
  if (!done) {
    // The request is fine, the file is not; what was in force still is.
    return problem(409, done.error().text);
  }
  keep_deed(context, call, {"read again", "configuration"});
  JsonWriter json_text;
  json_text.begin_object().field("reloaded", true);
  json_text.field("reading_feeds", done->is_reading_feeds);
  json_text.key("unreadable_feeds").begin_array();
  for (const intel::FeedStatus& feed : done->unreadable_feeds) {
    json_text.begin_object().field("name", feed.name).field("error", feed.last_error).end_object();
  }
  json_text.end_array().key("needs_restart").begin_array();
  for (const std::string& option : done->needs_restart) json_text.string(option);
  json_text.end_array().end_object();
  return json(std::move(json_text).take());
}

Response explain_name(const Context& context, const Call& call) {
  if (const auto known = check_only(
          call.params, {"name", "client", "client_id", "device", "type", "at", "candidate"});
      !known) {
    return problem(known.error());
  }
  auto question = question_from(call.params);
  if (!question) return problem(question.error());
  const auto generation = generation_for(context, call, *question);
  if (!generation) return problem(generation.error());
  question->now = call.request.now;
  const auto exceptions = context.services.exceptions_in_force->current();
  const auto devices = devices_of(context);
  const policy::InForce in_force(**generation, *exceptions, devices.get());
  add_record(context, in_force, *question);
  return json(explain_json(in_force, *question));
}

Response explain_trace(const Context& context, const Call& call) {
  if (const auto known = check_only(call.params, {}); !known) return problem(known.error());
  journal::Filter filter;
  filter.trace_id = event::trace_from_text(call.capture);
  if (!filter.trace_id) return problem(400, "trace: a trace id has eight characters");
  if (context.services.journal == nullptr) return no_journal();
  const auto page = context.services.journal->search(filter, 1, std::nullopt);
  if (!page) return problem(page.error());
  if (page->rows.empty()) {
    return problem(404,
                   "the journal has no query with this trace id: it is too old, or so new "
                   "that it is not stored yet");
  }
  const event::Query& record = page->rows.front().query;
  const ExplainQuestion question{.name = record.qname,
                                 .now = call.request.now,
                                 .type = record.qtype,
                                 .client = record.client,
                                 .record = record,
                                 .by_trace = true};
  const auto generation = context.services.policy->current();
  const auto exceptions = context.services.exceptions_in_force->current();
  const auto devices = devices_of(context);
  return json(explain_json({*generation, *exceptions, devices.get()}, question));
}

}  // namespace postern::api
