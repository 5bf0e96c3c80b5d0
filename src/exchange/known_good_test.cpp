#include "exchange/known_good.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

const std::string kOne(64, '1');
const std::string kTwo(64, '2');
const std::string kThree(64, '3');

Octets small_table() {
  KnownGoodBuilder builder;
  EXPECT_TRUE(builder.add_builds("build_idx,build\n3,15.1.2176.2\n9,15.1.1466.3\n"));
  EXPECT_TRUE(builder.add_files("sha256,path,build_idx\n" + kTwo +
                                ",FrontEnd/HttpProxy/owa/auth/logon.aspx,3\n" + kOne +
                                ",ClientAccess/owa/auth/errorFE.aspx,3 9\n" + kOne +
                                ",FrontEnd/HttpProxy/owa/auth/errorFE.aspx,3\n" + kThree +
                                ",owa/version/scripts/x,y.js,9\n"));
  EXPECT_EQ(builder.skipped(), 0U);
  return builder.finish().value();
}

BuildVersion version(std::string_view text) {
  return version_of(text).value().version;
}

TEST(KnownGood, AHashGivesItsPathsAndBuilds) {
  const Octets octets = small_table();
  const auto table = KnownGood::open(octets);
  ASSERT_TRUE(table.has_value()) << table.error().text;
  EXPECT_EQ(table->hash_count(), 3U);
  const auto found = table->find(*sha256_of(kOne));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].path, "clientaccess/owa/auth/errorfe.aspx");
  EXPECT_EQ(found[0].builds,
            (std::vector<BuildVersion>{version("15.1.2176.2"), version("15.1.1466.3")}));
  EXPECT_EQ(found[1].builds, (std::vector<BuildVersion>{version("15.1.2176.2")}));
  EXPECT_TRUE(table->has(*sha256_of(kTwo)));
  EXPECT_FALSE(table->has(*sha256_of(std::string(64, '4'))));
  EXPECT_TRUE(table->find(*sha256_of(std::string(63, '1') + "0")).empty());
}

TEST(KnownGood, NamesAndPathsAreFoundWhateverTheirCaseAndVersion) {
  const Octets octets = small_table();
  const auto table = KnownGood::open(octets);
  ASSERT_TRUE(table.has_value());
  EXPECT_TRUE(table->has_name("LOGON.aspx"));
  EXPECT_FALSE(table->has_name("logo.aspx"));
  EXPECT_FALSE(table->has_name(""));
  EXPECT_TRUE(table->has_path(normal_path("FrontEnd\\HttpProxy\\owa\\auth\\Logon.aspx")));
  EXPECT_FALSE(table->has_path(normal_path("FrontEnd/HttpProxy/ecp/auth/logon.aspx")));
  // A build that is rooted without ClientAccess.
  EXPECT_TRUE(table->has_path(normal_path("ClientAccess/owa/15.1.1466/scripts/x,y.js")));
  EXPECT_EQ(table->page_names(), (std::vector<std::string_view>{"errorfe.aspx", "logon.aspx"}));
}

TEST(KnownGood, ABuildMayBeKnownWithoutItsFrontEnd) {
  const Octets octets = small_table();
  const auto table = KnownGood::open(octets);
  ASSERT_TRUE(table.has_value());
  EXPECT_TRUE(table->covers(version("15.1.2176.2"), true));
  EXPECT_FALSE(table->covers(version("15.1.1466.3"), true));
  EXPECT_TRUE(table->covers(version("15.1.1466.3"), false));
  EXPECT_FALSE(table->covers(version("15.1.2176.9"), false));
}

TEST(KnownGood, ADamagedTableIsRefused) {
  const Octets octets = small_table();
  EXPECT_FALSE(KnownGood::open(octets_of("PSTNKNG1")).has_value());
  EXPECT_FALSE(KnownGood::open({}).has_value());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    SCOPED_TRACE(i);
    Octets damaged = octets;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(KnownGood::open(damaged).has_value());
    EXPECT_FALSE(KnownGood::open(OctetView(octets).first(i)).has_value());
  }
}

TEST(KnownGoodBuilder, SkipsRowsThatAreNone) {
  KnownGoodBuilder builder;
  ASSERT_TRUE(builder.add_builds("build_idx,build\r\n0,15.1.2176.2\r\n"));
  ASSERT_TRUE(builder.add_files("sha256,path,build_idx\r\n" + kOne + ",a.aspx,0\r\n" + kOne +
                                ",a.aspx,1\n" + kOne + "0,a.aspx,0\n" + kOne + ",,0\n" + kOne +
                                ",a.aspx,\nx\n"));
  EXPECT_EQ(builder.files(), 1U);
  EXPECT_EQ(builder.skipped(), 5U);
  EXPECT_FALSE(KnownGoodBuilder().add_builds("a,b\n").has_value());
  EXPECT_FALSE(KnownGoodBuilder().add_files("a,b\n").has_value());
  EXPECT_FALSE(KnownGoodBuilder().add_builds("build_idx,build\nx,15.1.2.3\n").has_value());
  EXPECT_FALSE(KnownGoodBuilder().finish().has_value());
}

TEST(NormalPath, IsLowerCaseWithVersionsByThatWord) {
  EXPECT_EQ(normal_path("FrontEnd\\HttpProxy\\owa\\auth\\15.1.2176\\X.css"),
            "frontend/httpproxy/owa/auth/version/x.css");
  EXPECT_EQ(normal_path("/a//./B/"), "a/b");
  EXPECT_EQ(normal_path("a/1.2.3"), "a/1.2.3");
  EXPECT_EQ(normal_path("jquery/1.2/x.js"), "jquery/1.2/x.js");
}

}  // namespace
}  // namespace postern::exchange
