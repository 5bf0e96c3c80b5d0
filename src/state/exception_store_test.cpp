// The store of exceptions: what is made is in force, kept, and on the audit; what cannot be kept is
// refused and changes nothing.
#include "state/exception_store.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/testing.h"
#include "sqlite/sqlite.h"

namespace postern::state {
namespace {

using policy::Action;
using policy::Audience;
using policy::Exception;
using policy::ExceptionTable;
using policy::Scope;

const WallTime kNow{seconds(1'700'000'000)};

using postern::testing::KeptLog;

class ExceptionStoreTest : public ::testing::Test {
 protected:
  ExceptionStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    options_.path = folder_ + "/state.sqlite";
  }
  ~ExceptionStoreTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void open() {
    store_.reset();
    published_.publish(ExceptionTable::none());
    store_ = ExceptionStore::open(options_, published_, log_);
    ASSERT_TRUE(store_->configure(configured_, {.name = "exceptions"}).has_value());
  }
  static ExceptionWish wish(std::string_view name, Action action = Action::pass) {
    return {.names = {{*dns::Name::from_text(name), Scope::exact}},
            .action = action,
            .lasts = seconds(3600),
            .reason = "a test"};
  }
  static Deed deed(WallTime at = kNow) { return {.actor = "root (uid 0)", .at = at}; }
  std::uint32_t add(std::string_view name, Action action = Action::pass, WallTime at = kNow) {
    const auto made = store_->add(wish(name, action), deed(at));
    EXPECT_TRUE(made.has_value()) << made.error().text;
    return made ? made->front().id : 0;
  }
  /// "+17", "-3", or "" where no exception decides.
  std::string decides(std::string_view name, WallTime now = kNow) const {
    const auto table = published_.current();
    const auto found = table->find({.client = IpAddress::v4(192, 0, 2, 1), .group = "kids"},
                                   *dns::Name::from_text(name), now);
    if (!found) return "";
    return (table->action(*found) == Action::pass ? "+" : "-") + std::to_string(table->id(*found));
  }

  std::string folder_;
  StoreOptions options_;
  KeptLog log_;
  Published<ExceptionTable> published_{ExceptionTable::none()};
  std::vector<Exception> configured_;
  std::unique_ptr<ExceptionStore> store_;
};

TEST_F(ExceptionStoreTest, WhatIsMadeIsInForceAndStaysSoAfterARestart) {
  open();
  EXPECT_EQ(decides("a.example"), "");
  ExceptionWish some = wish("a.example");
  some.names.push_back({*dns::Name::from_text("b.example"), Scope::at_and_below});
  some.audience = {.kind = Audience::Kind::clients,
                   .clients = *IpPrefix::from_text("192.0.2.0/24")};
  const auto made = store_->add(some, deed());
  ASSERT_TRUE(made.has_value()) << made.error().text;
  ASSERT_EQ(made->size(), 2U);
  EXPECT_EQ(decides("a.example"), "+1");
  EXPECT_EQ(decides("x.b.example"), "+2");
  open();
  EXPECT_EQ(decides("a.example"), "+1");
  EXPECT_EQ(decides("x.b.example"), "+2");
  const auto all = store_->list(10, std::nullopt, kNow);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all.front(), made->back());
  EXPECT_EQ(store_->list(10, 2, kNow).size(), 1U);
}

TEST_F(ExceptionStoreTest, WhatHasEndedIsGone) {
  open();
  add("a.example");
  const WallTime end = kNow + seconds(3600);
  EXPECT_EQ(decides("a.example", end - microseconds(1)), "+1");
  EXPECT_EQ(decides("a.example", end), "");
  EXPECT_TRUE(store_->list(10, std::nullopt, end).empty());
  EXPECT_EQ(store_->remove(1, deed(end)).error().code, Errc::not_found);
  // The next change takes it from memory and disk.
  add("b.example", Action::pass, end);
  EXPECT_EQ(published_.current()->size(), 1U);
  open();
  EXPECT_EQ(published_.current()->size(), 1U);
}

TEST_F(ExceptionStoreTest, TheSameAgainReplacesAndTheOppositeDoesNot) {
  open();
  add("a.example");
  EXPECT_EQ(add("a.example"), 2U);
  EXPECT_EQ(store_->list(10, std::nullopt, kNow).size(), 1U);
  EXPECT_EQ(decides("a.example"), "+2");
  EXPECT_EQ(add("a.example", Action::block), 3U);
  EXPECT_EQ(decides("a.example"), "+2") << "one that allows stands before one that blocks";
  EXPECT_EQ(store_->list(10, std::nullopt, kNow).size(), 2U);
}

TEST_F(ExceptionStoreTest, ANameThatIsSaidTwiceIsMadeOnce) {
  open();
  ExceptionWish some = wish("a.example");
  some.names.push_back({*dns::Name::from_text("A.example"), Scope::exact});
  some.names.push_back({*dns::Name::from_text("a.example"), Scope::at_and_below});
  const auto made = store_->add(some, deed());
  ASSERT_TRUE(made.has_value()) << made.error().text;
  EXPECT_EQ(made->size(), 2U);
  EXPECT_EQ(store_->list(10, std::nullopt, kNow).size(), 2U);
}

TEST_F(ExceptionStoreTest, AClockThatWasAheadAtTheStartLosesNothing) {
  open();
  add("a.example");
  open();
  EXPECT_TRUE(store_->list(10, std::nullopt, kNow + seconds(7200)).empty());
  EXPECT_EQ(decides("a.example", kNow + seconds(7200)), "");
  EXPECT_EQ(decides("a.example"), "+1");
  EXPECT_EQ(add("a.example"), 2U);
}

TEST_F(ExceptionStoreTest, WhatWasDoneElsewhereIsAuditedToo) {
  open();
  ASSERT_TRUE(store_->note({.at = kNow,
                            .actor = "root (uid 0)",
                            .action = "feed rolled back",
                            .subject = "feed ads",
                            .after = "generation 7"}));
  const auto audit = store_->audit(10, std::nullopt);
  ASSERT_EQ(audit->size(), 1U);
  EXPECT_EQ(audit->front().action, "feed rolled back");
  EXPECT_EQ(audit->front().after, "generation 7");
}

TEST_F(ExceptionStoreTest, WhatGoesToAFileThatNobodyFindsAgainIsRefused) {
  open();
  add("a.example");
  std::filesystem::rename(options_.path, options_.path + ".away");
  const auto made = store_->add(wish("b.example"), deed());
  ASSERT_FALSE(made.has_value());
  EXPECT_TRUE(made.error().text.contains("no longer the file")) << made.error().text;
  EXPECT_FALSE(store_->remove(1, deed()).has_value());
  EXPECT_EQ(decides("b.example"), "");
  EXPECT_EQ(decides("a.example"), "+1");
  EXPECT_TRUE(log_.text().contains("no longer the file")) << log_.text();
  Metrics metrics;
  store_->collect(metrics);
  EXPECT_EQ(std::ranges::find(metrics, "postern_state_write_errors_total", &Metric::name)->value,
            2);
}

TEST_F(ExceptionStoreTest, EveryChangeIsOnTheAuditForGood) {
  open();
  add("a.example");
  add("a.example");
  ASSERT_TRUE(store_->remove(2, {.actor = "API token", .at = kNow + seconds(1)}).has_value());
  EXPECT_EQ(decides("a.example"), "");
  const auto audit = store_->audit(10, std::nullopt);
  ASSERT_TRUE(audit.has_value());
  ASSERT_EQ(audit->size(), 3U);
  EXPECT_EQ(audit->at(0).action, "exception removed");
  EXPECT_EQ(audit->at(0).actor, "API token");
  EXPECT_EQ(audit->at(0).at, kNow + seconds(1));
  EXPECT_EQ(audit->at(0).subject, "exception 2");
  EXPECT_EQ(audit->at(0).before, "allow a.example for everyone until 2023-11-14T23:13:20.000000Z");
  EXPECT_EQ(audit->at(0).after, "");
  EXPECT_EQ(audit->at(1).action, "exception replaced");
  EXPECT_TRUE(audit->at(1).before.starts_with("exception 1: allow a.example"));
  EXPECT_EQ(audit->at(2).action, "exception added");
  EXPECT_EQ(audit->at(2).actor, "root (uid 0)");
  EXPECT_EQ(audit->at(2).reason, "a test");
  EXPECT_EQ(store_->audit(1, 3)->front().id, 2);

  auto file = sqlite::Database::open(options_.path, sqlite::Database::Access::read_write).value();
  EXPECT_FALSE(file.execute("DELETE FROM audit").has_value());
  EXPECT_FALSE(file.execute("UPDATE audit SET actor = 'nobody'").has_value());
}

TEST_F(ExceptionStoreTest, WishesThatMakeNoSenseAreRefused) {
  open();
  const auto refused = [&](void (*spoil)(ExceptionWish&)) {
    ExceptionWish bad = wish("a.example");
    spoil(bad);
    const auto made = store_->add(bad, deed());
    return made ? std::string("taken") : made.error().text;
  };
  EXPECT_EQ(refused([](ExceptionWish& w) { w.names.clear(); }), "say which names");
  EXPECT_EQ(refused([](ExceptionWish& w) { w.names.resize(101, w.names.front()); }),
            "101 names; at most 100 at once");
  EXPECT_EQ(refused([](ExceptionWish& w) { w.reason.clear(); }), "say the reason");
  EXPECT_EQ(refused([](ExceptionWish& w) { w.reason.resize(501, 'x'); }),
            "a reason has at most 500 octets");
  for (const auto spoil : {+[](ExceptionWish& w) { w.lasts = seconds(0); },
                           +[](ExceptionWish& w) { w.lasts = kMaxExceptionLife + seconds(1); }}) {
    EXPECT_TRUE(refused(spoil).starts_with("an exception lasts from 1s to 366d"));
  }
  EXPECT_TRUE(store_->audit(10, std::nullopt)->empty());
}

TEST_F(ExceptionStoreTest, WhatTheConfigurationSaysIsInForceBesides) {
  Exception own{.name = *dns::Name::from_text("a.example"), .action = Action::block};
  own.audience = {.kind = Audience::Kind::group, .name = "kids"};
  configured_ = {own};
  open();
  EXPECT_EQ(decides("a.example"), "-0");
  EXPECT_TRUE(store_->list(10, std::nullopt, kNow).empty());
  add("b.example");
  EXPECT_EQ(decides("a.example"), "-0");
  EXPECT_EQ(decides("b.example"), "+1");
  ASSERT_TRUE(store_->configure({}, {.name = "exceptions"}).has_value());
  EXPECT_EQ(decides("a.example"), "");
  EXPECT_EQ(decides("b.example"), "+1");
}

TEST_F(ExceptionStoreTest, AFullFileIsAnErrorThatChangesNothing) {
  options_.max_octets = 96 << 10;
  open();
  std::optional<Error> error;
  int made = 0;
  for (; made < 2000 && !error; ++made) {
    ExceptionWish some = wish("n" + std::to_string(made) + ".example");
    some.reason = std::string(400, 'r');
    if (const auto done = store_->add(some, deed()); !done) error = done.error();
  }
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, Errc::unavailable);
  EXPECT_TRUE(error->text.contains(options_.path)) << error->text;
  EXPECT_TRUE(error->text.contains("full")) << error->text;
  EXPECT_TRUE(log_.text().contains("nothing was changed")) << log_.text();
  const std::string last = "n" + std::to_string(made - 1) + ".example";
  EXPECT_EQ(decides(last), "") << "what is not kept is not in force";
  EXPECT_EQ(decides("n0.example"), "+1");
  open();
  EXPECT_EQ(decides("n0.example"), "+1");
  EXPECT_EQ(decides(last), "");
}

TEST_F(ExceptionStoreTest, AFileThatIsNoneIsSaidAndNothingElseFails) {
  std::ofstream(options_.path) << std::string(5000, 'x');
  open();
  EXPECT_TRUE(log_.text().contains(options_.path)) << log_.text();
  EXPECT_TRUE(log_.text().contains("serving goes on")) << log_.text();
  const auto made = store_->add(wish("a.example"), deed());
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::unavailable);
  EXPECT_EQ(store_->remove(1, deed()).error().code, Errc::unavailable);
  EXPECT_EQ(store_->audit(1, std::nullopt).error().code, Errc::unavailable);
  EXPECT_EQ(decides("a.example"), "");
}

TEST_F(ExceptionStoreTest, AFileOfANewerProgramIsLeftAlone) {
  open();
  store_.reset();
  sqlite::Database::open(options_.path, sqlite::Database::Access::read_write)
      .value()
      .execute("PRAGMA user_version = 99")
      .value();
  open();
  EXPECT_TRUE(log_.text().contains("newer version")) << log_.text();
}

TEST_F(ExceptionStoreTest, ADamagedRowIsSaid) {
  open();
  add("a.example");
  store_.reset();
  sqlite::Database::open(options_.path, sqlite::Database::Access::read_write)
      .value()
      .execute("UPDATE exception SET name = 'a..b'")
      .value();
  open();
  EXPECT_TRUE(log_.text().contains("exception 1 cannot be read")) << log_.text();
}

}  // namespace
}  // namespace postern::state
