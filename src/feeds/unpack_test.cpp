#include "feeds/unpack.h"

#include <string>

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "feeds/testing.h"

namespace postern::feeds {
namespace {

Result<std::string> unpacked(std::string_view octets, std::uint64_t max_octets) {
  return POSTERN_TRY(unpack(testing::in_memory(octets), max_octets)).to_string();
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string text_of_size(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += "n" + std::to_string(i * 7919) + ".example\n";
  text.resize(size);
  return text;
}

TEST(Unpack, TextStaysAsItIs) {
  EXPECT_EQ(unpacked("bad.example\n", 100).value(), "bad.example\n");
  EXPECT_EQ(unpacked("", 100).value(), "");
  EXPECT_EQ(unpacked("\x1f", 100).value(), "\x1f");
}

TEST(Unpack, BothFormatsOfAnySizeAndInSeveralPieces) {
  // Around the size of the pieces that are unpacked at once, and well over.
  for (const std::size_t size : {0UL, 1UL, 262'143UL, 262'144UL, 262'145UL, 524'288UL, 600'000UL}) {
    const std::string text = text_of_size(size);
    EXPECT_EQ(unpacked(gzip(text), size).value(), text) << size;
    EXPECT_EQ(unpacked(zstd(text), size).value(), text) << size;
    EXPECT_EQ(unpacked(gzip(text) + gzip("more"), size + 4).value(), text + "more") << size;
    EXPECT_EQ(unpacked(zstd(text) + zstd("more"), size + 4).value(), text + "more") << size;
  }
}

TEST(Unpack, ZerosBehindGzipArePassedOver) {
  EXPECT_EQ(unpacked(gzip("bad.example\n") + std::string(700'000, '\0'), 100).value(),
            "bad.example\n");
  EXPECT_EQ(unpacked(gzip("a") + std::string(9, '\0') + "x", 100).error().code, Errc::corrupt);
}

TEST(Unpack, NobodyChangesWhatCameOut) {
  for (const std::string& octets : {std::string("n.example\n"), gzip("n.example\n")}) {
    SharedMemory text = unpack(testing::in_memory(octets), 100).value();
    EXPECT_EQ(text.to_string().value(), "n.example\n");
    EXPECT_FALSE(text.append(octets_of("x")));
  }
}

TEST(Unpack, OneOctetTooManyIsRefused) {
  const std::string text = text_of_size(300'000);
  for (const std::string& packed : {text, gzip(text), zstd(text)}) {
    const auto over = unpacked(packed, text.size() - 1);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::limit_exceeded);
    EXPECT_NE(over.error().text.find("raise the feed's max_size"), std::string::npos)
        << over.error().text;
  }
}

TEST(Unpack, ABombIsStoppedEarly) {
  const std::string zeros(20'000'000, '\0');
  EXPECT_EQ(unpacked(gzip(zeros), 1'000'000).error().code, Errc::limit_exceeded);
  EXPECT_EQ(unpacked(zstd(zeros), 1'000'000).error().code, Errc::limit_exceeded);
}

TEST(Unpack, WhatIsCutOffOrDamagedIsAnError) {
  const std::string text = text_of_size(5'000);
  for (const std::string& packed : {gzip(text), zstd(text)}) {
    for (const std::size_t size : {5UL, packed.size() / 2, packed.size() - 1}) {
      EXPECT_EQ(unpacked(packed.substr(0, size), 100'000).error().code, Errc::corrupt) << size;
    }
    EXPECT_EQ(unpacked(packed + "rest", 100'000).error().code, Errc::corrupt);
  }
  std::string damaged = gzip(text);
  damaged[damaged.size() - 6] =
      static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // The checksum.
  EXPECT_EQ(unpacked(damaged, 100'000).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace postern::feeds
