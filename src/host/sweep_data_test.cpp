#include "host/sweep_data.h"

#include <string>

#include <gtest/gtest.h>

#include "files/testing.h"
#include "host/testing.h"

namespace postern::host {
namespace {

using files::testing::TemporaryFolder;

const std::string kFiles = "sha256,path,build_idx\n" + std::string(64, 'a') +
                           ",FrontEnd/HttpProxy/owa/auth/logon.aspx,0\n";
constexpr std::string_view kBuilds = "build_idx,build\n0,15.1.2176.2\n";
constexpr std::string_view kRule = "rule A { condition: true }";

TEST(SweepData, HashesAndSignaturesAreImportedAndLoaded) {
  const TemporaryFolder from;
  const TemporaryFolder to;
  const Octets packed = testing::packed("gz", {{"x", kFiles}});
  from.write("known-good.csv.gz", text_of(packed));
  from.write("known-good-builds.csv", kBuilds);
  from.write("a.yar", kRule);
  from.write("readme.txt", "hello");
  const std::string before = load_sweep_data(to.path()).identity;
  const auto imported = import_sweep_data(to.path(), {from.path()});
  ASSERT_TRUE(imported.has_value()) << imported.error().text;
  EXPECT_EQ(imported->refused, 0U);
  EXPECT_EQ(imported->lines.size(), 2U);
  const SweepData data = load_sweep_data(to.path());
  ASSERT_TRUE(data.known.has_value());
  EXPECT_TRUE(data.known->has_name("logon.aspx"));
  ASSERT_TRUE(data.yara.has_value());
  EXPECT_EQ(data.yara->count(), 1U);
  EXPECT_TRUE(data.notes.empty());
  EXPECT_NE(data.identity, before);
  EXPECT_EQ(load_sweep_data(to.path()).identity, data.identity);
}

TEST(SweepData, WhatIsNotTakenIsSaid) {
  const TemporaryFolder from;
  const TemporaryFolder to;
  from.write("bad.yar", "rule A {");
  from.write("x.txt", "hello");
  from.write("alone/k.csv", kFiles);
  from.write("builds/b.csv", kBuilds);
  for (const char* name : {"bad.yar", "x.txt", "alone/k.csv", "builds/b.csv", "none"}) {
    SCOPED_TRACE(name);
    const auto imported = import_sweep_data(to.path(), {from / name});
    ASSERT_TRUE(imported.has_value());
    EXPECT_EQ(imported->refused, 1U);
  }
  EXPECT_EQ(import_sweep_data(to.path(), {from / "alone/k.csv", from / "builds/b.csv"})->refused,
            0U);
}

TEST(SweepData, ADamagedTableIsSaidToBe) {
  const TemporaryFolder folder;
  folder.write("known-good.table", "PSTNKNG1 damaged");
  const SweepData data = load_sweep_data(folder.path());
  EXPECT_FALSE(data.known.has_value());
  EXPECT_EQ(data.notes.size(), 1U);
  EXPECT_TRUE(load_sweep_data(folder / "none").notes.empty());
}

}  // namespace
}  // namespace postern::host
