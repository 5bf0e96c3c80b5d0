#include "journal/sqlite_journal.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/guarded.h"
#include "journal/testing.h"

namespace postern::journal {
namespace {

using testing::answered;
using testing::blocked;
using testing::integrity_of;
using testing::number_in;
using testing::ScratchFolder;

class RecordingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view, std::string_view text) override {
    lines_.with([&](auto& lines) {
      lines.push_back(std::string(to_string(level)) + ": " + std::string(text));
    });
  }
  std::vector<std::string> lines() const { return lines_.copy(); }

 private:
  Guarded<std::vector<std::string>> lines_;
};

struct SqliteJournalTest : ::testing::Test {
  std::unique_ptr<Journal> open() {
    auto journal = open_sqlite(options, log);
    EXPECT_TRUE(journal) << journal.error().text;
    return std::move(journal).value_or(nullptr);
  }

  static double metric(const Journal& journal, std::string_view name) {
    Metrics metrics;
    journal.collect(metrics);
    for (const Metric& metric : metrics) {
      if (metric.name == name) return metric.value;
    }
    return -1;
  }

  static std::size_t rows(Journal& journal) {
    const auto page = journal.search({}, Journal::kMaxPageRows, std::nullopt);
    return page ? page->rows.size() : 0;
  }

  void fill() {
    auto journal = open();
    for (int i = 0; i < 20'000; ++i) {
      journal->record(answered("n" + std::to_string(i) + ".example"));
    }
  }  // The log is folded into the file.

  // Every page but the first ones and the last.
  void damage() const {
    std::fstream file(options.path, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = std::filesystem::file_size(options.path);
    const std::string noise(8192, '\xa5');
    for (std::uintmax_t at = 12 * 8192; at + 2 * 8192 <= size; at += 8192) {
      file.seekp(static_cast<std::streamoff>(at));
      file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
    }
  }

  ScratchFolder folder;
  RecordingLog log;
  SqliteOptions options{.path = folder.file("journal.db"), .days = 36'500};
};

TEST_F(SqliteJournalTest, WhatIsRecordedIsFoundAlsoAfterReopening) {
  auto journal = open();
  journal->record(answered("www.example"));
  journal->record(blocked("a.bad.example", "bad.example"));
  journal->flush();
  EXPECT_EQ(rows(*journal), 2U);
  EXPECT_EQ(metric(*journal, "postern_journal_records_stored_total"), 2);
  journal->record(answered("last.example"));
  journal.reset();  // Stores what is waiting.
  journal = open();
  EXPECT_EQ(rows(*journal), 3U);
  EXPECT_TRUE(log.lines().empty());
}

TEST_F(SqliteJournalTest, RecordsAreStoredSoonWithoutBeingAskedFor) {
  options.commit_every = milliseconds(20);
  auto journal = open();
  journal->record(answered("www.example"));
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  while (rows(*journal) == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(rows(*journal), 1U);
}

TEST_F(SqliteJournalTest, OnlyTheOwnerMayReadTheFile) {
  const auto journal = open();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info{};
    ASSERT_EQ(::stat((options.path + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << suffix;
  }
}

TEST_F(SqliteJournalTest, ManyThreadsRecordAndSearchAtOnce) {
  auto journal = open();
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&journal, thread] {
        for (int i = 0; i < 2000; ++i) {
          journal->record(
              answered("n" + std::to_string(thread) + "-" + std::to_string(i) + ".example"));
        }
      });
    }
    threads.emplace_back([&journal] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(journal->search({}, 10, std::nullopt));
        EXPECT_TRUE(journal->top({}, TopBy::name, 10));
        journal->flush();
      }
    });
  }
  journal->flush();
  EXPECT_EQ(metric(*journal, "postern_journal_records_stored_total"), 6000);
  EXPECT_EQ(number_in(options.path, "SELECT count(*) FROM query"), 6000);
  EXPECT_EQ(metric(*journal, "postern_journal_ordinary_dropped_total"), 0);
}

TEST_F(SqliteJournalTest, AFloodOfOrdinaryRecordsIsCountedAndDisplacesNoThreat) {
  options.queue_capacity = 64;
  options.threat_capacity = 64;
  auto journal = open();
  constexpr int kOrdinary = 200'000;
  constexpr int kThreats = 40;
  for (int i = 0; i < kOrdinary; ++i) {
    journal->record(answered("www.example"));
    if (i % (kOrdinary / kThreats) == 0) journal->record(blocked("a.bad.example", "bad.example"));
  }
  journal->flush();
  const double dropped = metric(*journal, "postern_journal_ordinary_dropped_total");
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(metric(*journal, "postern_journal_threats_lost_total"), 0);
  EXPECT_EQ(number_in(options.path, "SELECT count(*) FROM query WHERE disposition = 2"), kThreats);
  EXPECT_EQ(number_in(options.path, "SELECT count(*) FROM query WHERE disposition = 0"),
            kOrdinary - static_cast<std::int64_t>(dropped));
}

TEST_F(SqliteJournalTest, ThreatsTakeTheOtherLaneBeforeAnyIsLostAndALossIsSeen) {
  options.queue_capacity = 64;
  options.threat_capacity = 64;
  auto journal = open();
  constexpr int kThreats = 100'000;
  for (int i = 0; i < kThreats; ++i) journal->record(blocked("a.bad.example", "bad.example"));
  journal->flush();
  const double lost = metric(*journal, "postern_journal_threats_lost_total");
  EXPECT_GE(metric(*journal, "postern_journal_threats_diverted_total"), 64);
  EXPECT_GT(lost, 0) << "far more than both lanes hold";
  EXPECT_EQ(number_in(options.path, "SELECT count(*) FROM query"), kThreats - lost);
}

TEST_F(SqliteJournalTest, ADamagedFileIsSetAsideAndANewOneBegun) {
  struct Case {
    std::string_view what;
    std::string content;
  };
  std::string header_only = "SQLite format 3";
  header_only.resize(8192, '\xff');
  for (const Case& c : {Case{"text", "this is not a database, but long enough to be looked at\n"},
                        Case{"a damaged header", header_only}}) {
    SCOPED_TRACE(c.what);
    const RecordingLog* said = &log;
    const std::size_t lines = said->lines().size();
    std::filesystem::remove(options.path);
    std::ofstream(options.path) << c.content << std::string(5000, 'x');
    auto journal = open();
    ASSERT_TRUE(journal);
    journal->record(answered("www.example"));
    journal->flush();
    EXPECT_EQ(rows(*journal), 1U);
    ASSERT_EQ(said->lines().size(), lines + 1);
    EXPECT_NE(said->lines().back().find("set aside as " + options.path + ".damaged-"),
              std::string::npos)
        << said->lines().back();
  }
  int aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().string().find(".damaged-") != std::string::npos) ++aside;
  }
  EXPECT_GE(aside, 1);
}

TEST_F(SqliteJournalTest, DamageMetWhileRunningIsSetAsideToo) {
  fill();
  damage();
  auto journal = open();
  ASSERT_TRUE(journal);
  for (int i = 0; i < 5000; ++i) journal->record(answered("m" + std::to_string(i) + ".example"));
  const auto deadline = std::chrono::steady_clock::now() + seconds(20);
  while (metric(*journal, "postern_journal_records_stored_total") < 5000 &&
         std::chrono::steady_clock::now() < deadline) {
    journal->flush();
  }
  EXPECT_EQ(number_in(options.path, "SELECT count(*) FROM query"), 5000);
  EXPECT_EQ(integrity_of(options.path), "ok");
  EXPECT_EQ(rows(*journal), 1000U) << "searches see the new file";
}

TEST_F(SqliteJournalTest, DamageThatASearchMeetsIsSetAsideToo) {
  fill();
  auto journal = open();
  damage();
  ASSERT_TRUE(journal);
  const auto found = journal->top({}, TopBy::name, 10);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::corrupt);
  EXPECT_NE(found.error().text.find(options.path + " is damaged"), std::string::npos);
  EXPECT_NE(found.error().text.find("ask again"), std::string::npos);
  journal->flush();  // The writer has been around since.
  journal->flush();
  EXPECT_TRUE(journal->top({}, TopBy::name, 10));
  EXPECT_EQ(metric(*journal, "postern_journal_set_aside_total"), 1);
  journal->record(answered("www.example"));
  journal->flush();
  EXPECT_EQ(number_in(options.path, "SELECT count(*) FROM query"), 1);
  const auto lines = log.lines();
  ASSERT_EQ(lines.size(), 1U) << "said once";
  EXPECT_NE(lines[0].find("set aside as " + options.path + ".damaged-"), std::string::npos);
}

TEST_F(SqliteJournalTest, AFileThatIsRemovedOrReplacedWhileInUseIsNoticed) {
  auto journal = open();
  journal->record(answered("gone.example"));
  journal->flush();
  EXPECT_EQ(rows(*journal), 1U);
  std::filesystem::copy_file(options.path, folder.file("other.db"));
  std::filesystem::remove(options.path);
  journal->record(answered("kept.example"));
  journal->flush();
  EXPECT_EQ(number_in(options.path, "SELECT count(*) FROM query"), 1);
  EXPECT_EQ(rows(*journal), 1U) << "searches see the new file";
  // The other one lacks what was in the log beside the file; it must not be mixed with another log.
  std::filesystem::rename(folder.file("other.db"), options.path);
  journal->record(answered("more.example"));
  journal->flush();
  EXPECT_EQ(integrity_of(options.path), "ok");
  EXPECT_EQ(rows(*journal),
            static_cast<std::size_t>(number_in(options.path, "SELECT count(*) FROM query")));
  const auto lines = log.lines();
  ASSERT_EQ(lines.size(), 2U);
  for (const std::string& line : lines) {
    EXPECT_NE(line.find(options.path + " was removed or replaced"), std::string::npos) << line;
  }
}

TEST_F(SqliteJournalTest, AFileOfANewerVersionOrOfSomethingElseIsLeftAlone) {
  open();
  {
    auto database =
        sqlite::Database::open(options.path, sqlite::Database::Access::read_write).value();
    ASSERT_TRUE(database.execute("PRAGMA user_version = 99"));
  }
  auto journal = open_sqlite(options, log);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::invalid_input);
  EXPECT_NE(journal.error().text.find("newer version"), std::string::npos);

  options.path = folder.file("other.db");
  {
    auto database = sqlite::Database::open(options.path, sqlite::Database::Access::create).value();
    ASSERT_TRUE(database.execute("CREATE TABLE bookmarks (url TEXT)"));
  }
  journal = open_sqlite(options, log);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::invalid_input);
}

TEST_F(SqliteJournalTest, AFolderThatIsNotThereIsAnErrorAtOnce) {
  options.path = folder.file("no/such/folder/journal.db");
  const auto journal = open_sqlite(options, log);
  ASSERT_FALSE(journal);
  EXPECT_NE(journal.error().text.find(options.path), std::string::npos) << journal.error().text;
}

// A limit on the size of files stands for a full disk: writes past it fail.
class FullDisk {
 public:
  explicit FullDisk(rlim_t octets) {
    before_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{octets, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, before_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  sighandler_t before_handler_ = nullptr;
};

TEST_F(SqliteJournalTest, AFullDiskIsSaidOnceAndNothingThatWaitsIsLost) {
  auto journal = open();
  journal->record(answered("before.example"));
  journal->flush();
  {
    const FullDisk full(1024);
    for (int i = 0; i < 1000; ++i) {
      journal->record(blocked("n" + std::to_string(i) + ".bad.example", "bad.example"));
    }
    journal->flush();  // Tries, and fails.
    journal->flush();
    EXPECT_GE(metric(*journal, "postern_journal_write_failures_total"), 2);
    EXPECT_EQ(metric(*journal, "postern_journal_records_stored_total"), 1);
    EXPECT_EQ(rows(*journal), 1U) << "searching goes on";
  }
  journal->flush();
  EXPECT_EQ(metric(*journal, "postern_journal_records_stored_total"), 1001);
  EXPECT_EQ(number_in(options.path, "SELECT count(*) FROM query"), 1001);
  EXPECT_EQ(integrity_of(options.path), "ok");
  const auto lines = log.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].starts_with("warning: cannot write")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("info: writing again")) << lines[1];
}

}  // namespace
}  // namespace postern::journal
