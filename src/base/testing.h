// What tests of several modules share.
#pragma once

#include <string>
#include <string_view>

#include "base/guarded.h"
#include "base/log.h"

namespace postern::testing {

/// Keeps what is logged: a line each, without its level and component.
class KeptLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view text) override {
    text_.with([&](std::string& all) { all += std::string(text) + "\n"; });
  }
  std::string text() const { return text_.copy(); }

 private:
  Guarded<std::string> text_;
};

}  // namespace postern::testing
