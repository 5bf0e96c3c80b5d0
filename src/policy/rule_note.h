// What is known of a rule beside what it says: since when and until when it holds, how sure its
// publisher is, and who may be told.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace postern::policy {

/// Who may be told of a rule, from all to nobody else: the colours of FIRST's TLP 2.0.
enum class Sharing : std::uint8_t { unmarked, clear, green, amber, amber_strict, red };

/// "", "clear", "green", "amber", "amber+strict", "red".
std::string_view to_string(Sharing sharing);

/// Whether the rule may be told to other organisations.
constexpr bool may_leave(Sharing sharing) {
  return sharing < Sharing::amber_strict;
}

/// Kept as it is in rule images: 16 octets, no padding. Times are in seconds since 1970.
struct RuleNote {
  static constexpr std::uint8_t kNoConfidence = 255;

  std::uint32_t first_seen_s = 0;   ///< By its publisher, or see `seen_here`; 0: not known.
  std::uint32_t valid_from_s = 0;   ///< Before it the rule decides nothing; 0: no such time.
  std::uint32_t valid_until_s = 0;  ///< From then on neither; 0: no such time.
  std::uint8_t confidence = kNoConfidence;  ///< 0 to 100.
  Sharing sharing = Sharing::unmarked;
  /// 1: its publisher says no time; `first_seen_s` is when a copy here had the rule first.
  std::uint16_t seen_here = 0;

  auto operator<=>(const RuleNote&) const = default;

  bool is_timed() const { return valid_from_s != 0 || valid_until_s != 0; }
  bool holds_at(std::uint32_t now_s) const {
    return valid_from_s <= now_s && (valid_until_s == 0 || now_s < valid_until_s);
  }
};
static_assert(sizeof(RuleNote) == 16);

inline constexpr std::uint32_t kNoNote = 0xffffffff;

/// Whole seconds; 1 for times before 1970, 0 (no such time) for those after 2105.
std::uint32_t note_seconds(WallTime at);
/// The other way round.
WallTime time_of_note(std::uint32_t at_s);

}  // namespace postern::policy
