// Regex: a regular expression that takes time linear in the text, whatever both are.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace postern::exchange {

enum class Case : unsigned char { ignored, matters };

/// RE2's syntax (no look-around, no back-references), octet by octet (Latin-1). Immutable and
/// cheap to copy; may be used from any thread.
class Regex {
 public:
  /// Longer patterns are refused.
  static constexpr std::size_t kMaxPatternOctets = 8'192;

  static Result<Regex> compile(std::string_view pattern, Case letters);

  /// Whether it matches anywhere in `text`.
  bool is_in(std::string_view text) const;
  /// What its first group matched, or all of it where it has no group; a view of `text`.
  std::optional<std::string_view> find_in(std::string_view text) const;
  const std::string& pattern() const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const re2::RE2> compiled_;
};

/// The longest text that everything that matches `pattern` has in it (but for case); empty where
/// none can be told. Looks at the pattern's outermost level only.
std::string required_text(std::string_view pattern);

}  // namespace postern::exchange
