// What the Keeper does where rules hold for a time only: a new generation of the same image when
// one begins or ceases to.
#include <algorithm>

#include "feeds/keeper.h"

namespace postern::feeds {
namespace {

// Clocks are set: what a wait ends at is looked at anew.
constexpr microseconds kLongestWait = seconds(60);

}  // namespace

void Keeper::watch_validity(const policy::Generation& generation, const Now& now) {
  validity_due_.reset();
  const auto change = generation.next_change();
  if (!change) return;
  const microseconds wait = std::clamp(*change - now.wall, microseconds(0), kLongestWait);
  validity_due_ = std::max(now.mono + wait, validity_not_before_);
}

void Keeper::check_validity(const Now& now) {
  if (!validity_due_ || now.mono < *validity_due_) return;
  const auto generation = target_.current();
  const auto change = generation->next_change();
  if (change && *change <= now.wall) {
    must_publish_ = true;
    validity_not_before_ = now.mono + kValidityPause;
  }
  watch_validity(*generation, now);
}

}  // namespace postern::feeds
