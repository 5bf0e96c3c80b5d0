// Query strings: percent-decoding and parameters of a request target (RFC 3986 §3.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace postern::api {

/// How "+" reads: as a space in query strings, as itself in paths.
enum class Plus : std::uint8_t { is_space, is_plus };

/// Decodes "%41". Errors: a broken escape; a control character (so that what is logged of a
/// request stays one line).
Result<std::string> percent_decode(std::string_view text, Plus plus);

/// The parameters of one request, decoded.
class Params {
 public:
  Params() = default;
  /// Reads "name=value&…", without the "?". Errors: more than kMaxParams, a parameter given
  /// twice, what percent_decode refuses. "name" alone has an empty value.
  static Result<Params> from_query(std::string_view query);

  /// Nothing where it is absent or empty: "?client=" asks for nothing.
  std::optional<std::string_view> get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return params_; }

 private:
  std::vector<std::pair<std::string, std::string>> params_;
};

}  // namespace postern::api
