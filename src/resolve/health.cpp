#include "resolve/health.h"

#include <algorithm>
#include <utility>

namespace postern::resolve {

void ServerHealth::on_answer(microseconds took) {
  smoothed_rtt_ = smoothed_rtt_.count() == 0 ? took : (smoothed_rtt_ * 7 + took) / 8;
  failures_ = 0;
  back_off_ = kFirstBackOff;
  probe_at_ = MonoTime::max();
  probing_ = false;
  up_ = true;
}

void ServerHealth::on_failure(MonoTime now) {
  if (up_ && ++failures_ == kFailuresToProbe) probe_at_ = now;
}

bool ServerHealth::on_probe_failure(MonoTime now) {
  if (!probing_) return false;
  probing_ = false;
  if (!up_) back_off_ = std::min(back_off_ * 2, kMaxBackOff);
  probe_at_ = now + back_off_;
  return std::exchange(up_, false);
}

void ServerHealth::postpone_probe(MonoTime now) {
  probing_ = false;
  probe_at_ = now + kFirstBackOff;
}

bool ServerHealth::take_probe(MonoTime now) {
  if (probing_ || now < probe_at_) return false;
  probing_ = true;
  return true;
}

}  // namespace postern::resolve
