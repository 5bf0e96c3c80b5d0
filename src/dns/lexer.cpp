#include "dns/lexer.h"

#include <array>

namespace postern::dns {
namespace {

// The characters that end a word, or need a look inside it.
constexpr auto kIsSpecial = [] {
  std::array<bool, 256> special{};
  for (const char c : std::string_view(" \t\r\n;()\"\\")) {
    special[static_cast<unsigned char>(c)] = true;
  }
  return special;
}();

bool is_special(char c) {
  return kIsSpecial[static_cast<unsigned char>(c)];
}

}  // namespace

bool Lexer::at_blank() const {
  return !at_end() && (text_[offset_] == ' ' || text_[offset_] == '\t');
}

Lexer::Next Lexer::next(Token& out) {
  Next end{};
  if (!skip_to_token(end)) {
    last_ = end;
  } else if (text_[offset_] == '"') {
    last_ = read_quoted(out);
  } else {
    last_ = read_word(out);
  }
  return last_;
}

Error Lexer::error() const {
  if (last_ == Next::open_quote) {
    return {Errc::invalid_input, "a quoted string does not end on its line; add the quote"};
  }
  if (last_ == Next::open_parenthesis) {
    return {Errc::invalid_input, "a parenthesis is not closed; add the )"};
  }
  return {Errc::invalid_input, "a ) has no ( before it"};
}

// Moves to the first character of a token: true. False where `end` comes first.
bool Lexer::skip_to_token(Next& end) {
  for (; offset_ < text_.size(); ++offset_) {
    switch (text_[offset_]) {
      case ' ':
      case '\t':
      case '\r':
        break;
      case '\n':
        if (depth_ > 0 && offset_ - entry_offset_ > kMaxEntryOctets) {
          end = Next::open_parenthesis;
          return false;
        }
        ++line_;
        if (depth_ > 0) break;
        ++offset_;
        end = Next::end_of_entry;
        return false;
      case ';': {
        const std::size_t newline = text_.find('\n', offset_);
        offset_ = (newline == std::string_view::npos ? text_.size() : newline) - 1;
        break;
      }
      case '(':
        if (depth_++ == 0) entry_offset_ = offset_;
        break;
      case ')':
        if (depth_ == 0) {
          end = Next::stray_parenthesis;
          return false;
        }
        --depth_;
        break;
      default:
        return true;
    }
  }
  end = depth_ > 0 ? Next::open_parenthesis : Next::end_of_entry;
  return false;
}

// The offset of the quote that ends the string whose first character is at `at`; npos if the
// line ends first.
std::size_t Lexer::end_of_quoted(std::size_t at) const {
  for (; at < text_.size() && text_[at] != '\n'; ++at) {
    if (text_[at] == '"') return at;
    if (text_[at] == '\\') ++at;
    if (at < text_.size() && text_[at] == '\n') break;
  }
  return std::string_view::npos;
}

Lexer::Next Lexer::read_quoted(Token& out) {
  const std::size_t end = end_of_quoted(offset_ + 1);
  if (end == std::string_view::npos) return Next::open_quote;
  out = {text_.substr(offset_ + 1, end - offset_ - 1), true};
  offset_ = end + 1;
  return Next::token;
}

Lexer::Next Lexer::read_word(Token& out) {
  const std::size_t start = offset_;
  std::size_t at = start;
  while (at < text_.size()) {
    if (!is_special(text_[at])) {
      ++at;
    } else if (text_[at] == '\\') {
      // A backslash holds the next character, but never the line's end.
      at += at + 1 < text_.size() && text_[at + 1] != '\n' ? 2 : 1;
    } else if (text_[at] == '"') {
      // Inside a word a quote is a character, but for that of a value: key="a b".
      if (text_[at - 1] == '=') at = end_of_quoted(at + 1);
      if (at == std::string_view::npos) return Next::open_quote;
      ++at;
    } else {
      break;
    }
  }
  out = {text_.substr(start, at - start), false};
  offset_ = at;
  return Next::token;
}

void Lexer::skip_line() {
  const std::size_t newline = text_.find('\n', offset_);
  offset_ = newline == std::string_view::npos ? text_.size() : newline + 1;
  if (newline != std::string_view::npos) ++line_;
  depth_ = 0;
  last_ = Next::end_of_entry;
}

Lexer::Next Lexer::skip_entry() {
  Token ignored;
  for (;;) {
    const Next found = next(ignored);
    if (found != Next::token) return found;
  }
}

void Lexer::rewind(std::size_t offset, std::size_t line) {
  offset_ = offset;
  line_ = line;
  depth_ = 0;
  last_ = Next::end_of_entry;
}

}  // namespace postern::dns
