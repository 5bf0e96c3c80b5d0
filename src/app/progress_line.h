// One line on a terminal that says how far a long command is.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace postern::app {

/// On standard error, drawn over itself some times a second, and gone when this ends; nothing where
/// that is no terminal. One thread.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Draws what `text` gives, unless the line was drawn just before.
  void show(const std::function<std::string()>& text);

 private:
  const bool wanted_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace postern::app
