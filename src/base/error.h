// Why an operation failed: a code for the program, a sentence for the person.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern {

/// What a caller can do about an error decides its code, not where it arose.
enum class Errc : std::uint8_t {
  invalid_input,   ///< The input is wrong; the same input will fail again.
  limit_exceeded,  ///< A documented bound was reached.
  not_found,       ///< The thing asked for does not exist.
  unavailable,     ///< May succeed later: a peer is down, a resource is busy.
  timed_out,       ///< The deadline passed.
  denied,          ///< Permission or authentication.
  corrupt,         ///< Stored data is damaged.
};

/// "invalid input", "limit exceeded", …
std::string_view to_string(Errc code);

/// An error on its way up. Each level that knows something the one below did
/// not adds it with `context`, so the text reads from the general to the
/// particular: "load feed urlhaus: open /var/lib/postern/urlhaus: not found".
struct Error {
  Errc code{};
  std::string text;

  /// This error with `doing` and a colon before its text.
  [[nodiscard]] Error context(std::string_view doing) &&;

  bool operator==(const Error&) const = default;
};

/// The Error for a failed system call: "`doing`: " and what errno says.
/// `error_number` is errno as it was after the call.
Error system_error(std::string_view doing, int error_number);

}  // namespace postern
