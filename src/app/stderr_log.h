// StderrLog: one line a message on standard error, for a terminal or for the journal of systemd.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/time.h"

namespace postern::app {

/// "2026-03-02T08:00:00.123Z info feeds: …"; under systemd "<6>feeds: …", as journald knows the
/// time and reads the priority (sd-daemon(3)). Control characters of the text become "?", so that
/// no message can forge a second one.
std::string log_line(WallTime at, LogLevel level, std::string_view component, std::string_view text,
                     bool for_journald);

/// True where journald reads this descriptor: what is written there is kept, and read by others.
/// $JOURNAL_STREAM is "device:inode" of the journal's socket; it may be inherited by a process
/// whose output goes elsewhere (systemd.exec(5)).
bool is_journal(int fd);

/// A line is written by one write(2), whole, from any thread.
class StderrLog final : public Log {
 public:
  StderrLog();
  void write(LogLevel level, std::string_view component, std::string_view text) override;

 private:
  bool for_journald_;
};

}  // namespace postern::app
