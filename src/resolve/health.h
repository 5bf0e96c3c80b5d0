// Health of one upstream server. Pure: time is an argument.
#pragma once

#include "base/time.h"

namespace postern::resolve {

/// Up until three failures in a row and then a probe that fails too: a name that is slow to resolve
/// says nothing about the server that was asked for it. Then down, with probes after 1 s, 2 s,
/// 4 s … 60 s, until anything is answered.
class ServerHealth {
 public:
  static constexpr unsigned kFailuresToProbe = 3;
  static constexpr seconds kFirstBackOff{1};
  static constexpr seconds kMaxBackOff{60};

  /// Any answer, of a probe or of a question; `took` from sending to receiving.
  void on_answer(microseconds took);
  /// No answer in time to a question, or no connection for it.
  void on_failure(MonoTime now);
  /// The same of a probe, if none was answered since it was sent. True where that takes the server
  /// down.
  bool on_probe_failure(MonoTime now);
  /// The probe could not be sent, for want of room: later.
  void postpone_probe(MonoTime now);

  bool is_up() const { return up_; }
  /// True, once, when the server should be asked something that nobody waits for.
  bool take_probe(MonoTime now);

  /// Exponentially weighted, an eighth each (RFC 6298 §2); zero before the first answer.
  microseconds smoothed_rtt() const { return smoothed_rtt_; }

 private:
  bool up_ = true;
  bool probing_ = false;
  unsigned failures_ = 0;
  seconds back_off_ = kFirstBackOff;
  MonoTime probe_at_ = MonoTime::max();
  microseconds smoothed_rtt_{0};
};

}  // namespace postern::resolve
