#include "exchange/page_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "exchange/known_good.h"

namespace postern::exchange {
namespace {

constexpr auto kNone = std::string_view::npos;

void put_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | ((point >> 18) & 7));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

std::string from_utf16(OctetView octets, bool big_endian) {
  std::string out;
  out.reserve(octets.size() / 2);
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2) {
    const std::uint32_t high = octets[i + (big_endian ? 0 : 1)];
    const std::uint32_t low = octets[i + (big_endian ? 1 : 0)];
    put_utf8(out, (high << 8) | low);
  }
  return out;
}

std::size_t find_lower(std::string_view lower_text, std::string_view needle, std::size_t from) {
  return from > lower_text.size() ? kNone : lower_text.find(needle, from);
}

// The tag's end, quotes minded.
std::size_t end_of_tag(std::string_view text, std::size_t at) {
  char quote = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return at;
    }
  }
  return kNone;
}

// "&#x73;" and "&#115;" as what they stand for: attributes may be written so.
std::string without_entities(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("&#")) {
      const bool hex = i + 2 < text.size() && (text[i + 2] == 'x' || text[i + 2] == 'X');
      const char* const begin = text.data() + i + (hex ? 3 : 2);
      std::uint32_t point = 0;
      const char* const end = text.data() + text.size();
      const auto [at, code] = begin < end
                                  ? std::from_chars(begin, end, point, hex ? 16 : 10)
                                  : std::from_chars_result{begin, std::errc::invalid_argument};
      if (code == std::errc() && at < end && *at == ';' && point < 0x110000) {
        put_utf8(out, point);
        i = static_cast<std::size_t>(at - text.data());
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The octets of an invisible character at `at`: soft hyphen, zero width, direction marks; else 0.
std::size_t invisible_at(std::string_view text, std::size_t at) {
  const auto octet = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0U;
  };
  if (octet(at) == 0xC2 && octet(at + 1) == 0xAD) return 2;
  if (octet(at) == 0xE2 && octet(at + 1) == 0x80) {
    const unsigned last = octet(at + 2);
    return (last >= 0x8B && last <= 0x8F) || (last >= 0xAA && last <= 0xAE) ? 3 : 0;
  }
  if (octet(at) == 0xE2 && octet(at + 1) == 0x81) {
    return octet(at + 2) >= 0xA0 && octet(at + 2) <= 0xAF ? 3 : 0;
  }
  return octet(at) == 0xEF && octet(at + 1) == 0xBB && octet(at + 2) == 0xBF ? 3 : 0;
}

// Reads code once, and writes it plain.
class Plainer {
 public:
  Plainer(std::string_view code, bool braces, PlainCode& out)
      : in_(code), braces_(braces), out_(out) {}

  void run() {
    while (at_ < in_.size()) step();
  }

 private:
  char peek(std::size_t ahead) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }

  void step() {
    const char c = in_[at_];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v' || c == '\0') {
      return blank(c);
    }
    if (c == '/' && peek(1) == '*') return block_comment();
    if (c == '/' && peek(1) == '/' && braces_) return line_comment();
    if (c == '\'' && !braces_) remark_ = true;  // It may be none, where VB was guessed wrongly.
    if (c == '"' && remark_) {
      ++at_;
      return;
    }
    if (c == '"' || (c == '\'' && braces_)) return string(c);
    if (c == '@' && (is_word_octet(peek(1)) || peek(1) == '"')) {
      verbatim_ = peek(1) == '"';
      ++at_;
      return;
    }
    if (c == '\\' && (peek(1) == 'u' || peek(1) == 'U')) return escape();
    if (const std::size_t octets = invisible_at(in_, at_); octets != 0) {
      ++out_.invisible;
      at_ += octets;
      return;
    }
    put(c);
    ++at_;
  }

  void blank(char c) {
    // VB goes by lines, but for one that ends in " _".
    if (c == '\n') remark_ = false;
    if (c == '\n' && !braces_) {
      if (out_.cased.ends_with('_')) {
        out_.cased.pop_back();
        if (out_.cased.ends_with(' ')) out_.cased.pop_back();
      } else if (!out_.cased.empty() && out_.cased.back() != '\n') {
        out_.cased += '\n';
      }
    }
    gap_ = true;
    ++at_;
  }

  void put(char c) {
    const char last = out_.cased.empty() ? '\0' : out_.cased.back();
    if (gap_ && is_word_octet(c) && is_word_octet(last)) out_.cased += ' ';
    gap_ = false;
    out_.cased += c;
  }

  void block_comment() {
    const std::size_t end = in_.find("*/", at_ + 2);
    const char before = out_.cased.empty() ? '\0' : out_.cased.back();
    at_ = end == kNone ? in_.size() : end + 2;
    const char after = peek(0);
    const auto joins = [](char c) { return c == '.' || c == '(' || c == '[' || c == ')'; };
    if (joins(before) || joins(after)) ++out_.broken;
    gap_ = true;
  }

  void line_comment() {
    at_ = std::min(in_.find('\n', at_), in_.size());
    gap_ = true;
  }

  void escape() {
    const std::size_t digits = in_[at_ + 1] == 'u' ? 4 : 8;
    std::uint32_t point = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const int digit = hex_value(peek(2 + i));
      if (digit < 0) {
        put('\\');
        ++at_;
        return;
      }
      point = point * 16 + static_cast<std::uint32_t>(digit);
    }
    at_ += 2 + digits;
    ++out_.escapes;
    if (point < 0x80) put(static_cast<char>(point));
  }

  void string(char quote) {
    std::string value;
    ++at_;
    const bool verbatim = verbatim_ || !braces_;
    verbatim_ = false;
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == quote) {
        if (verbatim && peek(1) == quote) {
          value += c;
          at_ += 2;
          continue;
        }
        ++at_;
        break;
      }
      if (c == '\n' && !verbatim) break;  // No string goes on here.
      if (c == '\\' && !verbatim) {
        string_escape(value);
        continue;
      }
      value += c;
      ++at_;
    }
    std::erase(value, '"');
    std::erase(value, '\n');
    put('"');
    out_.cased += value;
    out_.cased += '"';
  }

  void string_escape(std::string& value) {
    const char kind = peek(1);
    std::size_t digits = kind == 'u' ? 4 : kind == 'x' ? 2 : kind == 'U' ? 8 : 0;
    std::uint32_t point = 0;
    std::size_t used = 0;
    for (; used < digits && hex_value(peek(2 + used)) >= 0; ++used) {
      point = point * 16 + static_cast<std::uint32_t>(hex_value(peek(2 + used)));
    }
    if (digits != 0 && used == digits && point < 0x110000) {
      put_utf8(value, point);
      at_ += 2 + digits;
      return;
    }
    if (kind != 'r' && kind != 'n' && kind != 't' && kind != '\0') value += kind;
    at_ += 2;
  }

  std::string_view in_;
  bool braces_;
  PlainCode& out_;
  std::size_t at_ = 0;
  bool gap_ = false;
  bool verbatim_ = false;
  bool remark_ = false;
};

// A character by its number, written as code does, and how long that is; nothing where none is.
struct Numbered {
  std::string text;
  std::size_t length = 0;
};

// Numbers with commas between, decimal, 0x or &h, as the characters they are; up to `close`.
Numbered numbers(std::string_view text, std::size_t at, std::string_view close) {
  Numbered out;
  const std::size_t begin = at;
  while (at < text.size()) {
    int base = 10;
    if (text.substr(at).starts_with("0x") || text.substr(at).starts_with("&h")) {
      base = 16;
      at += 2;
    }
    std::uint32_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [next, code] = std::from_chars(text.data() + at, end, value, base);
    if (code != std::errc() || value > 0x10FFFF) return {};
    if (value != '"' && value != '\n') put_utf8(out.text, value);
    at = static_cast<std::size_t>(next - text.data());
    if (at < text.size() && text[at] == ',') {
      ++at;
      continue;
    }
    if (!text.substr(at).starts_with(close)) return {};
    out.length = at + close.size() - begin;
    return out;
  }
  return {};
}

// chr(101), (char)101, String.fromCharCode(101,118): strings of what they make.
std::string with_characters(std::string_view cased) {
  static constexpr std::array kMakers = std::to_array<std::string_view>(
      {"fromcharcode(", "chrw(", "chr(", "tochar(", "(char)", "[char]"});
  const std::string low = lower(cased);
  std::string out;
  out.reserve(cased.size());
  for (std::size_t at = 0; at < cased.size();) {
    bool made = false;
    const char first = low[at];
    if (first == 'f' || first == 'c' || first == 't' || first == '(' || first == '[') {
      for (const std::string_view maker : kMakers) {
        if (!std::string_view(low).substr(at).starts_with(maker)) continue;
        const std::size_t begin = at + maker.size();
        const Numbered found = numbers(low, begin, maker.ends_with('(') ? ")" : "");
        if (found.length == 0) continue;
        out += '"' + found.text + '"';
        at = begin + found.length;
        made = true;
        break;
      }
    }
    if (!made) out += cased[at++];
  }
  return out;
}

// "ab"+"cd" and "ab"&"cd" are "abcd".
std::string with_joined_strings(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && in_string && i + 2 < text.size() &&
        (text[i + 1] == '+' || text[i + 1] == '&') && text[i + 2] == '"') {
      i += 2;
      continue;
    }
    if (c == '"') in_string = !in_string;
    out += c;
  }
  return out;
}

void split_strings(PlainCode& code) {
  bool in_string = false;
  std::string value;
  for (std::size_t i = 0; i < code.cased.size(); ++i) {
    const char c = code.cased[i];
    if (c == '"') {
      if (in_string) {
        code.strings.push_back(value);
        value.clear();
      }
      in_string = !in_string;
      code.outside += c;
    } else if (in_string) {
      value += c;
    } else {
      code.outside += code.lower[i];
    }
  }
}

std::string from_hex(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string from_percents(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() && text[i] == '%' ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Text of octets that may have been UTF-16, if it is text for the most part.
std::string readable(std::string_view octets) {
  std::string out;
  std::size_t printable = 0;
  for (const char c : octets) {
    if (c == '\0') continue;
    const auto octet = static_cast<std::uint8_t>(c);
    if ((octet >= 0x20 && octet < 0x7F) || c == '\n' || c == '\r' || c == '\t') ++printable;
    out += c;
  }
  if (out.size() < 6 || printable * 10 < out.size() * 9) return {};
  return out;
}

class Hidden {
 public:
  explicit Hidden(const PlainCode& code) : code_(code) {}

  std::vector<std::string> run() {
    const bool turned = code_.lower.find("reverse") != kNone;
    for (const std::string& value : code_.strings) {
      if (turned) add(std::string(value.rbegin(), value.rend()));
      if (value.size() < 8) continue;
      add(readable(from_base64(value)));
      if (turned) {
        add(readable(from_base64(std::string(value.rbegin(), value.rend()))));
      }
      add(readable(from_hex(value)));
      if (value.find('%') != kNone) add(from_percents(value));
    }
    add_single_characters();
    add_numbers();
    add_replaced();
    return std::move(out_);
  }

 private:
  void add(std::string text) {
    if (text.size() < 6 || octets_ + text.size() > kMaxPageOctets) return;
    octets_ += text.size();
    out_.push_back(std::move(text));
  }

  // {"c","m","d"}: what is made a string of its characters.
  void add_single_characters() {
    std::string run;
    for (const std::string& value : code_.strings) {
      if (value.size() <= 2) {
        run += value;
      } else {
        add(std::move(run));
        run.clear();
      }
    }
    add(std::move(run));
  }

  // {101,118,97,108}.
  void add_numbers() {
    const std::string& text = code_.outside;
    for (std::size_t at = text.find('{'); at != kNone; at = text.find('{', at + 1)) {
      const Numbered found = numbers(text, at + 1, "}");
      if (found.length != 0) add(readable(found.text));
    }
  }

  // "c-m-d".Replace("-",""): all strings without what is replaced by nothing, or by what it is.
  void add_replaced() {
    const std::string& text = code_.cased;
    std::size_t views = 0;
    std::string current = text;
    for (std::size_t at = code_.lower.find("replace("); at != kNone && views < 8;
         at = code_.lower.find("replace(", at + 1)) {
      const std::size_t end = std::min(text.find(')', at), text.size());
      // The last two strings before the bracket: from, to.
      std::vector<std::string_view> parts;
      std::size_t open = kNone;
      for (std::size_t i = at; i < end; ++i) {
        if (text[i] != '"') continue;
        if (open == kNone) {
          open = i;
        } else {
          parts.push_back(std::string_view(text).substr(open + 1, i - open - 1));
          open = kNone;
        }
      }
      if (parts.size() < 2) continue;
      const std::string_view from = parts[parts.size() - 2];
      const std::string_view to = parts.back();
      if (from.empty() || from.size() > 16 || to.size() > 16) continue;
      replace_all(current, from, to);
      ++views;
    }
    if (views != 0) add(std::move(current));
  }

  static void replace_all(std::string& text, std::string_view from, std::string_view to) {
    std::string out;
    std::size_t at = 0;
    for (std::size_t next = text.find(from); next != kNone; next = text.find(from, at)) {
      out.append(text, at, next - at).append(to);
      at = next + from.size();
      if (out.size() > 2 * kMaxPageOctets) return;
    }
    out.append(text, at);
    text = std::move(out);
  }

  const PlainCode& code_;
  std::vector<std::string> out_;
  std::size_t octets_ = 0;
};

// Goes over a page's markup once, and keeps what the server reads.
class Sections {
 public:
  Sections(std::string_view text, PageCode& out) : text_(text), low_(lower(text)), out_(out) {}

  void run() {
    for (std::size_t at = 0; at < text_.size();) {
      const std::size_t next = low_.find('<', at);
      if (next == kNone) return;
      if (low_.compare(next, 2, "<%") == 0) {
        at = block(next);
      } else if (low_.compare(next, 7, "<script") == 0) {
        at = script(next);
      } else {
        at = next + 1;
      }
    }
  }

  std::size_t behind_first_directive() const { return behind_directive_; }

 private:
  std::size_t block(std::size_t at) {
    std::size_t begin = at + 2;
    if (low_.compare(begin, 2, "--") == 0) {
      const std::size_t close = find_lower(low_, "--%>", begin);
      return close == kNone ? text_.size() : close + 4;
    }
    const std::size_t close = std::min(find_lower(low_, "%>", begin), text_.size());
    const std::size_t behind = std::min(close + 2, text_.size());
    const char kind = begin < text_.size() ? text_[begin] : '\0';
    // A directive has a name; what else begins so is code.
    const char next = begin + 1 < text_.size() ? text_[begin + 1] : ' ';
    const bool named = next != '@' && (is_word_octet(next) || next == ' ' || next == '\t' ||
                                       next == '\r' || next == '\n');
    if (kind == '@' && named) {
      out_.directives += without_entities(low_.substr(begin + 1, close - begin - 1));
      out_.directives += '\n';
      if (behind_directive_ == 0) behind_directive_ = behind;
      return behind;
    }
    if (kind == '$') return behind;  // An expression that only names a resource.
    if (kind == '#') {
      // Eval is the name of data binding's own: told apart by another name.
      std::string binding(text_.substr(begin + 1, close - begin - 1));
      const std::size_t eval = lower(binding).find("eval(");
      if (eval != kNone) binding.replace(eval, 4, "BoundTo");
      out_.code += binding;
      out_.code += "\n;\n";
      return behind;
    }
    if (kind == '=' || kind == ':') ++begin;
    out_.code.append(text_.substr(begin, close - begin));
    out_.code += "\n;\n";
    return behind;
  }

  std::size_t script(std::size_t at) {
    const std::size_t end = end_of_tag(text_, at);
    if (end == kNone) return at + 1;
    const std::string tag = without_entities(low_.substr(at, end - at));
    std::string packed = tag;
    std::erase_if(packed, [](char c) {
      return c == ' ' || c == '"' || c == '\'' || c == '\t' || c == '\r' || c == '\n';
    });
    if (packed.find("runat=server") == kNone) return end + 1;
    out_.directives += tag + '\n';
    const std::size_t close = std::min(find_lower(low_, "</script", end), text_.size());
    out_.code.append(text_.substr(end + 1, close - std::min(close, end + 1)));
    out_.code += "\n;\n";
    return std::max(close, end + 1);
  }

  std::string_view text_;
  std::string low_;
  PageCode& out_;
  std::size_t behind_directive_ = 0;
};

}  // namespace

bool is_word_octet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<std::uint8_t>(c) >= 0x80;
}

PageText decode_page(OctetView content) {
  content = content.first(std::min(content.size(), kMaxPageOctets));
  PageText out;
  const std::string_view octets = text_of(content);
  if (octets.starts_with("\xFF\xFE") || octets.starts_with("\xFE\xFF")) {
    out.utf16 = true;
    out.text = from_utf16(content.subspan(2), octets.front() == '\xFE');
    return out;
  }
  // Without a mark: every other octet of Latin text is zero.
  const std::size_t half = content.size() / 2;
  std::size_t zeros[2] = {0, 0};
  for (std::size_t i = 0; i < content.size(); ++i) zeros[i % 2] += content[i] == 0 ? 1 : 0;
  if (half >= 8 && zeros[1] * 4 > half * 3 && zeros[0] * 8 < half) {
    out.utf16 = true;
    out.text = from_utf16(content, false);
    return out;
  }
  if (half >= 8 && zeros[0] * 4 > half * 3 && zeros[1] * 8 < half) {
    out.utf16 = true;
    out.text = from_utf16(content, true);
    return out;
  }
  out.binary = std::ranges::any_of(content, [](std::uint8_t octet) {
    return octet < 9 || (octet > 13 && octet < 0x1B) || (octet > 0x1B && octet < 0x20);
  });
  out.text = octets.substr(octets.starts_with("\xEF\xBB\xBF") ? 3 : 0);
  return out;
}

PageCode page_code(std::string_view text, std::string_view extension) {
  PageCode out;
  Sections sections(text, out);
  sections.run();
  static constexpr std::array kWhole =
      std::to_array<std::string_view>({"ashx", "asmx", "svc", "soap", "rem"});
  if (std::ranges::find(kWhole, extension) != kWhole.end()) {
    out.code += text.substr(sections.behind_first_directive());
  } else if (extension == "cshtml" || extension == "vbhtml") {
    out.code += text;
  }
  std::string packed = out.directives;
  std::erase_if(packed, [](char c) {
    return c == ' ' || c == '"' || c == '\'' || c == '\t' || c == '\r' || c == '\n';
  });
  out.jscript = packed.find("language=js") != kNone || packed.find("language=javas") != kNone;
  const bool vb = packed.find("language=vb") != kNone;
  const bool cs = packed.find("language=c") != kNone || extension == "cshtml";
  // Where nothing says, braces and semicolons do.
  const bool looks = std::ranges::count(out.code, ';') > std::ranges::count(out.code, '\n') / 2 &&
                     out.code.find('{') != kNone;
  out.declared = out.jscript || vb || cs;
  out.braces = out.jscript || cs || (!vb && looks);
  return out;
}

PlainCode plain_code(std::string_view code, bool braces) {
  PlainCode out;
  out.cased.reserve(code.size());
  Plainer(code, braces, out).run();
  out.cased = with_joined_strings(with_characters(out.cased));
  out.lower = lower(out.cased);
  split_strings(out);
  return out;
}

std::vector<std::string> hidden_texts(const PlainCode& code) {
  return Hidden(code).run();
}

std::string from_base64(std::string_view text) {
  std::string out;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a' + 26);
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0' + 52);
    } else if (c == '+' || c == '-') {
      value = 62;
    } else if (c == '/' || c == '_') {
      value = 63;
    } else {
      return {};
    }
    bits = (bits << 6) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xFF);
    }
  }
  return out;
}

}  // namespace postern::exchange
