// The values of Sigma: wildcards, and what modifiers make of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exchange/condition.h"

namespace postern::exchange {

/// A text with wildcards.
struct SigmaText {
  /// Literal text, or a wildcard.
  struct Part {
    char wildcard = 0;  ///< '*' or '?', or 0.
    std::string text;
  };
  std::vector<Part> parts;
};

/// "\*", "\?" and "\\" are what they end in, another backslash is one.
SigmaText sigma_text(std::string_view value);

/// The same without wildcards.
SigmaText literal_text(std::string_view value);

/// What the text asks as a whole; the literal of `equals`, `starts`, `ends` and `contains`, the
/// pattern of `matches`, nothing of `is_empty`, which means: not empty.
struct SigmaTest {
  Op op{};
  std::string text;
};
SigmaTest test_of(const SigmaText& text);

/// The value itself and with the other signs that begin an argument: '-', '/', and three dashes.
std::vector<std::string> with_all_dashes(std::string_view value);

std::string base64_of(std::string_view octets);
/// What of the value's Base64 is the same wherever in a text it stands: for each of three places.
std::vector<std::string> base64_anywhere(std::string_view octets);
/// Each octet and a zero: what UTF-16 makes of ASCII. `big`: zero first.
std::string widened(std::string_view text, bool big);

}  // namespace postern::exchange
