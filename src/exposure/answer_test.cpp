#include "exposure/answer.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/writer.h"
#include "exposure/limits.h"
#include "exposure/testing.h"

namespace postern::exposure {
namespace {

using dns::RRType;
using testing::name;

struct Line {
  std::string owner;
  RRType type;
  std::string data;
};

/// A response to `question` with these records in its answer section.
Answer read(const Question& question, const std::vector<Line>& lines,
            dns::Rcode rcode = dns::Rcode::noerror, std::uint16_t flags = dns::flag::qr) {
  Octets buffer(dns::kMaxMessageOctets);
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(0, flags);
  writer.question({question.name, question.type, dns::RRClass::in});
  for (const Line& line : lines) {
    const auto rdata = dns::rdata_from_text(line.type, line.data, dns::Name());
    EXPECT_TRUE(rdata) << line.data;
    writer.record(dns::Section::answer,
                  {name(line.owner), line.type, dns::RRClass::in, 60, *rdata});
  }
  writer.set_rcode(rcode);
  return read_answer(writer.message(), question, false);
}

TEST(Answer, RecordsAreTakenApart) {
  const Answer mx =
      read({name("v.example"), RRType::mx}, {{"v.example.", RRType::mx, "10 mail.v.example."},
                                             {"v.example.", RRType::mx, "0 ."},
                                             {"other.example.", RRType::mx, "5 not.mine."}});
  ASSERT_EQ(mx.records.size(), 2U);
  EXPECT_EQ(mx.outcome, Outcome::data);
  EXPECT_EQ(mx.records[0].preference, 10);
  EXPECT_EQ(mx.records[0].target, name("mail.v.example"));
  EXPECT_EQ(mx.records[0].data, "10 mail.v.example.");
  EXPECT_EQ(mx.records[0].ttl, 60U);
  EXPECT_TRUE(mx.records[1].target.is_root());
  const Answer srv = read({name("_a._tcp.v.example"), RRType::srv},
                          {{"_a._tcp.v.example.", RRType::srv, "7 1 443 h.v.example."}});
  EXPECT_EQ(srv.records.front().target, name("h.v.example"));
  const Answer txt =
      read({name("v.example"), RRType::txt}, {{"v.example.", RRType::txt, "\"a b\" \"c\\000\""}});
  EXPECT_EQ(txt.records.front().text, std::string("a bc\0", 5));
  EXPECT_EQ(txt.records.front().data, "\"a b\" \"c\\000\"");
  const Answer six =
      read({name("v.example"), RRType::aaaa}, {{"v.example.", RRType::aaaa, "2001:db8::1"}});
  EXPECT_EQ(six.records.front().address.to_text(), "2001:db8::1");
}

TEST(Answer, AliasesAreFollowedInOrder) {
  const Answer answer =
      read({name("a.example"), RRType::a}, {{"c.example.", RRType::a, "192.0.2.1"},
                                            {"b.example.", RRType::cname, "c.example."},
                                            {"a.example.", RRType::cname, "b.example."}});
  ASSERT_EQ(answer.aliases.size(), 2U);
  EXPECT_EQ(answer.aliases[0].target, name("b.example"));
  EXPECT_EQ(answer.records.front().owner, name("c.example"));
  const Answer asked =
      read({name("a.example"), RRType::cname}, {{"a.example.", RRType::cname, "b.example."}});
  EXPECT_TRUE(asked.aliases.empty());
  EXPECT_EQ(asked.records.front().target, name("b.example"));
  const Answer dangling = read({name("a.example"), RRType::a},
                               {{"a.example.", RRType::cname, "b.example."}}, dns::Rcode::nxdomain);
  EXPECT_EQ(dangling.outcome, Outcome::no_name);
  EXPECT_TRUE(dangling.is_positive());
}

TEST(Answer, CirclesAndFarWaysAreNotKnown) {
  const Question question{name("a.example"), RRType::a};
  EXPECT_EQ(read(question, {{"a.example.", RRType::cname, "a.example."}}).outcome,
            Outcome::unknown);
  EXPECT_EQ(read(question, {{"a.example.", RRType::cname, "b.example."},
                            {"b.example.", RRType::cname, "a.example."}})
                .outcome,
            Outcome::unknown);
  std::vector<Line> far = {{"a.example.", RRType::cname, "n0.example."}};
  for (int i = 0; i < 40; ++i) {
    far.push_back(
        {fmt::format("n{}.example.", i), RRType::cname, fmt::format("n{}.example.", i + 1)});
  }
  EXPECT_EQ(read(question, far).outcome, Outcome::unknown);
}

TEST(Answer, TheFourEndsAreKeptApart) {
  const Question question{name("a.example"), RRType::a};
  EXPECT_EQ(read(question, {}).outcome, Outcome::no_data);
  EXPECT_EQ(read(question, {}, dns::Rcode::nxdomain).outcome, Outcome::no_name);
  const Answer refused = read(question, {}, dns::Rcode::refused);
  EXPECT_EQ(refused.outcome, Outcome::unknown);
  EXPECT_EQ(refused.why, "REFUSED");
  EXPECT_EQ(read(question, {}, dns::Rcode::noerror, dns::flag::qr | dns::flag::tc).outcome,
            Outcome::unknown);
  EXPECT_EQ(read_answer(Octets{1, 2, 3}, question, false).outcome, Outcome::unknown);
}

TEST(Answer, ThousandsOfTextsAreCounted) {
  std::vector<Line> lines;
  for (int i = 0; i < 3'000; ++i) {
    lines.push_back({"v.example.", RRType::txt, fmt::format("\"{}\"", i)});
  }
  const Answer answer = read({name("v.example"), RRType::txt}, lines);
  EXPECT_EQ(answer.records.size(), kMaxRecords);
  EXPECT_EQ(answer.records.size() + answer.left_out, 3'000U);
}

TEST(Answer, ALongTextIsCut) {
  std::string data;
  for (int i = 0; i < 200; ++i) data += "\"" + std::string(250, 'x') + "\" ";
  const Answer answer = read({name("v.example"), RRType::txt}, {{"v.example.", RRType::txt, data}});
  EXPECT_EQ(answer.records.front().text.size(), kMaxTextOctets);
  EXPECT_LT(answer.records.front().data.size(), 5'000U);
}

}  // namespace
}  // namespace postern::exposure
