// A typed value as BinXML carries it, and what it says as text or number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/octets.h"
#include "windows/text_arena.h"

namespace postern::windows {

/// [MS-EVEN6] 2.2.12. Others are shown as hexadecimal octets.
enum class ValueType : std::uint8_t {
  null = 0x00,
  string = 0x01,
  ansi_string = 0x02,
  int8 = 0x03,
  uint8 = 0x04,
  int16 = 0x05,
  uint16 = 0x06,
  int32 = 0x07,
  uint32 = 0x08,
  int64 = 0x09,
  uint64 = 0x0A,
  real32 = 0x0B,
  real64 = 0x0C,
  boolean = 0x0D,
  binary = 0x0E,
  guid = 0x0F,
  size = 0x10,
  filetime = 0x11,
  systemtime = 0x12,
  sid = 0x13,
  hex_int32 = 0x14,
  hex_int64 = 0x15,
  event_handle = 0x20,
  binxml = 0x21,
  event_xml = 0x23,
};

/// A value, or an array of values, where it lies in the log.
struct BinXmlValue {
  static constexpr std::uint8_t kArray = 0x80;

  std::uint8_t raw_type = 0;
  OctetView octets;

  ValueType type() const { return static_cast<ValueType>(raw_type & ~kArray); }
  bool is_array() const { return (raw_type & kArray) != 0; }
  bool is_null() const { return raw_type == 0; }
};

/// What the value says as Windows writes it: numbers in decimal, "0x3e7", "true", "S-1-5-18",
/// "{5770385F-…}", "2021-03-03T01:02:03.0040000Z". A value of a wrong size is shown as far as it
/// goes or as hexadecimal octets, never refused. Items of an array with ", " between. Kept in
/// `arena`; of text without NULs at its end.
std::string_view value_text(const BinXmlValue& value, TextArena& arena);

/// The octets that every value of the type has (of a pointer 8); 0 for types without a size of
/// their own.
std::size_t fixed_size(ValueType type);

/// The number a value is: integers, booleans, times (as ticks); nothing for others and arrays.
std::optional<std::uint64_t> value_number(const BinXmlValue& value);

/// Takes the items of an array one after the other.
class ArrayItems {
 public:
  explicit ArrayItems(const BinXmlValue& array)
      : type_(array.type()),
        pointer_size_(array.octets.size() % 8 == 0 ? 8 : 4),
        left_(array.octets) {}
  /// The next item; nothing behind the last one.
  std::optional<BinXmlValue> next();

 private:
  std::size_t item_size() const;

  ValueType type_;
  std::size_t pointer_size_;  ///< Nothing says it: that of a machine of 64 bits if that divides.
  OctetView left_;
};

}  // namespace postern::windows
