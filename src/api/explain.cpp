#include "api/explain.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "api/exception_json.h"
#include "event/json_writer.h"
#include "event/query_json.h"
#include "event/time_text.h"
#include "intel/rpz_owner.h"

namespace postern::api {
namespace {

using event::JsonWriter;
using policy::Generation;
using policy::Match;

/// All that the answer is made from.
struct Decision {
  const policy::InForce& in_force;
  const Generation& generation;
  const ExplainQuestion& question;
  std::uint16_t group = 0;         ///< Whose policy is in force.
  std::uint16_t own_group = 0;     ///< The client's; `group`, but for the hours of a schedule.
  std::optional<IpPrefix> prefix;  ///< That put the client into the group.
  std::vector<std::uint32_t> exceptions;  ///< Those that hold, the one that decides first.
  policy::Verdict verdict;                ///< On the name asked.
  std::vector<Match> matches;
  /// On a name that the record's answer led to; matches nothing where the name asked decides.
  policy::Verdict behind;
  std::vector<Match> matches_behind;

  policy::Asking asking() const {
    return {.group = group, .client = question.client, .now = question.now};
  }
  const policy::Verdict& deciding() const { return behind.matched ? behind : verdict; }
};

std::optional<IpPrefix> prefix_of(const policy::Group& group, const IpAddress& client) {
  std::optional<IpPrefix> longest;
  for (const IpPrefix& prefix : group.clients) {
    if (prefix.contains(client) && (!longest || prefix.length() > longest->length())) {
      longest = prefix;
    }
  }
  return longest;
}

/// A name that the rule which decided the record covers, whatever the answer's name was.
std::optional<dns::Name> name_under_rule(const dns::Name& owner, bool is_wildcard) {
  if (!is_wildcard) return owner;
  const auto below = owner.with_prefix(*dns::Name::from_text("*"));
  return below ? std::optional(*below) : std::nullopt;
}

/// What today's policy says of what the rule of the record matched: a name or an address that the
/// answer led to, or a server that is authoritative for it.
void decide_behind(Decision& d, const event::Query& record) {
  const auto owner = intel::read_rpz_owner(record.matched);
  const policy::Trigger trigger = owner ? owner->trigger : policy::Trigger::qname;
  switch (trigger) {
    case policy::Trigger::client_ip:
      return;  // The client is asked about as it is.
    case policy::Trigger::response_ip:
    case policy::Trigger::nsip: {
      const IpAddress& address = owner->prefix.address();
      d.behind = d.generation.decide(d.group, trigger, address);
      d.matches_behind = d.generation.explain(d.group, trigger, address);
      return;
    }
    case policy::Trigger::nsdname:
      if (const auto name = name_under_rule(owner->name, record.matched_wildcard)) {
        d.behind = d.generation.decide_servers(d.group, {&*name, 1});
        d.matches_behind = d.generation.explain(d.group, *name, trigger);
      }
      return;
    case policy::Trigger::qname:
      if (!record.matched_in_chain) return;
      if (const auto name = name_under_rule(record.matched, record.matched_wildcard)) {
        d.behind = d.in_force.decide(d.asking(), *name);
        d.matches_behind = d.generation.explain(d.group, *name);
      }
      return;
  }
}

/// Was the record blocked because of where its answer led, and would it be today?
void look_behind(Decision& d) {
  const auto& record = d.question.record;
  if (!record || !record->has_matched) return;
  decide_behind(d, *record);
  // What is decided on the name asked stands before all names that its answer leads to; but an
  // exception there before what lists allow.
  const bool is_passed = d.verdict.allows() && (!policy::InForce::is_exception(d.behind) ||
                                                policy::InForce::is_exception(d.verdict));
  const bool is_heard = d.behind.trigger == policy::Trigger::qname
                            ? !d.verdict.blocks() && !is_passed
                            : d.behind.precedes(d.verdict);
  const bool is_same =
      d.behind.blocks() && is_heard && d.in_force.zone(d.behind).name == record->zone.view();
  if (is_same) {
    for (Match& match : d.matches) match.winner = false;
    return;
  }
  d.behind = {};
  d.matches_behind.clear();
}

Decision decide(const policy::InForce& in_force, const ExplainQuestion& question) {
  const Generation& generation = in_force.generation();
  Decision d{in_force, generation, question, 0, 0, std::nullopt, {}, {}, {}, {}, {}};
  d.own_group = group_of(in_force, question);
  d.group = in_force.group_at(d.own_group, question.now);
  if (question.client) {
    d.prefix = prefix_of(generation.groups()[d.own_group], *question.client);
    constexpr auto kClientIp = policy::Trigger::client_ip;
    d.verdict = generation.decide(d.group, kClientIp, *question.client);
    d.matches = generation.explain(d.group, kClientIp, *question.client);
  }
  const policy::Verdict on_name = in_force.decide(d.asking(), question.name);
  d.exceptions =
      in_force.exceptions().find_all(in_force.asker_of(d.asking()), question.name, question.now);
  std::vector<Match> by_name = generation.explain(d.group, question.name);
  const bool is_by_name = on_name.matched && on_name.precedes(d.verdict);
  if (is_by_name) d.verdict = on_name;
  for (Match& match : is_by_name ? d.matches : by_name) match.winner = false;
  d.matches.insert(d.matches.end(), by_name.begin(), by_name.end());
  if (policy::InForce::is_exception(d.verdict)) {
    for (Match& match : d.matches) match.winner = false;
  }
  look_behind(d);
  return d;
}

std::string line_text(std::uint32_t line) {
  return line == 0 ? std::string() : fmt::format(" (line {})", line);
}

/// " by the client's address"; nothing for the name asked.
std::string_view by_trigger(policy::Trigger trigger) {
  switch (trigger) {
    case policy::Trigger::qname:
      return "";
    case policy::Trigger::client_ip:
      return ", the client's address,";
    case policy::Trigger::response_ip:
      return ", an address in its answer,";
    case policy::Trigger::nsdname:
      return ", a server of it,";
    case policy::Trigger::nsip:
      return ", the address of a server of it,";
  }
  return "";
}

/// "2026-03-02 08:00:00 UTC".
std::string to_the_second(WallTime at) {
  const std::string text = event::to_rfc3339(at);
  return fmt::format("{} {} UTC", text.substr(0, 10), text.substr(11, 8));
}

std::string_view disposition(const policy::Verdict& verdict) {
  if (verdict.blocks()) return "blocked";
  if (verdict.allows()) return "allowed";
  return verdict.matched && verdict.log_only && verdict.action != policy::Action::pass ? "observed"
                                                                                       : "answered";
}

std::string_view answer_text(const policy::BlockPlan& plan) {
  return plan.use_block_answer ? to_string(plan.answer) : to_string(plan.action);
}

void write_step(JsonWriter& json, std::string_view kind, std::string_view outcome,
                std::string_view text) {
  json.begin_object();
  json.field("kind", kind).field("outcome", outcome).field("text", text);
  json.end_object();
}

/// A sentence: how the client comes to be in `in_group`.
std::string why_group(const Decision& d, const std::string& in_group) {
  const policy::Group& group = d.generation.groups()[d.own_group];
  const auto has = [](const auto& list, const auto& of) {
    return of && std::ranges::find(list, *of) != list.end();
  };
  const policy::Identity& said = d.question.said;
  if (has(group.client_ids, said.id)) {
    return fmt::format("A client called \"{}\" is in {}.", said.id->view(), in_group);
  }
  if (has(group.devices, said.device)) {
    return fmt::format("The device {} is in {}.", said.device->to_text(), in_group);
  }
  if (!d.question.client) {
    return said.id || said.device
               ? fmt::format("No group has such a client: {}.", in_group)
               : fmt::format("No client was named: {}, for clients in no other.", in_group);
  }
  const std::string client = d.question.client->to_text();
  if (d.in_force.own_group_of(*d.question.client, said) != d.own_group) {
    return fmt::format("{} asked as one of {}, which its address alone does not make it.", client,
                       in_group);
  }
  const auto device = d.in_force.device_of(*d.question.client);
  if (has(group.devices, device)) {
    return fmt::format("{} is the device {} at the moment, which is in {}.", client,
                       device->to_text(), in_group);
  }
  if (d.prefix) {
    return fmt::format("{} is in {} by the prefix {}.", client, in_group, d.prefix->to_text());
  }
  return fmt::format("{} is in no group's prefixes: {}.", client, in_group);
}

void write_group_step(JsonWriter& json, const Decision& d) {
  const policy::Group& group = d.generation.groups()[d.own_group];
  const std::string of_tenant =
      group.tenant.empty() ? "" : fmt::format(" of the tenant \"{}\"", group.tenant);
  const std::string in_group = fmt::format("the group \"{}\"{}", group.name, of_tenant);
  std::string text = why_group(d, in_group);
  if (d.group != d.own_group) {
    const std::string& hours = d.generation.groups()[d.group].hours;
    text += fmt::format(" The schedule \"{}\" holds: the policy of its hours is in force.",
                        hours.substr(hours.find('/') + 1));
  }
  write_step(json, "group", "chosen", text);
  write_step(json, "generation", "chosen",
             fmt::format("Generation {} of {}: {} rules in {} zones, {} of them in force for this "
                         "group.{}",
                         d.generation.number(), to_the_second(d.generation.built_at()),
                         d.generation.rule_count(), d.generation.zone_count(),
                         d.generation.groups()[d.group].zones.size(), d.question.about_generation));
}

/// "; confidence 80, first seen 2026-03-02 (12 days ago), valid until …": what is known of the
/// rule.
std::string note_text(const policy::RuleNote& note, WallTime now) {
  std::string text;
  const auto add = [&text](std::string_view what) {
    text += fmt::format("{}{}", text.empty() ? "; " : ", ", what);
  };
  if (note.confidence != policy::RuleNote::kNoConfidence) {
    add(fmt::format("confidence {}", note.confidence));
  }
  if (note.first_seen_s != 0) {
    const WallTime seen = policy::time_of_note(note.first_seen_s);
    const auto days = std::chrono::floor<std::chrono::days>(now - seen).count();
    add(fmt::format("{} {} ({} day{} ago)", note.seen_here != 0 ? "listed since" : "first seen",
                    event::to_rfc3339(seen).substr(0, 10), std::max<std::int64_t>(days, 0),
                    days == 1 ? "" : "s"));
  }
  if (note.valid_from_s != 0) {
    add("valid from " + to_the_second(policy::time_of_note(note.valid_from_s)));
  }
  if (note.valid_until_s != 0) {
    add("valid until " + to_the_second(policy::time_of_note(note.valid_until_s)));
  }
  if (note.sharing != policy::Sharing::unmarked) {
    add(fmt::format("TLP:{}", to_string(note.sharing)));
  }
  return text;
}

/// The rule of a zone that decides within it: the winner, or the first that explain lists.
const Match* best_of_zone(const Decision& d, std::uint16_t zone) {
  const Match* first = nullptr;
  for (const Match& match : d.matches) {
    if (match.zone != zone) continue;
    if (match.winner) return &match;
    if (first == nullptr || (!first->is_valid && match.is_valid)) first = &match;
  }
  return first;
}

/// "; 1 of 3 votes (urlhaus, line 5), 2 needed": how a zone of votes came to what it says.
std::string votes_text(const Decision& d, const policy::Votes& votes) {
  std::string names;
  std::size_t count = 0;
  for (const std::uint16_t voter : votes.zones) {
    const Match* match = best_of_zone(d, voter);
    if (match == nullptr || !match->is_valid || match->action == policy::Action::pass) continue;
    ++count;
    names += fmt::format("{}{}{}", names.empty() ? "" : ", ", d.generation.zone(voter).name,
                         line_text(match->line));
  }
  const bool is_doubted = std::ranges::any_of(
      votes.doubts, [&](std::uint16_t zone) { return best_of_zone(d, zone) != nullptr; });
  const std::string needed = !is_doubted ? fmt::format("{} needed", votes.need)
                             : votes.doubt_need == 0
                                 ? std::string("and a name in doubt is never blocked")
                                 : fmt::format("{} needed of a name in doubt", votes.doubt_need);
  return fmt::format("; {} of {} votes{}, {}", count, votes.zones.size(),
                     names.empty() ? "" : fmt::format(" ({})", names), needed);
}

/// Zones that say the same thing are told in one step: there may be a thousand.
class ZoneRun {
 public:
  ZoneRun(JsonWriter& json, std::string_view outcome, std::string_view says)
      : json_(json), outcome_(outcome), says_(says) {}
  void add(std::string_view zone) {
    ++count_;
    if (count_ <= kNamed) names_ += fmt::format("{}{}", count_ == 1 ? "" : ", ", zone);
  }
  void end() {
    if (count_ == 0) return;
    if (count_ > kNamed) names_ += fmt::format(" and {} more", count_ - kNamed);
    write_step(json_, "zone", outcome_, names_.append(says_));
    count_ = 0;
    names_.clear();
  }

 private:
  static constexpr std::size_t kNamed = 8;
  JsonWriter& json_;
  std::string_view outcome_;
  std::string_view says_;
  std::size_t count_ = 0;
  std::string names_;
};

/// "exception 17 of root (uid 0), until 2026-03-02 08:00:00 UTC (a supplier): allow …".
std::string exception_text(const policy::Exception& exception) {
  std::string text =
      exception.id == 0 ? "a list of the configuration" : fmt::format("exception {}", exception.id);
  if (exception.id != 0) text += fmt::format(" of {}", exception.owner);
  if (exception.until) text += fmt::format(", until {}", to_the_second(*exception.until));
  if (!exception.reason.empty()) text += fmt::format(" ({})", exception.reason);
  return text + fmt::format(": {} {} for {}",
                            exception.action == policy::Action::pass ? "allow" : "block",
                            policy::pattern_text(exception.name, exception.scope),
                            policy::to_text(exception.audience));
}

void write_exception_steps(JsonWriter& json, const Decision& d) {
  const policy::ExceptionTable& table = d.in_force.exceptions();
  if (table.empty()) return;
  if (d.exceptions.empty()) {
    write_step(json, "exception", "no_match", "Exceptions: none is for this name and client.");
    return;
  }
  constexpr std::size_t kNamed = 8;
  for (std::size_t i = 0; i < std::min(d.exceptions.size(), kNamed); ++i) {
    std::string text = exception_text(table.at(d.exceptions[i]));
    text.front() = text.front() == 'a' ? 'A' : 'E';
    write_step(json, "exception", i == 0 ? "decided" : "not_asked",
               text + (i == 0 ? "." : "; one that is more specific decided."));
  }
}

void write_zone_steps(JsonWriter& json, const Decision& d) {
  ZoneRun silent(json, "no_match", ": no rule matches.");
  bool decided = policy::InForce::is_exception(d.verdict);
  ZoneRun unasked(
      json, "not_asked",
      decided ? ": not asked, an exception decided." : ": not asked, an earlier zone decided.");
  for (const std::uint16_t zone : d.generation.groups()[d.group].zones) {
    const policy::ZoneOptions& options = d.generation.zone(zone);
    if (decided) {
      unasked.add(options.name);
      continue;
    }
    const Match* match = best_of_zone(d, zone);
    if (match == nullptr && !options.votes) {
      silent.add(options.name);
      continue;
    }
    silent.end();
    const std::string votes = options.votes ? votes_text(d, *options.votes) : "";
    if (match == nullptr) {
      write_step(json, "zone", "no_match", options.name + ": no rule matches" + votes + ".");
      continue;
    }
    const std::string rule =
        fmt::format("{}: {}{}{} matches and says {}", options.name, Generation::rule_text(*match),
                    by_trigger(match->trigger), line_text(match->line), to_string(match->action));
    const std::string known = (match->note ? note_text(*match->note, d.question.now) : "") + votes;
    if (!match->is_valid) {
      write_step(json, "zone", "no_match",
                 rule + known + "; so it does not hold now, and this zone is silent.");
    } else if (options.pass_is_own && match->action == policy::Action::pass) {
      write_step(json, "zone", "no_match", rule + "; so this list is silent on the name.");
    } else if (options.log_only) {
      write_step(json, "zone", "observed",
                 rule + known + "; this zone only logs, so the next is asked.");
    } else {
      decided = true;
      write_step(json, "zone", "decided", rule + known + ".");
    }
  }
  silent.end();
  unasked.end();
}

/// "blocked by block (line 1): *.bad.example, which its answer led to".
std::string outcome_text(const event::Query& record) {
  std::string text(to_string(record.disposition));
  if (!record.zone.empty()) text += fmt::format(" by {}", record.zone.view());
  const bool by_exception = record.zone.view() == policy::kExceptionsName;
  text += by_exception ? fmt::format(" ({})", record.rule_line) : line_text(record.rule_line);
  if (record.has_matched) text += ": " + event::rule_text(record);
  if (record.matched_in_chain) text += ", which its answer led to";
  return text;
}

void write_record_step(JsonWriter& json, const Decision& d) {
  if (const auto& record = d.question.record) {
    write_step(
        json, "record", to_string(record->disposition),
        fmt::format("{} at {} by {} (trace {}): {}; answered with {} under generation {}.",
                    d.question.by_trace ? "Asked" : "Last asked", to_the_second(record->at),
                    record->client.to_text(), event::trace_text(record->trace_id),
                    outcome_text(*record), dns::to_string(record->rcode), record->generation));
  } else if (!d.verdict.blocks() && !d.verdict.allows() && !d.question.why_no_record.empty()) {
    write_step(json, "record", "not_asked", d.question.why_no_record);
  }
}

std::string blocked_text(const Decision& d) {
  const policy::Verdict& verdict = d.deciding();
  const policy::BlockPlan plan = d.in_force.plan(d.group, verdict);
  const policy::ZoneOptions& zone = d.in_force.zone(verdict);
  return fmt::format("answered with {}, TTL {} s, extended error {} ({}).", answer_text(plan),
                     zone.ttl_s, static_cast<unsigned>(zone.ede), to_string(zone.ede));
}

std::string_view led_to(policy::Trigger trigger) {
  switch (trigger) {
    case policy::Trigger::response_ip:
      return "an address in";
    case policy::Trigger::nsdname:
      return "servers under";
    case policy::Trigger::nsip:
      return "servers with addresses in";
    default:
      return "a name under";
  }
}

std::string result_text(const Decision& d) {
  const policy::Verdict& verdict = d.verdict;
  if (verdict.blocks()) return "Blocked: " + blocked_text(d);
  if (d.behind.matched) {
    return fmt::format(
        "Blocked through its answer, as long as that leads to {} the rule {} of {}: {}",
        led_to(d.behind.trigger), d.in_force.rule_text(d.behind), d.in_force.zone(d.behind).name,
        blocked_text(d));
  }
  if (verdict.allows()) return "Allowed by that rule: answered as the DNS says.";
  if (verdict.matched) return "Answered as the DNS says; recorded as what would have been decided.";
  return "No rule matches the name: answered as the DNS says, unless its answer leads to a name "
         "that is blocked.";
}

void write_steps(JsonWriter& json, const Decision& d) {
  json.key("steps").begin_array();
  if (d.question.by_trace) write_record_step(json, d);
  write_group_step(json, d);
  write_exception_steps(json, d);
  write_zone_steps(json, d);
  if (!d.question.by_trace) write_record_step(json, d);
  write_step(json, "result", disposition(d.deciding()), result_text(d));
  json.end_array();
}

void write_matched(JsonWriter& json, const Decision& d) {
  const policy::Verdict& verdict = d.deciding();
  const std::uint32_t line = policy::InForce::is_exception(verdict) ? 0 : d.in_force.line(verdict);
  json.field("action", to_string(verdict.action));
  json.field("zone", d.in_force.zone(verdict).name);
  json.field("rule", d.in_force.rule_text(verdict));
  json.field("trigger", to_string(verdict.trigger));
  if (line == 0) {
    json.key("line").null();
  } else {
    json.field("line", line);
  }
}

void write_verdict(JsonWriter& json, const Decision& d) {
  const policy::Verdict& verdict = d.deciding();
  json.key("verdict").begin_object();
  json.field("disposition", disposition(verdict)).field("in_chain", d.behind.matched);
  if (verdict.matched) {
    write_matched(json, d);
  } else {
    for (const std::string_view key : {"action", "zone", "rule", "trigger", "line"})
      json.key(key).null();
  }
  if (verdict.blocks()) {
    const policy::ZoneOptions& zone = d.in_force.zone(verdict);
    json.field("answer", answer_text(d.in_force.plan(d.group, verdict)));
    json.field("ttl", zone.ttl_s);
    json.field("ede", static_cast<unsigned>(zone.ede));
  } else {
    for (const std::string_view key : {"answer", "ttl", "ede"}) json.key(key).null();
  }
  json.end_object();
}

void write_time_or_null(JsonWriter& json, std::string_view key, std::uint32_t at_s) {
  json.key(key);
  if (at_s == 0) {
    json.null();
  } else {
    json.string(event::to_rfc3339(policy::time_of_note(at_s)));
  }
}

void write_note(JsonWriter& json, const policy::RuleNote& note) {
  json.key("confidence");
  if (note.confidence == policy::RuleNote::kNoConfidence) {
    json.null();
  } else {
    json.number(static_cast<unsigned>(note.confidence));
  }
  write_time_or_null(json, "first_seen", note.seen_here != 0 ? 0 : note.first_seen_s);
  write_time_or_null(json, "listed_since", note.seen_here != 0 ? note.first_seen_s : 0);
  write_time_or_null(json, "valid_from", note.valid_from_s);
  write_time_or_null(json, "valid_until", note.valid_until_s);
  json.key("tlp");
  if (note.sharing == policy::Sharing::unmarked) {
    json.null();
  } else {
    json.string(to_string(note.sharing));
  }
}

void write_match(JsonWriter& json, const Decision& d, const Match& match, bool in_chain) {
  json.begin_object();
  json.field("zone", d.generation.zone(match.zone).name);
  json.field("rule", Generation::rule_text(match)).field("trigger", to_string(match.trigger));
  json.key("line");
  if (match.line == 0) {
    json.null();
  } else {
    json.number(match.line);
  }
  json.field("action", to_string(match.action));
  json.field("in_group", match.in_group).field("winner", match.winner);
  json.field("in_chain", in_chain).field("valid", match.is_valid);
  write_note(json, match.note.value_or(policy::RuleNote{}));
  json.end_object();
}

void write_exception_in_force(JsonWriter& json, const Decision& d) {
  json.key("exception");
  if (policy::InForce::is_exception(d.deciding())) {
    write_exception(json, d.in_force.exceptions().at(d.deciding().rule));
  } else {
    json.null();
  }
}

void write_matches(JsonWriter& json, const Decision& d) {
  json.key("matches").begin_array();
  for (const Match& match : d.matches) write_match(json, d, match, false);
  for (const Match& match : d.matches_behind) write_match(json, d, match, true);
  json.end_array();
}

void write_record(JsonWriter& json, const ExplainQuestion& question) {
  json.key("record");
  if (!question.record) {
    json.null();
    return;
  }
  json.begin_object();
  event::write_query_fields(json, *question.record);
  json.end_object();
}

}  // namespace

std::uint16_t group_of(const policy::InForce& in_force, const ExplainQuestion& question) {
  const Generation& generation = in_force.generation();
  if (question.by_trace) {
    const auto group = generation.group_named(question.record->group.view());
    if (group) return *group;
  }
  if (question.client) return in_force.own_group_of(*question.client, question.said);
  std::optional<std::uint16_t> group;
  if (question.said.id) group = generation.group_of(*question.said.id);
  if (!group && question.said.device) group = generation.group_of(*question.said.device);
  return group.value_or(0);
}

std::string explain_json(const policy::InForce& in_force, const ExplainQuestion& question) {
  const Generation& generation = in_force.generation();
  const Decision d = decide(in_force, question);
  JsonWriter json;
  json.begin_object();
  json.field("name", question.name.to_display());
  json.field("type", dns::to_string(question.type));
  json.key("client");
  if (question.client) {
    json.string(question.client->to_text());
  } else {
    json.null();
  }
  json.key("trace");
  if (question.by_trace) {
    json.string(event::trace_text(question.record->trace_id));
  } else {
    json.null();
  }
  json.field("group", generation.groups()[d.group].name);
  json.field("generation", generation.number());
  write_verdict(json, d);
  write_exception_in_force(json, d);
  write_steps(json, d);
  write_matches(json, d);
  write_record(json, question);
  json.end_object();
  return std::move(json).take();
}

}  // namespace postern::api
