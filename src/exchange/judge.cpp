#include "exchange/judge.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>

#include "exchange/needed_text.h"

namespace postern::exchange {
namespace {

// Text is looked through in slices that stay in the processor's cache.
constexpr std::size_t kSliceOctets = 128 * 1024;

/// Numbers for patterns, each one once.
class Numbers {
 public:
  std::uint32_t of(const std::string& pattern) {
    const auto [at, is_new] =
        numbers_.try_emplace(pattern, static_cast<std::uint32_t>(patterns_.size()));
    if (is_new) patterns_.push_back(pattern);
    return at->second;
  }
  const std::vector<std::string>& patterns() const { return patterns_; }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::string> patterns_;
};

std::string cut(std::string_view text) {
  return std::string(text.substr(0, kMaxShownOctets));
}

}  // namespace

Result<RuleSet::OfSource> RuleSet::compile_for(Source source, const RuleBook& book) {
  Numbers numbers;
  std::vector<Plan> plans(book.rules.size());
  std::vector<Clause> firsts(book.rules.size());
  std::vector<std::uint32_t> unfiltered;
  for (std::uint32_t i = 0; i < plans.size(); ++i) {
    const RowRule& rule = book.rules[i];
    if (!has(rule.sources, source)) continue;
    for (const NeededText& needed : needed_text(rule.when, book.fields)) {
      Clause clause;
      for (const std::string& pattern : needed.patterns) clause.push_back(numbers.of(pattern));
      plans[i].clauses.push_back(std::move(clause));
    }
    if (plans[i].clauses.empty()) {
      unfiltered.push_back(i);
      continue;
    }
    firsts[i] = std::move(plans[i].clauses.front());
    plans[i].clauses.erase(plans[i].clauses.begin());
  }
  OfSource out{POSTERN_TRY(Prefilter::compile(numbers.patterns())),
               std::move(plans),
               {},
               std::move(unfiltered)};
  out.by_pattern.resize(numbers.patterns().size());
  for (std::uint32_t i = 0; i < firsts.size(); ++i) {
    for (const std::uint32_t pattern : firsts[i]) {
      std::vector<std::uint32_t>& rules = out.by_pattern[pattern];
      if (rules.empty() || rules.back() != i) rules.push_back(i);
    }
  }
  return out;
}

Result<RuleSet> RuleSet::compile(RuleBook book) {
  RuleSet out(std::make_unique<const RuleBook>(std::move(book)));
  for (std::size_t s = 0; s < kSourceCount; ++s) {
    out.of_sources_.push_back(POSTERN_TRY(compile_for(static_cast<Source>(s), *out.book_)));
  }
  return out;
}

std::vector<std::size_t> RuleSet::unfiltered() const {
  std::vector<std::size_t> all;
  for (const OfSource& one : of_sources_) {
    all.insert(all.end(), one.unfiltered.begin(), one.unfiltered.end());
  }
  std::ranges::sort(all);
  const auto rest = std::ranges::unique(all);
  all.erase(rest.begin(), rest.end());
  return all;
}

Result<std::unique_ptr<RowJudge>> RowJudge::make(const RuleSet& rules,
                                                 const Surroundings& surroundings, HitSink& sink) {
  std::vector<Prefilter::Eye> eyes;
  for (const RuleSet::OfSource& one : rules.of_sources_) {
    eyes.push_back(POSTERN_TRY(one.prefilter.eye()));
  }
  return std::unique_ptr<RowJudge>(new RowJudge(rules, surroundings, sink, std::move(eyes)));
}

RowJudge::RowJudge(const RuleSet& rules, const Surroundings& surroundings, HitSink& sink,
                   std::vector<Prefilter::Eye> eyes)
    : rules_(rules),
      surroundings_(surroundings),
      sink_(sink),
      eyes_(std::move(eyes)),
      fields_(rules.book().fields),
      is_turned_(rules.book().rules.size()) {
  std::size_t patterns = 0;
  for (const RuleSet::OfSource& one : rules.of_sources_) {
    patterns = std::max(patterns, one.by_pattern.size());
  }
  is_met_.resize(patterns);
}

const RuleSet::OfSource& RowJudge::of_source() const {
  return rules_.of_sources_[static_cast<std::size_t>(source_)];
}

// A log whose header changes may change its kind: what was looked at for another is looked at
// again.
void RowJudge::turn_to(const Row& row) {
  if (row.source() == source_) return;
  source_ = row.source();
  const char* const end = ahead_.empty() ? looked_end_ : ahead_.data() + ahead_.size();
  hits_.clear();
  next_hit_ = 0;
  if (end != nullptr) {
    ahead_ = {row.text.data(), static_cast<std::size_t>(end - row.text.data())};
  }
}

void RowJudge::begin_file() {
  fields_.forget();
  on_text({});
}

void RowJudge::on_text(std::string_view text) {
  ahead_ = text;
  looked_ = text.data();
  looked_end_ = text.data() + text.size();
  hits_.clear();
  next_hit_ = 0;
}

// Looks ahead, in slices of whole lines, until `end` was looked at.
void RowJudge::look_until(const char* end) {
  const std::less<const char*> before;
  while (!ahead_.empty() && before(ahead_.data(), end)) {
    std::size_t size = std::min(kSliceOctets, ahead_.size());
    size = std::max(size, static_cast<std::size_t>(end - ahead_.data()));
    const std::size_t line_end = ahead_.find('\n', size - 1);
    size = line_end == std::string_view::npos ? ahead_.size() : line_end + 1;
    looked_ = ahead_.data();
    eyes_[static_cast<std::size_t>(source_)].look(ahead_.substr(0, size), hits_);
    next_hit_ = 0;
    ahead_.remove_prefix(size);
  }
}

// The patterns that were met in the row; those before it were in lines that are no rows.
void RowJudge::take_hits(const Row& row) {
  met_.clear();
  turn_to(row);
  look_until(row.text.data() + row.text.size());
  if (next_hit_ == hits_.size()) return;
  const auto begin = static_cast<std::size_t>(row.text.data() - looked_);
  // A pattern may take the line's end with it.
  const std::size_t end = begin + row.text.size() + 1;
  while (next_hit_ < hits_.size() && hits_[next_hit_].end <= begin) ++next_hit_;
  for (; next_hit_ < hits_.size() && hits_[next_hit_].end <= end; ++next_hit_) {
    const std::uint32_t pattern = hits_[next_hit_].pattern;
    if (is_met_[pattern]) continue;
    is_met_[pattern] = true;
    met_.push_back(pattern);
  }
}

// Of an event: all its values, a line each.
std::string_view RowJudge::join(const Row& row) {
  joined_.clear();
  for (const std::string_view value : row.values) joined_.append(value).append("\n");
  on_text(joined_);
  return joined_;
}

void RowJudge::on_row(const Row& row) {
  ++stats_.rows;
  if (row.source() != Source::event) {
    take_hits(row);
    if (!met_.empty() || !of_source().unfiltered.empty()) {
      ask(row, row.text);
    }
    return;
  }
  const std::string_view text = join(row);
  Row all = row;
  all.text = text;
  take_hits(all);
  ask(row, text);
}

void RowJudge::ask(const Row& row, std::string_view text) {
  for (const std::uint32_t pattern : met_) {
    for (const std::uint32_t rule : of_source().by_pattern[pattern]) {
      if (is_turned_[rule] || !may_hold(rule)) continue;
      is_turned_[rule] = true;
      turned_.push_back(rule);
    }
  }
  for (const std::uint32_t pattern : met_) is_met_[pattern] = false;
  const auto& always = of_source().unfiltered;
  if (turned_.empty() && always.empty()) return;
  ++stats_.asked;
  fields_.set(row, text);
  // In the book's order, so that findings come in the same order each time.
  std::ranges::sort(turned_);
  for (const std::uint32_t rule : turned_) {
    is_turned_[rule] = false;
    try_rule(rule);
  }
  turned_.clear();
  for (const std::uint32_t rule : always) try_rule(rule);
}

bool RowJudge::may_hold(std::uint32_t index) const {
  return std::ranges::all_of(of_source().plans[index].clauses, [&](const RuleSet::Clause& clause) {
    return std::ranges::any_of(clause, [&](std::uint32_t pattern) { return is_met_[pattern]; });
  });
}

void RowJudge::try_rule(std::uint32_t index) {
  const RowRule& rule = rules_.book().rules[index];
  ++stats_.tried;
  if (!holds(rule.when, fields_, surroundings_)) return;
  const auto grade = std::ranges::find_if(rule.grades, [&](const Grade& g) {
    return !g.when || holds(*g.when, fields_, surroundings_);
  });
  if (grade == rule.grades.end()) return;
  int confidence = grade->confidence;
  for (const Addition& addition : rule.additions) {
    if (holds(addition.when, fields_, surroundings_)) confidence += addition.confidence;
  }
  ++stats_.hits;
  sink_.on_hit(
      {&rule, index, &fields_.row(), grade->tier, std::clamp(confidence, 0, 100), &fields_});
}

Finding finding_of(const Hit& hit, std::string_view path) {
  const RowRule& rule = *hit.rule;
  Finding out;
  out.rule = rule.id;
  out.title = rule.title;
  out.tier = hit.tier;
  out.confidence = hit.confidence;
  out.attack = rule.attack;
  out.cve = rule.cve;
  out.at = hit.row->at();
  out.place = {std::string(path), hit.row->line, hit.row->record, hit.row->offset};
  if (rule.actor) out.actor = cut(hit.fields->get(*rule.actor));
  for (const Shown& shown : rule.shown) {
    std::string_view value = hit.fields->get(shown.field);
    if (shown.part) value = shown.part->find_in(value).value_or(std::string_view{});
    if (!value.empty()) out.details.push_back({shown.name, cut(value)});
  }
  out.author = rule.author;
  return out;
}

}  // namespace postern::exchange
