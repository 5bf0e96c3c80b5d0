#include "dns/rdata.h"

#include <gtest/gtest.h>

#include "dns/writer.h"

namespace postern::dns {
namespace {

Name name(std::string_view text) {
  return Name::from_text(text).value();
}

// A message whose question is www.example.com (at 12; example.com at 16), and one answer with
// this RDATA, in which pointers may be.
struct Answer {
  Answer(RRType type, OctetView rdata) {
    message = {0, 0, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0};
    const auto add = [this](OctetView octets) {
      message.insert(message.end(), octets.begin(), octets.end());
    };
    add(name("www.example.com").wire());
    add(Octets{0, 1, 0, 1, 0xc0, 12});
    add(Octets{static_cast<std::uint8_t>(static_cast<unsigned>(type) >> 8),
               static_cast<std::uint8_t>(type), 0, 1, 0, 0, 0, 1, 0,
               static_cast<std::uint8_t>(rdata.size())});
    add(rdata);
    std::size_t offset = 33;
    EXPECT_TRUE(MessageView::read_record(message, offset, record));
  }
  Octets message;
  Record record;
};

TEST(RdataTarget, IsTheNameThatAClientFollows) {
  struct Case {
    RRType type;
    Octets rdata;
    std::string want;
  };
  const Case cases[] = {
      {RRType::cname, {0xc0, 16}, "example.com."},
      {RRType::dname, {1, 'A', 0xc0, 16}, "a.example.com."},
      {RRType::ns, {0xc0, 12}, "www.example.com."},
      {RRType::ptr, {1, 'x', 0}, "x."},
      {RRType::mx, {0, 10, 2, 'm', 'x', 0xc0, 16}, "mx.example.com."},
      {RRType::srv, {0, 1, 0, 2, 0, 3, 1, 's', 0xc0, 16}, "s.example.com."},
      {RRType::https, {0, 1, 1, 'h', 0, 0, 3, 0, 2, 1, 187}, "h."},
      {RRType::svcb, {0, 0, 1, 'h', 0}, "h."},
      // "." leads nowhere.
      {RRType::https, {0, 1, 0}, "none"},
      {RRType::mx, {0, 0, 0}, "none"},
      // No target, or none that reads.
      {RRType::a, {192, 0, 2, 1}, "none"},
      {RRType::txt, {1, 'x'}, "none"},
      {RRType::cname, {}, "none"},
      {RRType::cname, {3, 'a'}, "none"},
      {RRType::mx, {0}, "none"},
      {RRType::srv, {0, 1, 0, 2, 0, 3}, "none"},
      {RRType::cname, {0xc0, 0xff}, "none"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(to_string(c.type) + " " + testing::PrintToString(c.rdata));
    const Answer answer(c.type, c.rdata);
    Name target;
    const bool found = rdata_target(c.type, answer.message, answer.record, target);
    EXPECT_EQ(found ? target.to_text() : "none", c.want);
  }
}

TEST(RdataToText, DataAloneHasNothingToPointTo) {
  // An MX whose name is a pointer; a message may have it, with what it points to.
  EXPECT_EQ(rdata_to_text(RRType::mx, Octets{0, 0, 0xc0, 0}), "\\# 4 0000C000");
  Octets message(12);
  message.insert(message.end(), {1, 'a', 0, 0, 10, 0xc0, 12});
  EXPECT_EQ(rdata_to_text(RRType::mx, message, 15, 4), "10 a.");
}

TEST(ExpandRdata, WritesNamesOutInTheirCase) {
  struct Case {
    RRType type;
    Octets rdata;
    std::optional<Octets> want;
  };
  const Octets com = {3, 'c', 'o', 'm', 0};
  const Case cases[] = {
      {RRType::cname, {1, 'A', 0xc0, 24}, Octets{1, 'A', 3, 'c', 'o', 'm', 0}},
      {RRType::mx, {0, 10, 0xc0, 24}, Octets{0, 10, 3, 'c', 'o', 'm', 0}},
      {RRType::rp, {0xc0, 24, 0}, Octets{3, 'c', 'o', 'm', 0, 0}},
      {RRType::nsec, {1, 'B', 0, 0, 1, 0x40}, Octets{1, 'B', 0, 0, 1, 0x40}},
      {RRType::a, {192, 0, 2, 1}, Octets{192, 0, 2, 1}},
      {static_cast<RRType>(731), {0xc0, 24}, Octets{0xc0, 24}},
      {RRType::cname, {0xc0, 24, 0}, std::nullopt},
      {RRType::cname, {}, std::nullopt},
      {RRType::mx, {0}, std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(to_string(c.type) + " " + testing::PrintToString(c.rdata));
    const Answer answer(c.type, c.rdata);
    Octets out = {9, 9};
    EXPECT_EQ(expand_rdata(answer.message, answer.record, out), c.want.has_value());
    if (c.want) {
      EXPECT_EQ(out, *c.want);
    }
  }
}

}  // namespace
}  // namespace postern::dns
