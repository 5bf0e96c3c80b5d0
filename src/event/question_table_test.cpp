#include "event/question_table.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace postern::event {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

std::uint64_t client(std::uint64_t number) {
  return number * 0x9e3779b97f4a7c15;
}

/// "www.example 12 queries 3 clients groups 1 answered", sorted.
std::vector<std::string> shown(const QuestionTable& table) {
  std::vector<std::string> lines;
  table.for_each([&](const policy::AskedName& asked) {
    lines.push_back(asked.name.to_display() + " " + std::to_string(asked.queries) + " queries " +
                    std::to_string(asked.clients.count()) + " clients groups " +
                    std::to_string(asked.groups) + (asked.is_answered ? " answered" : ""));
  });
  std::ranges::sort(lines);
  return lines;
}

TEST(QuestionTable, KnowsEachNameHowOftenByWhomAndWhetherItExists) {
  QuestionTable table({}, 5);
  for (std::uint64_t i = 0; i < 12; ++i) {
    table.add({name("www.example"), "default", client(i % 3), i == 7}, 100);
  }
  table.add({name("ab.example"), "guests", client(9), false}, 100);
  table.add({name("a.b.example"), "default", client(9), true}, 101);
  EXPECT_EQ(shown(table),
            (std::vector<std::string>{"a.b.example 1 queries 1 clients groups 1 answered",
                                      "ab.example 1 queries 1 clients groups 2",
                                      "www.example 12 queries 3 clients groups 1 answered"}));
  EXPECT_EQ(table.groups(), (std::vector<std::string>{"default", "guests"}));
}

TEST(QuestionTable, GroupsBeyondTheBoundCountForTheDefaultOne) {
  QuestionTable table({}, 5);
  for (int i = 0; i < 40; ++i) {
    table.add({name("x.example"), "group" + std::to_string(i), client(1), true}, 1);
  }
  EXPECT_EQ(table.groups().size(), QuestionTable::kMaxGroups);
  EXPECT_EQ(table.groups().front(), "default");
}

TEST(QuestionTable, AGroupThatAsksNoMoreMakesRoomForAnotherOne) {
  QuestionTable table({.names = 100, .days = 7}, 5);
  const auto ask = [](QuestionTable& to, int first, int last, std::uint16_t day) {
    for (int i = first; i <= last; ++i) {
      to.add({name("x.example"), "group" + std::to_string(i), client(1), true}, day);
    }
  };
  ask(table, 1, 31, 100);
  ask(table, 1, 30, 106);
  QuestionTable again({.names = 100, .days = 7}, 6);
  ASSERT_TRUE(again.decode(table.encode()));
  for (QuestionTable* each : {&table, &again}) {
    each->begin_day(107);
    EXPECT_EQ(each->groups()[31], "");
    EXPECT_EQ(shown(*each), std::vector<std::string>{
                                "x.example 38 queries 1 clients groups 2147483646 answered"});
    each->add({name("y.example"), "", client(1), true}, 107);
    EXPECT_EQ(each->groups()[31], "") << "nobody's question is the default group's";
    each->add({name("y.example"), "new", client(1), true}, 107);
    EXPECT_EQ(each->groups()[31], "new");
    EXPECT_EQ(shown(*each)[1], "y.example 2 queries 1 clients groups 2147483649 answered");
    EXPECT_EQ(each->groups().size(), QuestionTable::kMaxGroups);
    ask(*each, 32, 32, 107);
    EXPECT_EQ(each->groups()[31], "new") << "there is no room but by forgetting";
  }
}

TEST(QuestionTable, ForgetsWhatNobodyAsksForAndLetsCountsFade) {
  QuestionTable table({.names = 100, .days = 7}, 5);
  for (int i = 0; i < 70; ++i) table.add({name("old.example"), "default", client(1), true}, 100);
  table.add({name("once.example"), "default", client(1), true}, 100);
  table.begin_day(101);
  EXPECT_EQ(shown(table)[0], "old.example 60 queries 1 clients groups 1 answered");
  table.add({name("old.example"), "default", client(1), true}, 106);
  EXPECT_EQ(table.size(), 2U);
  table.begin_day(107);
  EXPECT_EQ(table.size(), 1U) << "a week without a query";
  table.add({name("new.example"), "default", client(1), true}, 106);
  EXPECT_EQ(table.size(), 2U) << "a clock that went back forgets nothing";
}

TEST(QuestionTable, RandomNamesCannotDriveOutWhatIsUsed) {
  QuestionTable table({.names = 1000, .days = 14}, 5);
  for (int i = 0; i < 400; ++i) {
    table.add({name("used" + std::to_string(i) + ".example"), "default", client(1), true}, 10);
  }
  for (int i = 0; i < 20'000; ++i) {
    table.add({name("r" + std::to_string(i) + ".flood.example"), "default", client(2), false}, 10);
  }
  EXPECT_LE(table.size(), 1000U);
  EXPECT_GT(table.evicted(), 19'000U);
  std::size_t used = 0;
  table.for_each([&](const policy::AskedName& asked) { used += asked.is_answered ? 1 : 0; });
  EXPECT_EQ(used, 400U);
}

/// The names and addresses that `text` led to, "" where it is not there.
std::string trail_of(const QuestionTable& table, std::string_view text) {
  std::string found;
  table.for_each([&](const policy::AskedName& asked) {
    if (asked.name != name(text)) return;
    for (const dns::Name& each : asked.led_to) found += each.to_display() + " ";
    for (const IpAddress& each : asked.addresses) found += each.to_text() + " ";
  });
  return found;
}

TEST(QuestionTable, KnowsWhereTheLastAnswersLed) {
  QuestionTable table({}, 5);
  const auto learn = [&](std::string_view text, std::string_view alias, std::string_view address) {
    const dns::Name names[] = {name(alias)};
    const IpAddress addresses[] = {IpAddress::from_text(address).value()};
    table.learn(name(text), AnswerTrail(names, addresses));
  };
  learn("nobody.example", "a.example", "192.0.2.1");
  EXPECT_EQ(table.size(), 0U) << "only questions are remembered";
  table.add({name("www.example"), "default", client(1), true}, 5);
  table.add({name("bare.example"), "default", client(1), true}, 5);
  learn("www.example", "a.example", "192.0.2.1");
  learn("www.example", "b.of.cdn.example", "2001:db8::1");
  EXPECT_EQ(trail_of(table, "www.example"), "b.of.cdn.example 2001:db8::1 192.0.2.1 ");
  EXPECT_EQ(trail_of(table, "bare.example"), "");
  QuestionTable again({}, 6);
  ASSERT_TRUE(again.decode(table.encode()));
  EXPECT_EQ(trail_of(again, "www.example"), "b.of.cdn.example 2001:db8::1 192.0.2.1 ");
}

TEST(QuestionTable, TrailsAgreeWithAPlainMapWhateverIsForgottenAndStayInTheirRoom) {
  QuestionTable table({.names = 2000, .days = 7}, 5);
  std::map<std::string, std::string> twin;
  std::mt19937 random(9);
  for (std::uint16_t day = 10; day < 40; ++day) {
    for (int i = 0; i < 500; ++i) {
      const std::string text = "n" + std::to_string(random() % 4000) + ".example";
      const std::string alias = std::string(1 + random() % 30, 'c') + ".cdn.example";
      const IpAddress to = IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(random()));
      table.add({name(text), "default", client(1), true}, day);
      table.learn(name(text), AnswerTrail({{name(alias)}}, {{to}}));
      twin[text] = alias + " " + to.to_text() + " ";
    }
    if (day == 25) {
      ASSERT_TRUE(table.decode(table.encode()));
    }
  }
  std::size_t compared = 0;
  table.for_each([&](const policy::AskedName& asked) {
    std::string text;
    for (const dns::Name& each : asked.led_to) text += each.to_display() + " ";
    for (const IpAddress& each : asked.addresses) text += each.to_text() + " ";
    EXPECT_EQ(text, twin[asked.name.to_display()]);
    ++compared;
  });
  EXPECT_GT(compared, 1000U);
  EXPECT_EQ(table.trails_dropped(), 0U);
  EXPECT_LT(table.memory_octets(), 2000U * 150);
}

TEST(QuestionTable, LongTrailsOfOneClientTakeNoMoreThanTheirRoom) {
  QuestionTable table({.names = 5000, .days = 7}, 5);
  const std::vector<dns::Name> chain(8, name(std::string(60, 'a') + ".example"));
  for (int i = 0; i < 5000; ++i) {
    const dns::Name asked = name("r" + std::to_string(i) + ".example");
    table.add({asked, "default", client(1), true}, 5);
    table.learn(asked, AnswerTrail(chain, {}));
  }
  EXPECT_GT(table.trails_dropped(), 3000U);
  EXPECT_LT(table.memory_octets(), 5000U * 250);
}

TEST(QuestionTable, AgreesWithAPlainMapAndComesBackFromItsOctets) {
  QuestionTable table({.names = 100'000, .days = 14}, 5);
  std::map<std::string, std::uint32_t> twin;
  std::mt19937 random(3);
  for (int i = 0; i < 50'000; ++i) {
    const std::string text = "n" + std::to_string(random() % 9000) + ".of.example";
    table.add({name(text), "default", client(random() % 50), true}, 20);
    ++twin[text];
  }
  ASSERT_EQ(table.size(), twin.size());
  table.for_each([&](const policy::AskedName& asked) {
    EXPECT_EQ(asked.queries, twin[asked.name.to_display()]);
  });
  QuestionTable again({.names = 100'000, .days = 14}, 6);
  ASSERT_TRUE(again.decode(table.encode()));
  EXPECT_EQ(shown(again), shown(table));
  EXPECT_EQ(again.encode(), table.encode());
  again.add({name("n1.of.example"), "default", client(1), true}, 20);
  EXPECT_EQ(again.size(), table.size());
  QuestionTable small({.names = 10, .days = 14}, 6);
  ASSERT_TRUE(small.decode(table.encode()));
  EXPECT_EQ(small.size(), 10U);
}

TEST(QuestionTable, OctetsThatAreNoneAreRefusedAndChangeNothing) {
  QuestionTable table({}, 5);
  table.add({name("www.example"), "default", client(1), true}, 100);
  table.add({name("ftp.example"), "default", client(2), true}, 100);
  const Octets whole = table.encode();
  QuestionTable other({}, 5);
  other.add({name("kept.example"), "default", client(1), true}, 100);
  const std::vector<std::string> before = shown(other);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(other.decode(OctetView(whole).first(size))) << size;
  }
  Octets longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(other.decode(longer));
  Octets twice = whole;
  const std::size_t at = twice.size() - 12;  // "ftp" becomes "www": a name twice.
  for (std::size_t i = 0; i < 3; ++i) twice[at + i] = 'w';
  EXPECT_FALSE(other.decode(twice));
  EXPECT_EQ(shown(other), before);
}

TEST(QuestionTable, TakesSixtyOctetsANameAtMost) {
  QuestionTable table({}, 5);
  for (int i = 0; i < 700'000; ++i) {
    table.add({name("host" + std::to_string(i) + ".net.example"), "default", client(1), true}, 1);
  }
  // Grown by doubling, a vector has up to half of itself to spare; what is written is what counts.
  EXPECT_LE(table.encode().size() / table.size(), 48U);
  EXPECT_LE(table.memory_octets() / table.size(), 90U);
}

}  // namespace
}  // namespace postern::event
