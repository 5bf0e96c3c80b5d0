#include "windows/pe.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "windows/little_endian.h"
#include "windows/testing/little_endian_writer.h"
#include "windows/testing/pe_writer.h"

namespace postern::windows {
namespace {

using testing::set_little;
using testing::TestPe;
using testing::write_pe;
using testing::write_version_info;

VersionInfo exchange_setup() {
  return {.file = {15, 1, 1913, 10},
          .product = {15, 1, 1913, 7},
          .texts = {{"CompanyName", "Microsoft Corporation"},
                    {"FileVersion", "15.01.1913.010"},
                    {"OriginalFilename", "ExSetup.exe"},
                    {"Comments", ""}}};
}

TEST(Pe, TheVersionIsFourNumbersAndTexts) {
  for (const bool is_64_bit : {true, false}) {
    SCOPED_TRACE(is_64_bit);
    const auto pe = read_pe(write_pe({.is_64_bit = is_64_bit, .version = exchange_setup()}));
    ASSERT_TRUE(pe);
    EXPECT_EQ(pe->is_64_bit, is_64_bit);
    EXPECT_EQ(pe->machine, is_64_bit ? PeFile::kAmd64 : PeFile::kI386);
    EXPECT_EQ(pe->timestamp, 0x5F5E1000U);
    EXPECT_FALSE(pe->is_library || pe->is_managed || pe->has_certificates);
    EXPECT_EQ(pe->module_name, "");
    ASSERT_TRUE(pe->version);
    EXPECT_EQ(pe->version->file.text(), "15.1.1913.10");
    EXPECT_EQ(pe->version->product.text(), "15.1.1913.7");
    EXPECT_EQ(pe->version->text("originalfilename"), "ExSetup.exe");
    EXPECT_EQ(pe->version->text("CompanyName"), "Microsoft Corporation");
    EXPECT_EQ(pe->version->text("Comments"), "");
    EXPECT_EQ(pe->version->text("Company"), "");
    EXPECT_EQ(pe->version->texts, exchange_setup().texts);
    ASSERT_EQ(pe->sections.size(), 2U);
    EXPECT_EQ(pe->sections[1].name, ".rsrc");
    EXPECT_EQ(pe->sections[1].address, 0x10000U);
  }
}

TEST(Pe, VersionsAreComparedAsNumbers) {
  const FileVersion later{15, 1, 1913, 10}, earlier{15, 1, 1913, 7}, next{15, 2, 1, 0};
  EXPECT_GT(later, earlier);
  EXPECT_GT(next, later);
  EXPECT_EQ(later, (FileVersion{15, 1, 1913, 10}));
}

TEST(Pe, ALibraryOfDotNetSaysItsModule) {
  for (const bool is_64_bit : {true, false}) {
    const auto pe = read_pe(write_pe({.is_64_bit = is_64_bit,
                                      .is_library = true,
                                      .has_certificates = true,
                                      .module_name = "App_Web_ab12cd34.dll"}));
    ASSERT_TRUE(pe);
    EXPECT_TRUE(pe->is_library);
    EXPECT_TRUE(pe->is_managed);
    EXPECT_TRUE(pe->has_certificates);
    EXPECT_FALSE(pe->version);
    EXPECT_EQ(pe->module_name, "App_Web_ab12cd34.dll");
  }
}

TEST(Pe, OfALargeFileLittleIsRead) {
  const Octets head = write_pe({.version = exchange_setup(), .module_name = "a.dll"});
  std::uint64_t read = 0;
  int reads = 0;
  const auto pe =
      read_pe([&](std::uint64_t offset, std::span<std::uint8_t> into) -> Result<std::size_t> {
        read += into.size();
        ++reads;
        // 500 MiB, of which all but the head is 'x'.
        for (std::size_t i = 0; i < into.size(); ++i) {
          into[i] = offset + i < head.size() ? head[static_cast<std::size_t>(offset) + i] : 'x';
        }
        return into.size();
      });
  ASSERT_TRUE(pe && pe->version);
  EXPECT_EQ(pe->module_name, "a.dll");
  EXPECT_LE(reads, 13);
  EXPECT_LE(read, 400U << 10);
}

TEST(Pe, WhatIsNoProgramIsRefused) {
  const Octets good = write_pe({});
  EXPECT_FALSE(read_pe(OctetView{}));
  EXPECT_FALSE(read_pe(octets_of("<%@ Page Language=\"C#\" %> MZ")));
  EXPECT_FALSE(read_pe(OctetView{good}.first(63)));
  EXPECT_FALSE(read_pe(OctetView{good}.first(0x80)));
  Octets far = good;
  set_little(far, 60, 0xFFFFFFF0, 4);
  EXPECT_EQ(read_pe(far).error().code, Errc::invalid_input);
}

TEST(Pe, AReadThatFailsIsTheAnswer) {
  const auto pe = read_pe([](std::uint64_t, std::span<std::uint8_t>) -> Result<std::size_t> {
    return fail(Errc::unavailable, "the disk is gone");
  });
  ASSERT_FALSE(pe);
  EXPECT_EQ(pe.error().text, "the disk is gone");
}

TEST(Pe, WhatIsCutBehindTheHeadersIsAbsent) {
  const Octets good = write_pe({.version = exchange_setup(), .module_name = "a.dll"});
  for (std::size_t size = 0x400; size < good.size(); size += 61) {
    const auto pe = read_pe(OctetView{good}.first(size));
    ASSERT_TRUE(pe);
    EXPECT_EQ(pe->sections.size(), 2U);
  }
  const auto headers_only = read_pe(OctetView{good}.first(0x400));
  EXPECT_FALSE(headers_only->version);
  EXPECT_EQ(headers_only->module_name, "");
}

TEST(Pe, ResourcesThatLeadToThemselvesEnd) {
  Octets file = write_pe({.version = exchange_setup()});
  const Octets version = {16, 0, 0, 0, 0x20, 0, 0, 0x80};
  const auto at = std::search(file.begin(), file.end(), version.begin(), version.end());
  ASSERT_NE(at, file.end());
  *(at + 4) = 0;  // The directory of the version's names is the one of types.
  const auto pe = read_pe(file);
  ASSERT_TRUE(pe);
  EXPECT_FALSE(pe->version);
}

TEST(Pe, ManySectionsAndTextsAreBounded) {
  Octets file = write_pe({.version = exchange_setup()});
  set_little(file, 0x80 + 6, 0xFFFF, 2);
  EXPECT_LE(read_pe(file)->sections.size(), 96U);
  VersionInfo many = exchange_setup();
  for (int i = 0; i < 1000; ++i) many.texts.emplace_back("N", "x");
  EXPECT_EQ(read_version_info(write_version_info(many))->texts.size(), 256U);
}

TEST(Pe, AVersionWithoutItsFixedPartKeepsItsTexts) {
  Octets resource = write_version_info(exchange_setup());
  resource[6 + 32 + 2] ^= 1;
  const auto info = read_version_info(resource);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->file, FileVersion{});
  EXPECT_EQ(info->text("FileVersion"), "15.01.1913.010");
  EXPECT_FALSE(read_version_info({}));
  EXPECT_FALSE(read_version_info(Octets(100)));
}

TEST(Pe, NoOctetsMakeItReadBeyondItsOwn) {
  const Octets good = write_pe({.version = exchange_setup(), .module_name = "a.dll"});
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    Octets file = good;
    for (int i = 0; i < 6; ++i) file[random() % file.size()] = static_cast<std::uint8_t>(random());
    const auto pe = read_pe(file);
    if (!pe || !pe->version) continue;
    EXPECT_LE(pe->version->texts.size(), 256U);
  }
}

}  // namespace
}  // namespace postern::windows
