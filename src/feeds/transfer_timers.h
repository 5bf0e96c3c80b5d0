// When a transferred zone is looked at again, and when it is too old: the timers of its SOA
// (RFC 1034 §4.3.5, RFC 1996 §3). Pure: time and chance are arguments.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "feeds/transfer_soa.h"

namespace postern::feeds {

/// Whatever a zone says, its refresh and retry times are brought into these bounds.
struct TimerBounds {
  seconds min{10};
  seconds max{7 * 86'400};
  seconds first_retry{30};  ///< While there is no copy yet: doubles up to kMaxFirstRetry.
};

/// The timers of one zone. One thread.
///
/// Each try begins with `began` and ends with `succeeded` or `failed`. `chance` is 0 (inclusive)
/// to 1: waits are shortened by up to a tenth, so that a thousand servers do not ask at once.
class TransferTimers {
 public:
  static constexpr seconds kMaxFirstRetry{3600};
  /// NOTIFY can be forged and repeated: it leads to no more than one try in this time.
  static constexpr seconds kNotifyGap{2};

  TransferTimers() = default;
  explicit TransferTimers(const TimerBounds& bounds) : bounds_(bounds) {}

  /// There is a copy, which was the newest at `checked`.
  void restore(const Soa& soa, MonoTime checked, double chance);
  void began(MonoTime now);
  /// The primary was reached and `soa` is the newest there is.
  void succeeded(const Soa& soa, MonoTime now, double chance);
  void failed(MonoTime now, double chance);
  /// The primary says that the zone has changed, perhaps with its new serial. False where that
  /// serial is no news. What comes during a try is heard after it.
  bool on_notify(std::optional<std::uint32_t> serial, MonoTime now);

  MonoTime next_try() const { return next_try_; }
  /// When the copy expires if no primary is reached until then: the SOA's expire, but never before
  /// one refresh and one retry. Nothing without a copy.
  std::optional<MonoTime> expires_at() const;

 private:
  seconds bounded(std::uint32_t wanted_s) const;
  MonoTime after(seconds wait, MonoTime now, double chance) const;

  TimerBounds bounds_;
  std::optional<Soa> soa_;
  MonoTime contact_{};  // With a primary: the last one.
  MonoTime began_{};
  MonoTime next_try_{};  // At once.
  std::uint32_t failures_ = 0;
  bool is_trying_ = false;
  bool is_notified_ = false;  // During the try.
  std::optional<std::uint32_t> notified_serial_;
};

}  // namespace postern::feeds
