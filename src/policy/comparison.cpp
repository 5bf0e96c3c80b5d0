#include "policy/comparison.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <optional>
#include <set>
#include <span>
#include <string>
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

/// What a rule says beside its trigger, as one of kSayings numbers.
constexpr std::size_t kSayings = 256;
std::size_t saying_of(const Posting& posting) {
  return static_cast<std::size_t>(posting.scope) << 5 |
         static_cast<std::size_t>(posting.action) << 2 | static_cast<std::size_t>(posting.rank);
}

/// The same of a rule with records, and these.
std::string saying_with_data(const RuleImage& image, const Posting& posting) {
  std::string text = std::to_string(saying_of(posting));
  for (const LocalRecord& record : image.local_data(posting.data)) {
    text += " " + std::to_string(static_cast<unsigned>(record.type)) + " " +
            std::to_string(record.ttl) + " " + std::to_string(record.rdata.size()) + " ";
    text += postern::text_of(record.rdata);
  }
  return text;
}

/// Whether a zone has the very same rule. What it has at a name or prefix is looked up once for all
/// rules there that are asked about in a row: of a text with the same name a million times each of
/// its rules would else be compared with each.
class RuleFinder {
 public:
  RuleFinder(const Generation& in, ImagePlace at)
      : image_(at.is_there() ? in.images()[at.image].get() : nullptr), zone_(at.zone) {}

  /// Of a rule of the image `of`.
  bool has(const RuleImage& of, const Posting& posting, const Rule& rule) {
    if (image_ == nullptr) return false;
    if (!is_known_ || rule.trigger != trigger_ || rule.name != name_ || rule.prefix != prefix_) {
      look_up(rule);
    }
    if (posting.action != Action::local_data) return sayings_.test(saying_of(posting));
    return sayings_with_data_.contains(saying_with_data(of, posting));
  }

 private:
  void look_up(const Rule& rule) {
    is_known_ = true;
    trigger_ = rule.trigger;
    name_ = rule.name;
    prefix_ = rule.prefix;
    sayings_.reset();
    sayings_with_data_.clear();
    if (has_prefix(rule.trigger)) {
      look_up_prefix();
    } else {
      look_up_name();
    }
  }

  void note(const Posting& ours) {
    if (ours.action == Action::local_data) {
      sayings_with_data_.insert(saying_with_data(*image_, ours));
    } else {
      sayings_.set(saying_of(ours));
    }
  }

  void look_up_name() {
    const NameTable& table = image_->names(trigger_);
    NameTable::Owners owners;
    table.find(name_, owners);
    for (std::size_t i = 0; i < owners.count; ++i) {
      if (!owners.items[i].whole) continue;
      Postings all = table.postings(owners.items[i]);
      for (Posting ours; all.next(ours);) {
        if (ours.zone != zone_ || ours.scope == kExists) continue;
        note(ours);
        for (const image::Shadowed& shadowed : table.shadowed(ours.at)) {
          note(table.posting_of(shadowed));
        }
      }
    }
  }

  void look_up_prefix() {
    const PrefixTable& table = image_->prefixes(trigger_);
    PrefixTable::Found found;
    table.find(prefix_.address(), found);
    for (std::size_t i = 0; i < found.count; ++i) {
      const PrefixTable::Range& range = found.items[i];
      if (range.count == 0 || table.prefix(range.first) != prefix_) continue;
      for (std::uint32_t at = range.first; at < range.first + range.count; ++at) {
        const Posting ours = table.posting(at);
        if (ours.zone == zone_) note(ours);
      }
    }
  }

  const RuleImage* image_;  ///< Null: the zone has no rules.
  std::uint16_t zone_;
  bool is_known_ = false;  // What these have was looked up.
  Trigger trigger_{};
  dns::Name name_;
  IpPrefix prefix_;
  std::bitset<kSayings> sayings_;
  std::set<std::string> sayings_with_data_;
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
  ImagePlace rules_before{}, rules_after{};
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

/// What decides a name, and at what of its answer, if that is not the name itself.
struct Ruling {
  Verdict verdict;
  const dns::Name* name = nullptr;
  const IpAddress* address = nullptr;
};

std::string through(const Ruling& ruling) {
  if (ruling.address != nullptr) return ruling.address->to_text();
  return ruling.name != nullptr ? ruling.name->to_display() : std::string();
}

/// Step by step, as a query for it is judged: what is allowed covers what lies behind it.
Ruling ruling_of(const Generation& by, std::uint16_t group, const AskedName& asked) {
  Ruling last;
  for (std::size_t step = 0; step <= asked.led_to.size(); ++step) {
    const dns::Name* const name = step == 0 ? nullptr : &asked.led_to[step - 1];
    Ruling here{by.decide(group, name == nullptr ? asked.name : *name), name, nullptr};
    const bool is_end = step == asked.led_to.size();
    if (is_end && by.may_precede(group, Trigger::response_ip, here.verdict)) {
      for (const IpAddress& address : asked.addresses) {
        const Verdict verdict = by.decide(group, Trigger::response_ip, address);
        if (verdict.precedes(here.verdict)) here = {verdict, nullptr, &address};
      }
    }
    if (here.verdict.blocks() || here.verdict.allows()) return here;
    if (here.verdict.matched) last = here;
  }
  return last;
}

class Comparer {
 public:
  Comparer(const Generation& before, const Generation& after, const ComparisonOptions& options)
      : before_(before), after_(after), options_(options) {
    for (const std::string& name : options.zones) {
      Pair pair{zone_named(before, name), zone_named(after, name)};
      if (pair.before) pair.rules_before = before.rules_at(*pair.before);
      if (pair.after) pair.rules_after = after.rules_at(*pair.after);
      ZoneChange& change = result_.zones.emplace_back();
      change.zone = name;
      change.rules_before = rules_of(before, pair.rules_before);
      change.rules_after = rules_of(after, pair.rules_after);
      pairs_.push_back(pair);
    }
    clients_.resize(pairs_.size());
    charged_before_ = charged(before, &Pair::before);
    charged_after_ = charged(after, &Pair::after);
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
  static std::uint64_t rules_of(const Generation& from, ImagePlace at) {
    return at.is_there() ? from.images()[at.image]->zones()[at.zone].rule_count() : 0;
  }

  /// Whether both sides have the very same rules of a zone.
  bool is_unchanged(const Pair& pair) const {
    const ImagePlace& old = pair.rules_before;
    const ImagePlace& now = pair.rules_after;
    return old.is_there() && now.is_there() && old.zone == now.zone &&
           before_.images()[old.image] == after_.images()[now.image];
  }

  /// Calls `take(pair, posting, rule)` for each rule of one side of the zones asked about, but for
  /// those that are unchanged.
  template <class Take>
  void walk_changed(const Generation& from, ImagePlace Pair::* side, Take take) const {
    for (std::size_t image = 0; image < from.images().size(); ++image) {
      std::vector<std::optional<std::size_t>> wanted(from.images()[image]->zones().size());
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        const ImagePlace& at = pairs_[i].*side;
        if (at.is_there() && at.image == image && !is_unchanged(pairs_[i])) wanted[at.zone] = i;
      }
      if (std::ranges::none_of(wanted, [](const auto& each) { return each.has_value(); })) continue;
      walk(*from.images()[image], [&](std::uint16_t zone) { return wanted[zone]; }, take);
    }
  }

  /// By zone of the generation, which of the zones asked about answer for what it decides: it
  /// itself, or else those that vote on it or raise doubts.
  std::vector<std::vector<std::size_t>> charged(const Generation& generation,
                                                std::optional<std::uint16_t> Pair::* side) const {
    std::vector<std::vector<std::size_t>> charged(generation.zone_count());
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (pairs_[i].*side) charged[*(pairs_[i].*side)].push_back(i);
    }
    for (std::size_t zone = 0; zone < charged.size(); ++zone) {
      const auto& votes = generation.zone(static_cast<std::uint16_t>(zone)).votes;
      if (!votes || !charged[zone].empty()) continue;
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        const auto has = [&](const std::vector<std::uint16_t>& zones) {
          return pairs_[i].*side && std::ranges::find(zones, *(pairs_[i].*side)) != zones.end();
        };
        if (has(votes->zones) || has(votes->doubts)) charged[zone].push_back(i);
      }
    }
    return charged;
  }

  void compare_rules() {
    std::vector<RuleFinder> in_before, in_after;
    for (const Pair& pair : pairs_) {
      in_before.emplace_back(before_, pair.rules_before);
      in_after.emplace_back(after_, pair.rules_after);
    }
    const auto added = [&](std::size_t zone, const Posting& posting, const Rule& rule) {
      const RuleImage& image = *after_.images()[pairs_[zone].rules_after.image];
      if (in_before[zone].has(image, posting, rule)) return;
      ZoneChange& change = result_.zones[zone];
      ++change.added;
      if (change.added_rules.size() < options_.rules) {
        change.added_rules.push_back(text_of(posting, rule));
      }
      if (options_.on_added) options_.on_added(after_.zone(*pairs_[zone].after), rule);
    };
    walk_changed(after_, &Pair::rules_after, added);
    const auto removed = [&](std::size_t zone, const Posting& posting, const Rule& rule) {
      const RuleImage& image = *before_.images()[pairs_[zone].rules_before.image];
      if (in_after[zone].has(image, posting, rule)) return;
      ZoneChange& change = result_.zones[zone];
      ++change.removed;
      if (change.removed_rules.size() < options_.rules) {
        change.removed_rules.push_back(text_of(posting, rule));
      }
    };
    walk_changed(before_, &Pair::rules_before, removed);
  }

  void compare_names(const Traffic& traffic) {
    std::vector<std::vector<GroupPair>> groups;
    for (const std::string& group : traffic.groups) groups.push_back(policies_of(group));
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
      for (std::size_t i = 0; i < groups.size(); ++i) {
        if ((asked.groups >> i & 1) == 0) continue;
        // Once, whatever the number of groups and hours that it holds for.
        if (std::ranges::any_of(groups[i], [&](GroupPair pair) { return judge(asked, pair); })) {
          return;
        }
      }
    });
  }

  /// One policy of a group's on both sides, as numbers of their groups.
  struct GroupPair {
    std::uint16_t before = 0, after = 0;
  };

  /// That of the group, then those of the hours of schedules that it has on both sides.
  std::vector<GroupPair> policies_of(const std::string& group) const {
    std::vector<GroupPair> pairs = {
        {before_.group_named(group).value_or(0), after_.group_named(group).value_or(0)}};
    const std::vector<Group>& old = before_.groups();
    const std::vector<Group>& now = after_.groups();
    for (const During& here : now[pairs[0].after].during) {
      for (const During& there : old[pairs[0].before].during) {
        if (now[here.group].hours != old[there.group].hours) continue;
        pairs.push_back({there.group, here.group});
        break;
      }
    }
    return pairs;
  }

  bool judge(const AskedName& asked, GroupPair groups) {
    const Ruling old = ruling_of(before_, groups.before, asked);
    const Ruling now = ruling_of(after_, groups.after, asked);
    if (old.verdict.blocks() == now.verdict.blocks()) return false;
    const bool is_blocked = now.verdict.blocks();
    for (const std::size_t zone : blamed(old.verdict, now.verdict)) {
      count(asked, zone, is_blocked ? now : old, is_blocked);
    }
    return true;
  }

  std::span<const std::size_t> blamed(const Verdict& old, const Verdict& now) const {
    if (now.matched && !charged_after_[now.zone].empty()) return charged_after_[now.zone];
    if (old.matched) return charged_before_[old.zone];
    return {};
  }

  void count(const AskedName& asked, std::size_t zone, const Ruling& ruling, bool is_blocked) {
    const Verdict& verdict = ruling.verdict;
    const Generation& by = is_blocked ? after_ : before_;
    Effect& effect = is_blocked ? result_.zones[zone].blocked : result_.zones[zone].released;
    ++effect.names;
    effect.queries += asked.queries;
    clients_[zone][is_blocked ? 0 : 1].add(asked.clients);
    ChangedName changed{asked.name, asked.queries, asked.clients.count(), 0, {}, {}, {}, 0};
    if (asked.is_answered) {
      changed.rank = ranking_.rank(use_of(asked));
      ++effect.names_in_use;
      effect.queries_in_use += asked.queries;
      effect.top_names += changed.rank <= options_.top ? 1 : 0;
    }
    changed.zone = by.zone(verdict.zone).name;
    changed.rule = by.rule_text(verdict);
    changed.line = by.line(verdict);
    changed.through = through(ruling);
    if (is_blocked && asked.is_answered) {
      if (options_.on_blocked) options_.on_blocked(result_.zones[zone].zone, by.rule(verdict));
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
  std::vector<std::vector<std::size_t>> charged_before_, charged_after_;
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
