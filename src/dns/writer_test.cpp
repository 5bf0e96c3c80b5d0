#include "dns/writer.h"

#include <array>
#include <ctime>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postern::dns {
namespace {

Name name(std::string_view text) {
  return Name::from_text(text).value();
}

Octets rdata_of(std::initializer_list<OctetView> parts) {
  Octets rdata;
  for (const OctetView part : parts) rdata.insert(rdata.end(), part.begin(), part.end());
  return rdata;
}

struct Writing {
  explicit Writing(std::size_t limit = 4096) : writer(buffer, limit) { writer.header(1, flag::qr); }
  std::array<std::uint8_t, 65535> buffer;
  MessageWriter writer;
};

TEST(MessageWriter, CompressesOwnersAndTheNamesThatRfc3597Allows) {
  Writing w;
  ASSERT_TRUE(w.writer.question({name("www.example.com"), RRType::a, RRClass::in}));
  ASSERT_EQ(w.writer.size(), 12U + 17 + 4);
  // The owner is a pointer; in a CNAME, one new label and a pointer.
  ASSERT_TRUE(w.writer.record(Section::answer, {name("www.example.com"), RRType::cname, RRClass::in,
                                                1, name("web.example.com").wire()}));
  ASSERT_EQ(w.writer.size(), 33U + 2 + 10 + 6);
  // An SRV target is written out.
  const Octets srv = rdata_of({Octets{0, 1, 0, 2, 0, 3}, name("web.example.com").wire()});
  ASSERT_TRUE(w.writer.record(Section::answer,
                              {name("web.example.com"), RRType::srv, RRClass::in, 1, srv}));
  ASSERT_EQ(w.writer.size(), 51U + 2 + 10 + srv.size());
  // A SOA's two names are compressed.
  const Octets soa = rdata_of(
      {name("ns.example.com").wire(), name("hostmaster.ns.example.com").wire(), Octets(20, 7)});
  ASSERT_TRUE(
      w.writer.record(Section::authority, {name("example.com"), RRType::soa, RRClass::in, 1, soa}));
  ASSERT_EQ(w.writer.size(), 86U + 2 + 10 + (3 + 2) + (11 + 2) + 20);
  const auto view = MessageView::parse(w.writer.message());
  ASSERT_TRUE(view);
  view->for_each_record([&](Section section, const Record& record) {
    std::size_t at = record.rdata_offset;
    if (record.type == RRType::cname) {
      EXPECT_EQ(Name::from_wire(view->octets(), at), name("web.example.com"));
    }
    if (section == Section::authority) {
      EXPECT_EQ(Name::from_wire(view->octets(), at), name("ns.example.com"));
      EXPECT_EQ(Name::from_wire(view->octets(), at), name("hostmaster.ns.example.com"));
    }
    return true;
  });
}

TEST(MessageWriter, PointsIntoAnEchoedQuestionWhateverItsCase) {
  Octets query = {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'W', 'w', 'W', 2, 'D', 'e', 0, 0, 1, 0, 1};
  Writing w;
  ASSERT_TRUE(w.writer.echo_question(query, query.size()));
  EXPECT_EQ(text_of(w.writer.message().subspan(13, 3)), "WwW");
  ASSERT_TRUE(
      w.writer.record(Section::answer, {name("www.de"), RRType::a, RRClass::in, 1, Octets(4, 1)}));
  EXPECT_EQ(w.writer.size(), query.size() + 2 + 10 + 4);
  const auto view = MessageView::parse(w.writer.message());
  ASSERT_TRUE(view);
  view->for_each_record([](Section, const Record& record) {
    EXPECT_EQ(record.owner, name("www.de"));
    return true;
  });
}

// Labels that equal in octets but not in bounds must not be taken for each other.
TEST(MessageWriter, SimilarNamesAreNotMixedUp) {
  const Name names[] = {name("a.a.a"), name("a.a"), name("a\\.a"),  name("a\\001a"),
                        name("aa.a"),  Name(),      name("b.a.a.a")};
  Writing w;
  for (const Name& owner : names) {
    ASSERT_TRUE(
        w.writer.record(Section::answer, {owner, RRType::ns, RRClass::in, 1, owner.wire()}));
  }
  const auto view = MessageView::parse(w.writer.message());
  ASSERT_TRUE(view);
  std::size_t index = 0;
  view->for_each_record([&](Section, const Record& record) {
    EXPECT_EQ(record.owner, names[index]);
    std::size_t at = record.rdata_offset;
    EXPECT_EQ(Name::from_wire(view->octets(), at), names[index++]);
    return true;
  });
  EXPECT_EQ(index, std::size(names));
}

std::string labels_of(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "a.";
  return text;
}

// The longest question is a target to its last label.
TEST(MessageWriter, EverySuffixOfTheLongestQuestionCanBePointedAt) {
  Writing w;
  const Name qname = name(labels_of(Name::kMaxLabels));
  ASSERT_TRUE(w.writer.question({qname, RRType::a, RRClass::in}));
  for (std::size_t left = 0; left < Name::kMaxLabels; ++left) {
    const std::size_t before = w.writer.size();
    ASSERT_TRUE(w.writer.record(
        Section::answer, {qname.without_left(left), RRType::a, RRClass::in, 1, Octets(4, 1)}));
    ASSERT_EQ(w.writer.size(), before + 2 + 10 + 4) << left;
    ASSERT_EQ(load_u16(&w.buffer[before]), 0xc000 + 12 + 2 * left);
  }
}

// Long names that differ at both ends: whoever compares each suffix with each target needs
// hundreds of milliseconds for one such message, not one.
TEST(MessageWriter, DeepSimilarNamesCostNoMoreThanOthers) {
  const Name qname = name(labels_of(120) + "z1");
  std::vector<Name> targets;
  for (char x = 'a'; x < 'a' + 15; ++x) {
    for (char y = 'a'; y < 'a' + 16; ++y) {
      targets.push_back(name(std::string{x, y, '.'} + labels_of(120) + "b"));
    }
  }
  Writing w;
  const std::clock_t before = std::clock();
  for (int round = 0; round < 50; ++round) {
    w.writer = MessageWriter(w.buffer, w.buffer.size());
    w.writer.header(1, flag::qr);
    ASSERT_TRUE(w.writer.question({qname, RRType::ptr, RRClass::in}));
    for (const Name& target : targets) {
      ASSERT_TRUE(
          w.writer.record(Section::answer, {qname, RRType::ptr, RRClass::in, 1, target.wire()}));
    }
  }
  // Of this process alone, so that a busy machine does not matter.
  EXPECT_LT(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC, 2.0);
  const auto view = MessageView::parse(w.writer.message());
  ASSERT_TRUE(view);
  std::size_t index = 0;
  view->for_each_record([&](Section, const Record& record) {
    EXPECT_EQ(record.owner, qname);
    std::size_t at = record.rdata_offset;
    EXPECT_EQ(Name::from_wire(view->octets(), at), targets[index++]);
    return true;
  });
  EXPECT_EQ(index, targets.size());
}

TEST(MessageWriter, NamesPastPointerReachAreWrittenOut) {
  Writing w(65535);
  const Octets filler(16000, 0);
  ASSERT_TRUE(w.writer.record(Section::answer, {Name(), RRType::txt, RRClass::in, 1, filler}));
  ASSERT_TRUE(w.writer.record(Section::answer, {Name(), RRType::txt, RRClass::in, 1, filler}));
  for (int i = 0; i < 100; ++i) {
    const Name owner = name("n" + std::to_string(i % 50) + ".example");
    ASSERT_TRUE(w.writer.record(Section::answer, {owner, RRType::a, RRClass::in, 1, Octets(4)}));
  }
  const auto view = MessageView::parse(w.writer.message());
  ASSERT_TRUE(view);
  int index = -2;
  view->for_each_record([&](Section, const Record& record) {
    if (index >= 0) {
      EXPECT_EQ(record.owner, name("n" + std::to_string(index % 50) + ".example"));
    }
    ++index;
    return true;
  });
}

TEST(MessageWriter, WhatDoesNotFitIsNotThere) {
  const Octets address = {192, 0, 2, 1};
  for (std::size_t limit = 40; limit < 140; ++limit) {
    SCOPED_TRACE(limit);
    Writing w(limit);
    ASSERT_TRUE(w.writer.question({name("example.com"), RRType::a, RRClass::in}));
    w.writer.reserve(11);
    unsigned written = 0;
    while (w.writer.record(Section::answer, {name("w" + std::to_string(written) + ".example.com"),
                                             RRType::a, RRClass::in, 1, address})) {
      ++written;
      EXPECT_LE(w.writer.size() + 11, limit);
    }
    EXPECT_EQ(w.writer.opt(1232, Rcode::noerror, false, {}), true);
    EXPECT_LE(w.writer.size(), limit);
    const auto view = MessageView::parse(w.writer.message());
    ASSERT_TRUE(view);
    EXPECT_EQ(view->header().answer_count, written);
    EXPECT_EQ(written, (limit - 29 - 11) / (5 + 10 + 4));
  }
}

TEST(MessageWriter, AMalformedRdataIsPassedOnAsItIs) {
  Writing w;
  const Octets odd = {0, 10};
  ASSERT_TRUE(w.writer.record(Section::answer, {name("a"), RRType::mx, RRClass::in, 1, odd}));
  EXPECT_EQ(w.writer.size(), 12U + 3 + 10 + 2);
}

TEST(MessageWriter, OptHoldsWhatFits) {
  const Octets big(100, 1);
  const Octets small(2, 2);
  const MessageWriter::Option options[] = {
      {EdnsOption::cookie, small}, {EdnsOption::padding, big}, {EdnsOption::extended_error, small}};
  Writing w(12 + 11 + 6 + 6 + 20);
  ASSERT_TRUE(w.writer.opt(1232, static_cast<Rcode>(0xabc), true, options));
  const auto view = MessageView::parse(w.writer.message());
  ASSERT_TRUE(view);
  ASSERT_TRUE(view->edns());
  EXPECT_EQ(view->edns()->options.size(), 12U);
  EXPECT_TRUE(find_option(*view->edns(), EdnsOption::cookie));
  EXPECT_FALSE(find_option(*view->edns(), EdnsOption::padding));
  EXPECT_TRUE(find_option(*view->edns(), EdnsOption::extended_error));
  EXPECT_EQ(view->rcode(), static_cast<Rcode>(0xabc));
  EXPECT_EQ(view->edns()->udp_octets, 1232);
  Writing none(12 + 10);
  EXPECT_FALSE(none.writer.opt(1232, Rcode::noerror, false, {}));
  EXPECT_EQ(none.writer.size(), 12U);
}

TEST(MessageWriter, FlagsAndRcode) {
  Writing w;
  w.writer.set_flag(flag::aa);
  w.writer.set_rcode(Rcode::refused);
  w.writer.set_rcode(Rcode::nxdomain);
  const auto header = Header::read(w.writer.message());
  EXPECT_EQ(header->flags, flag::qr | flag::aa | 3);
}

TEST(ExtendedError, TextIsCutBetweenCharacters) {
  std::array<std::uint8_t, 64> buffer;
  const auto text = [&](std::size_t size, std::string_view from) {
    const OctetView payload =
        write_extended_error(std::span(buffer).first(size), EdeCode::blocked, from);
    if (payload.size() < 2) return std::string("too small");
    EXPECT_EQ(load_u16(payload.data()), 15);
    return std::string(text_of(payload.subspan(2)));
  };
  EXPECT_EQ(text(64, "feed"), "feed");
  EXPECT_EQ(text(6, "feed"), "feed");
  EXPECT_EQ(text(5, "feed"), "fee");
  EXPECT_EQ(text(2, "feed"), "");
  EXPECT_EQ(text(1, "feed"), "too small");
  EXPECT_EQ(text(5, "a\u00e4\u00e4"), "a\u00e4");
  EXPECT_EQ(text(6, "a\u00e4\u00e4"), "a\u00e4");
  EXPECT_EQ(text(4, "\u20ac"), "");
}

}  // namespace
}  // namespace postern::dns
