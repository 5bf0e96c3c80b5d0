// POSTERN_ASSERT: what only our own bug can break. On in every build.
//
// Never for anything an outsider can cause: that is a Result.
#pragma once

namespace postern {

/// Prints the broken assertion to stderr and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace postern

#define POSTERN_ASSERT(expr) \
  ((expr) ? static_cast<void>(0) : ::postern::assertion_failed(#expr, __FILE__, __LINE__))
