#include "exchange/log_lines.h"

#include <algorithm>
#include <cstring>

namespace postern::exchange {
namespace {

constexpr std::size_t kHeadOctets = 4;  // As many as tell the encoding.
constexpr std::uint32_t kReplacement = 0xfffd;

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x1'0000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

bool is_high(std::uint32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}
bool is_low(std::uint32_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

/// One more unit of UTF-16; `surrogate` is the first half of a pair that waits for its second.
void append_unit(std::string& out, std::uint32_t unit, std::uint32_t& surrogate) {
  if (surrogate != 0) {
    const std::uint32_t first = surrogate;
    surrogate = 0;
    if (is_low(unit)) {
      append_utf8(out, 0x1'0000 + ((first - 0xd800) << 10) + (unit - 0xdc00));
      return;
    }
    append_utf8(out, kReplacement);
  }
  if (is_high(unit)) {
    surrogate = unit;
  } else {
    append_utf8(out, is_low(unit) ? kReplacement : unit);
  }
}

std::string_view without_return(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

void LineCutter::feed(OctetView block) {
  octets_ += block.size();
  if (encoding_ != Encoding::unknown) {
    feed_units(block);
    return;
  }
  head_.append(text_of(block));
  if (head_.size() >= kHeadOctets) begin();
}

// Tells the encoding from the first octets, and reads what was held back.
void LineCutter::begin() {
  const std::string_view head = head_;
  std::size_t mark = 0;
  encoding_ = Encoding::utf8;
  const auto zero = [&](std::size_t i) { return i < head.size() && head[i] == '\0'; };
  if (head.starts_with("\xef\xbb\xbf")) {
    mark = 3;
  } else if (head.starts_with("\xff\xfe")) {
    encoding_ = Encoding::utf16_le;
    mark = 2;
  } else if (head.starts_with("\xfe\xff")) {
    encoding_ = Encoding::utf16_be;
    mark = 2;
  } else if (head.size() >= kHeadOctets && zero(1) && zero(3) && !zero(0) && !zero(2)) {
    encoding_ = Encoding::utf16_le;
  } else if (head.size() >= kHeadOctets && zero(0) && zero(2) && !zero(1) && !zero(3)) {
    encoding_ = Encoding::utf16_be;
  }
  offset_ = mark;
  const std::string held = std::move(head_);
  head_.clear();
  feed_units(octets_of(std::string_view(held).substr(mark)));
}

void LineCutter::feed_units(OctetView octets) {
  if (!is_wide()) {
    feed_text(text_of(octets));
    return;
  }
  const bool big = encoding_ == Encoding::utf16_be;
  const auto unit_of = [big](unsigned a, unsigned b) { return big ? a << 8 | b : b << 8 | a; };
  decoded_.clear();
  std::size_t at = 0;
  if (odd_octet_ >= 0 && !octets.empty()) {
    append_unit(decoded_, unit_of(static_cast<unsigned>(odd_octet_), octets[0]), surrogate_);
    odd_octet_ = -1;
    at = 1;
  }
  for (; at + 1 < octets.size(); at += 2) {
    append_unit(decoded_, unit_of(octets[at], octets[at + 1]), surrogate_);
  }
  if (at < octets.size()) odd_octet_ = octets[at];
  feed_text(decoded_);
}

// Octets of zero end a line, and are skipped.
void LineCutter::feed_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t zero = text.find('\0');
    feed_piece(text.substr(0, zero));
    if (zero == std::string_view::npos) return;
    text.remove_prefix(zero);
    const std::size_t count = std::min(text.find_first_not_of('\0'), text.size());
    if (keeping_) give_kept(true);
    const std::uint64_t octets = is_wide() ? 2 * count : count;
    zero_octets_ += octets;
    offset_ += octets;
    text.remove_prefix(count);
  }
}

void LineCutter::feed_piece(std::string_view piece) {
  if (piece.empty()) return;
  if (keeping_) {
    const std::size_t end = piece.find('\n');
    keep(piece.substr(0, end == std::string_view::npos ? piece.size() : end + 1));
    if (end == std::string_view::npos) return;
    piece.remove_prefix(end + 1);
    give_kept(false);
  }
  const std::size_t last = piece.rfind('\n');
  if (last != std::string_view::npos) {
    sink_.on_text(piece.substr(0, last + 1));
    std::string_view rest = piece.substr(0, last + 1);
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const std::uint64_t octets = file_octets(rest.substr(0, end + 1));
      std::string_view line = without_return(rest.substr(0, end));
      const bool cut = line.size() > kMaxLineOctets;
      if (cut) line = line.substr(0, kMaxLineOctets);
      give(line, octets, cut, false);
      rest.remove_prefix(end + 1);
    }
    piece.remove_prefix(last + 1);
  }
  if (!piece.empty()) keep(piece);
}

void LineCutter::keep(std::string_view text) {
  keeping_ = true;
  kept_octets_ += file_octets(text);
  // One more than is shown, so that it can be told that there was more; and the line's end.
  const std::size_t room = kMaxLineOctets + 2 - std::min(kept_.size(), kMaxLineOctets + 2);
  kept_.append(text.substr(0, room));
}

void LineCutter::give_kept(bool torn) {
  std::string_view line = kept_;
  if (line.ends_with('\n')) line.remove_suffix(1);
  line = without_return(line);
  const bool cut = line.size() > kMaxLineOctets;
  if (cut) line = line.substr(0, kMaxLineOctets);
  sink_.on_text(kept_);
  give(line, kept_octets_, cut, torn);
  kept_.clear();
  kept_octets_ = 0;
  keeping_ = false;
}

void LineCutter::give(std::string_view text, std::uint64_t octets, bool cut, bool torn) {
  ++line_;
  if (cut) ++lines_cut_;
  sink_.on_line({text, line_, offset_, cut, torn});
  offset_ += octets;
}

// How many octets of the file `text` was.
std::uint64_t LineCutter::file_octets(std::string_view text) const {
  if (!is_wide()) return text.size();
  std::uint64_t units = 0;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet & 0xc0U) != 0x80U) ++units;
    if (octet >= 0xf0U) ++units;
  }
  return 2 * units;
}

void LineCutter::finish() {
  if (encoding_ == Encoding::unknown) begin();
  if (surrogate_ != 0) {
    surrogate_ = 0;
    std::string last;
    append_utf8(last, kReplacement);
    feed_text(last);
  }
  if (keeping_) give_kept(true);
}

std::string text_of_head(OctetView head) {
  class Joined final : public LineSink {
   public:
    void on_text(std::string_view) override {}
    void on_line(const Line& line) override { text.append(line.text).append("\n"); }
    std::string text;
  };
  Joined joined;
  LineCutter cutter(joined);
  cutter.feed(head);
  cutter.finish();
  return std::move(joined.text);
}

}  // namespace postern::exchange
