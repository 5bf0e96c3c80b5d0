#include "exchange/lexer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kSymbols = "()[],=<>";
constexpr std::string_view kQuotes = "\"'`";

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

}  // namespace

Token Lexer::take() {
  Token taken = std::move(next_);
  read();
  return taken;
}

bool Lexer::take_if(std::string_view text) {
  const bool is_it =
      (next_.kind == Token::Kind::word || next_.kind == Token::Kind::symbol) && next_.text == text;
  if (is_it) read();
  return is_it;
}

void Lexer::read() {
  next_ = {};
  while (at_ < whole_.size() && (is_one_of(whole_[at_], kBlanks) || whole_[at_] == '#')) {
    at_ = whole_[at_] == '#' ? std::min(whole_.find('\n', at_), whole_.size()) : at_ + 1;
  }
  next_.offset = at_;
  if (at_ >= whole_.size()) return;
  const char c = whole_[at_];
  if (c == '`') return read_quoted(c, Token::Kind::name);
  if (is_one_of(c, kQuotes)) return read_quoted(c, Token::Kind::text);
  if (is_one_of(c, kSymbols)) {
    next_.kind = Token::Kind::symbol;
    next_.text = c;
    ++at_;
    if ((c == '<' || c == '>') && at_ < whole_.size() && whole_[at_] == '=') {
      next_.text += whole_[at_++];
    }
    return;
  }
  next_.kind = Token::Kind::word;
  const std::size_t begin = at_;
  while (at_ < whole_.size() && !is_one_of(whole_[at_], kBlanks) &&
         !is_one_of(whole_[at_], kSymbols) && !is_one_of(whole_[at_], kQuotes)) {
    ++at_;
  }
  next_.text = whole_.substr(begin, at_ - begin);
}

void Lexer::read_quoted(char mark, Token::Kind kind) {
  next_.kind = kind;
  ++at_;
  while (true) {
    const std::size_t end = whole_.find(mark, at_);
    if (end == std::string_view::npos) {
      next_.kind = Token::Kind::broken;
      at_ = whole_.size();
      return;
    }
    next_.text += whole_.substr(at_, end - at_);
    at_ = end + 1;
    if (at_ == whole_.size() || whole_[at_] != mark) return;
    next_.text += mark;
    ++at_;
  }
}

Error error_at(std::string_view name, std::string_view text, std::size_t offset,
               std::string_view what) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t break_at = before.rfind('\n');
  const std::size_t column =
      1 + before.size() - (break_at == std::string_view::npos ? 0 : break_at + 1);
  return {Errc::invalid_input, fmt::format("{}:{}:{}: {}", name, line, column, what)};
}

}  // namespace postern::exchange
