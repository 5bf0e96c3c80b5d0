#include "cache/cache.h"

#include <random>
#include <string>
#include <unordered_map>

#include <gtest/gtest.h>

namespace postern::cache {
namespace {

using State = Cache::State;

Key key(std::string_view text, dns::RRType type = dns::RRType::a) {
  return {.qname = dns::Name::from_text(text).value(), .qtype = type};
}

/// An answer that can be told from others by its size.
Answer answer(std::uint32_t ttl_s, std::size_t octets = 100,
              dns::Rcode rcode = dns::Rcode::noerror) {
  Answer made;
  made.ttl_s = ttl_s;
  made.wire.resize(octets);
  made.wire[3] = static_cast<std::uint8_t>(rcode);
  return made;
}

MonoTime at(double s) {
  return MonoTime(microseconds(1'000'000'000'000 + static_cast<std::int64_t>(s * 1e6)));
}

TEST(Cache, FindsByTheWholeKey) {
  Cache cache({});
  const Key base = key("a.example");
  Key other_name = key("b.example");
  Key other_type = key("a.example", dns::RRType::aaaa);
  Key other_class = base;
  other_class.qclass = dns::RRClass::ch;
  Key dnssec = base;
  dnssec.dnssec_ok = true;
  Key unchecked = base;
  unchecked.checking_disabled = true;
  const Key keys[] = {base, other_name, other_type, other_class, dnssec, unchecked};
  for (std::size_t i = 0; i < std::size(keys); ++i) {
    EXPECT_EQ(cache.find(keys[i], at(0)).state, State::miss);
    cache.insert(keys[i], answer(60, 100 + i), at(0));
  }
  EXPECT_EQ(cache.size(), std::size(keys));
  for (std::size_t i = 0; i < std::size(keys); ++i) {
    const Cache::Hit hit = cache.find(keys[i], at(1));
    ASSERT_EQ(hit.state, State::fresh);
    EXPECT_EQ(hit.answer->wire.size(), 100 + i);
  }
  EXPECT_EQ(cache.stats().hits.value(), 6U);
  EXPECT_EQ(cache.stats().misses.value(), 6U);
  EXPECT_EQ(cache.stats().inserts.value(), 6U);
}

TEST(Cache, AnswersAreFreshThenStaleThenGone) {
  Cache cache({.stale_for_s = 100});
  cache.insert(key("a"), answer(60), at(0));
  struct Case {
    double when;
    State state;
    std::uint32_t age_s;
  };
  const Case cases[] = {{-1, State::fresh, 0},      {0, State::fresh, 0},
                        {0.999, State::fresh, 0},   {1, State::fresh, 1},
                        {59.999, State::fresh, 59}, {60, State::stale, 60},
                        {159.9, State::stale, 159}, {160, State::miss, 0}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.when);
    const Cache::Hit hit = cache.find(key("a"), at(c.when));
    EXPECT_EQ(hit.state, c.state);
    EXPECT_EQ(hit.age_s, c.age_s);
    EXPECT_EQ(hit.answer == nullptr, c.state == State::miss);
  }
  EXPECT_EQ(cache.stats().stale_hits.value(), 2U);
}

TEST(Cache, PopularAnswersAskForAPrefetchInTheLastTenthOfTheirLife) {
  Cache cache({});
  cache.insert(key("popular"), answer(100), at(0));
  cache.insert(key("lonely"), answer(100), at(0));
  EXPECT_FALSE(cache.find(key("popular"), at(1)).prefetch);
  EXPECT_FALSE(cache.find(key("popular"), at(2)).prefetch);
  EXPECT_FALSE(cache.find(key("popular"), at(89.9)).prefetch) << "not yet";
  EXPECT_TRUE(cache.find(key("popular"), at(90)).prefetch);
  EXPECT_TRUE(cache.find(key("popular"), at(99.9)).prefetch);
  EXPECT_FALSE(cache.find(key("popular"), at(100)).prefetch) << "stale";
  EXPECT_FALSE(cache.find(key("lonely"), at(95)).prefetch);
  EXPECT_FALSE(cache.find(key("lonely"), at(96)).prefetch);
  // A new answer starts anew.
  cache.insert(key("popular"), answer(100), at(100));
  EXPECT_FALSE(cache.find(key("popular"), at(195)).prefetch);
}

TEST(Cache, ANewAnswerReplacesTheOld) {
  Cache cache({});
  cache.insert(key("a"), answer(60, 100), at(0));
  const std::size_t octets = cache.octets();
  cache.insert(key("a"), answer(30, 100), at(10));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.octets(), octets);
  EXPECT_EQ(cache.find(key("a"), at(39)).state, State::fresh);
  EXPECT_EQ(cache.find(key("a"), at(40)).state, State::stale);
  // One that may not be kept still ends the one before.
  cache.insert(key("a"), answer(0), at(40));
  EXPECT_EQ(cache.find(key("a"), at(40)).state, State::miss);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(Cache, AFailureNeverReplacesWhatCanBeServedStale) {
  const Answer failure = answer(5, 100, dns::Rcode::servfail);
  Cache cache({.stale_for_s = 100});
  cache.insert(key("a"), answer(60), at(0));
  cache.insert(key("a"), failure, at(62));
  Cache::Hit hit = cache.find(key("a"), at(66.9));
  EXPECT_EQ(hit.state, State::stale);
  EXPECT_EQ(hit.age_s, 66U);
  EXPECT_EQ(hit.answer->wire[3], 0);
  // Where there is nothing to serve, the failure is remembered, but never stale.
  cache.insert(key("a"), failure, at(160));
  hit = cache.find(key("a"), at(164));
  EXPECT_EQ(hit.state, State::fresh);
  EXPECT_EQ(hit.answer->wire[3], 2);
  EXPECT_EQ(cache.find(key("a"), at(165)).state, State::miss);
  // NXDOMAIN is an answer, not a failure.
  cache.insert(key("b"), answer(60), at(0));
  cache.insert(key("b"), answer(60, 100, dns::Rcode::nxdomain), at(1));
  EXPECT_EQ(cache.find(key("b"), at(2)).answer->wire[3], 3);
}

TEST(Cache, ClearForgetsAll) {
  Cache cache({});
  const std::size_t empty = cache.octets();
  for (int i = 0; i < 100; ++i) cache.insert(key("n" + std::to_string(i)), answer(60), at(0));
  EXPECT_GT(cache.octets(), empty + 100 * 100);
  cache.clear();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.octets(), empty);
  EXPECT_EQ(cache.find(key("n1"), at(0)).state, State::miss);
  cache.insert(key("n1"), answer(60), at(0));
  EXPECT_EQ(cache.find(key("n1"), at(0)).state, State::fresh);
}

TEST(Cache, WhatIsUsedStaysWhatIsNotGoes) {
  Cache cache({.max_octets = 200'000});
  for (int i = 0; i < 20; ++i) cache.insert(key("used" + std::to_string(i)), answer(6000), at(0));
  for (int i = 0; i < 5000; ++i) {
    cache.insert(key("once" + std::to_string(i)), answer(6000), at(1));
    cache.find(key("used" + std::to_string(i % 20)), at(1));
  }
  EXPECT_GT(cache.stats().evictions.value(), 4000U);
  int kept = 0;
  for (int i = 0; i < 20; ++i) {
    kept += cache.find(key("used" + std::to_string(i)), at(2)).state == State::fresh ? 1 : 0;
  }
  EXPECT_EQ(kept, 20);
}

TEST(Cache, DeadEntriesGoFirst) {
  Cache cache({.max_octets = 100'000, .stale_for_s = 10});
  cache.insert(key("dead"), answer(5), at(0));
  for (int i = 0; i < 5; ++i) cache.find(key("dead"), at(1));
  int filled = 0;
  for (; cache.stats().evictions.value() == 0; ++filled) {
    cache.insert(key("n" + std::to_string(filled)), answer(6000), at(20));
  }
  for (int i = 0; i < filled; ++i) {
    EXPECT_EQ(cache.find(key("n" + std::to_string(i)), at(20)).state, State::fresh);
  }
}

TEST(Cache, AnswersTooLargeForItAreNotKept) {
  Cache cache({.max_octets = 20'000});
  cache.insert(key("small"), answer(60), at(0));
  cache.insert(key("large"), answer(60, 30'000), at(0));
  EXPECT_EQ(cache.find(key("large"), at(0)).state, State::miss);
  EXPECT_EQ(cache.find(key("small"), at(0)).state, State::fresh);
  for (const std::size_t max_octets : {0, 1, 100, 300, 1000}) {
    Cache tiny({.max_octets = max_octets});
    tiny.insert(key("a"), answer(60), at(0));
    tiny.insert(key("b"), answer(60), at(0));
    EXPECT_LE(tiny.octets(), max_octets);
    EXPECT_LE(tiny.size(), max_octets / 300);
  }
}

// The twin: a map without bounds. Whatever the cache still has is what the map has; and it is never
// over its bound.
TEST(CacheProperty, NeverOverItsBoundAndNeverWrong) {
  std::mt19937 random(7);
  constexpr std::size_t kMax = 60'000;
  Cache cache({.max_octets = kMax, .stale_for_s = 50});
  struct Kept {
    std::size_t octets;
    std::uint32_t ttl_s;
    double stored;
  };
  std::unordered_map<std::string, Kept> twin;
  double now = 0;
  std::uint64_t found = 0;
  for (int i = 0; i < 40'000; ++i) {
    now += static_cast<double>(random() % 100) / 100;
    const std::string name = "n" + std::to_string(random() % 300);
    if (random() % 3 == 0) {
      const Kept kept{100 + random() % 2000, static_cast<std::uint32_t>(random() % 100), now};
      Answer made = answer(kept.ttl_s, kept.octets);
      made.names.resize(random() % 3);
      made.addresses.resize(random() % 9);
      cache.insert(key(name), std::move(made), at(now));
      twin[name] = kept;
    } else {
      const Cache::Hit hit = cache.find(key(name), at(now));
      if (hit.state == State::miss) continue;
      ++found;
      const Kept& kept = twin.at(name);
      const double age = now - kept.stored;
      ASSERT_EQ(hit.answer->wire.size(), kept.octets);
      ASSERT_EQ(hit.state, age < kept.ttl_s ? State::fresh : State::stale);
      ASSERT_LT(age, kept.ttl_s + 50.0);
      ASSERT_NEAR(hit.age_s, age, 1.0);
    }
    ASSERT_LE(cache.octets(), kMax);
  }
  EXPECT_GT(found, 1000U);
  EXPECT_GT(cache.stats().evictions.value(), 1000U);
}

}  // namespace
}  // namespace postern::cache
