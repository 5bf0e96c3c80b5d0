#include "journal/packed_query.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "journal/testing.h"

namespace postern::journal {
namespace {

using testing::answered;
using testing::blocked;
using testing::describe;
using testing::name;

std::vector<event::Query> kinds() {
  std::vector<event::Query> queries = {event::Query{}, answered("www.example"),
                                       blocked("a.bad.example", "bad.example")};
  event::Query in_chain = blocked("www.shop.example", "tracker.example");
  in_chain.matched_in_chain = true;
  in_chain.matched_wildcard = false;
  queries.push_back(in_chain);
  event::Query odd = answered("a\\.b\\000.example");
  odd.client = IpAddress::from_text("2001:db8::1").value();
  odd.qclass = dns::RRClass::ch;
  odd.qtype = static_cast<dns::RRType>(65'535);
  odd.rcode = static_cast<dns::Rcode>(4095);
  odd.trace_id = (1ULL << 40) - 1;
  odd.latency_us = 0xffffffff;
  odd.ede = 65'535;
  odd.security = event::Security::bogus;
  odd.transport = event::Transport::doq;
  odd.group.assign(std::string(32, 'g'));
  queries.push_back(odd);
  const std::string label(63, 'x');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'y');
  event::Query large = blocked(longest, longest);
  large.matched = name("z" + longest.substr(1));
  large.zone.assign(std::string(32, 'z'));
  large.action.assign(std::string(16, 'a'));
  queries.push_back(large);
  event::Query everything = blocked("www.example", ".");
  queries.push_back(everything);
  return queries;
}

TEST(PackedQuery, EveryFieldComesBack) {
  for (const event::Query& query : kinds()) {
    PackedQuery packed;
    packed.pack(query);
    EXPECT_EQ(describe(packed.unpack()), describe(query));
    EXPECT_EQ(packed.is_threat(), query.is_threat());
  }
}

TEST(PackedQuery, ASlotIsUsedAgainForAnyOther) {
  PackedQuery packed;
  for (const event::Query& first : kinds()) {
    for (const event::Query& second : kinds()) {
      packed.pack(first);
      packed.pack(second);
      EXPECT_EQ(describe(packed.unpack()), describe(second));
      PackedQuery moved = std::move(packed);
      EXPECT_EQ(describe(moved.unpack()), describe(second));
      packed.pack(first);
      EXPECT_EQ(describe(packed.unpack()), describe(first));
    }
  }
}

TEST(PackedQuery, UsualNamesTakeNoMemoryOfTheirOwn) {
  EXPECT_LE(sizeof(PackedQuery), 184U);
  EXPECT_EQ(describe(PackedQuery().unpack()), describe(event::Query()));
}

}  // namespace
}  // namespace postern::journal
