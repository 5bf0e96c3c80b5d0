#include "host/archives.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include "host/testing.h"

namespace postern::host {
namespace {

using testing::Packed;
using testing::packed;

class Collector final : public ArchiveVisitor {
 public:
  bool wants(std::string_view path, std::uint64_t /*size*/) override {
    current_ = path;
    return path.find("unwanted") == std::string_view::npos;
  }
  void visit(ArchivedFile& file) override {
    std::string& text = files[current_];
    while (text.size() < most) {
      const auto octets = file.next();
      if (!octets) faults += octets.error().text;
      if (!octets || octets->empty()) return;
      text += text_of(*octets);
    }
  }

  std::map<std::string, std::string> files;
  std::string faults;
  std::size_t most = ~std::size_t{0};

 private:
  std::string current_;
};

const std::vector<Packed> kFiles = {{"web/a.aspx", "one"}, {"b\\c.txt", "two"}, {"unwanted", "x"}};

TEST(Archives, EachKindIsListedAndRead) {
  for (const char* kind : {"zip", "7zip", "tar.gz"}) {
    SCOPED_TRACE(kind);
    const Octets octets = packed(kind, kFiles);
    const auto listed = list_archive(ArchiveSource::of(octets), "x");
    ASSERT_TRUE(listed.has_value()) << listed.error().text;
    EXPECT_EQ(listed->fault, "");
    EXPECT_TRUE(listed->listing.complete);
    EXPECT_FALSE(listed->listing.encrypted);
    ASSERT_EQ(listed->listing.items.size(), 3U);
    EXPECT_EQ(listed->listing.items[0].path, "web/a.aspx");
    EXPECT_EQ(listed->listing.items[1].path, "b/c.txt");
    EXPECT_EQ(listed->listing.items[0].size, 3U);
    Collector collector;
    ASSERT_TRUE(read_archive(ArchiveSource::of(octets), "x", collector).has_value());
    EXPECT_EQ(collector.files,
              (std::map<std::string, std::string>{{"b/c.txt", "two"}, {"web/a.aspx", "one"}}));
    EXPECT_EQ(collector.faults, "");
  }
}

TEST(Archives, AGzipIsOneFileOfItsOwnName) {
  const Octets octets = packed("gz", {{"ignored", std::string(100'000, 'a') + "end"}});
  const auto listed = list_archive(ArchiveSource::of(octets), "logs/u_ex.log.gz");
  ASSERT_TRUE(listed.has_value());
  EXPECT_EQ(listed->listing.items.at(0).path, "u_ex.log");
  Collector collector;
  ASSERT_TRUE(read_archive(ArchiveSource::of(octets), "logs/u_ex.log.gz", collector).has_value());
  EXPECT_EQ(collector.files["u_ex.log"].size(), 100'003U);
}

TEST(Archives, NoPathLeadsOut) {
  const Octets octets = packed(
      "zip", {{"../../etc/passwd", "x"}, {"/root/a", "x"}, {"C:\\Windows\\b", "x"}, {"..", "x"}});
  const auto listed = list_archive(ArchiveSource::of(octets), "z.zip");
  ASSERT_TRUE(listed.has_value());
  std::vector<std::string> paths;
  for (const auto& item : listed->listing.items) paths.push_back(item.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"etc/passwd", "root/a", "Windows/b", "z.zip"}));
}

TEST(Archives, ABombEndsAtItsBoundAndIsNamed) {
  const Octets octets = packed("zip", {{"zeros", std::string(4 << 20, '\0')}});
  ASSERT_LT(octets.size(), 64U << 10);
  ArchiveLimits limits;
  limits.ratio_from = 1 << 20;
  Collector collector;
  auto read = read_archive(ArchiveSource::of(octets), "x", collector, limits);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Errc::limit_exceeded);
  EXPECT_EQ(read.error().text, "unpacks to over 200 times its size: a bomb");
  EXPECT_LT(collector.files["zeros"].size(), 2U << 20);

  limits = {};
  limits.max_octets = 1 << 20;
  read = read_archive(ArchiveSource::of(octets), "x", collector, limits);
  EXPECT_EQ(read.error().text, "unpacks to over 1048576 octets");
  EXPECT_EQ(list_archive(ArchiveSource::of(octets), "x", limits)->fault,
            "says that it unpacks to over 1048576 octets");

  limits = {};
  limits.max_entries = 2;
  const Octets many = packed("zip", kFiles);
  const auto listed = list_archive(ArchiveSource::of(many), "x", limits);
  EXPECT_EQ(listed->fault, "over 2 files in the archive");
  EXPECT_FALSE(listed->listing.complete);
}

TEST(Archives, ABombThatNobodyWantsEndsAtItsBoundToo) {
  // What is packed as a whole is unpacked to be passed over.
  const Octets octets = packed("tar.gz", {{"unwanted", std::string(8 << 20, '\0')}, {"b", "next"}});
  ArchiveLimits limits;
  limits.max_octets = 1 << 20;
  Collector collector;
  const auto read = read_archive(ArchiveSource::of(octets), "x", collector, limits);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Errc::limit_exceeded);
  EXPECT_NE(list_archive(ArchiveSource::of(octets), "x", limits)->fault, "");
  limits.max_octets = 16 << 20;
  EXPECT_TRUE(read_archive(ArchiveSource::of(octets), "x", collector, limits).has_value());
  EXPECT_EQ(collector.files["b"], "next");
}

TEST(Archives, AVisitorMayHaveEnough) {
  const Octets octets = packed("zip", {{"a", std::string(1 << 20, 'a')}, {"b", "next"}});
  Collector collector;
  collector.most = 1000;
  ASSERT_TRUE(read_archive(ArchiveSource::of(octets), "x", collector).has_value());
  EXPECT_LT(collector.files["a"].size(), 1U << 18);
  EXPECT_EQ(collector.files["b"], "next");
}

class Blocks final : public ArchiveVisitor {
 public:
  bool wants(std::string_view /*path*/, std::uint64_t /*size*/) override { return true; }
  void visit(ArchivedFile& file) override {
    std::array<std::uint8_t, 1000> block{};
    while (true) {
      const auto got = file.read(block);
      ASSERT_TRUE(got.has_value());
      sizes.push_back(*got);
      text += text_of(OctetView(block).first(*got));
      if (*got < block.size()) return;
    }
  }

  std::vector<std::size_t> sizes;
  std::string text;
};

TEST(Archives, BlocksAreFullUntilTheEnd) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += std::to_string(i);
  const Octets octets = packed("zip", {{"a", text}});
  Blocks blocks;
  ASSERT_TRUE(read_archive(ArchiveSource::of(octets), "x", blocks).has_value());
  EXPECT_EQ(blocks.text, text);
  for (std::size_t i = 0; i + 1 < blocks.sizes.size(); ++i) EXPECT_EQ(blocks.sizes[i], 1000U);
}

TEST(Archives, WhatIsTornOrNoneIsSaid) {
  const Octets octets = packed("zip", {{"a", "text of a file, long enough to be cut"}, {"b", "x"}});
  EXPECT_FALSE(list_archive(ArchiveSource::of(octets_of("text")), "x").has_value());
  EXPECT_FALSE(list_archive(ArchiveSource::of({}), "x").has_value());
  for (std::size_t cut = 8; cut < octets.size(); cut += 7) {
    const auto listed = list_archive(ArchiveSource::of(OctetView(octets).first(cut)), "x");
    ASSERT_TRUE(listed.has_value());
    Collector collector;
    static_cast<void>(
        read_archive(ArchiveSource::of(OctetView(octets).first(cut)), "x", collector));
  }
  const auto rar =
      list_archive(ArchiveSource::of(octets_of("Rar!\x1A\x07\x01 torn")), "a.part1.rar");
  ASSERT_TRUE(rar.has_value());
  EXPECT_FALSE(rar->fault.empty());
  EXPECT_TRUE(rar->listing.multi_volume);
}

TEST(Archives, AnEncryptedOneIsSaidToBe) {
  const Octets octets = packed("zip encrypted", {{"a", "secret"}});
  if (octets.empty()) GTEST_SKIP() << "libarchive cannot encrypt here";
  const auto listed = list_archive(ArchiveSource::of(octets), "x.zip");
  ASSERT_TRUE(listed.has_value());
  EXPECT_TRUE(listed->listing.encrypted);
  EXPECT_EQ(listed->listing.items.size(), 1U);
}

}  // namespace
}  // namespace postern::host
