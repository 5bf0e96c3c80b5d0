#include "exchange/regex.h"

#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

namespace postern::exchange {
namespace {

constexpr std::int64_t kMaxProgramOctets = 4 << 20;

bool is_quantifier(char c) {
  return c == '*' || c == '?' || c == '{';
}

bool is_plain(char c) {
  return std::string_view("\\^$.|?*+()[]{}").find(c) == std::string_view::npos;
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Where the group or the class ends that begins at `at`.
std::size_t end_of_group(std::string_view pattern, std::size_t at) {
  std::size_t depth = 0;
  bool in_class = false;
  for (std::size_t i = at; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      // A bracket that stands first is one of the class.
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') ++i;
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    }
    if (depth == 0 && !in_class) return i + 1;
  }
  return pattern.size();
}

/// The runs of plain text of a pattern's outermost level, the longest of them.
class Runs {
 public:
  void add(char c) { run_ += c; }
  void drop_last() {
    if (!run_.empty()) run_.pop_back();
  }
  void end() {
    if (run_.size() > best_.size()) best_ = run_;
    run_.clear();
  }
  std::string take() {
    end();
    return std::move(best_);
  }

 private:
  std::string run_, best_;
};

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern, Case letters) {
  if (pattern.size() > kMaxPatternOctets) {
    return fail(Errc::limit_exceeded, "the regular expression is over 8192 octets");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(letters == Case::matters);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_max_mem(kMaxProgramOctets);
  auto compiled =
      std::make_shared<const re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) {
    return fail(Errc::invalid_input,
                fmt::format("the regular expression cannot be read: {}", compiled->error()));
  }
  return Regex(std::move(compiled));
}

bool Regex::is_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

std::optional<std::string_view> Regex::find_in(std::string_view text) const {
  re2::StringPiece found[2];
  const int group = compiled_->NumberOfCapturingGroups() > 0 ? 1 : 0;
  if (!compiled_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                        re2::RE2::UNANCHORED, found, group + 1)) {
    return std::nullopt;
  }
  return std::string_view(found[group].data(), found[group].size());
}

const std::string& Regex::pattern() const {
  return compiled_->pattern();
}

std::string required_text(std::string_view pattern) {
  // Flags and quotations inside a pattern change what its text means; none of ours has them.
  if (pattern.find("(?") != std::string_view::npos) return {};
  Runs runs;
  std::size_t at = 0;
  while (at < pattern.size()) {
    const char c = pattern[at];
    bool is_text = false;
    if (c == '|') return {};
    if (c == '\\' && at + 1 < pattern.size()) {
      if (pattern[at + 1] == 'Q' || pattern[at + 1] == 'x' || pattern[at + 1] == 'p' ||
          pattern[at + 1] == 'P' || (pattern[at + 1] >= '0' && pattern[at + 1] <= '9')) {
        return {};
      }
      is_text = !is_letter_or_digit(pattern[at + 1]);
      if (is_text) runs.add(pattern[at + 1]);
      at += 2;
    } else if (c == '(' || c == '[') {
      at = end_of_group(pattern, at);
    } else {
      is_text = is_plain(c);
      if (is_text) runs.add(c);
      ++at;
    }
    const bool repeated = at < pattern.size() && (is_quantifier(pattern[at]) || pattern[at] == '+');
    if (is_text && repeated && is_quantifier(pattern[at])) runs.drop_last();
    if (!is_text || repeated) runs.end();
    if (repeated) {
      const std::size_t end = pattern[at] == '{' ? pattern.find('}', at) : at;
      at = end == std::string_view::npos ? pattern.size() : end + 1;
    }
  }
  return runs.take();
}

}  // namespace postern::exchange
