// What stands in logs: rows that rules hit, days that are covered, and what chains are made of.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/chain.h"
#include "exchange/judge.h"
#include "exchange/log_coverage.h"
#include "exchange/report.h"
#include "exchange/traffic.h"
#include "exchange/traffic_findings.h"
#include "host/examiner.h"

namespace postern::host {

/// Reads logs and event logs, packed ones too, and judges their rows.
///
/// Of a rule's hits by one actor the first kKeptHits in a log become findings, and the last of them
/// says how many more there were: so a flood hides nobody else. What becomes of rows beyond the one
/// file (chains, coverage, traffic) is in the facts, which the next sweep has without reading the
/// log again.
class LogExaminers final : public ExaminerFactory {
 public:
  static constexpr std::size_t kKeptHits = 25;
  static constexpr std::size_t kMaxFindings = 20'000;  ///< Of one log; the others are counted.
  static constexpr std::size_t kMaxChainHits = 50'000;

  /// `rules` must outlive it and what is made.
  explicit LogExaminers(const exchange::RuleSet& rules) : rules_(rules) {}

  bool wants(FileKind kind, std::string_view placed, std::uint64_t size) const override;
  Result<std::unique_ptr<Examiner>> make() const override;

 private:
  const exchange::RuleSet& rules_;
};

/// Puts the facts of logs together, in any order of files.
class LogStory {
 public:
  /// `rules`: those that the facts were made with.
  explicit LogStory(const exchange::RuleSet& rules);

  /// Facts that are of no log are passed over.
  void take(const std::vector<exchange::Detail>& facts);
  void take(const exchange::Detail& fact);

  /// The log that a fact is of, be it in an archive; nothing where it is of none.
  static std::optional<std::string_view> path_of(const exchange::Detail& fact);

  const exchange::LogCoverage& coverage() const { return coverage_; }
  const std::vector<exchange::ReadLog>& logs() const { return logs_; }
  /// Whether there was no room for all of their traffic.
  bool is_traffic_cut() const { return traffic_.is_cut(); }
  /// What the hits and the traffic of all logs are together.
  std::vector<exchange::Finding> findings(const exchange::PageOnDisk& on_disk) const;

 private:
  void take_hit(std::string_view fact);

  const exchange::RuleSet& rules_;
  exchange::LogCoverage coverage_;
  std::vector<exchange::ReadLog> logs_;
  exchange::Chains chains_;
  exchange::TrafficFacts traffic_;
};

}  // namespace postern::host
