#include "exchange/judge.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exchange/rule_examples.h"

namespace postern::exchange {
namespace {

RuleSet rules_of(std::string_view pack) {
  RuleBook book;
  const auto header = read_rule_pack(pack, "test", book);
  EXPECT_TRUE(header) << (header ? "" : header.error().text);
  auto rules = RuleSet::compile(std::move(book));
  EXPECT_TRUE(rules) << (rules ? "" : rules.error().text);
  return *std::move(rules);
}

/// What each row is by a look at all rules, one after the other.
class SlowJudge final : public RowSink {
 public:
  explicit SlowJudge(const RuleSet& rules) : rules_(rules), fields_(rules.book().fields) {}

  void on_row(const Row& row) override {
    fields_.set(row, row.text);
    for (const RowRule& rule : rules_.book().rules) {
      if (!has(rule.sources, row.source()) || !holds(rule.when, fields_, surroundings_)) continue;
      const bool graded = std::ranges::any_of(rule.grades, [&](const Grade& grade) {
        return !grade.when || holds(*grade.when, fields_, surroundings_);
      });
      if (graded) hits.push_back(fmt::format("{}:{}", row.line, rule.id));
    }
  }
  std::vector<std::string> hits;

 private:
  const RuleSet& rules_;
  const Surroundings surroundings_;
  RowFields fields_;
};

std::vector<std::string> fast_hits(const RuleSet& rules, LogKind kind, std::string_view text,
                                   std::size_t block) {
  FoundList list;
  const Surroundings surroundings;
  auto judge = RowJudge::make(rules, surroundings, list);
  POSTERN_ASSERT(judge);
  LogReader reader(kind, **judge);
  for (std::size_t at = 0; at < text.size(); at += block) {
    reader.feed(octets_of(text.substr(at, block)));
  }
  reader.finish();
  std::vector<std::string> out;
  for (const Found& found : list.found) {
    out.push_back(fmt::format("{}:{}", found.finding.place.line, found.rule));
  }
  return out;
}

/// The ways in which the same value comes in a log.
std::string disguised(std::string value, std::mt19937& random) {
  std::string out;
  const bool escapes = random() % 2 == 0;
  for (const char c : value) {
    const auto octet = static_cast<unsigned char>(c);
    const auto way = random() % 60;
    if (escapes && way < 4) {
      out += fmt::format("%{:02x}", octet);
    } else if (escapes && way == 4) {
      out += fmt::format("%25{:02X}", octet);
    } else if (escapes && way == 5) {
      out += fmt::format("%u{:04x}", octet);
    } else if (escapes && way == 6 && octet < 0x80) {
      out += fmt::format("%c{}%{:02x}", octet < 0x40 ? '0' : '1', 0x80 | (octet & 0x3f));
    } else if (way == 7) {
      out += static_cast<char>(std::toupper(octet));
    } else if (way == 8 && random() % 4 == 0) {
      // Left out.
    } else {
      out += c;
    }
  }
  return out;
}

TEST(Judge, LookingAheadLosesNothing) {
  const RuleSet rules = rules_of(built_in_rule_pack());
  std::mt19937 random(7);
  std::size_t seen = 0;
  for (const Source source : {Source::iis, Source::httpproxy, Source::ecp, Source::cmdlet}) {
    std::string text;
    LogKind kind;
    for (const RowRule& rule : rules.book().rules) {
      for (const Example& example : rule.examples) {
        if (example.source != source) continue;
        for (int i = 0; i < 40; ++i) {
          Example changed = example;
          for (Detail& value : changed.values) {
            if (value.name != "status" && value.name != "client") {
              value.value = disguised(value.value, random);
            }
          }
          const ExampleLog log = log_of(changed);
          kind = log.kind;
          text += log.text;
        }
      }
    }
    SlowJudge slow(rules);
    LogReader reader(kind, slow);
    reader.feed(octets_of(text));
    reader.finish();
    EXPECT_EQ(fast_hits(rules, kind, text, text.size()), slow.hits) << to_string(source);
    EXPECT_EQ(fast_hits(rules, kind, text, 100), slow.hits) << to_string(source);
    seen += slow.hits.size();
  }
  EXPECT_GT(seen, 1000U);
}

constexpr std::string_view kPack = R"~(pack test 2026-01-01
rule T-1 "A word"
  on iis
  when query contains "needle" and not stem is "/fine"
  grade exploited 80 when status is 200
  grade attempt 40 when status is 500
  add 15 when user is empty
  attack T1190
  cve CVE-1
  actor client
  show stem, part from query matching "needle=(\w+)"
  hit iis query=needle
rule T-2 "Each row"
  on iis
  when status > 500 and not client is own
  grade hunt 1
)~";

constexpr std::string_view kFields =
    "#Fields: date time cs-uri-stem cs-uri-query cs-username c-ip "
    "sc-status\n";
constexpr LogKind kIis{LogFormat::w3c, Source::iis};

TEST(Judge, AFindingSaysWhatWhenWhoAndWhere) {
  const RuleSet rules = rules_of(kPack);
  const std::string text = std::string(kFields) +
                           "2021-03-03 04:05:06 /x needle=abc - 203.0.113.9 200\n"
                           "2021-03-03 04:05:07 /fine needle - 203.0.113.9 200\n"
                           "2021-03-03 04:05:08 /x needle=d bob 203.0.113.9 500\n"
                           "2021-03-03 04:05:08 /x needle bob 203.0.113.9 404\n"
                           "2021-03-03 04:05:09 /x - - 203.0.113.9 503\n"
                           "2021-03-03 04:05:09 /x - - 10.0.0.1 503\n";
  const auto found = found_in_log(rules, kIis, text, Surroundings());
  ASSERT_EQ(found.size(), 3U);
  const Finding& first = found[0].finding;
  EXPECT_EQ(first.rule, "T-1");
  EXPECT_EQ(first.title, "A word");
  EXPECT_EQ(first.tier, Tier::exploited);
  EXPECT_EQ(first.confidence, 95);
  EXPECT_EQ(first.at, time_of("2021-03-03T04:05:06Z"));
  EXPECT_EQ(first.place, (Place{"log", 2, 0, kFields.size()}));
  EXPECT_EQ(first.actor, "203.0.113.9");
  EXPECT_EQ(first.details, (std::vector<Detail>{{"stem", "/x"}, {"part", "abc"}}));
  EXPECT_EQ(first.attack, (std::vector<std::string>{"T1190"}));
  EXPECT_EQ(first.cve, (std::vector<std::string>{"CVE-1"}));
  EXPECT_EQ(found[1].finding.tier, Tier::attempt);
  EXPECT_EQ(found[1].finding.confidence, 40);
  EXPECT_EQ(found[2].rule, "T-2");
  EXPECT_EQ(rules.unfiltered(), (std::vector<std::size_t>{1}));
}

TEST(Judge, HitsAreOfTheirLinesInALongLog) {
  const RuleSet rules = rules_of(kPack);
  std::string text(kFields);
  std::vector<std::string> expected;
  std::mt19937 random(3);
  for (std::uint64_t line = 2; line < 20'000; ++line) {
    const auto way = random() % 100;
    if (way == 0) {
      text += "# needle in a comment\n";
    } else if (way == 1) {
      text += "\n";
    } else if (way < 4) {
      text += "2021-03-03 04:05:06 /x needle bob 203.0.113.9 200\r\n";
      expected.push_back(fmt::format("{}:T-1", line));
    } else {
      text += "2021-03-03 04:05:06 /needle - bob 203.0.113.9 200\n";
    }
  }
  for (const std::size_t block : {std::size_t{977}, std::size_t{1} << 18, text.size()}) {
    EXPECT_EQ(fast_hits(rules, kIis, text, block), expected);
  }
}

TEST(Judge, ATornLineIsJudgedByWhatIsThere) {
  const RuleSet rules = rules_of(R"(pack test 2026-01-01
rule T-1 "A word"
  on iis
  when query contains "needle"
  grade hunt 1
)");
  const std::string text = std::string(kFields) + "2021-03-03 04:05:06 /x needl";
  EXPECT_EQ(found_in_log(rules, kIis, text, Surroundings()).size(), 0U);
  EXPECT_EQ(found_in_log(rules, kIis, text + "e", Surroundings()).size(), 1U);
}

TEST(Judge, ALogMayChangeItsKind) {
  const RuleSet rules = rules_of(R"(pack test 2026-01-01
rule T-1 "x"
  on httpproxy
  when anchor contains "needle"
  grade hunt 1
rule T-2 "x"
  on ecp
  when EventData contains "needle"
  grade hunt 1
)");
  const std::string text =
      "DateTime,UrlStem,AnchorMailbox\n2021-03-03T04:05:06Z,/x,needle\n"
      "TimeStamp,EventId,EventData\n2021-03-03T04:05:06Z,1,needle\n2021-03-03T04:05:06Z,1,x\n"
      "DateTime,UrlStem,AnchorMailbox\n2021-03-03T04:05:06Z,/x,needle\n";
  const LogKind kind{LogFormat::csv, Source::httpproxy};
  EXPECT_EQ(fast_hits(rules, kind, text, text.size()),
            (std::vector<std::string>{"2:T-1", "4:T-2", "7:T-1"}));
}

TEST(Judge, KnowsWhatItIsTold) {
  class Known final : public Surroundings {
   public:
    bool is_own(const IpAddress& address) const override {
      return address == IpAddress::v4(203, 0, 113, 9);
    }
    bool has_page(std::string_view stem) const override { return stem == "/known"; }
  };
  const RuleSet rules = rules_of(R"(pack test 2026-01-01
rule T-1 "x"
  on iis
  when client is not own and stem is not page
  grade hunt 1
)");
  const std::string text = std::string(kFields) +
                           "2021-03-03 04:05:06 /x - - 203.0.113.9 200\n"
                           "2021-03-03 04:05:06 /known - - 203.0.113.8 200\n"
                           "2021-03-03 04:05:06 /x - - 203.0.113.8 200\n";
  const auto found = found_in_log(rules, kIis, text, Known());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].finding.place.line, 4U);
}

}  // namespace
}  // namespace postern::exchange
