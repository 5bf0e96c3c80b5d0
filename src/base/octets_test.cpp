#include "base/octets.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(ByteReader, AReadPastTheEndFailsForGood) {
  const Octets octets = {1, 2, 3};
  ByteReader reader(octets);
  EXPECT_EQ(reader.u16(), 0x0102);
  EXPECT_EQ(reader.u16(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);  // One octet is left, but the reader has failed.
  EXPECT_FALSE(ByteReader(octets, 4).ok());
}

TEST(ByteWriter, WhatDoesNotFitIsNotWritten) {
  std::uint8_t buffer[5] = {};
  ByteWriter writer(buffer);
  writer.u32(0x01020304);
  writer.u16(0xffff);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 4U);
  EXPECT_EQ(buffer[4], 0);
  writer.rewind(2);
  writer.u16(0x0506);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(Octets(writer.written().begin(), writer.written().end()), (Octets{1, 2, 5, 6}));
}

}  // namespace
}  // namespace postern
