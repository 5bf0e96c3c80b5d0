#include "journal/search.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "journal/store.h"
#include "journal/testing.h"

namespace postern::journal {
namespace {

using testing::answered;
using testing::at_second;
using testing::blocked;
using testing::describe;
using testing::ScratchFolder;

IpPrefix prefix(std::string_view text) {
  return IpPrefix::from_text(text).value();
}

// Eight queries, ids 1 to 8, a minute apart.
std::vector<event::Query> eight() {
  std::vector<event::Query> queries = {answered("www.example.com", 0),
                                       blocked("a.bad.example", "bad.example", 60),
                                       answered("example.com", 120),
                                       answered("notexample.com", 180),
                                       blocked("b.bad.example", "bad.example", 240),
                                       answered("mail.example.com", 300),
                                       blocked("www.shop.test", "tracker.test", 360),
                                       answered("www.example.com", 420)};
  queries[2].client = IpAddress::from_text("2001:db8::7").value();
  queries[3].client = IpAddress::v4(192, 0, 3, 1);
  queries[3].group.assign("kids");
  queries[3].qtype = dns::RRType::aaaa;
  queries[4].disposition = event::Disposition::observed;
  queries[5].disposition = event::Disposition::failed;
  queries[5].rcode = dns::Rcode::servfail;
  queries[5].security = event::Security::bogus;
  queries[5].ede = 6;
  queries[6].zone.assign("trackers");
  queries[6].matched_in_chain = true;
  queries[7].qclass = dns::RRClass::ch;
  queries[7].qtype = dns::RRType::txt;
  queries[7].transport = event::Transport::doq;
  return queries;
}

struct SearchTest : ::testing::Test {
  void SetUp() override { put(eight()); }

  void put(const std::vector<event::Query>& queries) {
    ASSERT_TRUE(store->begin());
    for (const event::Query& query : queries) ASSERT_TRUE(store->add(query));
    ASSERT_TRUE(store->commit());
  }

  std::vector<std::int64_t> ids(const Filter& filter) {
    const auto page = search->search(filter, 100, std::nullopt);
    EXPECT_TRUE(page) << page.error().text;
    std::vector<std::int64_t> result;
    if (!page) return result;
    for (const Row& row : page->rows) result.push_back(row.id);
    return result;
  }

  ScratchFolder folder;
  NullLog log;
  std::atomic<bool> cancelled{false};
  // Segments of three, so that times are sought across several.
  StoreOptions options{
      .path = folder.file("journal.db"), .retention = {}, .seed = 1, .segment_rows = 3};
  std::unique_ptr<Store> store = Store::open(options, at_second(0), log).value();
  std::unique_ptr<Search> search =
      Search::open(options.path, milliseconds(10'000), cancelled).value();
};

TEST_F(SearchTest, EveryFieldOfARecordComesBack) {
  const auto queries = eight();
  const auto page = search->search({}, 100, std::nullopt).value();
  ASSERT_EQ(page.rows.size(), queries.size());
  EXPECT_FALSE(page.next);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const Row& row = page.rows[queries.size() - 1 - i];
    EXPECT_EQ(row.id, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(describe(row.query), describe(queries[i]));
  }
}

TEST_F(SearchTest, EachFilterFindsItsRecordsNewestFirst) {
  using Ids = std::vector<std::int64_t>;
  struct Case {
    std::string_view what;
    std::function<void(Filter&)> set;
    Ids want;
  };
  const Case cases[] = {
      {"nothing asked", [](Filter&) {}, {8, 7, 6, 5, 4, 3, 2, 1}},
      {"since, inclusive", [](Filter& f) { f.since = at_second(300); }, {8, 7, 6}},
      {"until, exclusive", [](Filter& f) { f.until = at_second(120); }, {2, 1}},
      {"a span", [](Filter& f) { f.since = at_second(61), f.until = at_second(241); }, {5, 4, 3}},
      {"after all", [](Filter& f) { f.since = at_second(421); }, {}},
      {"before all", [](Filter& f) { f.until = at_second(0); }, {}},
      {"part of a name", [](Filter& f) { f.name_contains = "example.com"; }, {8, 6, 4, 3, 1}},
      {"in any case", [](Filter& f) { f.name_contains = "MAIL.ex"; }, {6}},
      {"the end of a name", [](Filter& f) { f.name_contains = "le.com."; }, {8, 6, 4, 3, 1}},
      {"no such part", [](Filter& f) { f.name_contains = "%"; }, {}},
      {"at or below", [](Filter& f) { f.name_below = "Example.COM"; }, {8, 6, 3, 1}},
      {"below the root", [](Filter& f) { f.name_below = "."; }, {8, 7, 6, 5, 4, 3, 2, 1}},
      {"both", [](Filter& f) { f.name_below = "example.com", f.name_contains = "www"; }, {8, 1}},
      {"blocked", [](Filter& f) { f.disposition = event::Disposition::blocked; }, {7, 2}},
      {"observed", [](Filter& f) { f.disposition = event::Disposition::observed; }, {5}},
      {"failed", [](Filter& f) { f.disposition = event::Disposition::failed; }, {6}},
      {"one client", [](Filter& f) { f.client = prefix("192.0.3.1"); }, {4}},
      {"a v4 prefix", [](Filter& f) { f.client = prefix("192.0.2.0/23"); }, {8, 7, 6, 5, 4, 2, 1}},
      {"a prefix across an octet",
       [](Filter& f) { f.client = prefix("192.0.2.0/29"); },
       {8, 7, 6, 5, 2, 1}},
      {"all of v4", [](Filter& f) { f.client = prefix("0.0.0.0/0"); }, {8, 7, 6, 5, 4, 2, 1}},
      {"all of v6", [](Filter& f) { f.client = prefix("::/0"); }, {3}},
      {"a zone", [](Filter& f) { f.zone = "trackers"; }, {7}},
      {"part of a zone's name", [](Filter& f) { f.zone = "tracker"; }, {}},
      {"a group", [](Filter& f) { f.group = "kids"; }, {4}},
      {"SQL in a group", [](Filter& f) { f.group = "' OR 1=1 --"; }, {}},
      {"a type", [](Filter& f) { f.qtype = dns::RRType::aaaa; }, {4}},
      {"a type in another class", [](Filter& f) { f.qtype = dns::RRType::txt; }, {8}},
      {"an rcode", [](Filter& f) { f.rcode = dns::Rcode::servfail; }, {6}},
      {"a trace", [](Filter& f) { f.trace_id = 1240; }, {5}},
      {"several at once",
       [](Filter& f) {
         f.disposition = event::Disposition::blocked, f.name_below = "bad.example";
         f.client = prefix("192.0.2.7"), f.since = at_second(0);
       },
       {2}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Filter filter;
    c.set(filter);
    EXPECT_EQ(ids(filter), c.want);
  }
}

TEST_F(SearchTest, PagesFollowEachOtherWithoutGapOrOverlap) {
  Filter filter;
  filter.name_contains = "example.com";
  std::vector<std::int64_t> seen;
  std::optional<std::int64_t> before;
  int pages = 0;
  do {
    const auto page = search->search(filter, 2, before).value();
    EXPECT_LE(page.rows.size(), 2U);
    for (const Row& row : page.rows) seen.push_back(row.id);
    before = page.next;
    // What is stored meanwhile is newer than every page to come.
    put({answered("late.example.com", 999)});
  } while (before && ++pages < 10);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{8, 6, 4, 3, 1}));
}

TEST_F(SearchTest, APageIsBounded) {
  std::vector<event::Query> many(1500, answered("many.example"));
  put(many);
  EXPECT_EQ(search->search({}, 1'000'000, std::nullopt).value().rows.size(), Journal::kMaxPageRows);
  EXPECT_EQ(search->search({}, 0, std::nullopt).value().rows.size(), 1U);
}

TEST_F(SearchTest, ANameThatIsNoneIsSaidToBe) {
  Filter filter;
  filter.name_below = "a..b";
  const auto page = search->search(filter, 10, std::nullopt);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Errc::invalid_input);
}

TEST_F(SearchTest, TopCountsByNameClientAndZone) {
  const auto text = [](const Result<std::vector<TopEntry>>& entries) {
    std::string result;
    for (const TopEntry& entry : entries.value()) {
      result += entry.key + "=" + std::to_string(entry.count) + " ";
    }
    return result;
  };
  put({answered("www.example.com"), answered("www.example.com")});
  EXPECT_EQ(text(search->top({}, TopBy::name, 1)), "www.example.com=4 ");
  EXPECT_EQ(text(search->top({}, TopBy::client, 9)), "192.0.2.7=8 192.0.3.1=1 2001:db8::7=1 ");
  EXPECT_EQ(text(search->top({}, TopBy::zone, 9)), "hafnium=2 trackers=1 ");
  Filter filter;
  filter.disposition = event::Disposition::blocked;
  EXPECT_EQ(text(search->top(filter, TopBy::zone, 9)), "hafnium=1 trackers=1 ");
  filter.since = at_second(100'000);
  EXPECT_EQ(text(search->top(filter, TopBy::name, 9)), "");
}

TEST_F(SearchTest, AClientInTwoGroupsIsOneClient) {
  event::Query moved = answered("x.example");
  moved.group.assign("kids");
  put({moved});
  EXPECT_EQ(search->top({}, TopBy::client, 1).value().at(0).count, 7U);
}

TEST_F(SearchTest, TheTimelineCountsByInterval) {
  const auto points = search->timeline({}, seconds(120)).value();
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[0].at, at_second(0));
  EXPECT_EQ(points[3].at, at_second(360));
  EXPECT_EQ(points[0].total, 2U);
  EXPECT_EQ(points[0].blocked, 1U);
  EXPECT_EQ(points[1].blocked, 0U);
  EXPECT_EQ(points[2].blocked, 0U) << "observed is not blocked";
  EXPECT_EQ(search->timeline({}, seconds(0)).error().code, Errc::invalid_input);
}

TEST_F(SearchTest, ATimelineOfTooManyPointsIsRefused) {
  std::vector<event::Query> queries;
  for (int i = 0; i < static_cast<int>(kMaxTimelinePoints) + 1; ++i) {
    queries.push_back(answered("x.example", i));
  }
  put(queries);
  EXPECT_EQ(search->timeline({}, seconds(1)).error().code, Errc::limit_exceeded);
  EXPECT_TRUE(search->timeline({}, seconds(60)));
}

TEST_F(SearchTest, ASearchEndsWithItsBudgetOrWhenCancelled) {
  std::vector<event::Query> many(20'000, answered("many.example"));
  put(many);
  Filter filter;
  filter.trace_id = 1;
  auto hurried = Search::open(options.path, milliseconds(0), cancelled).value();
  EXPECT_EQ(hurried->search(filter, 10, std::nullopt).error().code, Errc::timed_out);
  EXPECT_TRUE(search->search(filter, 10, std::nullopt));
  cancelled = true;
  EXPECT_EQ(search->search(filter, 10, std::nullopt).error().code, Errc::timed_out);
}

TEST_F(SearchTest, ASearchDoesNotSeeAHalfWrittenBatchNorHoldItUp) {
  ASSERT_TRUE(store->begin());
  ASSERT_TRUE(store->add(answered("unfinished.example")));
  Filter filter;
  filter.name_contains = "unfinished";
  EXPECT_EQ(ids(filter).size(), 0U);
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(ids(filter).size(), 1U);
  ASSERT_TRUE(store->begin());
  ASSERT_TRUE(store->add(answered("unfinished.example")));
  store->rollback();
  EXPECT_EQ(ids(filter).size(), 1U);
}

}  // namespace
}  // namespace postern::journal
