#include "app/progress_line.h"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace postern::app {
namespace {

constexpr std::chrono::milliseconds kPause{100};

}  // namespace

ProgressLine::ProgressLine() : wanted_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::show(const std::function<std::string()>& text) {
  const auto now = std::chrono::steady_clock::now();
  if (!wanted_ || (drawn_ && now - last_ < kPause)) return;
  last_ = now;
  drawn_ = true;
  fmt::print(stderr, "\r\x1b[K{}", text());
}

}  // namespace postern::app
