#include "event/block_rates.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace postern::event {
namespace {

constexpr double kDayOfSlots = 144;
constexpr double kDeviations = 4;
constexpr double kLeastBand = 0.05;  // To both sides: five points.
constexpr std::string_view kFirstLine = "postern-block-rates 1\n";

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

void BlockRates::add(std::string_view group, bool is_blocked, std::uint64_t generation,
                     WallTime at) {
  const std::int64_t slot = std::chrono::floor<seconds>(at).time_since_epoch() / kSlot;
  if (slot > slot_) {
    end_slot();
    slot_ = slot;
  }
  auto found = groups_.find(group);
  if (found == groups_.end()) {
    if (groups_.size() == kMaxGroups) return;
    found = groups_.emplace(std::string(group), Group{}).first;
  }
  const bool is_watched = watched_from_ != 0 && generation >= watched_from_;
  Count& count = is_watched ? found->second.watched : found->second.slot;
  ++count.queries;
  count.blocked += is_blocked ? 1 : 0;
}

void BlockRates::end_slot() {
  for (auto& [name, group] : groups_) {
    const Count slot = std::exchange(group.slot, {});
    if (slot.queries < kFewQueries) continue;
    // The first ones count in full, so that the average is soon one.
    const double weight = 1 / std::min(group.slots + 1.0, kDayOfSlots);
    const double off = slot.rate() - group.average;
    group.average += weight * off;
    group.variance = (1 - weight) * (group.variance + weight * off * off);
    group.slots = std::min<std::uint32_t>(group.slots + 1, static_cast<std::uint32_t>(kDayOfSlots));
  }
}

void BlockRates::watch(std::uint64_t generation) {
  watched_from_ = generation;
  for (auto& [name, group] : groups_) group.watched = {};
}

std::optional<BlockRates::Departure> BlockRates::departure() const {
  if (watched_from_ == 0) return std::nullopt;
  for (const auto& [name, group] : groups_) {
    if (group.slots < kFewSlots || group.watched.queries < kJudgedQueries) continue;
    const double width = std::max(kDeviations * std::sqrt(group.variance), kLeastBand);
    // A group that has hardly anything blocked soon has the double of it.
    const Departure found{name, group.watched.rate(),
                          std::max(0.0, std::min(group.average - width, group.average / 2)),
                          std::min(1.0, std::max(group.average + width, group.average * 1.5)),
                          group.watched.queries};
    if (found.rate < found.lowest || found.rate > found.highest) return found;
  }
  return std::nullopt;
}

std::string BlockRates::to_text() const {
  std::string text(kFirstLine);
  for (const auto& [name, group] : groups_) {
    text += fmt::format("{} {} {} {}\n", group.slots, group.average, group.variance, name);
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
    Group group;
    const bool is_read = read_number(take_word(line), group.slots) &&
                         read_number(take_word(line), group.average) &&
                         read_number(take_word(line), group.variance);
    if (!is_read || !is_part(group.average) || !is_part(group.variance) || line.empty() ||
        groups.size() == kMaxGroups) {
      return fail(Errc::corrupt, "a line of the block rates is none");
    }
    groups.emplace(std::string(line), group);
  }
  groups_ = std::move(groups);
  return {};
}

}  // namespace postern::event
