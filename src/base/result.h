// Result: a value, or why there is none. POSTERN_TRY passes an error up.
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace postern {

/// What the world does to us (packets, files, feeds, peers) comes back as a Result.
/// On the hot path E is a small enum, so that refusing never allocates.
template <class T, class E = Error>
using Result = std::expected<T, E>;

template <class E>
using Unexpected = std::unexpected<E>;

/// Shorthand for `return fail(Errc::not_found, "no such feed")`.
inline Unexpected<Error> fail(Errc code, std::string text) {
  return Unexpected<Error>(Error{code, std::move(text)});
}

}  // namespace postern

/// The value of `expr`, or a return of its error from the enclosing function.
/// `expr` is a Result whose error type is that of the function. Do not nest it in
/// another POSTERN_TRY; name the inner value instead.
#define POSTERN_TRY(expr)                                                             \
  __extension__({                                                                     \
    auto postern_try_ = (expr);                                                       \
    if (!postern_try_) return ::postern::Unexpected(std::move(postern_try_).error()); \
    *std::move(postern_try_);                                                         \
  })

/// The same for a Result<void>, or one whose value is not wanted.
#define POSTERN_CHECK(expr)                                                           \
  do {                                                                                \
    auto postern_try_ = (expr);                                                       \
    if (!postern_try_) return ::postern::Unexpected(std::move(postern_try_).error()); \
  } while (false)
