// Wire to text: one function a field.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "dns/encoding.h"
#include "dns/location.h"
#include "dns/rdata_format.h"
#include "dns/service_params.h"

namespace postern::dns {
namespace {

// Reads the fields of one record. Each member reads one field and is false if it is not
// whole or not well-formed.
class FieldPrinter {
 public:
  /// `message` ends where the RDATA does.
  FieldPrinter(OctetView message, std::size_t at, std::string& out)
      : message_(message), at_(at), is_alone_(at == 0), out_(out) {}

  bool print(Field field);
  bool at_end() const { return at_ == message_.size(); }

 private:
  std::size_t left() const { return message_.size() - at_; }
  bool take(std::size_t size, OctetView& octets);
  bool take_string(OctetView& octets);
  OctetView rest();
  void word(std::string_view text);

  bool print_number(std::size_t size);
  bool print_time();
  bool print_type();
  bool print_name();
  bool print_ip(std::size_t size);
  bool print_strings();
  bool print_tag();
  bool print_text(Field field);
  bool print_data(Field field);
  bool print_hashed(Field field);
  bool print_blocks(std::size_t blocks, std::size_t octets, char separator);
  bool print_bitmap();
  bool print_place();
  bool print_prefixes();
  bool print_services();
  bool print_gateway();
  bool print_host_identity();

  OctetView message_;
  std::size_t at_;
  const bool is_alone_;  // There is no message around it.
  std::string& out_;
  bool is_first_ = true;
};

bool FieldPrinter::take(std::size_t size, OctetView& octets) {
  if (size > left()) return false;
  octets = message_.subspan(at_, size);
  at_ += size;
  return true;
}

bool FieldPrinter::take_string(OctetView& octets) {
  OctetView size;
  return take(1, size) && take(size[0], octets);
}

OctetView FieldPrinter::rest() {
  const OctetView octets = message_.subspan(at_);
  at_ = message_.size();
  return octets;
}

// A blank between fields, then `text`.
void FieldPrinter::word(std::string_view text) {
  if (!is_first_) out_ += ' ';
  is_first_ = false;
  out_ += text;
}

bool FieldPrinter::print(Field field) {
  OctetView octets;
  switch (field) {
    case Field::u8:
    case Field::algorithm:
      return print_number(1);
    case Field::u16:
    case Field::cert_type:
      return print_number(2);
    case Field::u32:
    case Field::ttl:
      return print_number(4);
    case Field::time:
      return print_time();
    case Field::type:
      return print_type();
    case Field::name:
      return print_name();
    case Field::ipv4:
      return print_ip(4);
    case Field::ipv6:
      return print_ip(16);
    case Field::optional_string:
      if (at_end()) return true;
      [[fallthrough]];
    case Field::string:
      if (!take_string(octets)) return false;
      word("");
      append_quoted(octets, out_);
      return true;
    case Field::strings:
      return print_strings();
    case Field::tag:
      return print_tag();
    case Field::text:
    case Field::optional_text:
      return print_text(field);
    case Field::optional_base64:
      return at_end() || print(Field::base64);
    case Field::hex:
    case Field::base64:
      return print_data(field);
    case Field::salt:
    case Field::base32:
      return print_hashed(field);
    case Field::bitmap:
      return print_bitmap();
    case Field::locator:
      return print_blocks(4, 2, ':');
    case Field::eui48:
      return print_blocks(6, 1, '-');
    case Field::eui64:
      return print_blocks(8, 1, '-');
    case Field::location:
      return print_place();
    case Field::prefixes:
      return print_prefixes();
    case Field::services:
      return print_services();
    case Field::gateway:
      return print_gateway();
    case Field::host_identity:
      return print_host_identity();
    case Field::service_params:
      return print_service_params(rest(), out_);
  }
  return false;
}

bool FieldPrinter::print_number(std::size_t size) {
  OctetView octets;
  if (!take(size, octets)) return false;
  std::uint32_t value = 0;
  for (const std::uint8_t octet : octets) value = (value << 8) | octet;
  word(std::to_string(value));
  return true;
}

bool FieldPrinter::print_time() {
  OctetView octets;
  if (!take(4, octets)) return false;
  const std::chrono::seconds seconds(load_u32(octets.data()));
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss time(seconds - days);
  word(fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", static_cast<int>(date.year()),
                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                   time.hours().count(), time.minutes().count(), time.seconds().count()));
  return true;
}

bool FieldPrinter::print_type() {
  OctetView octets;
  if (!take(2, octets)) return false;
  word(to_string(static_cast<RRType>(load_u16(octets.data()))));
  return true;
}

bool FieldPrinter::print_name() {
  const std::size_t from = at_;
  const auto name = Name::from_wire(message_, at_);
  if (!name) return false;
  // Alone it has nothing that it could point to.
  if (is_alone_ && at_ - from != name->wire().size()) return false;
  word(name->to_text());
  return true;
}

bool FieldPrinter::print_ip(std::size_t size) {
  OctetView octets;
  if (!take(size, octets)) return false;
  word("");
  append_ip(octets, out_);
  return true;
}

bool FieldPrinter::print_strings() {
  do {
    if (!print(Field::string)) return false;
  } while (!at_end());
  return true;
}

bool FieldPrinter::print_tag() {
  OctetView octets;
  if (!take_string(octets) || octets.empty()) return false;
  const auto is_alphanumeric = [](std::uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (!std::all_of(octets.begin(), octets.end(), is_alphanumeric)) return false;
  word(text_of(octets));
  return true;
}

bool FieldPrinter::print_text(Field field) {
  if (at_end() && field == Field::text) return false;
  word("");
  append_quoted(rest(), out_);
  return true;
}

bool FieldPrinter::print_data(Field field) {
  if (at_end()) return false;
  word("");
  if (field == Field::hex) {
    append_hex(rest(), out_);
  } else {
    append_base64(rest(), out_);
  }
  return true;
}

bool FieldPrinter::print_hashed(Field field) {
  OctetView octets;
  if (!take_string(octets)) return false;
  word("");
  if (field == Field::salt) {
    if (octets.empty()) out_ += '-';
    append_hex(octets, out_);
    return true;
  }
  append_base32hex(octets, out_);
  return !octets.empty();
}

bool FieldPrinter::print_blocks(std::size_t blocks, std::size_t octets_each, char separator) {
  word("");
  for (std::size_t i = 0; i < blocks; ++i) {
    OctetView octets;
    if (!take(octets_each, octets)) return false;
    if (i > 0) out_ += separator;
    append_hex(octets, out_);
  }
  return true;
}

// Only in the one form that RFC 4034 §4.1.2 allows, so that text gives the same octets back.
bool FieldPrinter::print_bitmap() {
  int previous = -1;
  while (!at_end()) {
    OctetView window;
    OctetView bits;
    if (!take(1, window) || !take_string(bits)) return false;
    const bool ordered = window[0] > previous;
    if (!ordered || bits.empty() || bits.size() > 32 || bits.back() == 0) return false;
    previous = window[0];
    for (unsigned bit = 0; bit < bits.size() * 8; ++bit) {
      if ((bits[bit / 8] & (0x80U >> (bit % 8))) == 0) continue;
      word(to_string(static_cast<RRType>(window[0] * 256U + bit)));
    }
  }
  return true;
}

bool FieldPrinter::print_place() {
  word("");
  return print_location(rest(), out_);
}

bool FieldPrinter::print_prefixes() {
  while (!at_end()) {
    OctetView head;
    OctetView part;
    if (!take(4, head) || !take(head[3] & 0x7fU, part)) return false;
    const std::uint16_t family = load_u16(head.data());
    const std::size_t size = family == 1 ? 4 : family == 2 ? 16 : 0;
    const bool is_short = !part.empty() && part.back() == 0;  // RFC 3123 §4: zeros are cut.
    if (part.size() > size || size == 0 || head[2] > size * 8 || is_short) return false;
    std::array<std::uint8_t, 16> address{};
    std::copy(part.begin(), part.end(), address.begin());
    word((head[3] & 0x80U) != 0 ? "!" : "");
    out_ += family == 1 ? "1:" : "2:";
    append_ip(OctetView(address).first(size), out_);
    out_ += "/" + std::to_string(head[2]);
  }
  return true;
}

bool FieldPrinter::print_services() {
  if (!print_ip(4) || !print_number(1)) return false;
  const OctetView bits = rest();
  if (bits.size() > 8192 || (!bits.empty() && bits.back() == 0)) return false;
  for (std::size_t port = 0; port < bits.size() * 8; ++port) {
    if ((bits[port / 8] & (0x80U >> (port % 8))) != 0) word(std::to_string(port));
  }
  return true;
}

bool FieldPrinter::print_gateway() {
  if (left() < 3) return false;
  const unsigned kind = message_[at_ + 1];
  print_number(1);
  print_number(1);
  print_number(1);
  if (kind > 3) return false;
  if (kind == 0) word(".");
  if (kind == 1 && !print_ip(4)) return false;
  if (kind == 2 && !print_ip(16)) return false;
  if (kind == 3 && !print_name()) return false;
  return print(Field::optional_base64);
}

bool FieldPrinter::print_host_identity() {
  OctetView head;
  OctetView tag;
  OctetView key;
  if (!take(4, head) || !take(head[0], tag) || !take(load_u16(&head[2]), key)) return false;
  if (tag.empty() || key.empty()) return false;
  word(std::to_string(head[1]));
  word("");
  append_hex(tag, out_);
  word("");
  append_base64(key, out_);
  while (!at_end()) {
    if (!print_name()) return false;
  }
  return true;
}

}  // namespace

bool print_rdata(RRType type, OctetView message, std::size_t at, std::size_t size,
                 std::string& out) {
  const std::string_view fields = rdata_fields(type);
  FieldPrinter printer(message.first(at + size), at, out);
  for (const char field : fields) {
    if (!printer.print(static_cast<Field>(field))) return false;
  }
  return !fields.empty() && printer.at_end();
}

}  // namespace postern::dns
