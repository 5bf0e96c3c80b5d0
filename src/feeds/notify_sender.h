// NotifySender: tells other name servers that a zone has a new serial (RFC 1996), again and again
// until they have heard.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "dns/name.h"
#include "dns/tsig.h"
#include "feeds/request_proof.h"

namespace postern::feeds {

struct NotifyStats {
  SharedCounter sent;      ///< Messages.
  SharedCounter heard;     ///< Targets that acknowledged a serial.
  SharedCounter given_up;  ///< Targets that never did.
};

/// What is to be told, and to whom.
struct Announcement {
  dns::Name zone;
  std::uint32_t serial = 0;
  std::vector<Endpoint> targets;
  SharedKey key;  ///< Null: not signed.
};

/// Over UDP: five times, after 2, 4, 8 and 16 s. One thread, which is never kept waiting.
class NotifySender {
 public:
  static constexpr int kTries = 5;
  static constexpr milliseconds kFirstWait{2000};  ///< Doubles.

  /// Both must outlive this.
  NotifySender(NotifyStats& stats, Log& log) : stats_(stats), log_(log) {}

  /// What was to be told of that zone before is not told any more.
  void announce(const Announcement& announcement, MonoTime now);
  /// Forgets all of that zone.
  void forget(const dns::Name& zone);
  /// Reads what has come and sends what is due. Whenever `next_due` has come, and while there is
  /// something under way often enough for answers to be heard soon.
  void work(MonoTime now, std::uint64_t wall_s);
  bool is_idle() const { return tasks_.empty(); }

 private:
  struct Task {
    dns::Name zone;
    std::uint32_t serial = 0;
    Endpoint target;
    SharedKey key;
    int tries = 0;
    MonoTime due{};
    std::uint16_t id = 0;
    std::optional<dns::TsigExchange> tsig;
  };

  int socket_for(const IpAddress& address);
  void send(Task& task, MonoTime now, std::uint64_t wall_s);
  void receive(int fd, std::uint64_t wall_s);
  bool is_answer(Task& task, OctetView message, std::uint64_t wall_s) const;

  NotifyStats& stats_;
  Log& log_;
  FileDescriptor v4_;
  FileDescriptor v6_;
  std::list<Task> tasks_;
};

}  // namespace postern::feeds
