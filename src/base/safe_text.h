// Text of strangers (a swept server, a zone of somebody else), made fit to be shown.
#pragma once

#include <string>
#include <string_view>

namespace postern {

/// As it is, but for what a terminal or a reader would take for something else: control characters,
/// octets that are no UTF-8, marks that turn the direction of text or cannot be seen. These become
/// "\n", "\t", "\x1b", "\u{202e}". A backslash stays one: Windows' paths are full of them. At most
/// `most` octets, then "…".
std::string shown(std::string_view text, std::size_t most = 2000);

/// `shown`, with what is special in HTML as entities: for text and for values in quotes.
std::string html_text(std::string_view text, std::size_t most = 2000);

/// One field of a CSV file (RFC 4180), in quotes where it needs them. What a spreadsheet would take
/// for a formula (it begins with = + - @ or a tab) has an apostrophe before it.
std::string csv_field(std::string_view text);

}  // namespace postern
