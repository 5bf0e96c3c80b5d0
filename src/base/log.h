// Log: where the shell says what happened, a line at a time. The core never logs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

std::string_view to_string(LogLevel level);

/// A sink for one-line messages. Passed to each shell object that needs it; there
/// is no global log. `write` may be called from any thread and never fails. Do not
/// put secrets or whole query names of clients into `text`.
class Log {
 public:
  virtual ~Log() = default;
  /// `component` is the module and part, as "feeds" or "resolve.forward".
  virtual void write(LogLevel level, std::string_view component, std::string_view text) = 0;

  void info(std::string_view component, std::string_view text) {
    write(LogLevel::info, component, text);
  }
  void warning(std::string_view component, std::string_view text) {
    write(LogLevel::warning, component, text);
  }
  void error(std::string_view component, std::string_view text) {
    write(LogLevel::error, component, text);
  }
};

/// Drops everything: for tests.
class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view) override {}
};

}  // namespace postern
