#include "windows/pe_links.h"

#include <random>

#include <gtest/gtest.h>

#include "windows/testing/pe_writer.h"

namespace postern::windows {
namespace {

using testing::TestPe;
using testing::write_pe;

const TestPe kModule{.is_library = true,
                     .imports = {{"KERNEL32.dll", {"CreateFileW", "CreateProcessW"}},
                                 {"WS2_32.dll", {"#4", "send"}}},
                     .exports = {"DllMain", "RegisterModule"}};

TEST(PeLinks, WhatIsTakenAndHandedOutIsRead) {
  for (const bool is_64_bit : {true, false}) {
    TestPe wanted = kModule;
    wanted.is_64_bit = is_64_bit;
    const auto links = read_pe_links(write_pe(wanted));
    ASSERT_TRUE(links.has_value());
    EXPECT_EQ(links->imports,
              (std::vector<std::string>{"kernel32.dll!CreateFileW", "kernel32.dll!CreateProcessW",
                                        "ws2_32.dll!#4", "ws2_32.dll!send"}));
    EXPECT_TRUE(links->hands_out("RegisterModule"));
    EXPECT_FALSE(links->hands_out("registermodule"));
  }
}

TEST(PeLinks, AFileWithoutAnyHasNone) {
  const auto links = read_pe_links(write_pe({}));
  ASSERT_TRUE(links.has_value());
  EXPECT_TRUE(links->imports.empty());
  EXPECT_TRUE(links->exports.empty());
  EXPECT_FALSE(read_pe_links(octets_of("MZ")).has_value());
}

TEST(PeLinks, DamageDoesNoHarm) {
  const Octets good = write_pe(kModule);
  std::mt19937 random(4);
  for (int round = 0; round < 5'000; ++round) {
    Octets octets = good;
    for (int i = 0; i < 6; ++i)
      octets[random() % octets.size()] = static_cast<std::uint8_t>(random());
    if (round % 3 == 0) octets.resize(random() % octets.size());
    const auto links = read_pe_links(octets);
    if (links) {
      EXPECT_LE(links->imports.size(), PeLinks::kMaxImports);
    }
  }
}

}  // namespace
}  // namespace postern::windows
