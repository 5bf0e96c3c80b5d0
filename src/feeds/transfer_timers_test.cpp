#include "feeds/transfer_timers.h"

#include <gtest/gtest.h>

namespace postern::feeds {
namespace {

constexpr MonoTime kStart{microseconds(1'000'000'000'000)};
constexpr double kFull = 1;  // No wait is shortened.
constexpr Soa kSoa{7, 3600, 600, 86'400};

MonoTime at(std::int64_t seconds_from_start) {
  return kStart + seconds(seconds_from_start);
}

TransferTimers with_copy(const Soa& soa = kSoa) {
  TransferTimers timers;
  timers.began(kStart);
  timers.succeeded(soa, kStart, kFull);
  return timers;
}

TEST(SerialNumbers, GoRound) {
  struct Case {
    std::uint32_t serial, than;
    bool newer;
  };
  const Case cases[] = {
      {1, 0, true},
      {0, 1, false},
      {5, 5, false},
      {0, 0xffff'ffff, true},
      {0xffff'ffff, 0, false},
      {0x7fff'ffff, 0, true},
      // RFC 1982 leaves these two open: neither is newer.
      {0x8000'0000, 0, false},
      {0, 0x8000'0000, false},
      {0x8000'0001, 0, false},
      {0, 0x8000'0001, true},
  };
  for (const Case& c : cases) EXPECT_EQ(is_newer(c.serial, c.than), c.newer) << c.serial;
}

TEST(TransferTimers, AZoneNeverHadIsTriedAtOnceAndThenLessAndLessOften) {
  TransferTimers timers;
  EXPECT_LE(timers.next_try(), kStart);
  EXPECT_FALSE(timers.expires_at());
  MonoTime now = kStart;
  for (const int wait : {30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600}) {
    timers.began(now);
    timers.failed(now, kFull);
    EXPECT_EQ(timers.next_try(), now + seconds(wait));
    now = timers.next_try();
  }
}

TEST(TransferTimers, RefreshThenRetryThenExpire) {
  TransferTimers timers = with_copy();
  EXPECT_EQ(timers.next_try(), at(3600));
  EXPECT_EQ(timers.expires_at(), at(86'400));
  timers.began(at(3600));
  timers.failed(at(3610), kFull);
  EXPECT_EQ(timers.next_try(), at(4210));
  timers.began(at(4210));
  timers.failed(at(4210), kFull);
  EXPECT_EQ(timers.next_try(), at(4810)) << "retries do not slow down";
  EXPECT_EQ(timers.expires_at(), at(86'400)) << "failing is no contact";
  timers.began(at(4810));
  timers.succeeded(kSoa, at(4810), kFull);
  EXPECT_EQ(timers.expires_at(), at(4810 + 86'400));
  EXPECT_EQ(timers.next_try(), at(4810 + 3600));
}

TEST(TransferTimers, WaitsAreShortenedByUpToATenthNeverLengthened) {
  TransferTimers timers;
  timers.succeeded(kSoa, kStart, 0);
  EXPECT_EQ(timers.next_try(), at(3240));
  timers.failed(at(3240), 0.5);
  EXPECT_EQ(timers.next_try(), at(3240 + 570));
}

TEST(TransferTimers, AbsurdTimersAreBroughtIntoBounds) {
  TransferTimers timers = with_copy({7, 0, 0, 0});
  EXPECT_EQ(timers.next_try(), at(10));
  EXPECT_EQ(timers.expires_at(), at(20)) << "after one refresh and one retry at the earliest";
  timers.failed(at(10), kFull);
  EXPECT_EQ(timers.next_try(), at(20));
  timers = with_copy({7, 0xffff'ffff, 0xffff'ffff, 0xffff'ffff});
  EXPECT_EQ(timers.next_try(), at(7 * 86'400));
  TransferTimers own({.min = seconds(1), .max = seconds(5)});
  own.succeeded({7, 3600, 0, 10}, kStart, kFull);
  EXPECT_EQ(own.next_try(), at(5));
  own.failed(at(5), kFull);
  EXPECT_EQ(own.next_try(), at(6));
}

TEST(TransferTimers, ARestartGoesOnWhereTheLastContactWas) {
  TransferTimers timers;
  timers.restore(kSoa, at(-5000), kFull);
  EXPECT_LT(timers.next_try(), kStart);
  EXPECT_EQ(timers.expires_at(), at(81'400));
}

TEST(TransferTimers, ANotifyOfSomethingNewIsActedOnAtOnce) {
  struct Case {
    std::optional<std::uint32_t> serial;
    bool is_news;
  };
  for (const Case& c : {Case{8, true}, Case{std::nullopt, true}, Case{7, false}, Case{6, false}}) {
    TransferTimers timers = with_copy();
    EXPECT_EQ(timers.on_notify(c.serial, at(100)), c.is_news);
    EXPECT_EQ(timers.next_try(), c.is_news ? at(100) : at(3600));
  }
}

TEST(TransferTimers, ManyNotifiesAreFewTries) {
  TransferTimers timers = with_copy();
  EXPECT_TRUE(timers.on_notify(std::nullopt, kStart));
  EXPECT_EQ(timers.next_try(), kStart + TransferTimers::kNotifyGap);
  timers.began(at(2));
  timers.failed(at(2), kFull);
  EXPECT_TRUE(timers.on_notify(std::nullopt, at(3)));
  EXPECT_EQ(timers.next_try(), at(4));
}

TEST(TransferTimers, ANotifyDuringATransferIsHeardAfterIt) {
  TransferTimers timers = with_copy();
  timers.began(at(100));
  EXPECT_TRUE(timers.on_notify(9, at(101)));
  timers.succeeded({8, 3600, 600, 86'400}, at(110), kFull);
  EXPECT_EQ(timers.next_try(), at(102)) << "serial 9 is still to come";
  timers.began(at(110));
  EXPECT_TRUE(timers.on_notify(10, at(111)));
  timers.succeeded({10, 3600, 600, 86'400}, at(120), kFull);
  EXPECT_EQ(timers.next_try(), at(120 + 3600)) << "that one has come";
}

}  // namespace
}  // namespace postern::feeds
