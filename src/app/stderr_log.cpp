#include "app/stderr_log.h"

#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/table.h"
#include "event/time_text.h"

namespace postern::app {
namespace {

int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return 7;
    case LogLevel::info:
      return 6;
    case LogLevel::warning:
      return 4;
    case LogLevel::error:
      return 3;
  }
  return 3;
}

}  // namespace

bool is_journal(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || ::fstat(fd, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

std::string log_line(WallTime at, LogLevel level, std::string_view component, std::string_view text,
                     bool for_journald) {
  if (for_journald)
    return fmt::format("<{}>{}: {}\n", priority_of(level), component, printable(text));
  constexpr std::size_t kToMilliseconds = 23;
  return fmt::format("{}Z {} {}: {}\n", event::to_rfc3339(at).substr(0, kToMilliseconds),
                     to_string(level), component, printable(text));
}

StderrLog::StderrLog() : for_journald_(is_journal(STDERR_FILENO)) {}

void StderrLog::write(LogLevel level, std::string_view component, std::string_view text) {
  const WallTime now = std::chrono::floor<microseconds>(std::chrono::system_clock::now());
  const std::string line = log_line(now, level, component, text, for_journald_);
  // Nothing can be done, and nowhere said, if standard error is gone.
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace postern::app
