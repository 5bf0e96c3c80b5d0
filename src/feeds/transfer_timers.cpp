#include "feeds/transfer_timers.h"

#include <algorithm>

namespace postern::feeds {

seconds TransferTimers::bounded(std::uint32_t wanted_s) const {
  return std::clamp(seconds(wanted_s), bounds_.min, std::max(bounds_.min, bounds_.max));
}

MonoTime TransferTimers::after(seconds wait, MonoTime now, double chance) const {
  const auto whole = static_cast<double>(microseconds(wait).count());
  return now + microseconds(static_cast<std::int64_t>(whole * (0.9 + 0.1 * chance)));
}

void TransferTimers::restore(const Soa& soa, MonoTime checked, double chance) {
  soa_ = soa;
  contact_ = checked;
  next_try_ = after(bounded(soa.refresh_s), checked, chance);
}

void TransferTimers::began(MonoTime now) {
  began_ = now;
  is_trying_ = true;
  is_notified_ = false;
}

void TransferTimers::succeeded(const Soa& soa, MonoTime now, double chance) {
  restore(soa, now, chance);
  failures_ = 0;
  is_trying_ = false;
  // The zone may have changed again behind the serial that was transferred.
  const bool is_news =
      is_notified_ && (!notified_serial_ || is_newer(*notified_serial_, soa.serial));
  if (is_news) next_try_ = std::min(next_try_, began_ + kNotifyGap);
}

void TransferTimers::failed(MonoTime now, double chance) {
  is_trying_ = false;
  ++failures_;
  if (soa_) {
    next_try_ = after(bounded(soa_->retry_s), now, chance);
    return;
  }
  constexpr std::uint32_t kMaxDoublings = 16;
  const seconds wait = bounds_.first_retry * (1 << std::min(failures_ - 1, kMaxDoublings));
  next_try_ = after(std::min(wait, std::max(kMaxFirstRetry, bounds_.first_retry)), now, chance);
}

bool TransferTimers::on_notify(std::optional<std::uint32_t> serial, MonoTime now) {
  if (serial && soa_ && !is_newer(*serial, soa_->serial)) return false;
  if (is_trying_) {
    is_notified_ = true;
    notified_serial_ = serial;
  } else {
    next_try_ = std::min(next_try_, std::max(now, began_ + kNotifyGap));
  }
  return true;
}

std::optional<MonoTime> TransferTimers::expires_at() const {
  if (!soa_) return std::nullopt;
  const seconds least = bounded(soa_->refresh_s) + bounded(soa_->retry_s);
  return contact_ + std::max(seconds(soa_->expire_s), least);
}

}  // namespace postern::feeds
