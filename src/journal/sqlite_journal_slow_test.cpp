// What takes longer: a killed process, and figures of many records.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "journal/schema.h"
#include "journal/sqlite_journal.h"
#include "journal/store.h"
#include "journal/testing.h"

namespace postern::journal {
namespace {

using testing::answered;
using testing::blocked;
using testing::integrity_of;
using testing::number_in;
using testing::ScratchFolder;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasures = false;
#else
constexpr bool kMeasures = true;
#endif

// The child records for ever. Once a search shows it that its first thousand are stored (nobody
// asked for that), it says so through the pipe, and goes on.
[[noreturn]] void record_for_ever(const SqliteOptions& options, int pipe) {
  NullLog log;
  auto journal = open_sqlite(options, log).value();
  bool said = false;
  for (std::uint64_t i = 0;; ++i) {
    journal->record(i % 10 == 0 ? blocked("x" + std::to_string(i) + ".bad.example", "bad.example")
                                : answered("x" + std::to_string(i) + ".example"));
    if (i % 1000 != 999 || said) continue;
    const auto page = journal->search({}, 1000, std::nullopt);
    if (!page || page->rows.size() < 1000) continue;
    said = ::write(pipe, "x", 1) == 1;
  }
}

TEST(SqliteJournalSlow, AKilledProcessLosesNothingThatWasStored) {
  const ScratchFolder folder;
  const SqliteOptions options{.path = folder.file("journal.db"), .days = 36'500};
  for (int round = 0; round < 3; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::alarm(60);
      record_for_ever(options, pipe[1]);
    }
    ::close(pipe[1]);
    char said = 0;
    EXPECT_EQ(::read(pipe[0], &said, 1), 1) << "stored within its time";
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(pipe[0]);

    EXPECT_GE(number_in(options.path, "SELECT count(*) FROM query"), 1000 * (round + 1));
    EXPECT_EQ(integrity_of(options.path), "ok");
    EXPECT_EQ(number_in(options.path,
                        "SELECT count(*) FROM query WHERE name NOT IN (SELECT id FROM name)"),
              0);
    NullLog log;
    auto again = open_sqlite(options, log);
    ASSERT_TRUE(again) << again.error().text;
    (*again)->record(answered("after.example"));
    (*again)->flush();
    Filter filter;
    filter.name_below = "after.example";
    EXPECT_EQ((*again)->search(filter, 100, std::nullopt).value().rows.size(),
              static_cast<std::size_t>(round) + 1);
  }
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Like a day's traffic: a few names asked all the time, a long tail, some 15 % different.
event::Query traffic(std::uint32_t i) {
  std::uint32_t random = i * 2'654'435'761U;
  random ^= random >> 15;
  const std::uint32_t rank = random % 100 < 85 ? random % 5'000 : 5'000 + i;
  event::Query query = rank % 50 == 0
                           ? blocked("c" + std::to_string(rank) + ".bad.example", "bad.example")
                           : answered("host" + std::to_string(rank) + ".service.example.com");
  query.at += microseconds(i * 400LL);
  query.client = IpAddress::v4(10, 0, static_cast<std::uint8_t>(random >> 8 & 3),
                               static_cast<std::uint8_t>(random & 255));
  query.client_port = static_cast<std::uint16_t>(random >> 4);
  query.trace_id = std::uint64_t{random} << 8 | (i & 255);
  query.latency_us = random % 97 == 0 ? 23'000 : 20 + random % 50;
  return query;
}

TEST(SqliteJournalSlow, ManyRecordsAreStoredCheaplyAndOpenedAtOnce) {
  constexpr std::uint32_t kRecords = kMeasures ? 1'000'000 : 30'000;
  const ScratchFolder folder;
  NullLog log;
  StoreOptions options{.path = folder.file("journal.db"), .retention = {}, .seed = 1};
  auto store = Store::open(options, WallTime{}, log).value();
  const double before = cpu_seconds();
  double making = 0;
  std::vector<event::Query> batch(8192);
  for (std::uint32_t i = 0; i < kRecords;) {
    const double began = cpu_seconds();
    std::size_t size = 0;
    while (size < batch.size() && i < kRecords) batch[size++] = traffic(i++);
    making += cpu_seconds() - began;
    ASSERT_TRUE(store->begin());
    for (std::size_t j = 0; j < size; ++j) ASSERT_TRUE(store->add(batch[j]));
    ASSERT_TRUE(store->commit());
  }
  const double spent = cpu_seconds() - before - making;
  store.reset();
  const double octets = static_cast<double>(std::filesystem::file_size(options.path)) / kRecords;
  std::printf("%u records: %.0f per CPU second, %.1f octets each, %lld names\n", kRecords,
              kRecords / spent, octets,
              static_cast<long long>(number_in(options.path, "SELECT count(*) FROM name")));

  std::unique_ptr<Journal> journal;
  auto opened = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 3; ++i) {  // The machine may be busy with something else once.
    journal.reset();
    const auto began = std::chrono::steady_clock::now();
    journal = open_sqlite({.path = options.path, .days = 36'500}, log).value();
    opened = std::min(opened, std::chrono::steady_clock::now() - began);
  }
  std::printf("opened in %.1f ms\n", std::chrono::duration<double, std::milli>(opened).count());

  const auto timed = [](const char* what, auto call) {
    const auto start = std::chrono::steady_clock::now();
    const auto result = call();
    EXPECT_TRUE(result) << what;
    std::printf("%s: %.1f ms\n", what,
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                    .count());
  };
  Filter filter;
  timed("newest 100", [&] { return journal->search(filter, 100, std::nullopt); });
  filter.disposition = event::Disposition::blocked;
  timed("newest 100 blocked", [&] { return journal->search(filter, 100, std::nullopt); });
  filter.zone = "no-such-zone";
  timed("none of all blocked", [&] { return journal->search(filter, 100, std::nullopt); });
  filter = {};
  filter.trace_id = 1;
  timed("a trace that is not there", [&] { return journal->search(filter, 1, std::nullopt); });
  filter = {};
  filter.name_contains = "host12345";
  timed("part of a name", [&] { return journal->search(filter, 100, std::nullopt); });
  timed("top names", [&] { return journal->top({}, TopBy::name, 10); });
  timed("timeline", [&] { return journal->timeline({}, seconds(60)); });
  EXPECT_LT(opened, milliseconds(2000));  // Reading it all would take longer.
  if (kMeasures) {
    EXPECT_LE(octets, 60);
  }
}

}  // namespace
}  // namespace postern::journal
