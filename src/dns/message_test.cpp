#include "dns/message.h"

#include <initializer_list>
#include <string>

#include <gtest/gtest.h>

#include "dns/writer.h"

namespace postern::dns {
namespace {

Name name(std::string_view text) {
  return Name::from_text(text).value();
}

// Octets from parts: numbers below 256 are octets, text is itself.
struct Builder {
  Octets octets;
  Builder& u8(unsigned value) {
    octets.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Builder& u16(unsigned value) { return u8(value >> 8).u8(value & 0xff); }
  Builder& u32(std::uint32_t value) { return u16(value >> 16).u16(value & 0xffff); }
  Builder& add(OctetView more) {
    octets.insert(octets.end(), more.begin(), more.end());
    return *this;
  }
  Builder& name_of(std::string_view text) { return add(name(text).wire()); }
  Builder& header(unsigned flags, std::initializer_list<unsigned> counts) {
    u16(0x1234).u16(flags);
    for (const unsigned count : counts) u16(count);
    return *this;
  }
  Builder& question() { return u8(3).add(octets_of("WwW")).name_of("example.com").u16(28).u16(1); }
  Builder& opt(OctetView options, unsigned version = 0) {
    return u8(0)
        .u16(41)
        .u16(1232)
        .u8(0)
        .u8(version)
        .u16(0x8000)
        .u16(static_cast<unsigned>(options.size()))
        .add(options);
  }
};

std::string describe(const Octets& message) {
  Query query;
  const auto result = parse_query(message, query);
  if (result) return "ok";
  switch (result.error()) {
    case QueryError::not_a_query:
      return "drop";
    case QueryError::format:
      return query.question_end == 0 ? "FORMERR" : "FORMERR with question";
    case QueryError::not_implemented:
      return "NOTIMP";
    case QueryError::bad_version:
      return query.edns ? "BADVERS" : "BADVERS without EDNS";
  }
  return "?";
}

TEST(ParseQuery, WhatIsAnsweredHow) {
  struct Case {
    const char* what;
    Octets message;
    std::string want;
  };
  const Octets option = Builder().u16(10).u16(2).u16(0xabcd).octets;
  const Octets tsig =
      Builder().name_of("key").u16(250).u16(255).u32(0).u16(3).u8(1).u8(2).u8(3).octets;
  const Case cases[] = {
      {"plain", Builder().header(0x0100, {1, 0, 0, 0}).question().octets, "ok"},
      {"EDNS", Builder().header(0x0100, {1, 0, 0, 1}).question().opt({}).octets, "ok"},
      {"an option", Builder().header(0, {1, 0, 0, 1}).question().opt(option).octets, "ok"},
      {"TSIG behind OPT", Builder().header(0, {1, 0, 0, 2}).question().opt({}).add(tsig).octets,
       "ok"},
      {"octets behind the message", Builder().header(0, {1, 0, 0, 0}).question().u8(0).octets,
       "ok"},
      {"empty", {}, "drop"},
      {"eleven octets", Octets(11, 0), "drop"},
      {"a response", Builder().header(0x8100, {1, 0, 0, 0}).question().octets, "drop"},
      {"NOTIFY", Builder().header(4 << 11, {1, 0, 0, 0}).question().octets, "NOTIMP"},
      {"no question", Builder().header(0, {0, 0, 0, 0}).octets, "FORMERR"},
      {"two questions", Builder().header(0, {2, 0, 0, 0}).question().question().octets, "FORMERR"},
      {"question missing", Builder().header(0, {1, 0, 0, 0}).octets, "FORMERR"},
      {"class cut off", Builder().header(0, {1, 0, 0, 0}).u8(0).u16(1).u8(0).octets, "FORMERR"},
      {"pointer into the header",
       Builder().header(0, {1, 0, 0, 0}).u16(0xc002).u16(1).u16(1).octets, "FORMERR"},
      {"pointer to itself", Builder().header(0, {1, 0, 0, 0}).u16(0xc00c).u16(1).u16(1).octets,
       "FORMERR"},
      {"an answer", Builder().header(0, {1, 1, 0, 0}).question().octets, "FORMERR with question"},
      {"authority", Builder().header(0, {1, 0, 1, 0}).question().octets, "FORMERR with question"},
      {"OPT missing", Builder().header(0, {1, 0, 0, 1}).question().octets, "FORMERR with question"},
      {"two OPT", Builder().header(0, {1, 0, 0, 2}).question().opt({}).opt({}).octets,
       "FORMERR with question"},
      {"OPT with a name",
       Builder()
           .header(0, {1, 0, 0, 1})
           .question()
           .name_of("a")
           .u16(41)
           .u16(0)
           .u32(0)
           .u16(0)
           .octets,
       "FORMERR with question"},
      {"half an option",
       Builder().header(0, {1, 0, 0, 1}).question().opt(Octets{0, 10, 0, 9, 1}).octets,
       "FORMERR with question"},
      {"a bit of an option",
       Builder().header(0, {1, 0, 0, 1}).question().opt(Octets{0, 10, 0}).octets,
       "FORMERR with question"},
      {"four records",
       Builder().header(0, {1, 0, 0, 4}).question().opt({}).add(tsig).add(tsig).add(tsig).octets,
       "ok"},
      {"five records",
       Builder()
           .header(0, {1, 0, 0, 5})
           .question()
           .opt({})
           .add(tsig)
           .add(tsig)
           .add(tsig)
           .add(tsig)
           .octets,
       "FORMERR with question"},
      {"RDATA cut off",
       Builder().header(0, {1, 0, 0, 1}).question().u8(0).u16(41).u16(0).u32(0).u16(1).octets,
       "FORMERR with question"},
      {"EDNS version 1", Builder().header(0, {1, 0, 0, 1}).question().opt({}, 1).octets, "BADVERS"},
  };
  for (const Case& c : cases) EXPECT_EQ(describe(c.message), c.want) << c.what;
}

/// A message whose names are each read by way of 126 pointers: `records` of MINFO, two names each.
Octets ladder(unsigned records) {
  Octets octets = Builder().header(0x8000, {0, records + 1, 0, 0}).octets;
  const auto put = [&octets](const Octets& more) {
    octets.insert(octets.end(), more.begin(), more.end());
  };
  const unsigned fixed = 11;  // The root's name, type, class, TTL, RDATA size.
  Octets rungs{1, 'a', 0};
  unsigned last = kHeaderOctets + fixed;
  for (unsigned i = 0; i < 125; ++i) {
    const unsigned at = kHeaderOctets + fixed + static_cast<unsigned>(rungs.size());
    rungs.insert(rungs.end(), {1, 'a', static_cast<std::uint8_t>(0xc0U | last >> 8),
                               static_cast<std::uint8_t>(last)});
    last = at;
  }
  put(Builder().u8(0).u16(65280).u16(1).u32(0).u16(static_cast<unsigned>(rungs.size())).octets);
  put(rungs);
  const unsigned top = 0xc000U | last;
  for (unsigned i = 0; i < records; ++i) {
    put(Builder().u16(top).u16(14).u16(1).u32(0).u16(4).u16(top).u16(top).octets);
  }
  return octets;
}

// One such message of 64 kB would cost each pass over it ten milliseconds.
TEST(MessageView, NamesThatAreDearToReadAreFew) {
  constexpr std::size_t kStepsOfOne = 3 * (126 + 126);
  constexpr unsigned kMost = MessageView::kMaxNameSteps / kStepsOfOne;
  EXPECT_TRUE(MessageView::parse(ladder(kMost)).has_value());
  const auto more = MessageView::parse(ladder(kMost + 1));
  ASSERT_FALSE(more.has_value());
  EXPECT_EQ(more.error(), MessageError::bad_record);
}

TEST(ParseQuery, Fields) {
  const Octets options = Builder().u16(10).u16(2).u16(0xabcd).u16(3).u16(0).octets;
  const Octets message = Builder().header(0x0110, {1, 0, 0, 1}).question().opt(options).octets;
  Query query;
  ASSERT_TRUE(parse_query(message, query));
  EXPECT_EQ(query.header.id, 0x1234);
  EXPECT_TRUE(query.header.has(flag::rd));
  EXPECT_TRUE(query.header.has(flag::cd));
  EXPECT_EQ(query.question, (Question{name("www.example.com"), RRType::aaaa, RRClass::in}));
  EXPECT_EQ(query.question_end, 12U + 17 + 4);
  ASSERT_TRUE(query.edns);
  EXPECT_TRUE(query.dnssec_ok());
  EXPECT_EQ(query.udp_octets(), 1232U);
  const auto cookie = find_option(*query.edns, EdnsOption::cookie);
  ASSERT_TRUE(cookie);
  EXPECT_EQ(Octets(cookie->begin(), cookie->end()), (Octets{0xab, 0xcd}));
  ASSERT_TRUE(find_option(*query.edns, EdnsOption::nsid));
  EXPECT_TRUE(find_option(*query.edns, EdnsOption::nsid)->empty());
  EXPECT_FALSE(find_option(*query.edns, EdnsOption::padding));
  // What the last query left behind does not show in the next.
  ASSERT_TRUE(parse_query(Builder().header(0, {1, 0, 0, 0}).question().octets, query));
  EXPECT_FALSE(query.edns);
  EXPECT_EQ(query.udp_octets(), 512U);
}

TEST(ParseQuery, EveryCutOfAQueryIsRefused) {
  const Octets message =
      Builder().header(0, {1, 0, 0, 1}).question().opt(Octets{0, 10, 0, 1, 7}).octets;
  for (std::size_t size = 0; size < message.size(); ++size) {
    const Octets cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(describe(cut), "ok") << size;
  }
}

std::string checked(const Octets& message) {
  const auto view = MessageView::parse(message);
  return view ? "ok" : std::string(to_string(view.error()));
}

// A response to the question, with one answer record of this type and RDATA.
Octets response(unsigned type, const Octets& rdata, unsigned rr_class = 1) {
  return Builder()
      .header(0x8180, {1, 1, 0, 0})
      .question()
      .u16(0xc00c)
      .u16(type)
      .u16(rr_class)
      .u32(300)
      .u16(static_cast<unsigned>(rdata.size()))
      .add(rdata)
      .octets;
}

TEST(MessageView, ChecksEveryRecord) {
  struct Case {
    const char* what;
    Octets message;
    std::string want;
  };
  const Octets target = {1, 'x', 0xc0, 16};
  const Case cases[] = {
      {"an empty response", Builder().header(0x8180, {0, 0, 0, 0}).octets, "ok"},
      {"A", response(1, {192, 0, 2, 1}), "ok"},
      {"CNAME", response(5, target), "ok"},
      {"MX", response(15, Builder().u16(10).add(target).octets), "ok"},
      {"SRV", response(33, Builder().u16(1).u16(2).u16(3).add(target).octets), "ok"},
      {"HTTPS", response(65, Builder().u16(1).add(target).u16(3).u16(2).u16(443).octets), "ok"},
      {"NAPTR", response(35, Builder().u32(0).u8(1).u8('u').u8(0).u8(0).add(target).octets), "ok"},
      {"unknown type", response(731, {1, 2, 3}), "ok"},
      {"too short", Octets(11), "message cut off"},
      {"question cut off", Builder().header(0, {1, 0, 0, 0}).u8(3).octets, "message cut off"},
      {"bad question", Builder().header(0, {1, 0, 0, 0}).u8(0x80).octets, "bad name"},
      {"record missing", Builder().header(0x8180, {1, 1, 0, 0}).question().octets,
       "message cut off"},
      {"owner loops", Builder().header(0x8180, {0, 1, 0, 0}).u16(0xc00c).octets, "bad name"},
      {"octets behind it", Builder().header(0x8180, {0, 0, 0, 0}).u8(0).octets,
       "octets behind the message"},
      {"CNAME that points forward", response(5, {0xc0, 0xff}), "bad record"},
      {"CNAME with more behind", response(5, {0xc0, 12, 0}), "bad record"},
      {"CNAME whose name leaves its RDATA", response(5, {5, 'a'}), "bad record"},
      {"CNAME without RDATA", response(5, {}), "bad record"},
      {"CNAME to delete, in an UPDATE", response(5, {}, 255), "ok"},
      {"SOA without its numbers", response(6, {0xc0, 12, 0xc0, 12, 0, 0}), "bad record"},
      {"MX without its name", response(15, {0, 10}), "bad record"},
      {"NAPTR whose string leaves its RDATA", response(35, {0, 1, 0, 1, 9}), "bad record"},
      {"RRSIG whose signer loops",
       response(46, Builder().u32(0).u32(0).u32(0).u32(0).u16(0).u16(0xc0ff).octets), "bad record"},
      {"OPT among the answers", response(41, {}), "bad record"},
      {"two OPT", Builder().header(0x8180, {0, 0, 0, 2}).opt({}).opt({}).octets, "bad record"},
      {"half an option", Builder().header(0x8180, {0, 0, 0, 1}).opt(Octets{0, 1}).octets,
       "bad record"},
  };
  for (const Case& c : cases) EXPECT_EQ(checked(c.message), c.want) << c.what;
}

TEST(MessageView, WalksTheRecordsInOrder) {
  std::array<std::uint8_t, 512> buffer;
  MessageWriter writer(buffer, 512);
  writer.header(7, flag::qr | flag::ra);
  ASSERT_TRUE(writer.question({name("a.example"), RRType::a, RRClass::in}));
  const Octets address = {192, 0, 2, 1};
  ASSERT_TRUE(writer.record(Section::answer, {name("a.example"), RRType::cname, RRClass::in, 60,
                                              name("b.example").wire()}));
  ASSERT_TRUE(
      writer.record(Section::answer, {name("b.example"), RRType::a, RRClass::in, 61, address}));
  ASSERT_TRUE(writer.record(Section::authority, {name("example"), RRType::ns, RRClass::in, 62,
                                                 name("ns.example").wire()}));
  ASSERT_TRUE(writer.opt(1232, Rcode::badvers, true, {}));
  const auto view = MessageView::parse(writer.message());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->question(), (Question{name("a.example"), RRType::a, RRClass::in}));
  EXPECT_EQ(view->rcode(), Rcode::badvers);
  ASSERT_TRUE(view->edns());
  EXPECT_TRUE(view->edns()->dnssec_ok);
  std::string walked;
  view->for_each_record([&](Section section, const Record& record) {
    walked += std::to_string(static_cast<int>(section)) + " " + record.owner.to_text() + " " +
              to_string(record.type) + " " + std::to_string(record.ttl) + "\n";
    EXPECT_EQ(load_u32(&writer.message()[record.ttl_offset]), record.ttl);
    EXPECT_EQ(
        &writer.message()[record.rdata_offset] - record.rdata.data(),
        record.rdata.empty() ? &writer.message()[record.rdata_offset] - record.rdata.data() : 0);
    return true;
  });
  EXPECT_EQ(walked,
            "0 a.example. CNAME 60\n0 b.example. A 61\n1 example. NS 62\n2 . OPT 16809984\n");
  int visits = 0;
  view->for_each_record([&](Section, const Record&) { return ++visits < 2; });
  EXPECT_EQ(visits, 2);
}

}  // namespace
}  // namespace postern::dns
