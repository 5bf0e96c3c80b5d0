#include "server/pending_table.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::server {
namespace {

cache::Key key_of(int number) {
  return {.qname = *dns::Name::from_text("n" + std::to_string(number) + ".example"),
          .qtype = dns::RRType::a,
          .qclass = dns::RRClass::in};
}

TEST(PendingTable, QuestionsComeUpInOrderAndOnce) {
  PendingTable table(1);
  const MonoTime start{seconds(10)};
  const int order[] = {3, 1, 4, 0, 2};
  for (const int i : order) {
    Pending* pending = table.add(key_of(i), 0, start, start + seconds(5));
    table.set_due(*pending, start + seconds(9));
    table.set_due(*pending, start + seconds(i));
    table.set_due(*pending, start + seconds(7));  // Later than what is set: nothing.
  }
  EXPECT_EQ(table.next_due(), start);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(table.pop_due(start + seconds(i) - microseconds(1)), nullptr);
    const Pending* pending = table.pop_due(start + seconds(i));
    ASSERT_NE(pending, nullptr);
    EXPECT_EQ(pending->key, key_of(i));
    EXPECT_EQ(table.pop_due(start + seconds(i)), nullptr);
  }
  EXPECT_EQ(table.pop_due(start + seconds(60)), nullptr);
  EXPECT_EQ(table.next_due(), std::nullopt);
}

TEST(PendingTable, ASiteIsOneParty) {
  const auto party = [](const char* text) { return party_of(*IpAddress::from_text(text), 7); };
  EXPECT_EQ(party("2001:db8:0:100::1"), party("2001:db8:0:1ff::2"));
  EXPECT_NE(party("2001:db8:0:100::1"), party("2001:db8:0:200::1"));
  EXPECT_NE(party("192.0.2.1"), party("192.0.2.2"));
  EXPECT_NE(party("192.0.2.1"), party_of(*IpAddress::from_text("192.0.2.1"), 8));
}

// Questions that are answered in a millisecond leave nothing behind for their deadline's time.
TEST(PendingTable, TimesOfQuestionsThatAreGoneAreBounded) {
  PendingTable table(1);
  const MonoTime start{seconds(10)};
  Pending* const slow = table.add(key_of(-1), 0, start, start + seconds(20));
  table.set_due(*slow, start + seconds(20));
  for (int i = 0; i < 20'000; ++i) {
    Pending* pending = table.add(key_of(i), 0, start, start + seconds(5));
    table.set_due(*pending, start + seconds(15));
    table.set_due(*pending, start + seconds(5));
    ASSERT_LE(table.due_count(), 4 * table.size() + 1024);
    table.erase(*pending);
  }
  // What is still under way comes up when it should.
  EXPECT_EQ(table.pop_due(start + seconds(19)), nullptr);
  EXPECT_EQ(table.pop_due(start + seconds(20)), slow);
}

}  // namespace
}  // namespace postern::server
