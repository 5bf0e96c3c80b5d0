#include "api/explain.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "event/json_writer.h"
#include "event/time_text.h"

namespace postern::api {
namespace {

using event::JsonWriter;
using policy::Generation;
using policy::Match;

/// All that the answer is made from.
struct Decision {
  const Generation& generation;
  const ExplainQuestion& question;
  std::uint16_t group = 0;
  std::optional<IpPrefix> prefix;  ///< That put the client into the group.
  policy::Verdict verdict;
  std::vector<Match> matches;
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

Decision decide(const Generation& generation, const ExplainQuestion& question) {
  Decision d{generation, question, 0, std::nullopt, {}, {}};
  if (question.client) {
    d.group = generation.group_of(*question.client);
    d.prefix = prefix_of(generation.groups()[d.group], *question.client);
  }
  d.verdict = generation.decide(d.group, question.name);
  d.matches = generation.explain(d.group, question.name);
  return d;
}

std::string owner_text(const dns::Name& owner, policy::Scope scope) {
  const std::string name = owner.to_display();
  switch (scope) {
    case policy::Scope::exact:
      return name;
    case policy::Scope::below:
      return owner.is_root() ? "*" : "*." + name;
    case policy::Scope::at_and_below:
      return name + " and below";
  }
  return name;
}

std::string line_text(std::uint32_t line) {
  return line == 0 ? std::string() : fmt::format(" (line {})", line);
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

void write_group_step(JsonWriter& json, const Decision& d) {
  const policy::Group& group = d.generation.groups()[d.group];
  std::string text;
  if (!d.question.client) {
    text =
        fmt::format("No client was named: the group \"{}\", for clients in no other.", group.name);
  } else if (d.prefix) {
    text = fmt::format("{} is in the group \"{}\" by the prefix {}.", d.question.client->to_text(),
                       group.name, d.prefix->to_text());
  } else {
    text = fmt::format("{} is in no group's prefixes: the group \"{}\".",
                       d.question.client->to_text(), group.name);
  }
  write_step(json, "group", "chosen", text);
  write_step(json, "generation", "chosen",
             fmt::format("Generation {} of {}: {} rules in {} zones, {} of them in force for this "
                         "group.",
                         d.generation.number(), to_the_second(d.generation.built_at()),
                         d.generation.rule_count(), d.generation.zone_count(), group.zones.size()));
}

/// The rule of a zone that decides within it: the winner, or the first that explain lists.
const Match* best_of_zone(const Decision& d, std::uint16_t zone) {
  const Match* first = nullptr;
  for (const Match& match : d.matches) {
    if (match.zone != zone) continue;
    if (match.winner) return &match;
    if (first == nullptr) first = &match;
  }
  return first;
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

void write_zone_steps(JsonWriter& json, const Decision& d) {
  ZoneRun silent(json, "no_match", ": no rule matches.");
  ZoneRun unasked(json, "not_asked", ": not asked, an earlier zone decided.");
  bool decided = false;
  for (const std::uint16_t zone : d.generation.groups()[d.group].zones) {
    const policy::ZoneOptions& options = d.generation.zone(zone);
    if (decided) {
      unasked.add(options.name);
      continue;
    }
    const Match* match = best_of_zone(d, zone);
    if (match == nullptr) {
      silent.add(options.name);
      continue;
    }
    silent.end();
    const std::string rule = fmt::format("{}: {}{} matches and says {}", options.name,
                                         owner_text(match->owner, match->scope),
                                         line_text(match->line), to_string(match->action));
    if (options.log_only) {
      write_step(json, "zone", "observed", rule + "; this zone only logs, so the next is asked.");
    } else {
      decided = true;
      write_step(json, "zone", "decided", rule + ".");
    }
  }
  silent.end();
  unasked.end();
}

std::string result_text(const Decision& d) {
  const policy::Verdict& verdict = d.verdict;
  if (verdict.blocks()) {
    const policy::BlockPlan plan = d.generation.plan(d.group, verdict);
    const policy::ZoneOptions& zone = d.generation.zone(verdict.zone);
    return fmt::format("Blocked: answered with {}, TTL {} s, extended error {} ({}).",
                       answer_text(plan), zone.ttl_s, static_cast<unsigned>(zone.ede),
                       to_string(zone.ede));
  }
  if (verdict.allows()) return "Allowed by that rule: answered as the DNS says.";
  if (verdict.matched) return "Answered as the DNS says; recorded as what would have been decided.";
  return "No rule matches: answered as the DNS says. (A name that its answer leads to is decided "
         "on "
         "by itself.)";
}

void write_steps(JsonWriter& json, const Decision& d) {
  json.key("steps").begin_array();
  write_group_step(json, d);
  write_zone_steps(json, d);
  write_step(json, "result", disposition(d.verdict), result_text(d));
  json.end_array();
}

void write_matched(JsonWriter& json, const Decision& d) {
  const policy::Verdict& verdict = d.verdict;
  const std::uint32_t line = d.generation.rules(verdict.zone).line_at(verdict.rule);
  json.field("action", to_string(verdict.action));
  json.field("zone", d.generation.zone(verdict.zone).name);
  json.field("rule", d.generation.rule_text(verdict));
  if (line == 0) {
    json.key("line").null();
  } else {
    json.field("line", line);
  }
}

void write_verdict(JsonWriter& json, const Decision& d) {
  json.key("verdict").begin_object();
  json.field("disposition", disposition(d.verdict));
  if (d.verdict.matched) {
    write_matched(json, d);
  } else {
    for (const std::string_view key : {"action", "zone", "rule", "line"}) json.key(key).null();
  }
  if (d.verdict.blocks()) {
    const policy::ZoneOptions& zone = d.generation.zone(d.verdict.zone);
    json.field("answer", answer_text(d.generation.plan(d.group, d.verdict)));
    json.field("ttl", zone.ttl_s);
    json.field("ede", static_cast<unsigned>(zone.ede));
  } else {
    for (const std::string_view key : {"answer", "ttl", "ede"}) json.key(key).null();
  }
  json.end_object();
}

void write_matches(JsonWriter& json, const Decision& d) {
  json.key("matches").begin_array();
  for (const Match& match : d.matches) {
    json.begin_object();
    json.field("zone", d.generation.zone(match.zone).name);
    json.field("rule", owner_text(match.owner, match.scope));
    json.key("line");
    if (match.line == 0) {
      json.null();
    } else {
      json.number(match.line);
    }
    json.field("action", to_string(match.action));
    json.field("in_group", match.in_group).field("winner", match.winner);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string explain_json(const Generation& generation, const ExplainQuestion& question) {
  const Decision d = decide(generation, question);
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
  json.field("group", generation.groups()[d.group].name);
  json.field("generation", generation.number());
  write_verdict(json, d);
  write_steps(json, d);
  write_matches(json, d);
  json.end_object();
  return std::move(json).take();
}

}  // namespace postern::api
