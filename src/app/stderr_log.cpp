#include "app/stderr_log.h"

#include <cstdlib>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/table.h"

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

std::string log_line(LogLevel level, std::string_view component, std::string_view text,
                     bool for_journald) {
  if (for_journald)
    return fmt::format("<{}>{}: {}\n", priority_of(level), component, printable(text));
  return fmt::format("{} {}: {}\n", to_string(level), component, printable(text));
}

StderrLog::StderrLog() : for_journald_(is_journal(STDERR_FILENO)) {}

void StderrLog::write(LogLevel level, std::string_view component, std::string_view text) {
  const std::string line = log_line(level, component, text, for_journald_);
  // Nothing can be done, and nowhere said, if standard error is gone.
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace postern::app
