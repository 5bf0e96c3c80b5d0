// Text of feeds: lines, words, and how a piece of one is shown to a person.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "intel/feed_sink.h"

namespace postern::intel {

/// Longer lines are skipped: no rule needs them, and every piece of work is bounded by them.
inline constexpr std::size_t kMaxLineOctets = 16'384;

inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes the next word off `text`; empty at its end.
inline std::string_view take_word(std::string_view& text) {
  std::size_t begin = 0;
  while (begin < text.size() && is_blank(text[begin])) ++begin;
  std::size_t end = begin;
  while (end < text.size() && !is_blank(text[end])) ++end;
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

/// Equal but for the case of ASCII letters.
bool same_word(std::string_view a, std::string_view b);

/// `text` in quotation marks, cut after 60 octets, with what does not print escaped.
std::string shown(std::string_view text);

/// Calls `read(line)` for every line that is neither blank nor too long, without its line ending
/// alone: for formats in which blanks may separate. Lines end in LF or CR LF; the last one need
/// not.
template <class Read>
void for_each_whole_line(std::string_view text, FeedSink& sink, Read&& read) {
  while (!text.empty() && !sink.stopped()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    sink.next_line();
    if (trimmed(line).empty()) {
      sink.ignore();
    } else if (line.size() > kMaxLineOctets) {
      sink.skip(line, "is a line of over 16384 octets; check that this is such a feed");
    } else {
      read(line);
    }
  }
}

/// The same without the blanks around the line.
template <class Read>
void for_each_line(std::string_view text, FeedSink& sink, Read&& read) {
  for_each_whole_line(text, sink, [&](std::string_view line) { read(trimmed(line)); });
}

}  // namespace postern::intel
