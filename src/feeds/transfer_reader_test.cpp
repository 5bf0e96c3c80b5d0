#include "feeds/transfer_reader.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dns/rdata.h"
#include "dns/writer.h"

namespace postern::feeds {
namespace {

using dns::Name;
using dns::RRClass;
using dns::RRType;
using State = TransferReader::State;

constexpr std::uint16_t kId = 0x1234;

Name name(std::string_view text) {
  return Name::from_text(text).value();
}
const Name kZone = name("rpz.example");

struct Line {
  std::string owner;
  RRType type;
  std::string data;
  RRClass rr_class = RRClass::in;
  std::uint32_t ttl = 60;
};
Line soa(std::uint32_t serial) {
  return {"rpz.example", RRType::soa,
          "ns.example. admin.example. " + std::to_string(serial) + " 3600 600 86400 60"};
}
Line block(std::string owner) {
  return {owner + ".rpz.example", RRType::cname, "."};
}

// A message of an answer to `type`.
Octets message(RRType type, const std::vector<Line>& lines,
               std::uint16_t flags = dns::flag::qr | dns::flag::aa, bool has_question = true) {
  Octets buffer(65535);
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(kId, flags);
  if (has_question) {
    EXPECT_TRUE(writer.question({kZone, type, RRClass::in}));
  }
  for (const Line& line : lines) {
    const Name owner = name(line.owner);
    const Octets rdata = dns::rdata_from_text(line.type, line.data, Name()).value();
    EXPECT_TRUE(
        writer.record(dns::Section::answer, {owner, line.type, line.rr_class, line.ttl, rdata}));
  }
  buffer.resize(writer.size());
  return buffer;
}

ZoneCopy zone_of(const std::vector<Line>& lines) {
  ZoneCopyEditor editor(kZone, {});
  for (const Line& line : lines) {
    const Name owner = name(line.owner);
    const Octets rdata = dns::rdata_from_text(line.type, line.data, Name()).value();
    EXPECT_TRUE(editor.add({owner, line.type, line.ttl, rdata}));
  }
  return std::move(editor).finish();
}
const ZoneCopy kBase = zone_of({soa(5), block("a"), block("b")});

// What the messages came to: the zone's text, or the state, or the error.
std::string outcome(const TransferQuery& query, const std::vector<Octets>& messages,
                    const ZoneCopyLimits& limits = {}) {
  TransferReader reader(query, limits);
  State state = State::more;
  for (const Octets& octets : messages) {
    const auto taken = reader.take(octets);
    if (!taken) return "error: " + taken.error().text;
    state = *taken;
    if (state != State::more) break;
  }
  if (state == State::more) return "more";
  if (state == State::up_to_date) return "up to date";
  return (state == State::whole ? "whole\n" : "changes\n") + std::move(reader).finish().to_text();
}
std::string axfr(const std::vector<std::vector<Line>>& messages) {
  std::vector<Octets> octets;
  for (const auto& lines : messages) octets.push_back(message(RRType::axfr, lines));
  return outcome({kZone, RRType::axfr, kId}, octets);
}
std::string ixfr(const std::vector<std::vector<Line>>& messages) {
  std::vector<Octets> octets;
  for (const auto& lines : messages) octets.push_back(message(RRType::ixfr, lines));
  return outcome({kZone, RRType::ixfr, kId, &kBase}, octets);
}
std::string whole(const std::vector<Line>& lines) {
  return "whole\n" + zone_of(lines).to_text();
}
std::string changes(const std::vector<Line>& lines) {
  return "changes\n" + zone_of(lines).to_text();
}

TEST(TransferReader, TheQuerySaysWhatWeHave) {
  const Octets query = to_octets({kZone, RRType::ixfr, kId, &kBase});
  const auto view = dns::MessageView::parse(query);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->question(), (dns::Question{kZone, RRType::ixfr, RRClass::in}));
  EXPECT_EQ(view->header().id, kId);
  EXPECT_FALSE(view->header().has(dns::flag::qr));
  EXPECT_EQ(view->header().authority_count, 1);
  view->for_each_record([&](dns::Section section, const dns::Record& record) {
    EXPECT_EQ(section, dns::Section::authority);
    Octets rdata;
    EXPECT_TRUE(dns::expand_rdata(query, record, rdata));
    EXPECT_EQ(soa_of(rdata), kBase.soa());
    return true;
  });
}

TEST(TransferReader, AWholeZoneInAnyNumberOfMessages) {
  const std::string want = whole({soa(7), block("a"), block("c")});
  EXPECT_EQ(axfr({{soa(7), block("a"), block("c"), soa(7)}}), want);
  EXPECT_EQ(axfr({{soa(7)}, {block("c")}, {block("a")}, {soa(7)}}), want);
  EXPECT_EQ(axfr({{soa(7), block("a"), block("a"), block("c"), soa(7)}}), want) << "twice the same";
  EXPECT_EQ(axfr({{soa(7), soa(7)}}), whole({soa(7)}));
  EXPECT_EQ(outcome({kZone, RRType::axfr, kId},
                    {message(RRType::axfr, {soa(7), block("a")}),
                     message(RRType::axfr, {block("c"), soa(7)}, dns::flag::qr, false)}),
            want)
      << "later messages need no question";
}

TEST(TransferReader, ChangesAreAppliedToTheCopy) {
  // RFC 1995 §7's shape: two steps from 5 to 7.
  EXPECT_EQ(ixfr({{soa(7), soa(5), block("a"), soa(6), block("c"), soa(6), block("c"), soa(7),
                   block("d"), block("e"), soa(7)}}),
            changes({soa(7), block("b"), block("d"), block("e")}));
  EXPECT_EQ(ixfr({{soa(7)}, {soa(5)}, {block("a")}, {soa(7)}, {block("c")}, {soa(7)}}),
            changes({soa(7), block("b"), block("c")}));
  EXPECT_EQ(ixfr({{soa(7), soa(5), soa(7), soa(7)}}), changes({soa(7), block("a"), block("b")}))
      << "nothing but the serial";
  EXPECT_EQ(kBase.record_count(), 3U) << "the copy in force is as it was";
}

TEST(TransferReader, AnIxfrMayBeAnsweredOtherwise) {
  EXPECT_EQ(ixfr({{soa(5)}}), "up to date");
  EXPECT_EQ(ixfr({{soa(4)}}), "up to date");
  EXPECT_EQ(ixfr({{soa(7), block("c"), soa(7)}}), whole({soa(7), block("c")}));
  EXPECT_EQ(ixfr({{soa(7)}, {block("c")}, {soa(7)}}), whole({soa(7), block("c")}));
  EXPECT_EQ(ixfr({{soa(7), soa(7)}}), whole({soa(7)}));
}

TEST(TransferReader, ChangesThatDoNotFitAreRefused) {
  struct Case {
    std::vector<Line> lines;
    std::string_view want;
  };
  const Case cases[] = {
      {{soa(7), soa(5), block("x"), soa(7), soa(7)}, "remove x.rpz.example CNAME, which the copy"},
      {{soa(7), soa(5), soa(7), block("b"), soa(7)}, "add b.rpz.example CNAME, which the copy has"},
      {{soa(7), soa(4), soa(7), soa(7)}, "from serial 4, which is not the copy's"},
      {{soa(7), soa(5), soa(4), soa(7)}, "from serial 5 back to 4"},
      {{soa(9), soa(5), soa(6), soa(7), soa(9), soa(9)}, "from serial 7 where those from 6"},
      {{soa(7), soa(5), soa(7), soa(7), block("z")}, "behind the end"},
      {{soa(7), soa(5), soa(7), soa(7), soa(7)}, "behind the end"},
  };
  for (const Case& c : cases) {
    const std::string got = ixfr({c.lines});
    EXPECT_NE(got.find(c.want), std::string::npos) << got;
  }
}

TEST(TransferReader, WhatEndsEarlyIsNoZone) {
  EXPECT_EQ(axfr({{soa(7), block("a")}}), "more");
  EXPECT_EQ(ixfr({{soa(7), soa(5), block("a"), soa(7)}}), "more");
  EXPECT_EQ(ixfr({{soa(7)}}), "more") << "a newer SOA alone: the rest is still to come";
}

TEST(TransferReader, AnAnswerThatIsNoneIsAnErrorThatSaysWhatIsWrong) {
  const std::vector<Line> good = {soa(7), block("a"), soa(7)};
  const std::uint16_t qr = dns::flag::qr;
  const auto with_rcode = [&](dns::Rcode rcode) {
    return message(RRType::axfr, {}, static_cast<std::uint16_t>(qr | static_cast<int>(rcode)));
  };
  Octets other_id = message(RRType::axfr, good);
  other_id[0] ^= 1;
  Octets other_name = message(RRType::axfr, good);
  other_name[dns::kHeaderOctets + 1] ^= 1;
  Octets cut = message(RRType::axfr, good);
  cut.resize(cut.size() - 3);
  struct Case {
    Octets octets;
    std::string_view want;
  };
  const Case cases[] = {
      {other_id, "another id"},
      {message(RRType::axfr, good, 0), "not an answer"},
      {message(RRType::axfr, good, qr | (4 << 11)), "not an answer"},
      {message(RRType::axfr, good, qr | dns::flag::tc), "cut off"},
      {message(RRType::ixfr, good), "another question"},
      {other_name, "another question"},
      {message(RRType::axfr, good, qr, false), "without the question"},
      {cut, "does not read"},
      {Octets(5), "does not read"},
      {message(RRType::axfr, {}), "without records"},
      {message(RRType::axfr, {block("a"), soa(7)}), "first record is not the SOA"},
      {message(RRType::axfr, {soa(7), block("a"), soa(8)}), "changed under way"},
      {message(RRType::axfr, {soa(7), soa(8)}), "changed under way"},
      {message(RRType::axfr, {soa(7), soa(7), block("a")}), "behind the end"},
      {message(RRType::axfr, {soa(7), {"a.example", RRType::cname, "."}}), "not in the zone"},
      {message(RRType::axfr, {soa(7), {"a.rpz.example", RRType::cname, ".", RRClass::ch}}),
       "another class"},
      {message(RRType::axfr, {soa(7), {"a.rpz.example", RRType::any, "\\# 0"}}), "not a type"},
      {with_rcode(dns::Rcode::refused), "REFUSED to AXFR rpz.example; allow this address"},
      {with_rcode(dns::Rcode::notauth), "NOTAUTH"},
      {with_rcode(dns::Rcode::servfail), "probably not loaded"},
  };
  for (const Case& c : cases) {
    const std::string got = outcome({kZone, RRType::axfr, kId}, {c.octets});
    EXPECT_TRUE(got.starts_with("error: ")) << got;
    EXPECT_NE(got.find(c.want), std::string::npos) << got << " / " << c.want;
  }
}

TEST(TransferReader, BoundsAreKept) {
  const auto got = outcome({kZone, RRType::axfr, kId},
                           {message(RRType::axfr, {soa(7), block("a"), block("b"), soa(7)})},
                           {.max_records = 2, .max_octets = 1000});
  EXPECT_EQ(got, "error: over 2 records");
  // Changes that undo each other for ever.
  std::vector<Octets> endless = {message(RRType::ixfr, {soa(0x7000'0000), soa(5)})};
  for (std::uint32_t serial = 6; serial < 60'000;) {
    std::vector<Line> lines;
    for (int i = 0; i < 400; ++i, ++serial) lines.insert(lines.end(), {soa(serial), soa(serial)});
    endless.push_back(message(RRType::ixfr, lines));
  }
  const auto bounded =
      outcome({kZone, RRType::ixfr, kId, &kBase}, endless, {.max_records = 10, .max_octets = 1000});
  EXPECT_NE(bounded.find("max_size"), std::string::npos) << bounded;
}

TEST(TransferReader, ATtlOverTheLimitIsZero) {
  Line line = block("a");
  line.ttl = 0x8000'0000;
  EXPECT_NE(axfr({{soa(7), line, soa(7)}}).find("\na 0 IN CNAME .\n"), std::string::npos);
}

TEST(SoaAnswer, IsReadOrRefusedWithTheReason) {
  const TransferQuery query{kZone, RRType::soa, kId};
  const std::uint16_t good_flags = dns::flag::qr | dns::flag::aa;
  const auto good = read_soa_answer(message(RRType::soa, {soa(9)}), query);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->serial, 9U);
  struct Case {
    Octets octets;
    std::string_view want;
  };
  const Case cases[] = {
      {message(RRType::soa, {soa(9)}, dns::flag::qr), "not authoritative"},
      {message(RRType::soa, {soa(9)}, good_flags | dns::flag::tc), "cut off"},
      {message(RRType::soa, {block("a")}), "no SOA"},
      {message(RRType::soa, {}), "no SOA"},
      {message(RRType::axfr, {soa(9)}), "another question"},
  };
  for (const Case& c : cases) {
    const auto got = read_soa_answer(c.octets, query);
    ASSERT_FALSE(got);
    EXPECT_NE(got.error().text.find(c.want), std::string::npos) << got.error().text;
  }
}

}  // namespace
}  // namespace postern::feeds
