#include "windows/binxml_value.h"

#include <bit>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "windows/filetime.h"
#include "windows/testing/little_endian_writer.h"
#include "windows/utf16.h"

namespace postern::windows {
namespace {

using testing::put_little;
using testing::put_octets;
using testing::put_u16;
using testing::utf16;

Octets little(std::uint64_t number, std::size_t size) {
  Octets octets;
  put_little(octets, number, size);
  return octets;
}

std::string text(ValueType type, const Octets& octets, bool array = false) {
  TextArena arena;
  const auto raw = static_cast<unsigned>(type) | (array ? BinXmlValue::kArray : 0U);
  return std::string(value_text({static_cast<std::uint8_t>(raw), octets}, arena));
}

Octets repeated(std::uint8_t octet, std::size_t count) {
  return Octets(count, octet);
}

TEST(BinXmlValue, EachTypeIsShownAsWindowsDoes) {
  using enum ValueType;
  const Octets guid_octets = {0x25, 0x96, 0x84, 0x54, 0x78, 0x54, 0x94, 0x49,
                              0xA5, 0xBA, 0x3E, 0x3B, 0x03, 0x28, 0xC3, 0x0D};
  const Octets sid_octets = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
  Octets system_time;
  for (const int part : {2021, 3, 2, 4, 1, 2, 3, 45}) {
    put_u16(system_time, static_cast<std::uint64_t>(part));
  }
  const struct {
    ValueType type;
    Octets octets;
    std::string text;
  } cases[] = {
      {null, little(7, 4), ""},
      {string, utf16("ab"), "ab"},
      {string, {0x61, 0, 0, 0, 0, 0}, "a"},                        // NULs at the end,
      {string, {0x61, 0, 0, 0, 0x62, 0}, std::string("a\0b", 3)},  // one within,
      {string, {0x61, 0, 0x62}, "a"},                              // and half a character.
      {ansi_string, {0x61, 0xE9, 0}, "a\xC3\xA9"},
      {int8, little(0xFF, 1), "-1"},
      {uint8, little(0xFF, 1), "255"},
      {int16, little(0x8000, 2), "-32768"},
      {uint16, little(0x8000, 2), "32768"},
      {int32, little(0x80000000, 4), "-2147483648"},
      {uint32, little(0x80000000, 4), "2147483648"},
      {int64, little(0x8000000000000000, 8), "-9223372036854775808"},
      {uint64, little(0xFFFFFFFFFFFFFFFF, 8), "18446744073709551615"},
      {real32, little(std::bit_cast<std::uint32_t>(1.5F), 4), "1.5"},
      {real64, little(std::bit_cast<std::uint64_t>(-0.1), 8), "-0.1"},
      {real64, little(0x7FF0000000000000, 8), "INF"},
      {real64, little(0xFFF0000000000000, 8), "-INF"},
      {real64, little(0x7FF8000000000000, 8), "NaN"},
      {boolean, little(1, 4), "true"},
      {boolean, little(0, 4), "false"},
      {boolean, little(2, 1), "true"},
      {binary, {0xDE, 0xAD, 0x01}, "DEAD01"},
      {guid, guid_octets, "{54849625-5478-4994-A5BA-3E3B0328C30D}"},
      {size, little(999, 8), "999"},
      {size, little(999, 4), "999"},
      {filetime, little(132'592'032'123'456'789, 8), "2021-03-03T00:00:12.3456789Z"},
      {filetime, little(0, 8), "1601-01-01T00:00:00.0000000Z"},
      {filetime, little(kMaxDateTicks, 8), "30827-12-31T23:59:59.9999999Z"},
      {filetime, little(0x7FFFFFFFFFFFFFFF, 8), "9223372036854775807"},
      {filetime, little(0xFFFFFFFFFFFFFFFF, 8), "18446744073709551615"},
      {systemtime, system_time, "2021-03-04T01:02:03.0450000Z"},
      {systemtime, repeated(0xFF, 16), std::string(32, 'F')},
      {sid, sid_octets, "S-1-5-32-544"},
      {hex_int32, little(0x1F4, 4), "0x1f4"},
      {hex_int64, little(0x8020000000000000, 8), "0x8020000000000000"},
      // Of a wrong size, or of a type that nobody knows.
      {int32, repeated(1, 9), "010101010101010101"},
      {guid, repeated(1, 3), "010101"},
      {sid, {1, 200, 0, 0, 0, 0, 0, 5, 1, 2}, "01C80000000000050102"},
      {sid, repeated(1, 2), "0101"},
      {static_cast<ValueType>(0x55), {1, 2}, "0102"},
      {uint32, little(0x010203, 3), "66051"},
      {uint64, {}, ""},
  };
  for (const auto& [type, octets, expected] : cases) {
    SCOPED_TRACE(expected);
    EXPECT_EQ(text(type, octets), expected);
  }
}

TEST(BinXmlValue, ItemsOfArraysAreTakenOneByOne) {
  using enum ValueType;
  Octets strings = utf16("one");
  put_u16(strings, 0);
  put_u16(strings, 0);
  put_octets(strings, utf16("last"));
  EXPECT_EQ(text(string, strings, true), "one, , last");
  EXPECT_EQ(text(ansi_string, {'a', 0, 'b', 'c', 0}, true), "a, bc");
  EXPECT_EQ(text(uint8, {1, 2, 3}, true), "1, 2, 3");
  EXPECT_EQ(text(int16, {0xFF, 0xFF, 2, 0}, true), "-1, 2");
  EXPECT_EQ(text(hex_int32, {1, 0, 0, 0, 2, 0, 0, 0, 9}, true), "0x1, 0x2, 0x9");
  EXPECT_EQ(text(size, repeated(0, 16), true), "0, 0");
  EXPECT_EQ(text(size, repeated(0, 12), true), "0, 0, 0");
  Octets sids = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
  put_octets(sids, Octets{1, 0, 0, 0, 0, 0, 0, 1});
  EXPECT_EQ(text(sid, sids, true), "S-1-5-18, S-1-1");
  put_octets(sids, Octets{9, 9});
  EXPECT_EQ(text(sid, sids, true), "S-1-5-18, S-1-1, 0909");
}

TEST(BinXmlValue, NumbersAreNumbers) {
  using enum ValueType;
  const Octets minus = little(0xFFFFFFFF, 4);
  EXPECT_EQ(value_number({static_cast<std::uint8_t>(uint32), minus}), 0xFFFFFFFFU);
  EXPECT_EQ(value_number({static_cast<std::uint8_t>(int32), minus}), ~std::uint64_t{0});
  EXPECT_FALSE(value_number({static_cast<std::uint8_t>(string), minus}));
  EXPECT_FALSE(value_number({BinXmlValue::kArray | static_cast<std::uint8_t>(uint32), minus}));
  EXPECT_FALSE(value_number({static_cast<std::uint8_t>(uint32), {}}));
}

TEST(Utf16, ItBecomesUtf8) {
  Octets units;
  for (const unsigned unit : {0x41U, 0x42U, 0x43U, 0x44U, 0x7FU, 0x80U, 0x7FFU, 0x800U, 0xFFFFU,
                              0xD800U, 0xDC00U, 0xDBFFU, 0xDFFFU, 0xDC00U, 0x45U, 0xD800U}) {
    put_u16(units, unit);
  }
  EXPECT_EQ(utf8_of(units),
            "ABCD\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"
            "\xEF\xBF\xBD"
            "E\xEF\xBF\xBD");
  // ASCII at every length and place, as four are taken at a time.
  const std::string ascii = "abcdefghijklmnop";
  for (std::size_t from = 0; from < 5; ++from) {
    for (std::size_t size = 0; from + size <= ascii.size(); ++size) {
      EXPECT_EQ(utf8_of(utf16(ascii.substr(from, size))), ascii.substr(from, size));
    }
  }
}

TEST(TextArena, WhatIsKeptStaysUntilItIsCleared) {
  TextArena arena;
  std::vector<std::string_view> kept;
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < 300; ++i) {
    expected.push_back(std::string(i * 37 % 5000, static_cast<char>('a' + i % 26)));
    kept.push_back(arena.keep(expected.back()));
  }
  expected.push_back(std::string(TextArena::kBlock * 3, 'z'));
  kept.push_back(arena.keep(expected.back()));
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i], expected[i]);
  arena.clear();
  EXPECT_EQ(arena.keep("again"), "again");
}

}  // namespace
}  // namespace postern::windows
