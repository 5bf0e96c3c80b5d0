#include "event/block_rates.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace postern::event {
namespace {

constexpr double kDayOfSlots = 144;
constexpr double kDeviations = 4;
constexpr double kLeastBand = 0.05;    // To both sides: five points.
constexpr double kOneClient = 1.5;     // With fewer in a slot, a group usually has but one.
constexpr double kMostClients = 1e12;  // What a file may say.
constexpr std::string_view kFirstLine = "postern-block-rates 2\n";

/// Counts of which none is for more than kClientQueries of one client's.
struct Weighed {
  double queries = 0, blocked = 0, by_watched = 0;

  double rate() const { return queries > 0 ? blocked / queries : 0; }
  /// Where the other zones had no more blocked than all have usually.
  double rate_by_watched(double usual) const {
    return queries > 0 ? std::min(rate(), usual + by_watched / queries) : 0;
  }
};

Weighed operator-(const Weighed& a, const Weighed& b) {
  return {a.queries - b.queries, a.blocked - b.blocked, a.by_watched - b.by_watched};
}

template <class Count>
Weighed weigh(const Count& count) {
  if (count.queries <= BlockRates::kClientQueries) {
    return {double(count.queries), double(count.blocked), double(count.by_watched)};
  }
  const double most = BlockRates::kClientQueries;
  return {most, most * count.blocked / count.queries, most * count.by_watched / count.queries};
}

/// The word that the line begins with; the line is then what follows it.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_part(double value) {
  return value >= 0 && value <= 1;  // Neither for a NaN.
}

}  // namespace

void BlockRates::Average::learn(double value, double weight) {
  const double off = value - mean;
  mean += weight * off;
  variance = (1 - weight) * (variance + weight * off * off);
}

double BlockRates::Average::width() const {
  return std::max(kDeviations * std::sqrt(variance), kLeastBand);
}

void BlockRates::add(const RatedQuery& query) {
  const std::int64_t slot = std::chrono::floor<seconds>(query.at).time_since_epoch() / kSlot;
  if (slot > slot_) {
    end_slot();
    slot_ = slot;
  }
  auto found = groups_.find(query.group);
  if (found == groups_.end()) {
    if (groups_.size() == kMaxGroups) {
      ++uncounted_;
      return;
    }
    found = groups_.emplace(std::string(query.group), Group{}).first;
  }
  count(found->second.slot, slot_clients_, query);
  if (watched_from_ != 0 && query.generation >= watched_from_) {
    count(found->second.watched, watched_clients_, query);
  }
}

/// `known`: how many clients all groups have of that kind.
void BlockRates::count(Clients& clients, std::size_t& known, const RatedQuery& query) {
  auto found = clients.find(query.client);
  if (found == clients.end()) {
    if (known == kMaxClients) {
      ++uncounted_;
      return;
    }
    ++known;
    found = clients.emplace(query.client, Count{}).first;
  }
  Count& counted = found->second;
  if (counted.queries == std::numeric_limits<std::uint32_t>::max()) return;
  ++counted.queries;
  if (!query.is_blocked) return;
  ++counted.blocked;
  counted.by_watched += watched_zones_.contains(query.zone) ? 1 : 0;
}

BlockRates::Spread BlockRates::spread_of(const Clients& clients, double usual) {
  Spread spread;
  Weighed all;
  for (const auto& [client, count] : clients) {
    const Weighed weighed = weigh(count);
    spread.queries += count.queries;
    all.queries += weighed.queries;
    all.blocked += weighed.blocked;
    all.by_watched += weighed.by_watched;
  }
  spread.rate = spread.least = spread.most = all.rate();
  spread.least_by_watched = all.rate_by_watched(usual);
  spread.rest = all.queries;
  for (const auto& [client, count] : clients) {
    const Weighed rest = all - weigh(count);
    spread.rest = std::min(spread.rest, rest.queries);
    if (rest.queries < kFewQueries) continue;  // They tell nothing of the group.
    spread.least = std::min(spread.least, rest.rate());
    spread.most = std::max(spread.most, rest.rate());
    spread.least_by_watched = std::min(spread.least_by_watched, rest.rate_by_watched(usual));
  }
  return spread;
}

void BlockRates::end_slot() {
  for (auto& [name, group] : groups_) {
    if (group.slot.empty()) continue;
    const auto clients = static_cast<double>(group.slot.size());
    const Spread slot = spread_of(std::exchange(group.slot, {}), 0);
    if (slot.queries < kFewQueries) continue;
    Usual& usual = group.usual;
    // The first ones count in full, so that the average is soon one.
    const double weight = 1 / std::min(usual.slots + 1.0, kDayOfSlots);
    usual.clients += weight * (clients - usual.clients);
    usual.least.learn(slot.least, weight);
    usual.most.learn(slot.most, weight);
    usual.slots = std::min<std::uint32_t>(usual.slots + 1, static_cast<std::uint32_t>(kDayOfSlots));
  }
  slot_clients_ = 0;
}

void BlockRates::watch(std::uint64_t generation, const std::vector<std::string>& zones) {
  end_watch(WatchEnd::passed);
  watched_from_ = generation;
  for (auto& [name, group] : groups_) group.before_watch = group.usual;
  watch_also(zones);
}

void BlockRates::watch_also(const std::vector<std::string>& zones) {
  if (watched_from_ != 0) watched_zones_.insert(zones.begin(), zones.end());
}

void BlockRates::end_watch(WatchEnd end) {
  if (watched_from_ == 0) return;
  for (auto& [name, group] : groups_) {
    group.watched.clear();
    if (end == WatchEnd::passed) continue;
    group.usual = group.before_watch;
    group.slot.clear();
  }
  if (end == WatchEnd::taken_back) slot_clients_ = 0;
  watched_clients_ = 0;
  watched_zones_.clear();
  watched_from_ = 0;
}

void BlockRates::forget() {
  end_watch(WatchEnd::passed);
  groups_.clear();
  slot_clients_ = 0;
}

std::optional<BlockRates::Departure> BlockRates::departure(std::string_view only) const {
  if (watched_from_ == 0) return std::nullopt;
  for (const auto& [name, group] : groups_) {
    if (!only.empty() && name != only) continue;
    auto found = departure_of(group);
    if (!found) continue;
    found->group = name;
    return found;
  }
  return std::nullopt;
}

std::optional<BlockRates::Departure> BlockRates::departure_of(const Group& group) {
  const Usual& usual = group.before_watch;
  if (usual.slots < kFewSlots || group.watched.empty()) return std::nullopt;
  const Spread now = spread_of(group.watched, usual.most.mean);
  if (now.queries < kJudgedQueries) return std::nullopt;
  const bool is_only_one = group.watched.size() == 1 && usual.clients < kOneClient;
  if (!is_only_one && now.rest < kFewQueries) return std::nullopt;
  // A group that has hardly anything blocked soon has the double of it.
  const Average& least = usual.least;
  const Average& most = usual.most;
  Departure found{{},
                  now.rate,
                  std::max(0.0, std::min(least.mean - least.width(), least.mean / 2)),
                  std::min(1.0, std::max(most.mean + most.width(), most.mean * 1.5)),
                  now.queries};
  if (now.most >= found.lowest && now.least_by_watched <= found.highest) return std::nullopt;
  return found;
}

std::string BlockRates::to_text() const {
  std::string text(kFirstLine);
  for (const auto& [name, group] : groups_) {
    const Usual& usual = group.usual;
    text += fmt::format("{} {} {} {} {} {} {}\n", usual.slots, usual.clients, usual.least.mean,
                        usual.least.variance, usual.most.mean, usual.most.variance, name);
  }
  return text;
}

Result<void> BlockRates::from_text(std::string_view text) {
  if (!text.starts_with(kFirstLine)) return fail(Errc::corrupt, "no block rates of this version");
  text.remove_prefix(kFirstLine.size());
  std::map<std::string, Group, std::less<>> groups;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    Usual usual;
    bool is_read = read_number(take_word(line), usual.slots) &&
                   read_number(take_word(line), usual.clients) && usual.clients >= 0 &&
                   usual.clients <= kMostClients;
    for (double* each :
         {&usual.least.mean, &usual.least.variance, &usual.most.mean, &usual.most.variance}) {
      is_read = is_read && read_number(take_word(line), *each) && is_part(*each);
    }
    if (!is_read || line.empty() || groups.size() == kMaxGroups) {
      return fail(Errc::corrupt, "a line of the block rates is none");
    }
    groups.emplace(std::string(line), Group{usual, usual, {}, {}});
  }
  groups_ = std::move(groups);
  slot_clients_ = watched_clients_ = 0;
  return {};
}

}  // namespace postern::event
