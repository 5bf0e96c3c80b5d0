#include "feeds/question_memory.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "feeds/testing.h"

namespace postern::feeds {
namespace {

using testing::RecordingLog;
using testing::ScratchFolder;

struct QuestionMemoryTest : ::testing::Test {
  QuestionMemoryOptions options() const {
    return {.path = folder.file("state/questions"),
            .rates_path = folder.file("state/rates"),
            .hash_key = 1,
            .client_key = 2};
  }
  void start() {
    memory = QuestionMemory::start(options(), log);
    ASSERT_TRUE(memory->catch_up(seconds(20)));
  }
  event::Query query(std::string_view qname, unsigned client) const {
    event::Query made;
    made.at = WallTime(std::chrono::days(20'000));
    made.qname = dns::Name::from_text(qname).value();
    made.client = IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(client));
    made.group.assign("default");
    return made;
  }
  std::vector<std::string> shown() const { return shown(memory->traffic()); }
  static std::vector<std::string> shown(const policy::Traffic& traffic) {
    std::vector<std::string> lines;
    traffic.for_each([&](const policy::AskedName& asked) {
      lines.push_back(asked.name.to_display() + " " + std::to_string(asked.queries) + " " +
                      std::to_string(asked.clients.count()) +
                      (asked.is_answered ? " answered" : ""));
    });
    std::ranges::sort(lines);
    return lines;
  }
  double metric(std::string_view name) const {
    Metrics metrics;
    memory->collect(metrics);
    const auto at = std::ranges::find(metrics, name, &Metric::name);
    return at == metrics.end() ? -1 : at->value;
  }

  ScratchFolder folder;
  RecordingLog log;
  std::unique_ptr<QuestionMemory> memory;
};

TEST_F(QuestionMemoryTest, RemembersWhatWasAskedAndWhetherItExists) {
  start();
  memory->record(query("www.example", 1));
  memory->record(query("www.example", 2));
  event::Query missing = query("missing.example", 1);
  missing.rcode = dns::Rcode::nxdomain;
  memory->record(missing);
  event::Query blocked = query("blocked.example", 1);
  blocked.disposition = event::Disposition::blocked;
  memory->record(blocked);
  event::Query refused = query("stranger.example", 9);
  refused.disposition = event::Disposition::refused;
  memory->record(refused);
  ASSERT_TRUE(memory->catch_up(seconds(20)));
  EXPECT_EQ(shown(), (std::vector<std::string>{"blocked.example 1 1", "missing.example 1 1",
                                               "www.example 2 2 answered"}));
  EXPECT_EQ(metric("postern_gate_names"), 3);
}

TEST_F(QuestionMemoryTest, RemembersWhereAnswersLedOverARestartToo) {
  const dns::Name www = dns::Name::from_text("www.example").value();
  const dns::Name alias[] = {dns::Name::from_text("e7.cdn.example").value()};
  const IpAddress address[] = {IpAddress::v4(192, 0, 2, 77)};
  for (const bool is_again : {false, true}) {
    start();
    if (!is_again) {
      memory->record(query("www.example", 1));
      memory->learn({www, alias, address});
    }
    ASSERT_TRUE(memory->catch_up(seconds(20)));
    std::string led_to;
    memory->traffic().for_each([&](const policy::AskedName& asked) {
      for (const dns::Name& each : asked.led_to) led_to += each.to_text() + " ";
      for (const IpAddress& each : asked.addresses) led_to += each.to_text();
    });
    EXPECT_EQ(led_to, "e7.cdn.example. 192.0.2.77") << is_again;
    memory->stop();
  }
}

TEST_F(QuestionMemoryTest, WhatIsUsualIsLearntOfWhatListsDecide) {
  start();
  memory->catch_up(seconds(20));
  const auto ask = [&](int slot, std::uint64_t generation, int count, auto change) {
    for (int i = 0; i < count; ++i) {
      event::Query asked =
          query("n" + std::to_string(i) + ".example", static_cast<unsigned>(i % 200));
      asked.at += slot * seconds(600);
      asked.generation = generation;
      change(asked);
      memory->record(asked);
    }
    ASSERT_TRUE(memory->catch_up(seconds(20)));
  };
  const auto nothing = [](event::Query&) {};
  const auto except = [](event::Query& asked) {
    asked.disposition = event::Disposition::blocked;
    asked.zone.assign("exceptions");
  };
  const auto by_hours = [](event::Query& asked) {
    asked.disposition = event::Disposition::blocked;
    asked.zone.assign("ads");
    asked.in_hours = true;
  };
  const auto by_list = [](event::Query& asked) {
    asked.disposition = event::Disposition::blocked;
    asked.zone.assign("ads");
  };
  for (int slot = 0; slot < 20; ++slot) ask(slot, 1, 150, nothing);
  memory->watch(2, {"ads"});
  ask(21, 2, 1000, except);
  ask(21, 2, 1000, by_hours);
  EXPECT_EQ(memory->departure(), std::nullopt);
  ask(21, 2, 1000, [&](event::Query& asked) {
    by_list(asked);
    asked.client = IpAddress::v4(192, 0, 2, 1);
  });
  EXPECT_EQ(memory->departure(), std::nullopt) << "one client";
  ask(21, 2, 1000, [&](event::Query& asked) {
    by_list(asked);
    asked.zone.assign("another");
  });
  EXPECT_EQ(memory->departure(), std::nullopt) << "a list that is not watched";
  ask(21, 2, 1000, by_list);
  EXPECT_NE(memory->departure(), std::nullopt);
}

TEST_F(QuestionMemoryTest, KnowsAfterARestartWhatItKnewAndTheSameClients) {
  start();
  memory->record(query("www.example", 1));
  memory->stop();
  struct stat status{};
  ASSERT_EQ(::stat(options().path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  start();
  memory->record(query("www.example", 1));
  memory->record(query("www.example", 3));
  ASSERT_TRUE(memory->catch_up(seconds(20)));
  EXPECT_EQ(shown(), std::vector<std::string>{"www.example 3 2 answered"});
  memory->stop();
  const auto read = read_questions(options().path);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(shown(*read), std::vector<std::string>{"www.example 3 2 answered"});
}

TEST_F(QuestionMemoryTest, NoClientsAddressIsInItsFile) {
  start();
  event::Query asked = query("www.example", 1);
  asked.client = IpAddress::from_text("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff").value();
  memory->record(asked);
  memory->stop();
  const std::string text = folder.read("state/questions");
  EXPECT_EQ(text.find("\xaa\xaa\xbb\xbb"), std::string::npos);
  EXPECT_EQ(text.find("2001:db8"), std::string::npos);
}

TEST_F(QuestionMemoryTest, AFlippedBitOrATornFileIsNamedAndPutAside) {
  start();
  for (int i = 0; i < 50; ++i) {
    memory->record(query("host" + std::to_string(i) + ".example", 1));
  }
  memory->stop();
  const std::string whole = folder.read("state/questions");
  for (const std::size_t at : {std::size_t{3}, std::size_t{25}, std::size_t{60}, whole.size() / 2,
                               whole.size() - 1, whole.size()}) {
    SCOPED_TRACE(at);
    std::string damaged = whole;
    if (at == whole.size()) {
      damaged.resize(at / 2);
    } else {
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    }
    folder.write("state/questions", damaged);
    memory.reset();
    start();
    EXPECT_TRUE(shown().empty());
    EXPECT_NE(log.text().find("learnt anew; the damaged file is now"), std::string::npos);
    memory->record(query("again.example", 1));
    ASSERT_TRUE(memory->catch_up(seconds(20)));
    EXPECT_EQ(shown().size(), 1U);
    memory->stop();
  }
}

TEST_F(QuestionMemoryTest, WhatComesTooFastIsDroppedAndCountedNeverWaitedFor) {
  start();
  constexpr int kFlood = 60'000;
  // Whoever walks the table keeps it from learning.
  memory->record(query("first.example", 1));
  ASSERT_TRUE(memory->catch_up(seconds(20)));
  memory->traffic().for_each([&](const policy::AskedName&) {
    for (int i = 0; i < kFlood; ++i) memory->record(query("www.example", 1));
  });
  ASSERT_TRUE(memory->catch_up(seconds(20)));
  const double dropped = metric("postern_gate_questions_dropped_total");
  EXPECT_GT(dropped, 0);
  std::uint32_t queries = 0;
  memory->traffic().for_each([&](const policy::AskedName& asked) { queries += asked.queries; });
  EXPECT_EQ(queries + static_cast<std::uint32_t>(dropped), kFlood + 1U);
}

}  // namespace
}  // namespace postern::feeds
