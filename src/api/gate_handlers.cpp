// What a person asks the gate, and decides there: reports, activating, rejecting, rolling back.
#include <charconv>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "api/deed.h"
#include "api/handlers.h"
#include "api/record_filter.h"
#include "event/json_writer.h"

namespace postern::api {
namespace {

using event::JsonWriter;
using Kind = FeedDecision::Kind;

Response decide(const Context& context, const Call& call, const FeedDecision& decision,
                const Done& wanted) {
  if (const auto known = check_only(call.params, {}); !known) return problem(known.error());
  auto done = context.services.decide_feed(decision);
  if (!done) {
    context.log.warning("api", fmt::format("{}: {} refused to {}: {}", wanted.subject,
                                           wanted.action, actor_of(call), done.error().text));
    return problem(done.error());
  }
  keep_deed(context, call, {wanted.action, wanted.subject, *done});
  JsonWriter json_text;
  json_text.begin_object().field("done", *done).end_object();
  return json(std::move(json_text).take());
}

}  // namespace

Response get_gate_report(const Context& context, const Call& call) {
  if (const auto known = check_only(call.params, {}); !known) return problem(known.error());
  auto report = context.services.gate_report(call.capture);
  return report ? json(*std::move(report)) : problem(report.error());
}

Response activate_feed(const Context& context, const Call& call) {
  return decide(context, call, {.kind = Kind::activate, .feed = call.capture},
                {"held update activated", "feed " + call.capture});
}

Response reject_feed(const Context& context, const Call& call) {
  return decide(context, call, {.kind = Kind::reject, .feed = call.capture},
                {"held update rejected", "feed " + call.capture});
}

Response roll_back_feed(const Context& context, const Call& call) {
  return decide(context, call, {.kind = Kind::roll_back, .feed = call.capture},
                {"rolled back", "feed " + call.capture});
}

Response roll_back_all(const Context& context, const Call& call) {
  const std::string& text = call.capture;
  std::uint64_t generation = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), generation);
  if (error != std::errc() || end != text.data() + text.size()) {
    return problem(400, fmt::format("\"{}\" is not the number of a generation", text));
  }
  return decide(context, call, {.kind = Kind::roll_back_all, .feed = "", .generation = generation},
                {"rolled back", "all feeds"});
}

Response get_generations(const Context& context, const Call& call) {
  if (const auto known = check_only(call.params, {}); !known) return problem(known.error());
  JsonWriter json_text;
  json_text.begin_object().field("in_force", context.services.policy->current()->number());
  json_text.key("kept").begin_array();
  for (const std::uint64_t number : context.services.kept_generations()) json_text.number(number);
  json_text.end_array().end_object();
  return json(std::move(json_text).take());
}

}  // namespace postern::api
