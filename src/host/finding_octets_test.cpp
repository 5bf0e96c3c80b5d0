#include "host/finding_octets.h"

#include <gtest/gtest.h>

namespace postern::host {
namespace {

TEST(Examination, ReadsBackAsItWas) {
  exchange::Finding finding;
  finding.rule = "F-02";
  finding.title = "a title";
  finding.tier = exchange::Tier::exploited;
  finding.confidence = 97;
  finding.attack = {"T1", "T2"};
  finding.cve = {"CVE-2021-26855"};
  finding.at = WallTime(microseconds(-5));
  finding.place = {"a/b", 1, std::uint64_t{1} << 40, 3};
  finding.actor = "192.0.2.1";
  finding.details = {{"n", std::string("v\0w", 3)}};
  finding.author = "somebody";
  const Examination examination{{finding, exchange::Finding{}}, {{"fact", "yes"}}};
  const Octets octets = octets_from(examination);
  const auto back = examination_from(octets);
  ASSERT_TRUE(back.has_value()) << back.error().text;
  EXPECT_EQ(*back, examination);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    EXPECT_FALSE(examination_from(OctetView(octets).first(i)).has_value()) << i;
  }
}

}  // namespace
}  // namespace postern::host
