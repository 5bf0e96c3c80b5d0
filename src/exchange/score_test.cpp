#include "exchange/score.h"

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

Sample sample(std::string_view path, std::string_view source, bool is_malicious,
              std::vector<std::pair<std::string, Tier>> rules) {
  Sample out{std::string(path), std::string(source), is_malicious, {}};
  for (auto& [rule, tier] : rules) {
    Finding finding;
    finding.rule = rule;
    finding.tier = tier;
    out.findings.push_back(std::move(finding));
  }
  return out;
}

const std::vector<Sample> kSamples = {
    sample("a", "one", true, {{"F-06", Tier::exploited}, {"yara:x", Tier::exploited}}),
    sample("b", "one", true, {{"yara:x", Tier::attempt}}),
    sample("c", "two", true, {{"F-06", Tier::hunt}}),
    sample("d", "two", false, {{"yara:y", Tier::exploited}}),
    sample("e\x1b[2J", "two", false, {{"F-06", Tier::exploited}}),
    sample("f", "two", false, {{"F-06", Tier::hunt}}),
};

TEST(Score, BoundsAreWilsons) {
  // Of the tables of Newcombe (1998): 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const struct {
    std::size_t hits, total;
    double low, high;
  } cases[] = {{81, 263, 0.2553, 0.3662},
               {15, 148, 0.0624, 0.1605},
               {0, 20, 0.0, 0.1611},
               {1, 29, 0.0061, 0.1718}};
  for (const auto& one : cases) {
    const Interval bounds = wilson(one.hits, one.total);
    EXPECT_NEAR(bounds.low, one.low, 0.0001);
    EXPECT_NEAR(bounds.high, one.high, 0.0001);
  }
  EXPECT_EQ(wilson(0, 0).low, 0);
  EXPECT_EQ(wilson(0, 0).high, 1);
}

TEST(Score, SignaturesSpeakInThePartOfTheirOwn) {
  const Evaluation own = evaluate(kSamples, false);
  ASSERT_EQ(own.parts.size(), 1U);
  const Score& total = own.parts[0].total;
  EXPECT_EQ(total.malicious, 3U);
  EXPECT_EQ(total.found, 1U);
  EXPECT_EQ(total.hinted, 1U);
  EXPECT_EQ(total.benign, 3U);
  EXPECT_EQ(total.alarms, 1U);
  EXPECT_EQ(own.parts[0].missed, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(own.parts[0].alarms, (std::vector<std::size_t>{4}));
  const Evaluation both = evaluate(kSamples, true);
  ASSERT_EQ(both.parts.size(), 2U);
  EXPECT_EQ(both.parts[1].total.found, 2U);
  EXPECT_EQ(both.parts[1].total.alarms, 2U);
  EXPECT_EQ(both.parts[1].by_source.at("one").recall(), 1.0);
  EXPECT_EQ(both.parts[1].by_source.at("two").precision(), 0.0);
  EXPECT_EQ(both.parts[1].by_rule.at("F-06").found, 1U);
  EXPECT_EQ(both.parts[1].by_rule.at("F-06").alone, 0U);
  EXPECT_EQ(both.parts[1].by_rule.at("yara:x").alone, 1U);
  EXPECT_EQ(both.parts[1].by_rule.at("yara:y").alarms, 1U);
}

TEST(Score, TextAndJsonSayIt) {
  const Evaluation both = evaluate(kSamples, true);
  const std::string text = to_text(both, kSamples, 7);
  EXPECT_NE(text.find("our own rules: found 1 of 3 = 33.3 % (6.1 to 79.2), 1 more worth a look; "
                      "false alarms 1 of 3"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("Missed (1):\n    two: c: F-06"), std::string::npos) << text;
  EXPECT_NE(text.find("7 files have no label"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  const std::string json = to_json(both, kSamples, 7);
  EXPECT_NE(json.find(R"("recall":[0.66667,0.20766,0.93851])"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("missed":[{"path":"c","source":"two","rules":["F-06"]}])"),
            std::string::npos)
      << json;
}

}  // namespace
}  // namespace postern::exchange
