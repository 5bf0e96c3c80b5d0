// Zone text to tokens: blanks, quotes, parentheses, comments (RFC 1035 §5.1).
//
// Private to dns/. Escapes are left in the tokens: only the field that a token is for knows
// what they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace postern::dns {

/// A piece of an entry, in the text's memory, escapes and all; of a quoted string what is
/// between the quotes. `key="value"` is one token, quotes included.
struct Token {
  std::string_view text;
  bool is_quoted = false;
};

/// Gives the tokens of one entry after the other.
class Lexer {
 public:
  enum class Next : std::uint8_t {
    token,
    end_of_entry,       ///< The end of a line outside parentheses, or of the text.
    open_quote,         ///< A quoted string does not end on its line.
    open_parenthesis,   ///< The text, or the longest entry allowed, ended inside parentheses.
    stray_parenthesis,  ///< A ")" without its "(".
  };

  /// The most text that one entry may span inside parentheses. The longest RDATA, all in
  /// \DDD escapes, needs 256 KiB.
  static constexpr std::size_t kMaxEntryOctets = 512 * 1024;

  /// `text` must outlive the lexer.
  explicit Lexer(std::string_view text) : text_(text) {}

  bool at_end() const { return offset_ >= text_.size(); }
  /// True at the start of the text, and once an entry has been read or skipped to its end.
  bool at_entry_start() const { return last_ == Next::end_of_entry; }
  /// Where the next token will be looked for.
  std::size_t offset() const { return offset_; }
  /// The line that `offset` is in, from 1.
  std::size_t line() const { return line_; }
  /// True if the next character is a blank: at the start of a line, that there is no owner.
  bool at_blank() const;

  /// Reads on. At any error nothing is skipped: see `skip_line` and `skip_entry`.
  Next next(Token& out);
  /// What to say of the error that `next` gave last.
  Error error() const;
  /// Moves to the next line, out of any parentheses.
  void skip_line();
  /// Moves past the rest of the entry, however it is laid out; gives what stopped it.
  Next skip_entry();
  /// Moves back to a place that `offset` and `line` gave, outside parentheses.
  void rewind(std::size_t offset, std::size_t line);

 private:
  bool skip_to_token(Next& end);
  Next read_quoted(Token& out);
  Next read_word(Token& out);
  std::size_t end_of_quoted(std::size_t at) const;

  std::string_view text_;
  std::size_t offset_ = 0;
  std::size_t line_ = 1;
  Next last_ = Next::end_of_entry;
  std::size_t depth_ = 0;         // Of parentheses.
  std::size_t entry_offset_ = 0;  // Where the first "(" was.
};

}  // namespace postern::dns
