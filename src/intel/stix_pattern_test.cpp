#include "intel/stix_pattern.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::intel {
namespace {

// "name:a.example below:b.example", and behind "; " how the reason begins why something was left
// out.
std::string read(const std::string& text) {
  const auto pattern = read_stix_pattern(text);
  if (!pattern) return "error: " + std::string(pattern.error());
  std::string out;
  for (const StixIndicator& indicator : pattern->indicators) {
    constexpr const char* kKinds[] = {"name:", "below:", "address:", "url:"};
    if (!out.empty()) out += " ";
    out += kKinds[static_cast<std::size_t>(indicator.kind)] + indicator.value;
  }
  if (!pattern->left_out.empty()) out += "; " + std::string(pattern->left_out.substr(0, 11));
  return out;
}

TEST(StixPattern, GivesWhatIsReasonEnough) {
  const struct {
    std::string text;
    std::string want;
  } cases[] = {
      {"[domain-name:value = 'a.example']", "name:a.example"},
      {"[domain-name:value='a.example']", "name:a.example"},
      {" [ domain-name:value == 'a.example' ] ", "name:a.example"},
      {"[ipv4-addr:value = '192.0.2.1']", "address:192.0.2.1"},
      {"[ipv6-addr:value = '2001:db8::1']", "address:2001:db8::1"},
      {"[ipv4-addr:value = '192.0.2.0/24']", "address:192.0.2.0/24"},
      {"[ipv4-addr:value ISSUBSET '192.0.2.0/24']", "address:192.0.2.0/24"},
      {"[url:value = 'http://a.example/']", "url:http://a.example/"},
      {"[domain-name:value = 'it\\'s \\\\ odd']", "name:it's \\ odd"},
      // Alternatives.
      {"[domain-name:value = 'a' OR domain-name:value = 'b']", "name:a name:b"},
      {"[domain-name:value = 'a'] OR [ipv4-addr:value = '192.0.2.1'] OR [url:value = 'u']",
       "name:a address:192.0.2.1 url:u"},
      {"[(domain-name:value = 'a' OR (domain-name:value = 'b'))]", "name:a name:b"},
      {"([domain-name:value = 'a'] OR ([domain-name:value = 'b']))", "name:a name:b"},
      {"[domain-name:value IN ('a', 'b','c')]", "name:a name:b name:c"},
      {"[ipv4-addr:value IN ('192.0.2.1')]", "address:192.0.2.1"},
      // LIKE.
      {"[domain-name:value LIKE '%.a.example']", "below:a.example"},
      {"[domain-name:value LIKE 'a.example']", "name:a.example"},
      {"[domain-name:value LIKE '%a.example']", "; compares by"},
      {"[domain-name:value LIKE '%.a_b.example']", "; compares by"},
      {"[domain-name:value LIKE '%.a%.example']", "; compares by"},
      {"[url:value LIKE 'http://a.example/%']", "; compares by"},
      {"[domain-name:value MATCHES '^.*[.]a_b[.]example$']", "below:a_b.example"},
      {"[domain-name:value MATCHES '^.*[.]a_b.example$']", "; compares by"},
      {"[domain-name:value MATCHES '^.*[.]a_b[.]example']", "; compares by"},
      {"[domain-name:value MATCHES '^.*[.]a+[.]example$']", "; compares by"},
      {"[domain-name:value MATCHES '^.*[.]$']", "; compares by"},
      {"[url:value MATCHES '^.*[.]a[.]example$']", "; compares by"},
      {"[ipv4-addr:value LIKE '192.0.2.%']", "; compares by"},
      // Other things are no matter of names and addresses.
      {"[file:hashes.'SHA-256' = 'abc']", ""},
      {"[file:hashes.MD5 = 'abc' OR domain-name:value = 'a']", "name:a"},
      {"[email-addr:value LIKE '%@a.example']", ""},
      {"[process:arguments[0] = 'x']", ""},
      {"[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]", ""},
      {"[file:size = 25536 AND file:name = 'x']", ""},
      {"[x-own:flag = true OR x-own:at = t'2021-03-02T00:00:00Z' OR x-own:h = h'00ff']", ""},
      {"[domain-name:resolves_to_refs[*].value = '192.0.2.1']", ""},
      // Together with something else, or denied, it is no reason.
      {"[domain-name:value = 'a' AND ipv4-addr:value = '192.0.2.1']", "; is a condit"},
      {"[domain-name:value = 'a' AND file:name = 'b']", "; is a condit"},
      {"[domain-name:value = 'a' OR domain-name:value = 'b' AND file:name = 'c']",
       "name:a; is a condit"},
      {"[domain-name:value = 'a'] AND [domain-name:value = 'b']", "; is a condit"},
      {"[domain-name:value = 'a'] OR ([domain-name:value = 'b'] AND [file:name = 'c'])",
       "name:a; is a condit"},
      {"[domain-name:value = 'a'] FOLLOWEDBY [domain-name:value = 'b']", "; is a sequen"},
      {"[domain-name:value = 'a'] OR [domain-name:value = 'b'] FOLLOWEDBY [file:name = 'c']",
       "; is a sequen"},
      {"[domain-name:value NOT = 'a']", "; says what s"},
      {"[NOT domain-name:value = 'a']", "; says what s"},
      {"[domain-name:value != 'a']", "; says what s"},
      {"[domain-name:value <> 'a']", "; says what s"},
      {"[domain-name:value > 'a']", "; says what s"},
      {"[domain-name:value NOT IN ('a', 'b')]", "; says what s"},
      {"[domain-name:value NOT LIKE '%.a']", "; says what s"},
      {"[NOT EXISTS domain-name:value]", "; says what s"},
      {"[EXISTS domain-name:value]", "; compares by"},
      {"[EXISTS file:name OR domain-name:value = 'a']", "name:a"},
      {"[domain-name:value MATCHES '^a.*']", "; compares by"},
      {"[ipv4-addr:value ISSUPERSET '192.0.2.1']", "; compares by"},
      {"[domain-name:value = 'a'] REPEATS 5 TIMES", "; is bound to"},
      {"[domain-name:value = 'a'] WITHIN 300 SECONDS", "; is bound to"},
      {"[domain-name:value = 'a'] START t'2021-01-01T00:00:00Z' STOP t'2022-01-01T00:00:00Z'",
       "; is bound to"},
      {"[domain-name:value = 'a'] OR [domain-name:value = 'b'] REPEATS 2 TIMES WITHIN 5 SECONDS",
       "name:a; is bound to"},
      {"[domain-name:value = 5]", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(read(c.text), c.want);
  }
}

TEST(StixPattern, WhatIsNoPatternIsRefused) {
  const std::string no_pattern = "error: is no STIX pattern; correct it, or see its pattern_type";
  for (const std::string text : {"",
                                 "a.example",
                                 "[",
                                 "[]",
                                 "[domain-name:value]",
                                 "[domain-name:value = ]",
                                 "[domain-name:value = 'a'",
                                 "[domain-name:value = 'a]",
                                 "[domain-name:value = 'a\\']",
                                 "[domain-name:value = 'a'] 'b'",
                                 "[domain-name:value = 'a']]",
                                 "[= 'a']",
                                 "[domain-name:value 'a']",
                                 "[domain-name:value = 'a' OR]",
                                 "[domain-name:value IN 'a']",
                                 "[domain-name:value IN ('a']",
                                 "[domain-name:value IN ()]",
                                 "([domain-name:value = 'a']",
                                 "[domain-name:value = 'a'] REPEATS",
                                 "[domain-name:value = 'a'] FOLLOWEDBY",
                                 "[domain-name:value = 'a'] START t'x'",
                                 "[file:a[ = 'x']",
                                 "[file:'a = 'x']",
                                 "[domain-name:value ~ 'a']",
                                 "rule x { strings: $a = \"a\" condition: $a }"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(read(text), no_pattern);
  }
}

TEST(StixPattern, BracketsInEachOtherAreBounded) {
  const auto nested = [](int depth) {
    return "[" + std::string(static_cast<std::size_t>(depth), '(') + "domain-name:value = 'a'" +
           std::string(static_cast<std::size_t>(depth), ')') + "]";
  };
  EXPECT_EQ(read(nested(kMaxStixDepth - 1)), "name:a");
  EXPECT_EQ(read(nested(kMaxStixDepth)), "error: has over 32 brackets in each other; simplify it");
  EXPECT_EQ(read(std::string(1'000'000, '(')),
            "error: has over 32 brackets in each other; simplify it");
}

}  // namespace
}  // namespace postern::intel
