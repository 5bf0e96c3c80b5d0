#include "windows/binxml_value.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "windows/filetime.h"
#include "windows/little_endian.h"
#include "windows/utf16.h"

namespace postern::windows {
namespace {

// More than any value of a fixed size needs.
constexpr std::size_t kShortText = 64;

char* put_number(std::uint64_t number, char* to, int base = 10) {
  return std::to_chars(to, to + 24, number, base).ptr;
}

/// With zeros in front, `digits` of them.
char* put_digits(std::uint64_t number, int digits, char* to) {
  for (int i = digits - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return to + digits;
}

char* put_hex(OctetView octets, char* to) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  for (const std::uint8_t octet : octets) {
    *to++ = kDigits[octet >> 4];
    *to++ = kDigits[octet & 15];
  }
  return to;
}

/// Of 1 to 8 octets.
std::uint64_t unsigned_of(OctetView octets) {
  std::uint64_t number = 0;
  for (std::size_t i = octets.size(); i > 0; --i) number = (number << 8) | octets[i - 1];
  return number;
}

std::int64_t signed_of(OctetView octets) {
  const std::uint64_t number = unsigned_of(octets);
  const auto bits = static_cast<unsigned>(64 - octets.size() * 8);
  return static_cast<std::int64_t>(number << bits) >> bits;
}

char* put_guid(OctetView guid, char* to) {
  const auto reversed = [&](std::size_t from, std::size_t count) {
    for (std::size_t i = count; i > 0; --i) to = put_hex(guid.subspan(from + i - 1, 1), to);
  };
  *to++ = '{';
  reversed(0, 4);
  *to++ = '-';
  reversed(4, 2);
  *to++ = '-';
  reversed(6, 2);
  *to++ = '-';
  to = put_hex(guid.subspan(8, 2), to);
  *to++ = '-';
  to = put_hex(guid.subspan(10, 6), to);
  *to++ = '}';
  return to;
}

char* put_time(std::uint64_t ticks, char* to) {
  if (ticks > kMaxDateTicks) return put_number(ticks, to);
  const TickTime time = tick_time_of(ticks);
  to = put_digits(static_cast<std::uint64_t>(time.year), time.year > 9999 ? 5 : 4, to);
  *to++ = '-';
  to = put_digits(time.month, 2, to);
  *to++ = '-';
  to = put_digits(time.day, 2, to);
  *to++ = 'T';
  to = put_digits(time.hour, 2, to);
  *to++ = ':';
  to = put_digits(time.minute, 2, to);
  *to++ = ':';
  to = put_digits(time.second, 2, to);
  *to++ = '.';
  to = put_digits(time.ticks, 7, to);
  *to++ = 'Z';
  return to;
}

/// The size of the SID that the octets begin with; 0 where they begin with none.
std::size_t sid_size(OctetView octets) {
  if (octets.size() < 8) return 0;
  const std::size_t size = 8 + std::size_t{octets[1]} * 4;
  return size <= octets.size() ? size : 0;
}

std::string_view sid_text(OctetView sid, TextArena& arena) {
  const std::size_t count = sid[1];
  char* const begin = arena.reserve(kShortText + count * 11);
  char* to = begin;
  *to++ = 'S';
  *to++ = '-';
  to = put_number(sid[0], to);
  *to++ = '-';
  std::uint64_t authority = 0;
  for (std::size_t i = 2; i < 8; ++i) authority = (authority << 8) | sid[i];
  to = put_number(authority, to);
  for (std::size_t i = 0; i < count; ++i) {
    *to++ = '-';
    to = put_number(little_u32(&sid[8 + i * 4]), to);
  }
  return arena.commit(begin, to);
}

std::string_view hex_text(OctetView octets, TextArena& arena) {
  char* const begin = arena.reserve(octets.size() * 2);
  return arena.commit(begin, put_hex(octets, begin));
}

std::string_view string_text(OctetView octets, TextArena& arena) {
  octets = octets.first(octets.size() & ~std::size_t{1});
  while (!octets.empty() && octets.back() == 0 && octets[octets.size() - 2] == 0) {
    octets = octets.first(octets.size() - 2);
  }
  char* const begin = arena.reserve(max_utf8_size(octets.size()));
  return arena.commit(begin, write_utf8(octets, begin));
}

std::string_view ansi_text(OctetView octets, TextArena& arena) {
  while (!octets.empty() && octets.back() == 0) octets = octets.first(octets.size() - 1);
  char* const begin = arena.reserve(octets.size() * 2);
  return arena.commit(begin, write_latin1(octets, begin));
}

char* put_real(double number, char* to) {
  if (std::isnan(number)) return std::copy_n("NaN", 3, to);
  if (std::isinf(number)) return std::copy_n(number < 0 ? "-INF" : "INF", number < 0 ? 4 : 3, to);
  return std::to_chars(to, to + 32, number).ptr;
}

/// Of a number of 1 to 8 octets, or a type that has one size only: its end, or nullptr where the
/// size is not right.
char* put_fixed(ValueType type, OctetView octets, char* to) {
  const std::size_t size = octets.size();
  if (size == 0) return nullptr;
  const bool fits = size <= 8;
  switch (type) {
    case ValueType::int8:
    case ValueType::int16:
    case ValueType::int32:
    case ValueType::int64:
      return fits ? std::to_chars(to, to + 24, signed_of(octets)).ptr : nullptr;
    case ValueType::uint8:
    case ValueType::uint16:
    case ValueType::uint32:
    case ValueType::uint64:
    case ValueType::size:
    case ValueType::event_handle:
      return fits ? put_number(unsigned_of(octets), to) : nullptr;
    case ValueType::hex_int32:
    case ValueType::hex_int64:
      if (!fits) return nullptr;
      *to++ = '0';
      *to++ = 'x';
      return put_number(unsigned_of(octets), to, 16);
    case ValueType::boolean:
      if (!fits) return nullptr;
      return unsigned_of(octets) != 0 ? std::copy_n("true", 4, to) : std::copy_n("false", 5, to);
    case ValueType::real32:
      if (size != 4) return nullptr;
      return put_real(double{std::bit_cast<float>(little_u32(octets.data()))}, to);
    case ValueType::real64:
      return size == 8 ? put_real(std::bit_cast<double>(little_u64(octets.data())), to) : nullptr;
    case ValueType::guid:
      return size == 16 ? put_guid(octets, to) : nullptr;
    case ValueType::filetime:
      return size == 8 ? put_time(unsigned_of(octets), to) : nullptr;
    case ValueType::systemtime: {
      const auto ticks = filetime_of_systemtime(octets);
      return ticks ? put_time(*ticks, to) : nullptr;
    }
    default:
      return nullptr;
  }
}

std::string_view array_text(const BinXmlValue& array, TextArena& arena) {
  std::string all;
  ArrayItems items(array);
  TextArena scratch;
  bool first = true;
  while (const auto item = items.next()) {
    if (!first) all += ", ";
    first = false;
    all += value_text(*item, scratch);
    scratch.clear();
  }
  return arena.keep(all);
}

}  // namespace

std::string_view value_text(const BinXmlValue& value, TextArena& arena) {
  if (value.octets.empty() || value.is_null()) return {};
  if (value.is_array()) return array_text(value, arena);
  switch (value.type()) {
    case ValueType::string:
    case ValueType::event_xml:
      return string_text(value.octets, arena);
    case ValueType::ansi_string:
      return ansi_text(value.octets, arena);
    case ValueType::sid:
      if (sid_size(value.octets) != 0) return sid_text(value.octets, arena);
      break;
    default:
      break;
  }
  char* const begin = arena.reserve(kShortText);
  if (const char* end = put_fixed(value.type(), value.octets, begin)) {
    return arena.commit(begin, end);
  }
  return hex_text(value.octets, arena);
}

std::optional<std::uint64_t> value_number(const BinXmlValue& value) {
  if (value.is_array() || value.octets.empty()) return std::nullopt;
  if (value.type() == ValueType::systemtime) return filetime_of_systemtime(value.octets);
  if (value.octets.size() > 8) return std::nullopt;
  switch (value.type()) {
    case ValueType::int8:
    case ValueType::int16:
    case ValueType::int32:
    case ValueType::int64:
      return static_cast<std::uint64_t>(signed_of(value.octets));
    case ValueType::uint8:
    case ValueType::uint16:
    case ValueType::uint32:
    case ValueType::uint64:
    case ValueType::hex_int32:
    case ValueType::hex_int64:
    case ValueType::size:
    case ValueType::boolean:
    case ValueType::filetime:
      return unsigned_of(value.octets);
    default:
      return std::nullopt;
  }
}

std::size_t fixed_size(ValueType type) {
  switch (type) {
    case ValueType::int8:
    case ValueType::uint8:
      return 1;
    case ValueType::int16:
    case ValueType::uint16:
      return 2;
    case ValueType::int32:
    case ValueType::uint32:
    case ValueType::real32:
    case ValueType::boolean:
    case ValueType::hex_int32:
      return 4;
    case ValueType::int64:
    case ValueType::uint64:
    case ValueType::real64:
    case ValueType::filetime:
    case ValueType::hex_int64:
    case ValueType::size:
      return 8;
    case ValueType::guid:
    case ValueType::systemtime:
      return 16;
    default:
      return 0;
  }
}

std::size_t ArrayItems::item_size() const {
  const auto up_to_nul = [&](std::size_t unit) {
    std::size_t at = 0;
    for (; at + unit <= left_.size(); at += unit) {
      if (left_[at] == 0 && left_[at + unit - 1] == 0) return at + unit;
    }
    return left_.size();
  };
  switch (type_) {
    case ValueType::string:
      return up_to_nul(2);
    case ValueType::ansi_string:
      return up_to_nul(1);
    case ValueType::size:
      return pointer_size_;
    case ValueType::sid:
      return sid_size(left_);
    default:
      return fixed_size(type_);
  }
}

std::optional<BinXmlValue> ArrayItems::next() {
  if (left_.empty()) return std::nullopt;
  std::size_t size = item_size();
  if (size == 0 || size > left_.size()) size = left_.size();
  const BinXmlValue item{static_cast<std::uint8_t>(type_), left_.first(size)};
  left_ = left_.subspan(size);
  return item;
}

}  // namespace postern::windows
