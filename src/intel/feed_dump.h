// For tests: what a reader made of a text, as short text.
#pragma once

#include <string>

#include <fmt/format.h>

#include "dns/rdata.h"
#include "intel/format.h"

namespace postern::intel {

inline std::string dump_scope(policy::Scope scope) {
  switch (scope) {
    case policy::Scope::exact:
      return "";
    case policy::Scope::below:
      return "*.";
    case policy::Scope::at_and_below:
      return "**.";
  }
  return "?";
}

inline std::string dump_rank(policy::Rank rank) {
  switch (rank) {
    case policy::Rank::important_pass:
      return " important_pass";
    case policy::Rank::important_block:
      return " important_block";
    case policy::Rank::pass:
      return " rank_pass";
    case policy::Rank::normal:
      return "";
  }
  return "?";
}

/// "" for names asked for, "nsdname:ns.a.example" and "nsip:192.0.2.0/24" for all else.
inline std::string dump_owner(const policy::Rule& rule) {
  std::string out;
  if (rule.trigger != policy::Trigger::qname) {
    out = fmt::format("{}:", policy::to_string(rule.trigger));
  }
  if (policy::has_prefix(rule.trigger)) return out + rule.prefix.to_text();
  return out + dump_scope(rule.scope) + rule.name.to_display();
}

/// "1 block a.example": line, action, trigger, name ("**." name and below, "*." below), rank,
/// records.
inline std::string dump_rule(const policy::ZoneRules& rules, std::size_t index) {
  const policy::Rule rule = rules.at(index);
  std::string out = fmt::format("{} {} {}{}", rule.line, policy::to_string(rule.action),
                                dump_owner(rule), dump_rank(rule.rank));
  if (rule.action != policy::Action::local_data) return out;
  for (const policy::LocalRecord& record : rules.local_data(rule.data)) {
    out += fmt::format(" [{} {}]", dns::to_string(record.type),
                       dns::rdata_to_text(record.type, record.rdata));
  }
  return out;
}

/// All rules and all skipped lines, one a line; or "error: " and the text.
inline std::string dump_feed(const Result<FeedContent>& feed) {
  if (!feed) return "error: " + feed.error().text;
  std::string out;
  for (std::size_t i = 0; i < feed->rules.size(); ++i) out += dump_rule(feed->rules, i) + "\n";
  for (const SkippedLine& skipped : feed->skipped) {
    out += fmt::format("{} skipped: {}\n", skipped.line, skipped.text);
  }
  return out;
}

}  // namespace postern::intel
