#include "dns/zone_text.h"

#include "dns/encoding.h"
#include "dns/rdata_format.h"

namespace postern::dns {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool same_directive(std::string_view token, std::string_view directive) {
  if (token.size() != directive.size()) return false;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const char c = token[i] >= 'a' && token[i] <= 'z' ? static_cast<char>(token[i] - 32) : token[i];
    if (c != directive[i]) return false;
  }
  return true;
}

}  // namespace

ZoneTextReader::ZoneTextReader(std::string_view text, const Name& origin, std::uint32_t default_ttl)
    : lexer_(text), rescan_octets_(text.size()), origin_(origin), ttl_(default_ttl) {}

bool ZoneTextReader::next(ZoneRecord& out) {
  error_.reset();
  while (!lexer_.at_end()) {
    const std::size_t offset = lexer_.offset();
    const std::size_t line = lexer_.line();
    out.line = line;
    const auto found = read_entry(out);
    if (!found) {
      error_ = ZoneTextError{line, found.error().text};
      recover(offset, line);
      return false;
    }
    if (*found) return true;
  }
  return false;
}

// Goes on behind a bad entry, which began at `offset`. Where that is lost in a parenthesis that
// nothing closes, only its first line is skipped, so that one bad line does not cost the rest.
// The rest is then read a second time; that is allowed for as much as the text is long, or many
// such lines would cost time in the square of their number.
void ZoneTextReader::recover(std::size_t offset, std::size_t line) {
  if (lexer_.at_entry_start()) return;
  if (lexer_.skip_entry() == Lexer::Next::end_of_entry) return;
  const std::size_t scanned = lexer_.offset() - offset;
  if (scanned <= rescan_octets_) {
    rescan_octets_ -= scanned;
    lexer_.rewind(offset, line);
  }
  lexer_.skip_line();
}

// True: a record; false: an empty line or a directive.
Result<bool> ZoneTextReader::read_entry(ZoneRecord& out) {
  const bool has_owner = !lexer_.at_blank();
  Token token;
  if (!POSTERN_TRY(next_token(token))) return false;
  if (has_owner && !token.is_quoted && token.text.starts_with('$')) {
    POSTERN_CHECK(read_directive(token.text));
    return false;
  }
  if (has_owner) {
    // A bad owner must not leave the entries below it, which have none, to the one before.
    last_owner_.reset();
    POSTERN_CHECK(parse_name(token, origin_, out.owner));
    last_owner_ = out.owner;
    if (!POSTERN_TRY(next_token(token))) {
      return fail(Errc::invalid_input, "a name alone; add a type and data, or remove the line");
    }
  } else if (last_owner_) {
    out.owner = *last_owner_;
  } else {
    return fail(Errc::invalid_input, "no name, and no good entry above to take it from");
  }
  POSTERN_CHECK(read_type(token, out));
  POSTERN_CHECK(parse_rdata(out.type, lexer_, origin_, out.rdata));
  return true;
}

// Reads [TTL] [class] type, the first two in either order; `token` is the first of them.
Result<void> ZoneTextReader::read_type(Token token, ZoneRecord& out) {
  std::optional<std::uint32_t> ttl;
  std::optional<RRClass> rr_class;
  for (;;) {
    if (const auto type = rr_type_from_text(token.text)) {
      if (is_meta(*type)) {
        return fail(Errc::invalid_input, to_string(*type) + " is not a type that a zone can hold");
      }
      out.type = *type;
      break;
    }
    if (!ttl && !token.text.empty() && is_digit(token.text[0])) {
      ttl = parse_ttl(token.text);
      if (!ttl) return fail(Errc::invalid_input, shown(token.text) + " is not a TTL in seconds");
    } else if (!rr_class && rr_class_from_text(token.text)) {
      rr_class = rr_class_from_text(token.text);
    } else {
      return fail(Errc::invalid_input, shown(token.text) + " is not a record type");
    }
    if (!POSTERN_TRY(next_token(token))) {
      return fail(Errc::invalid_input, "the record's type and data are missing");
    }
  }
  // What an entry leaves out is as it was last said (RFC 1035 §5.1), a $TTL first (RFC 2308 §4).
  if (rr_class) class_ = *rr_class;
  if (ttl && !has_ttl_directive_) ttl_ = *ttl;
  out.rr_class = class_;
  out.ttl = ttl.value_or(ttl_);
  return {};
}

Result<void> ZoneTextReader::read_directive(std::string_view directive) {
  if (same_directive(directive, "$INCLUDE") || same_directive(directive, "$GENERATE")) {
    return fail(Errc::invalid_input,
                std::string(directive) + " is refused; write the records out in this file");
  }
  const bool is_origin = same_directive(directive, "$ORIGIN");
  if (!is_origin && !same_directive(directive, "$TTL")) {
    return fail(Errc::invalid_input, shown(directive) + " is not a directive that we know");
  }
  Token token;
  if (!POSTERN_TRY(next_token(token))) {
    return fail(Errc::invalid_input, std::string(directive) + " lacks its value");
  }
  Name origin;
  std::optional<std::uint32_t> ttl;
  if (is_origin) {
    POSTERN_CHECK(parse_name(token, origin_, origin));
  } else {
    ttl = parse_ttl(token.text);
    if (!ttl) return fail(Errc::invalid_input, shown(token.text) + " is not a TTL in seconds");
  }
  if (POSTERN_TRY(next_token(token))) {
    return fail(Errc::invalid_input, shown(token.text) + " stands behind the end of the directive");
  }
  if (is_origin) {
    origin_ = origin;
  } else {
    ttl_ = *ttl;
    has_ttl_directive_ = true;
  }
  return {};
}

Result<bool> ZoneTextReader::next_token(Token& out) {
  switch (lexer_.next(out)) {
    case Lexer::Next::token:
      return true;
    case Lexer::Next::end_of_entry:
      return false;
    case Lexer::Next::open_quote:
    case Lexer::Next::open_parenthesis:
    case Lexer::Next::stray_parenthesis:
      break;
  }
  return Unexpected(lexer_.error());
}

}  // namespace postern::dns
