// Judge: all rules of a book over all rows, in one pass.
//
// `RuleSet` is what a book becomes, made once. `RowJudge` reads rows (it is a RowSink) and tells a
// HitSink what it found. Most rows are only looked over for words, many at a time; few are asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/finding.h"
#include "exchange/log_reader.h"
#include "exchange/prefilter.h"
#include "exchange/rule.h"

namespace postern::exchange {

/// The rules of a book, ready. Immutable; may be read from any thread.
class RuleSet {
 public:
  static Result<RuleSet> compile(RuleBook book);

  const RuleBook& book() const { return *book_; }
  /// The rules that no word in the row's text can rule out: each row of their sources is asked.
  std::vector<std::size_t> unfiltered() const;

 private:
  friend class RowJudge;

  /// What one of whose patterns must have been met.
  using Clause = std::vector<std::uint32_t>;
  struct Plan {
    std::vector<Clause> clauses;  ///< All but the first, which `by_pattern` holds.
  };
  /// The rules on rows of one source: words of events are not looked for in the logs of a web
  /// server, where they are everywhere.
  struct OfSource {
    Prefilter prefilter;
    std::vector<Plan> plans;                             ///< Of each rule of the book.
    std::vector<std::vector<std::uint32_t>> by_pattern;  ///< Rules by their first clause.
    std::vector<std::uint32_t> unfiltered;
  };

  explicit RuleSet(std::unique_ptr<const RuleBook> book) : book_(std::move(book)) {}
  static Result<OfSource> compile_for(Source source, const RuleBook& book);

  std::unique_ptr<const RuleBook> book_;  ///< Has an address that stays.
  std::vector<OfSource> of_sources_;      ///< By Source.
};

/// A rule that a row hit.
struct Hit {
  const RowRule* rule = nullptr;
  std::size_t rule_index = 0;
  const Row* row = nullptr;
  Tier tier{};
  int confidence = 0;
  RowFields* fields = nullptr;  ///< Of the row; for `finding_of`.
};

/// Who wants the hits. A hostile log can hold as many as lines: who keeps them sets a bound.
class HitSink {
 public:
  HitSink() = default;
  HitSink(const HitSink&) = delete;
  HitSink& operator=(const HitSink&) = delete;
  virtual ~HitSink() = default;

  /// Views of the row live until the call returns.
  virtual void on_hit(const Hit& hit) = 0;
};

struct JudgeStats {
  std::uint64_t rows = 0;
  std::uint64_t asked = 0;  ///< Rows of which some rule's condition was tried.
  std::uint64_t tried = 0;  ///< Conditions that were.
  std::uint64_t hits = 0;
};

/// Not for two threads at once; each thread has its own.
class RowJudge final : public RowSink {
 public:
  /// All must outlive it. `surroundings` says what no row does.
  static Result<std::unique_ptr<RowJudge>> make(const RuleSet& rules,
                                                const Surroundings& surroundings, HitSink& sink);

  /// Before the rows of another reader.
  void begin_file();
  void on_text(std::string_view text) override;
  void on_row(const Row& row) override;

  const JudgeStats& stats() const { return stats_; }

 private:
  RowJudge(const RuleSet& rules, const Surroundings& surroundings, HitSink& sink,
           std::vector<Prefilter::Eye> eyes);

  const RuleSet::OfSource& of_source() const;
  void turn_to(const Row& row);
  void look_until(const char* end);
  void take_hits(const Row& row);
  std::string_view join(const Row& row);
  void ask(const Row& row, std::string_view text);
  void try_rule(std::uint32_t index);
  bool may_hold(std::uint32_t index) const;

  const RuleSet& rules_;
  const Surroundings& surroundings_;
  HitSink& sink_;
  std::vector<Prefilter::Eye> eyes_;  ///< By Source.
  RowFields fields_;
  JudgeStats stats_;

  Source source_{};                   ///< What the text was looked at for.
  std::string_view ahead_;            ///< Text that was not looked at yet.
  const char* looked_ = nullptr;      ///< Where the slice that was looked at begins.
  const char* looked_end_ = nullptr;  ///< Where all of the text ends.
  std::vector<Prefilter::Hit> hits_;
  std::size_t next_hit_ = 0;
  std::vector<std::uint32_t> met_;     ///< The patterns in this row.
  std::vector<bool> is_met_;           ///< The same by number.
  std::vector<std::uint32_t> turned_;  ///< Rules to try.
  std::vector<bool> is_turned_;
  std::string joined_;
};

/// The finding that a hit is. `path` is the log's. Values are cut at kMaxShownOctets.
inline constexpr std::size_t kMaxShownOctets = 2'048;
Finding finding_of(const Hit& hit, std::string_view path);

}  // namespace postern::exchange
