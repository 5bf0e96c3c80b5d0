#include "exposure/text_match.h"

#include <algorithm>
#include <charconv>

#include "base/octets.h"

namespace postern::exposure {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*';
}

}  // namespace

std::string lower_text(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::optional<std::uint32_t> number_of(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, value);
  if (text.empty() || code != std::errc() || at != end || value > most) return std::nullopt;
  return value;
}

bool matches_glob(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t star = std::string_view::npos;  // The last one, and what it stands for so far.
  std::size_t taken = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      taken = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[at]) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++taken;
    } else {
      return false;
    }
  }
  while (in_pattern < pattern.size() && pattern[in_pattern] == '*') ++in_pattern;
  return in_pattern == pattern.size();
}

std::optional<NamePattern> NamePattern::from_text(std::string_view text) {
  NamePattern out;
  const std::string lower = lower_text(text);
  std::string_view rest = lower;
  if (rest.starts_with('.')) {
    out.is_suffix_ = true;
    rest.remove_prefix(1);
  }
  while (!rest.empty()) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    const bool is_last = dot == std::string_view::npos;
    rest.remove_prefix(is_last ? rest.size() : dot + 1);
    if (label.empty() || label.size() > dns::Name::kMaxLabelOctets || (!is_last && rest.empty()) ||
        !std::ranges::all_of(label, is_label_character)) {
      return std::nullopt;
    }
    out.labels_.emplace_back(label);
  }
  if (out.labels_.empty() || out.labels_.size() > dns::Name::kMaxLabels) return std::nullopt;
  std::ranges::reverse(out.labels_);
  return out;
}

bool NamePattern::matches(const dns::Name& name) const {
  std::vector<std::string_view> labels;
  const OctetView wire = name.wire();
  for (std::size_t at = 0; wire[at] != 0; at += wire[at] + 1U) {
    labels.push_back(text_of(wire.subspan(at + 1, wire[at])));
  }
  if (labels.size() < labels_.size() + (is_suffix_ ? 1 : 0)) return false;
  if (!is_suffix_ && labels.size() != labels_.size()) return false;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    if (!matches_glob(labels[labels.size() - 1 - i], labels_[i])) return false;
  }
  return true;
}

std::optional<std::string_view> tag_value(std::string_view text, std::string_view tag) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || trimmed(part.substr(0, equals)) != tag) continue;
    return trimmed(part.substr(equals + 1));
  }
  return std::nullopt;
}

bool is_dkim_key(std::string_view text) {
  const auto version = tag_value(text, "v");
  const auto key = tag_value(text, "p");
  return key && !key->empty() && (!version || *version == "DKIM1");
}

}  // namespace postern::exposure
