#include "resolve/health.h"

#include <algorithm>

namespace postern::resolve {

void ServerHealth::on_answer(microseconds took) {
  smoothed_rtt_ = smoothed_rtt_.count() == 0 ? took : (smoothed_rtt_ * 7 + took) / 8;
  failures_ = 0;
  back_off_ = kFirstBackOff;
  probing_ = false;
  up_ = true;
}

bool ServerHealth::on_failure(MonoTime now) {
  if (!up_) {
    // Failures of questions that were sent before it went down do not lengthen the wait.
    if (!probing_) return false;
    probing_ = false;
    back_off_ = std::min(back_off_ * 2, kMaxBackOff);
    probe_at_ = now + back_off_;
    return false;
  }
  if (++failures_ < kFailuresToDown) return false;
  up_ = false;
  probe_at_ = now + back_off_;
  return true;
}

bool ServerHealth::take_probe(MonoTime now) {
  if (up_ || probing_ || now < probe_at_) return false;
  probing_ = true;
  return true;
}

}  // namespace postern::resolve
