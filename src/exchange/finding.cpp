#include "exchange/finding.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::exchange {
namespace {

constexpr std::array kTiers = {
    std::pair{Tier::hunt, std::string_view("hunt")},
    std::pair{Tier::probe, std::string_view("probe")},
    std::pair{Tier::exposed, std::string_view("exposed")},
    std::pair{Tier::attempt, std::string_view("attempt")},
    std::pair{Tier::exploited, std::string_view("exploited")},
};

}  // namespace

std::string_view to_string(Tier tier) {
  const auto* at = std::ranges::find(kTiers, tier, &std::pair<Tier, std::string_view>::first);
  return at == kTiers.end() ? "" : at->second;
}

std::optional<Tier> tier_of(std::string_view text) {
  const auto* at = std::ranges::find(kTiers, text, &std::pair<Tier, std::string_view>::second);
  if (at == kTiers.end()) return std::nullopt;
  return at->first;
}

}  // namespace postern::exchange
