// The patterns of STIX 2.1 indicators (§9): what of one a list of names and addresses can hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::intel {

/// One comparison that, if it holds, is reason enough for the whole pattern.
struct StixIndicator {
  enum class Kind : std::uint8_t {
    name,         ///< domain-name:value = 'bad.example'.
    names_below,  ///< domain-name:value LIKE '%.bad.example'; `value` is "bad.example".
    address,      ///< ipv4-addr:value, ipv6-addr:value, = or ISSUBSET; an address or a prefix.
    url,          ///< url:value = 'http://bad.example/'.
  };
  Kind kind{};
  std::string value;

  bool operator==(const StixIndicator&) const = default;
};

struct StixPattern {
  std::vector<StixIndicator> indicators;
  /// Why a part that looks at names, addresses or URLs is not among them, to be read behind the
  /// pattern: the first reason, static text. Empty: all are. Comparisons of other things (files,
  /// mail …) need no reason.
  std::string_view left_out;
};

/// Reads a pattern. Alternatives (OR, IN, brackets) are taken apart; what holds only together with
/// something else (AND, FOLLOWEDBY, NOT, WITHIN …) is left out, as blocking for half a condition
/// would block too much. The error says why the text is no pattern; static text. Work and memory
/// are linear in the text, recursion is at most kMaxStixDepth.
Result<StixPattern, std::string_view> read_stix_pattern(std::string_view text);

inline constexpr int kMaxStixDepth = 32;

}  // namespace postern::intel
