// What a web page says to the server: its text whatever the encoding, its code without disguise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"

namespace postern::exchange {

/// A page beyond this is looked at up to here: no page of Microsoft's is near it.
inline constexpr std::size_t kMaxPageOctets = 1U << 20;

struct PageText {
  std::string text;     ///< UTF-8, or the octets as they are where they are neither.
  bool utf16 = false;   ///< It was UTF-16.
  bool binary = false;  ///< It has octets that no text has.
};

/// The text of the first kMaxPageOctets: UTF-8, UTF-16 with or without its mark, else as it is.
PageText decode_page(OctetView content);

/// The parts of a page that the server reads.
struct PageCode {
  std::string code;        ///< What stands in <% %> and <script runat=server>, lines apart.
  std::string directives;  ///< What stands in <%@ %> and in tags of scripts, in lower case.
  bool jscript = false;    ///< Its language is JScript, as far as it says.
  bool braces = false;     ///< Its language is C# or JScript, as far as it says; else VB.
  bool declared = false;   ///< It says its language.
};

/// `extension` in lower case. A handler or service is code from behind its directive on.
PageCode page_code(std::string_view text, std::string_view extension);

/// Code as a compiler takes it: comments, blanks, marks and needless characters gone, escapes
/// decoded, strings that are added up made one, characters by number made strings.
struct PlainCode {
  std::string cased;                 ///< With strings, each in double quotes.
  std::string lower;                 ///< The same in lower case.
  std::string outside;               ///< `lower` with nothing in the strings.
  std::vector<std::string> strings;  ///< What is in them, in their case.
  std::size_t escapes = 0;           ///< Characters of names written as \uXXXX.
  std::size_t invisible = 0;         ///< Characters in names that are not seen and do not count.
  std::size_t broken = 0;            ///< Comments in the middle of an expression.
};

/// O(length).
PlainCode plain_code(std::string_view code, bool braces);

/// What the strings of a code hold when they are turned round, stripped of what the code itself
/// replaces, or decoded (base64, hexadecimal, numbers). Each text at least 6 octets, all together
/// at most kMaxPageOctets.
std::vector<std::string> hidden_texts(const PlainCode& code);

/// Octets of base64, with or without padding; nothing in it but the alphabet. Empty where it is
/// none.
std::string from_base64(std::string_view text);

bool is_word_octet(char c);

}  // namespace postern::exchange
