// Words, texts and signs of the rule language, with their places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::exchange {

struct Token {
  enum class Kind : std::uint8_t {
    word,
    text,    ///< In "…" or '…'; the mark itself is doubled in it. No other escapes.
    name,    ///< In `…`: a field whose name has signs in it.
    symbol,  ///< ( ) [ ] , = < <= > >=
    broken,  ///< A quotation without its end.
    end,
  };
  Kind kind = Kind::end;
  std::string text;
  std::size_t offset = 0;  ///< In the whole text.
};

/// Takes a part of a text apart. What follows a '#' that begins a word is a comment up to the
/// line's end.
class Lexer {
 public:
  /// Of `whole`, which must outlive it, the octets from `begin` to `end`.
  Lexer(std::string_view whole, std::size_t begin, std::size_t end)
      : whole_(whole.substr(0, end)), at_(begin) {
    read();
  }

  const Token& peek() const { return next_; }
  Token take();
  /// Takes the next one if it is this word or symbol.
  bool take_if(std::string_view text);
  bool at_end() const { return next_.kind == Token::Kind::end; }

 private:
  void read();
  void read_quoted(char mark, Token::Kind kind);

  std::string_view whole_;
  std::size_t at_;
  Token next_;
};

/// "NAME:LINE:COLUMN: what", for the place at `offset` of `text`.
Error error_at(std::string_view name, std::string_view text, std::size_t offset,
               std::string_view what);

}  // namespace postern::exchange
