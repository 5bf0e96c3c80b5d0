#include "policy/tally.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "policy/generation.h"

namespace postern::policy {
namespace {

// Rounding must not cost a vote.
constexpr double kEpsilon = 1e-9;

/// What one list says of a thing.
struct Said {
  bool matches = false;
  bool blocks = false;
  std::optional<RuleNote> note;
  Sharing sharing = Sharing::unmarked;
};

/// One voter's vote on one thing.
struct Vote {
  double weight = 1;  // At the time of the tally.
  bool ages = false;  // Or counts the same as long as it is there.
  std::uint32_t first_seen_s = 0;
  std::uint32_t until_s = 0;  // 0: it does not end.
  Sharing sharing = Sharing::unmarked;
};

/// What came of the votes on one thing.
struct Outcome {
  bool is_blocked = false;
  RuleNote note;
};

class Tally {
 public:
  explicit Tally(const Ballot& ballot)
      : ballot_(ballot), now_s_(note_seconds(ballot.now)), voters_(ballot.voters.size()) {}

  Result<ZoneRules> count() {
    generation_ = POSTERN_TRY(compile());
    count_names();
    count_prefixes();
    return std::move(rules_);
  }

 private:
  // Each list is a group of its own, so that each decides for itself.
  Result<std::shared_ptr<const Generation>> compile() const {
    PolicyInput input;
    input.number = 1;
    input.built_at = ballot_.now;
    const auto add = [&](const ZoneRules* rules) {
      const auto zone = static_cast<std::uint16_t>(input.zones.size());
      // Borrowed for as long as the tally takes.
      input.zones.push_back({{.name = std::to_string(zone)}, {std::shared_ptr<void>(), rules}});
      input.groups.push_back({.name = std::to_string(zone), .zones = {zone}});
    };
    for (const ZoneRules* rules : ballot_.voters) add(rules);
    for (const ZoneRules* rules : ballot_.doubts) add(rules);
    if (input.groups.empty()) input.groups.push_back({.name = "nobody"});
    return Generation::compile(std::move(input));
  }

  template <class Decide>
  bool is_doubted(Decide&& decide) const {
    for (std::size_t i = 0; i < ballot_.doubts.size(); ++i) {
      if (decide(voters_ + i).matches) return true;
    }
    return false;
  }

  Vote vote_of(const Said& said) const {
    Vote vote{.sharing = said.sharing};
    if (!said.note) return vote;
    // A list that still has a thing stands by it; only what its publisher dates grows old.
    if (said.note->seen_here == 0) vote.first_seen_s = said.note->first_seen_s;
    vote.until_s = said.note->valid_until_s;
    if (ballot_.votes.by_confidence && said.note->confidence != RuleNote::kNoConfidence) {
      vote.weight = said.note->confidence / 100.0;
    }
    vote.ages = ballot_.votes.half_life_s != 0 && vote.first_seen_s != 0;
    if (vote.ages && vote.first_seen_s < now_s_) {
      vote.weight *=
          std::exp2(-static_cast<double>(now_s_ - vote.first_seen_s) / ballot_.votes.half_life_s);
    }
    return vote;
  }

  /// `decide(i)`: what list i says of the thing, among voters and then doubts.
  template <class Decide>
  Outcome result_of(Decide&& decide) {
    votes_.clear();
    for (std::size_t i = 0; i < voters_; ++i) {
      const Said said = decide(i);
      if (said.blocks) votes_.push_back(vote_of(said));
    }
    if (votes_.empty()) return {};
    std::uint32_t need = ballot_.votes.need;
    if (is_doubted(decide)) {
      if (ballot_.votes.doubt_need == 0) return {};
      need = ballot_.votes.doubt_need;
    }
    return judge(need);
  }

  Outcome judge(double need) {
    Outcome result;
    result.is_blocked = total() + kEpsilon >= need;
    if (!result.is_blocked) return result;
    for (const Vote& vote : votes_) {
      result.note.sharing = std::max(result.note.sharing, vote.sharing);
      std::uint32_t& first = result.note.first_seen_s;
      if (vote.first_seen_s != 0 && (first == 0 || vote.first_seen_s < first)) {
        first = vote.first_seen_s;
      }
    }
    result.note.valid_until_s = until(need);
    return result;
  }

  double total() const {
    double sum = 0;
    for (const Vote& vote : votes_) sum += vote.weight;
    return sum;
  }

  /// When the votes are too few: one after the other ends, and between these times some fade. 0:
  /// never.
  std::uint32_t until(double need) {
    const auto end_of = [](const Vote& vote) {
      return vote.until_s == 0 ? std::numeric_limits<std::uint32_t>::max() : vote.until_s;
    };
    std::ranges::sort(votes_, {}, end_of);
    for (std::size_t first = 0; first < votes_.size(); ++first) {
      double lasting = 0;
      double fading = 0;
      for (std::size_t i = first; i < votes_.size(); ++i) {
        (votes_[i].ages ? fading : lasting) += votes_[i].weight;
      }
      const std::uint32_t end = end_of(votes_[first]);
      const double lacking = need - kEpsilon - lasting;
      if (lacking > 0) {
        // Of votes that ended these may be too few from the beginning of the step.
        const double half_lives = fading > 0 ? std::log2(fading / lacking) : -1;
        const double at = now_s_ + half_lives * ballot_.votes.half_life_s;
        const std::uint32_t begin = first == 0 ? now_s_ + 1 : end_of(votes_[first - 1]);
        if (half_lives < 0 || at < begin) return begin;
        if (at < end) return at >= 4e9 ? 0 : static_cast<std::uint32_t>(std::ceil(at));
      }
      if (votes_[first].until_s == 0) return 0;
    }
    return end_of(votes_.back());
  }

  void add(Rule rule, const Outcome& result) {
    rule.action = result.is_blocked ? Action::block : Action::pass;
    if (result.is_blocked && result.note != RuleNote{}) rule.note = rules_.add_note(result.note);
    rules_.add(rule);
  }

  // Names

  struct Named {
    dns::Name name;
    Outcome itself;
    Outcome below;
  };

  void count_names() {
    std::vector<std::string_view> owners;
    for (const ZoneRules* rules : ballot_.voters) {
      for (std::size_t i = 0; i < rules->size(); ++i) {
        if (rules->traits_at(i).trigger == Trigger::qname) {
          owners.push_back(text_of(rules->name_at(i)));
        }
      }
    }
    std::ranges::sort(owners);
    const auto again = std::ranges::unique(owners);
    owners.erase(again.begin(), again.end());
    std::vector<Named> too_few;
    for (const std::string_view owner : owners) {
      const auto name = dns::Name::from_labels(octets_of(owner));
      POSTERN_ASSERT(name.has_value());
      const Named named = count_name(*name);
      add_name(named);
      if (!named.itself.is_blocked || !named.below.is_blocked) too_few.push_back(named);
    }
    if (wide_.empty()) return;
    for (const Named& named : too_few) take_out(named);
  }

  Said on_name(std::size_t list, const dns::Name& name) const {
    const Verdict verdict = generation_->decide(static_cast<std::uint16_t>(list), name);
    if (!verdict.matched) return {};
    Said said{.matches = true, .blocks = verdict.blocks(), .note = {}};
    if (const RuleNote* note = generation_->note(verdict)) said.note = *note;
    said.sharing = generation_->sharing(verdict);
    return said;
  }

  Named count_name(const dns::Name& name) {
    Named named{.name = name, .itself = {}, .below = {}};
    named.itself = result_of([&](std::size_t list) { return on_name(list, name); });
    // A name of which no rule knows stands for all below.
    static const dns::Name kNobody = *dns::Name::from_text("\\001\\002postern\\003");
    if (const auto below = name.with_prefix(kNobody)) {
      named.below = result_of([&](std::size_t list) { return on_name(list, *below); });
    }
    return named;
  }

  void add_name(const Named& named) {
    const bool is_same = named.itself.note == named.below.note;
    if (named.below.is_blocked) wide_.emplace(text_of(named.name.wire()));
    if (named.itself.is_blocked && named.below.is_blocked && is_same) {
      return add({.name = named.name, .scope = Scope::at_and_below}, named.itself);
    }
    if (named.itself.is_blocked) add({.name = named.name, .scope = Scope::exact}, named.itself);
    if (named.below.is_blocked) add({.name = named.name, .scope = Scope::below}, named.below);
  }

  // What has too few votes is taken out of what is blocked above it.
  void take_out(const Named& named) {
    bool is_covered = false;
    for (std::size_t left = 1; left <= named.name.label_count() && !is_covered; ++left) {
      is_covered = wide_.contains(std::string(text_of(named.name.without_left(left).wire())));
    }
    if (!is_covered) return;
    if (!named.itself.is_blocked) add({.name = named.name, .scope = Scope::exact}, named.itself);
    if (!named.below.is_blocked) add({.name = named.name, .scope = Scope::below}, named.below);
  }

  // Prefixes

  void count_prefixes() {
    std::vector<IpPrefix> owners;
    for (const ZoneRules* rules : ballot_.voters) {
      for (std::size_t i = 0; i < rules->size(); ++i) {
        if (rules->traits_at(i).trigger == Trigger::response_ip) {
          owners.push_back(rules->prefix_at(i));
        }
      }
    }
    std::ranges::sort(owners);
    const auto again = std::ranges::unique(owners);
    owners.erase(again.begin(), again.end());
    std::vector<IpPrefix> blocked;
    // Wider ones come before those within them.
    for (const IpPrefix& prefix : owners) {
      const Outcome result = result_of([&](std::size_t list) { return on_prefix(list, prefix); });
      while (!blocked.empty() && !blocked.back().contains(prefix.address())) blocked.pop_back();
      if (!result.is_blocked && blocked.empty()) continue;
      add({.prefix = prefix, .trigger = Trigger::response_ip}, result);
      if (result.is_blocked) blocked.push_back(prefix);
    }
  }

  /// What the list says of all the prefix: its rules for parts of it say nothing.
  Said on_prefix(std::size_t list, const IpPrefix& prefix) const {
    const auto group = static_cast<std::uint16_t>(list);
    for (const Match& match : generation_->explain(group, Trigger::response_ip, prefix.address())) {
      if (!match.in_group || !match.is_valid || match.prefix.length() > prefix.length()) continue;
      return {.matches = true,
              .blocks = match.action != Action::pass,
              .note = match.note,
              .sharing = std::max(match.note ? match.note->sharing : Sharing::unmarked,
                                  rules_of(list).sharing())};
    }
    return {};
  }

  const ZoneRules& rules_of(std::size_t list) const {
    return list < voters_ ? *ballot_.voters[list] : *ballot_.doubts[list - voters_];
  }

  const Ballot& ballot_;
  const std::uint32_t now_s_;
  const std::size_t voters_;
  std::shared_ptr<const Generation> generation_;
  ZoneRules rules_;
  std::vector<Vote> votes_;               // On the thing at hand.
  std::unordered_set<std::string> wide_;  // Names of which all below is blocked, in wire form.
};

}  // namespace

Result<ZoneRules> tally(const Ballot& ballot) {
  return Tally(ballot).count();
}

}  // namespace postern::policy
