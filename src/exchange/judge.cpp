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

Result<RuleSet> RuleSet::compile(RuleBook book) {
  auto kept = std::make_unique<const RuleBook>(std::move(book));
  Numbers numbers;
  std::vector<Plan> plans(kept->rules.size());
  std::vector<Clause> firsts(kept->rules.size());
  std::vector<std::vector<std::uint32_t>> unfiltered(kSourceCount);
  for (std::uint32_t i = 0; i < plans.size(); ++i) {
    const RowRule& rule = kept->rules[i];
    for (const NeededText& needed : needed_text(rule.when, kept->fields)) {
      Clause clause;
      for (const std::string& pattern : needed.patterns) clause.push_back(numbers.of(pattern));
      plans[i].clauses.push_back(std::move(clause));
    }
    if (!plans[i].clauses.empty()) {
      firsts[i] = std::move(plans[i].clauses.front());
      plans[i].clauses.erase(plans[i].clauses.begin());
      continue;
    }
    for (std::size_t s = 0; s < kSourceCount; ++s) {
      if (has(rule.sources, static_cast<Source>(s))) unfiltered[s].push_back(i);
    }
  }
  Prefilter prefilter = POSTERN_TRY(Prefilter::compile(numbers.patterns()));
  RuleSet out(std::move(kept), std::move(prefilter));
  out.plans_ = std::move(plans);
  out.unfiltered_ = std::move(unfiltered);
  out.by_pattern_.resize(numbers.patterns().size());
  for (std::uint32_t i = 0; i < firsts.size(); ++i) {
    for (const std::uint32_t pattern : firsts[i]) {
      std::vector<std::uint32_t>& rules = out.by_pattern_[pattern];
      if (rules.empty() || rules.back() != i) rules.push_back(i);
    }
  }
  return out;
}

std::vector<std::size_t> RuleSet::unfiltered() const {
  std::vector<std::size_t> all;
  for (const auto& rules : unfiltered_) all.insert(all.end(), rules.begin(), rules.end());
  std::ranges::sort(all);
  const auto rest = std::ranges::unique(all);
  all.erase(rest.begin(), rest.end());
  return all;
}

Result<std::unique_ptr<RowJudge>> RowJudge::make(const RuleSet& rules,
                                                 const Surroundings& surroundings, HitSink& sink) {
  Prefilter::Eye eye = POSTERN_TRY(rules.prefilter_.eye());
  return std::unique_ptr<RowJudge>(new RowJudge(rules, surroundings, sink, std::move(eye)));
}

RowJudge::RowJudge(const RuleSet& rules, const Surroundings& surroundings, HitSink& sink,
                   Prefilter::Eye eye)
    : rules_(rules),
      surroundings_(surroundings),
      sink_(sink),
      eye_(std::move(eye)),
      fields_(rules.book().fields),
      is_met_(rules.by_pattern_.size()),
      is_turned_(rules.plans_.size()) {}

void RowJudge::begin_file() {
  fields_.forget();
  on_text({});
}

void RowJudge::on_text(std::string_view text) {
  ahead_ = text;
  looked_ = text.data();
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
    eye_.look(ahead_.substr(0, size), hits_);
    next_hit_ = 0;
    ahead_.remove_prefix(size);
  }
}

// The patterns that were met in the row; those before it were in lines that are no rows.
void RowJudge::take_hits(const Row& row) {
  met_.clear();
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
    if (!met_.empty() || !rules_.unfiltered_[static_cast<std::size_t>(row.source())].empty()) {
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
  const Source source = row.source();
  for (const std::uint32_t pattern : met_) {
    for (const std::uint32_t rule : rules_.by_pattern_[pattern]) {
      if (is_turned_[rule] || !has(rules_.book().rules[rule].sources, source)) continue;
      if (!may_hold(rule)) continue;
      is_turned_[rule] = true;
      turned_.push_back(rule);
    }
  }
  for (const std::uint32_t pattern : met_) is_met_[pattern] = false;
  const auto& always = rules_.unfiltered_[static_cast<std::size_t>(source)];
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
  return std::ranges::all_of(rules_.plans_[index].clauses, [&](const RuleSet::Clause& clause) {
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
