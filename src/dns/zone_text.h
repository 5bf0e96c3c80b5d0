// Zone files ("master files", RFC 1035 §5): text to records, one at a time.
//
// $ORIGIN, $TTL, $INCLUDE (refused), $GENERATE (refused), parentheses, quoted strings, escapes,
// comments, missing owner/TTL/class, RFC 3597 forms. A bad entry is an error with its line; the
// reader goes on at the next entry, so that one line never fails a zone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"
#include "dns/lexer.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::dns {

struct ZoneRecord {
  Name owner;
  RRType type{};
  RRClass rr_class = RRClass::in;
  std::uint32_t ttl = 0;
  Octets rdata;          ///< Uncompressed wire form.
  std::size_t line = 0;  ///< Where the entry began, from 1.
};

struct ZoneTextError {
  std::size_t line = 0;
  std::string text;  ///< What is wrong and what to do.
};

/// Reads a zone file from memory. The text must outlive the reader.
class ZoneTextReader {
 public:
  /// `origin` completes relative names until $ORIGIN says otherwise.
  ZoneTextReader(std::string_view text, const Name& origin, std::uint32_t default_ttl);

  /// Reads the next record into `out`, reusing its memory. True: a record; false: the end, or
  /// `error()` where that is set: then call again to go on behind the bad entry.
  bool next(ZoneRecord& out);
  const std::optional<ZoneTextError>& error() const { return error_; }

 private:
  Result<bool> read_entry(ZoneRecord& out);
  Result<void> read_directive(std::string_view directive);
  Result<void> read_type(Token token, ZoneRecord& out);
  Result<bool> next_token(Token& out);
  void recover(std::size_t offset, std::size_t line);

  Lexer lexer_;
  std::size_t rescan_octets_;  // How much more may be read twice; see `recover`.
  Name origin_;
  std::uint32_t ttl_;
  bool has_ttl_directive_ = false;
  RRClass class_ = RRClass::in;
  std::optional<Name> last_owner_;
  std::optional<ZoneTextError> error_;
};

}  // namespace postern::dns
