#include "policy/comparison.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <utility>

namespace postern::policy {
namespace {

/// More clients, then more queries, is more used.
std::uint64_t use_of(const AskedName& asked) {
  return std::uint64_t{asked.clients.count()} << 32 | asked.queries;
}

/// The place of each name among those in use.
class Ranking {
 public:
  void add(std::uint64_t use) { uses_.push_back(use); }
  void finish() { std::ranges::sort(uses_, std::greater()); }
  std::uint32_t rank(std::uint64_t use) const {
    const auto at = std::ranges::lower_bound(uses_, use, std::greater());
    return static_cast<std::uint32_t>(at - uses_.begin()) + 1;
  }

 private:
  std::vector<std::uint64_t> uses_;
};

std::optional<std::uint16_t> zone_named(const Generation& generation, std::string_view name) {
  for (std::size_t zone = 0; zone < generation.zone_count(); ++zone) {
    const auto index = static_cast<std::uint16_t>(zone);
    if (generation.zone(index).name == name) return index;
  }
  return std::nullopt;
}

/// Whether a zone has the very same rule.
class RuleFinder {
 public:
  RuleFinder(const Generation& in, std::uint16_t image_zone, const RuleImage& other)
      : image_(&in.image()), zone_(image_zone), other_(&other) {}

  bool has(const Posting& posting, const Rule& rule) const {
    return has_prefix(rule.trigger) ? has_prefix_rule(posting, rule) : has_name_rule(posting, rule);
  }

 private:
  bool is_same(const Posting& ours, const Posting& theirs) const {
    if (ours.zone != zone_ || ours.scope != theirs.scope || ours.action != theirs.action ||
        ours.rank != theirs.rank) {
      return false;
    }
    return ours.action != Action::local_data ||
           image_->local_data(ours.data) == other_->local_data(theirs.data);
  }

  bool has_name_rule(const Posting& posting, const Rule& rule) const {
    const NameTable& table = image_->names(rule.trigger);
    NameTable::Owners owners;
    table.find(rule.name, owners);
    for (std::size_t i = 0; i < owners.count; ++i) {
      if (!owners.items[i].whole) continue;
      Postings all = table.postings(owners.items[i]);
      for (Posting ours; all.next(ours);) {
        if (is_same(ours, posting)) return true;
        for (const image::Shadowed& shadowed : table.shadowed(ours.at)) {
          if (is_same(table.posting_of(shadowed), posting)) return true;
        }
      }
    }
    return false;
  }

  bool has_prefix_rule(const Posting& posting, const Rule& rule) const {
    const PrefixTable& table = image_->prefixes(rule.trigger);
    PrefixTable::Found found;
    table.find(rule.prefix.address(), found);
    for (std::size_t i = 0; i < found.count; ++i) {
      const PrefixTable::Range& range = found.items[i];
      for (std::uint32_t at = range.first; at < range.first + range.count; ++at) {
        if (table.prefix(at) == rule.prefix && is_same(table.posting(at), posting)) return true;
      }
    }
    return false;
  }

  const RuleImage* image_;
  std::uint16_t zone_;
  const RuleImage* other_;
};

std::string text_of(const Posting& posting, const Rule& rule) {
  Match match;
  match.scope = posting.scope;
  match.trigger = rule.trigger;
  match.owner = rule.name;
  match.prefix = rule.prefix;
  std::string text = Generation::rule_text(match);
  if (posting.action != Action::block) {
    text += " (";
    text += to_string(posting.action);
    text += ")";
  }
  return text;
}

/// A zone that may have changed, on both sides.
struct Pair {
  std::optional<std::uint16_t> before, after;  ///< In the generation.
  std::uint16_t image_before = kNoZone, image_after = kNoZone;
};

/// Calls `take(zone, posting, rule)` for each rule of the zones of which `wanted` gives a number.
template <class Wanted, class Take>
void walk(const RuleImage& image, Wanted wanted, Take take) {
  image.for_each_rule([&](const Posting& posting, Rule rule) {
    if (posting.scope == kExists) return;
    const std::optional<std::size_t> number = wanted(posting.zone);
    if (!number) return;
    rule.scope = posting.scope;
    rule.action = posting.action;
    rule.rank = posting.rank;
    rule.line = posting.line;
    take(*number, posting, rule);
  });
}

class Comparer {
 public:
  Comparer(const Generation& before, const Generation& after, const ComparisonOptions& options)
      : before_(before), after_(after), options_(options) {
    for (const std::string& name : options.zones) {
      Pair pair{zone_named(before, name), zone_named(after, name), kNoZone, kNoZone};
      if (pair.before) pair.image_before = before.image_zone(*pair.before);
      if (pair.after) pair.image_after = after.image_zone(*pair.after);
      ZoneChange& change = result_.zones.emplace_back();
      change.zone = name;
      change.rules_before = rules_of(before.image(), pair.image_before);
      change.rules_after = rules_of(after.image(), pair.image_after);
      pairs_.push_back(pair);
    }
    clients_.resize(pairs_.size());
  }

  Comparison run(const Traffic& traffic) {
    compare_rules();
    compare_names(traffic);
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      result_.zones[i].blocked.clients = clients_[i][0].count();
      result_.zones[i].released.clients = clients_[i][1].count();
      shorten(result_.zones[i].blocked.examples, 0);
      shorten(result_.zones[i].released.examples, 0);
    }
    return std::move(result_);
  }

 private:
  static std::uint64_t rules_of(const RuleImage& image, std::uint16_t zone) {
    return zone == kNoZone ? 0 : image.zones()[zone].rule_count();
  }

  /// Which of the zones asked about this one of an image is.
  template <std::uint16_t Pair::* kSide>
  auto number_of() const {
    return [this](std::uint16_t zone) -> std::optional<std::size_t> {
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        if (pairs_[i].*kSide == zone) return i;
      }
      return std::nullopt;
    };
  }

  void compare_rules() {
    if (&before_.image() == &after_.image() || pairs_.empty()) return;
    const auto added = [this](std::size_t zone, const Posting& posting, const Rule& rule) {
      const Pair& pair = pairs_[zone];
      if (RuleFinder(before_, pair.image_before, after_.image()).has(posting, rule)) return;
      ZoneChange& change = result_.zones[zone];
      ++change.added;
      if (change.added_rules.size() < options_.rules) {
        change.added_rules.push_back(text_of(posting, rule));
      }
      if (options_.on_added) options_.on_added(after_.zone(*pair.after), rule);
    };
    walk(after_.image(), number_of<&Pair::image_after>(), added);
    const auto removed = [this](std::size_t zone, const Posting& posting, const Rule& rule) {
      const Pair& pair = pairs_[zone];
      if (RuleFinder(after_, pair.image_after, before_.image()).has(posting, rule)) return;
      ZoneChange& change = result_.zones[zone];
      ++change.removed;
      if (change.removed_rules.size() < options_.rules) {
        change.removed_rules.push_back(text_of(posting, rule));
      }
    };
    walk(before_.image(), number_of<&Pair::image_before>(), removed);
  }

  void compare_names(const Traffic& traffic) {
    std::vector<std::uint16_t> groups_before, groups_after;
    for (const std::string& group : traffic.groups) {
      groups_before.push_back(before_.group_named(group).value_or(0));
      groups_after.push_back(after_.group_named(group).value_or(0));
    }
    ClientUnion everybody;
    traffic.for_each([&](const AskedName& asked) {
      ++result_.names;
      result_.queries += asked.queries;
      everybody.add(asked.clients);
      if (!asked.is_answered) return;
      ++result_.names_in_use;
      result_.queries_in_use += asked.queries;
      ranking_.add(use_of(asked));
    });
    ranking_.finish();
    result_.clients = everybody.count();
    traffic.for_each([&](const AskedName& asked) {
      for (std::size_t i = 0; i < traffic.groups.size(); ++i) {
        if ((asked.groups >> i & 1) == 0) continue;
        // Once, whatever the number of groups that it holds for.
        if (judge(asked, groups_before[i], groups_after[i])) return;
      }
    });
  }

  bool judge(const AskedName& asked, std::uint16_t group_before, std::uint16_t group_after) {
    const Verdict old = before_.decide(group_before, asked.name);
    const Verdict now = after_.decide(group_after, asked.name);
    if (old.blocks() == now.blocks()) return false;
    const auto zone = blamed(old, now);
    if (zone) count(asked, *zone, now.blocks() ? now : old, now.blocks());
    return true;
  }

  std::optional<std::size_t> blamed(const Verdict& old, const Verdict& now) const {
    const auto number = [this](const Verdict& verdict, std::optional<std::uint16_t> Pair::* side) {
      std::optional<std::size_t> found;
      for (std::size_t i = 0; verdict.matched && i < pairs_.size(); ++i) {
        if (pairs_[i].*side == verdict.zone) found = i;
      }
      return found;
    };
    if (const auto by_new = number(now, &Pair::after)) return by_new;
    return number(old, &Pair::before);
  }

  void count(const AskedName& asked, std::size_t zone, const Verdict& verdict, bool is_blocked) {
    const Generation& by = is_blocked ? after_ : before_;
    Effect& effect = is_blocked ? result_.zones[zone].blocked : result_.zones[zone].released;
    ++effect.names;
    effect.queries += asked.queries;
    clients_[zone][is_blocked ? 0 : 1].add(asked.clients);
    ChangedName changed{asked.name, asked.queries, asked.clients.count(), 0, {}, {}, 0};
    if (asked.is_answered) {
      changed.rank = ranking_.rank(use_of(asked));
      ++effect.names_in_use;
      effect.queries_in_use += asked.queries;
      effect.top_names += changed.rank <= options_.top ? 1 : 0;
    }
    changed.zone = by.zone(verdict.zone).name;
    changed.rule = by.rule_text(verdict);
    changed.line = by.line(verdict);
    if (is_blocked && asked.is_answered) {
      if (options_.on_blocked) options_.on_blocked(by.zone(verdict.zone), by.rule(verdict));
      ChangedName& most_used = result_.zones[zone].most_used;
      if (is_more_used(changed, most_used)) most_used = changed;
    }
    effect.examples.push_back(std::move(changed));
    shorten(effect.examples, 16 * options_.examples);
  }

  static bool is_more_used(const ChangedName& a, const ChangedName& b) {
    return std::pair(a.clients, a.queries) > std::pair(b.clients, b.queries);
  }

  /// Keeps the best ones, once there are more than `slack` too many.
  void shorten(std::vector<ChangedName>& names, std::size_t slack) const {
    if (names.size() <= options_.examples + slack && slack != 0) return;
    std::ranges::sort(names, [](const ChangedName& a, const ChangedName& b) {
      // Those that do not exist stand behind all that do.
      const std::uint32_t rank_a = a.rank - 1, rank_b = b.rank - 1;
      return rank_a != rank_b ? rank_a < rank_b : is_more_used(a, b);
    });
    if (names.size() > options_.examples) names.resize(options_.examples);
  }

  const Generation& before_;
  const Generation& after_;
  const ComparisonOptions& options_;
  std::vector<Pair> pairs_;
  std::vector<std::array<ClientUnion, 2>> clients_;
  Ranking ranking_;
  Comparison result_;
};

}  // namespace

Comparison compare(const Generation& before, const Generation& after, const Traffic& traffic,
                   const ComparisonOptions& options) {
  return Comparer(before, after, options).run(traffic);
}

}  // namespace postern::policy
