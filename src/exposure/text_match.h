// Small readings of text: words, and patterns with stars. Linear, but for stars (size times
// pattern).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"

namespace postern::exposure {

std::string lower_text(std::string_view text);
std::string_view trimmed(std::string_view text);
/// The next word off `text`, behind blanks; empty at the end.
std::string_view take_word(std::string_view& text);
/// The whole text is this number.
std::optional<std::uint32_t> number_of(std::string_view text, std::uint32_t most);

/// Whether `text` is `pattern`, in which "*" stands for any run of octets, none included. Case
/// matters: lower both.
bool matches_glob(std::string_view text, std::string_view pattern);

/// A pattern for domain names, label by label: "smtp.google.com" is that name, ".example.com" any
/// name below it, "inbound-smtp.*.amazonaws.com" one label for the star, "mx*.example.com" part of
/// one. Any number of threads.
class NamePattern {
 public:
  /// Nothing where `text` is no such pattern: empty labels, characters no host name has.
  static std::optional<NamePattern> from_text(std::string_view text);
  bool matches(const dns::Name& name) const;

 private:
  NamePattern() = default;

  std::vector<std::string> labels_;  ///< The rightmost first.
  bool is_suffix_ = false;
};

/// The value of `tag` in "v=DMARC1; p=none; …" (RFC 7489 §6.4, RFC 8461 §3.1, RFC 6376 §3.2): the
/// first one, trimmed; nothing where there is none.
std::optional<std::string_view> tag_value(std::string_view text, std::string_view tag);

/// A TXT record at a DKIM name that is a key: it has "p=", not empty, and no other version than
/// DKIM1 (RFC 6376 §3.6.1).
bool is_dkim_key(std::string_view text);

}  // namespace postern::exposure
