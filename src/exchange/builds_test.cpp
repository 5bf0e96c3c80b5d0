#include "exchange/builds.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

BuildVersion version(std::string_view text) {
  return version_of(text).value().version;
}

TEST(BuildVersion, IsReadAsItIsWrittenAnywhere) {
  const struct {
    std::string text, want;
  } cases[] = {
      {"15.1.2176.9", "15.1.2176.9"},
      {"15.01.2176.009", "15.1.2176.9"},
      {"Version 15.1 (Build 2176.9)", "15.1.2176.9"},
      {"15.1.2176", "15.1.2176.0 without revision"},
      {"15.1", "-"},
      {"", "-"},
      {"15.1.2176.9.1", "-"},
      {"15.1.2176.99999999999999", "-"},
      {"15.1.2176.100000", "-"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = version_of(c.text);
    EXPECT_EQ(got ? to_string(got->version) + (got->has_revision ? "" : " without revision") : "-",
              c.want);
  }
}

TEST(BuildVersion, IsComparedByNumbersAndNotAsADecimal) {
  EXPECT_LT(version("15.1.1913.7"), version("15.1.1913.10"));
  EXPECT_LT(version("15.1.1415.8"), version("15.1.2176.2"));
  EXPECT_LT(version("15.1.845.34"), version("15.1.1034.26"));
}

TEST(Builds, TheBuiltInTableHasEachReleaseFrom2010ToSE) {
  const BuildTable& table = built_in_builds();
  std::set<std::string> releases;
  for (const Build& row : table.rows()) releases.insert(row.product + " " + row.cu);
  for (const char* sp : {"RTM", "SP1", "SP2", "SP3"}) {
    EXPECT_TRUE(releases.contains(std::string("2010 ") + sp)) << sp;
  }
  const struct {
    std::string product;
    int cus;
  } cases[] = {{"2013", 23}, {"2016", 23}, {"2019", 15}, {"SE", 0}};
  for (const auto& c : cases) {
    EXPECT_TRUE(releases.contains(c.product + " RTM"));
    for (int cu = 1; cu <= c.cus; ++cu) {
      EXPECT_TRUE(releases.contains(c.product + " CU" + std::to_string(cu))) << c.product << cu;
    }
  }
}

TEST(Builds, APlaceIsFoundForAnyVersion) {
  using Kind = BuildPlace::Kind;
  const BuildTable& table = built_in_builds();
  const struct {
    std::string version;
    Kind kind;
    std::string row;
  } cases[] = {
      {"15.1.2176.9", Kind::exact, "2016 CU19 Mar21SU"},
      {"15.1.1913.10", Kind::exact, "2016 CU15 Mar20SU"},
      {"15.1.1913.9", Kind::between, "2016 CU15 Feb20SU"},
      {"15.0.1497.99", Kind::newer_update, "2013 CU23 Mar23SU"},
      {"15.2.2562.17", Kind::exact, "SE RTM "},
      {"15.2.2562.99", Kind::newer_update, "SE RTM Feb26SU"},
      {"15.2.3000.1", Kind::newer_release, "SE RTM Feb26SU"},
      {"15.1.3000.1", Kind::newer_release, "2016 CU23 Feb26SU"},
      {"15.3.1.1", Kind::newer_release, "SE RTM Feb26SU"},
      {"15.1.2200.1", Kind::unknown_release, "2016 CU19 May21SU"},
      {"15.1.2176.1", Kind::unknown_release, "2016 CU19 "},
      {"14.3.513.0", Kind::exact, "2010 SP3 RU32"},
      {"14.3.500.0", Kind::between, "2010 SP3 RU30"},
      {"14.3.600.0", Kind::newer_update, "2010 SP3 RU32"},
      {"15.1.225.16", Kind::exact, "2016 RTM Preview"},
      {"8.3.83.6", Kind::not_exchange, ""},
      {"16.0.1.1", Kind::not_exchange, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.version);
    const BuildPlace got = table.place(version(c.version));
    EXPECT_EQ(got.kind, c.kind);
    if (got.kind == Kind::not_exchange) continue;
    const Build& row = table.rows()[got.row];
    EXPECT_EQ(row.product + " " + row.cu + " " + row.update, c.row);
  }
}

TEST(Builds, AFaultIsAnErrorWithItsLine) {
  const std::string head = "product,cu,build,update,released,alone,fixes\n";
  EXPECT_TRUE(BuildTable::read(head + "2016,CU1,15.1.396.30,,2016-03-15,,\n").has_value());
  const struct {
    std::string rows, want;
  } cases[] = {
      {"2016,CU1,15.1.396,,2016-03-15,,\n", "line 2: is no build"},
      {"2016,CU1,15.1.396.30,,15.3.2016,,\n", "line 2: is no build"},
      {"2016,CU1,15.1.396.30,,2016-02-30,,\n", "line 2: is no build"},
      {"2016,CU1,15.1.396.30,,2016-03-15,no,\n", "line 2: is no build"},
      {"2016,CU1,15.1.396.30,,2016-03-15,,CVE-2016-0028+luck\n", "line 2: is no build"},
      {"2016,CU1,15.1.396.30,,2016-03-15,,,\n", "line 2: is no build"},
      {"2016,CU2,15.1.466.34,,2016-06-21,,\n2016,CU1,15.1.396.30,,2016-03-15,,\n",
       "line 3: rows go by version"},
      {"", "the table has no rows"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.rows);
    const auto table = BuildTable::read(head + c.rows);
    ASSERT_FALSE(table.has_value());
    EXPECT_EQ(table.error().text, c.want);
  }
}

// Every build of the table that others published stands in ours, with its date.
TEST(Builds, AgreeWithAPublishedTable) {
  const char* const shared = std::getenv("POSTERN_SHARED_DATA");
  const std::filesystem::path path =
      std::filesystem::path(shared == nullptr ? "/" : shared) / "exchange" / "builds.csv";
  std::ifstream file(path);
  if (!file)
    GTEST_SKIP() << "SKIPPED: no published table at " << path << ": set POSTERN_SHARED_DATA";
  std::string line;
  std::getline(file, line);
  int seen = 0;
  while (std::getline(file, line)) {
    SCOPED_TRACE(line);
    std::vector<std::string> field;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find(',', at), line.size());
      field.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    ASSERT_GE(field.size(), 5U);
    const BuildPlace place = built_in_builds().place(version(field[2]));
    ASSERT_EQ(place.kind, BuildPlace::Kind::exact);
    const Build& row = built_in_builds().rows()[place.row];
    EXPECT_EQ("Exchange " + row.product, field[0]);
    EXPECT_EQ(row.released, day_of(field[3]));
    for (const Fix& fix : row.fixes) {
      const bool ours = fix.cve == "CVE-2018-8581" || fix.cve == "CVE-2024-21410" ||
                        row.product == "2010" || row.version == version("15.0.1473.3") ||
                        row.version == version("15.1.1713.5") ||
                        row.version == version("15.2.330.5");
      EXPECT_TRUE(ours || field[4].find(fix.cve) != std::string::npos) << fix.cve;
    }
    ++seen;
  }
  EXPECT_GT(seen, 300);
}

}  // namespace
}  // namespace postern::exchange
