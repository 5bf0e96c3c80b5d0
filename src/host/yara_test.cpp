#include "host/yara.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postern::host {
namespace {

const YaraSource kGood{
    "good.yar",
    "rule Word { meta: author = \"A. Person\" score = 80 description = \"d\" "
    "strings: $a = \"needle\" condition: $a }\n"
    "rule Page { condition: extension == \".aspx\" and filename == \"x.aspx\" and "
    "filepath contains \"auth\" }"};

TEST(Yara, FindsWithScoreAuthorAndExternals) {
  const std::vector<YaraSource> sources{kGood};
  const auto rules = YaraRules::compile(sources);
  ASSERT_TRUE(rules.has_value()) << rules.error().text;
  EXPECT_EQ(rules->count(), 2U);
  auto scanner = YaraScanner::make(*rules);
  ASSERT_TRUE(scanner.has_value());
  const auto both = scanner->scan("owa/auth/x.aspx", octets_of("a needle"));
  ASSERT_TRUE(both.has_value());
  ASSERT_EQ(both->size(), 2U);
  const exchange::Finding& word = both->front();
  EXPECT_EQ(word.rule, "yara:Word");
  EXPECT_EQ(word.author, "A. Person");
  EXPECT_EQ(word.confidence, 80);
  EXPECT_EQ(word.place.path, "owa/auth/x.aspx");
  EXPECT_EQ((*both)[1].confidence, 75);
  EXPECT_TRUE(scanner->scan("y", octets_of("nothing"))->empty());
  EXPECT_TRUE(scanner->scan("y", {})->empty());
}

TEST(Yara, ATextThatDoesNotCompileIsLeftOutAndSaid) {
  const std::vector<YaraSource> sources{{"bad.yar", "rule X { condition: nothing_of_that_name }"},
                                        {"include.yar", "include \"/etc/passwd\""},
                                        kGood};
  const auto rules = YaraRules::compile(sources);
  ASSERT_TRUE(rules.has_value());
  EXPECT_EQ(rules->count(), 2U);
  ASSERT_EQ(rules->refused().size(), 2U);
  EXPECT_EQ(rules->refused()[0].name, "bad.yar");
  EXPECT_NE(rules->refused()[0].why.find("nothing_of_that_name"), std::string::npos);
  EXPECT_FALSE(YaraRules::compile(std::vector<YaraSource>{sources[0]}).has_value());
  EXPECT_FALSE(YaraRules::compile({}).has_value());
}

}  // namespace
}  // namespace postern::host
