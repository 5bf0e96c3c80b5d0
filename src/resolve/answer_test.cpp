#include "resolve/answer.h"

#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "dns/writer.h"
#include "resolve/testing.h"

namespace postern::resolve {
namespace {

using dns::RRType;
using dns::Section;

constexpr std::uint16_t kAnswerFlags = dns::flag::qr | dns::flag::rd | dns::flag::ra;
const dns::Question kQuestion{*dns::Name::from_text("www.example"), RRType::a, dns::RRClass::in};

enum class Opt : std::uint8_t { none, last, before_glue };

Octets message(std::uint16_t flags, const dns::Question& question, Opt opt) {
  Octets buffer(512);
  dns::MessageWriter writer(buffer, buffer.size());
  const std::array<std::uint8_t, 4> address{192, 0, 2, 1};
  writer.header(0x1234, flags);
  writer.question(question);
  writer.record(Section::answer, {question.qname, RRType::a, dns::RRClass::in, 60, address});
  if (opt == Opt::before_glue) writer.opt(1232, dns::Rcode::noerror, true, {});
  const auto glue = *dns::Name::from_text("ns.example");
  writer.record(Section::additional, {glue, RRType::a, dns::RRClass::in, 60, address});
  if (opt == Opt::last) writer.opt(1232, dns::Rcode::noerror, true, {});
  buffer.resize(writer.size());
  return buffer;
}

TEST(CleanMessage, LeavesAWholeMessageWithIdZeroAndNoOpt) {
  struct Case {
    const char* what;
    Opt opt;
    unsigned additional;
  };
  const Case cases[] = {{"no OPT", Opt::none, 1},
                        {"OPT at the end", Opt::last, 1},
                        {"OPT in front", Opt::before_glue, 0}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto flags =
        static_cast<std::uint16_t>(kAnswerFlags | dns::flag::ad | dns::flag::cd | dns::flag::aa);
    const auto clean = clean_message(message(flags, kQuestion, c.opt), kQuestion);
    ASSERT_TRUE(clean.has_value());
    const auto view = dns::MessageView::parse(*clean);
    ASSERT_TRUE(view.has_value());
    EXPECT_FALSE(view->edns().has_value());
    EXPECT_EQ(view->header().id, 0);
    EXPECT_EQ(view->header().flags, kAnswerFlags | dns::flag::aa);
    EXPECT_EQ(view->header().answer_count, 1);
    EXPECT_EQ(view->header().additional_count, c.additional);
  }
}

TEST(CleanMessage, RefusesWhatDoesNotAnswerTheQuestion) {
  const Octets good = message(kAnswerFlags, kQuestion, Opt::last);
  EXPECT_FALSE(clean_message({}, kQuestion));
  EXPECT_FALSE(clean_message(message(dns::flag::rd, kQuestion, Opt::none), kQuestion));  // A query.
  EXPECT_FALSE(
      clean_message(message(kAnswerFlags | dns::flag::tc, kQuestion, Opt::none), kQuestion));
  dns::Question other = kQuestion;
  other.qtype = RRType::aaaa;
  EXPECT_FALSE(clean_message(good, other));
  other = kQuestion;
  other.qname = *dns::Name::from_text("wwx.example");
  EXPECT_FALSE(clean_message(good, other));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(clean_message(OctetView(good).first(size), kQuestion)) << size;
  }
}

TEST(ClientText, IsShortAndPrintable) {
  EXPECT_EQ(client_text("signature expired"), "signature expired");
  EXPECT_EQ(client_text(std::string("a\nb\0c\x80\x1b[31m", 10)), "a?b?c??[31");
  EXPECT_EQ(client_text(std::string(1000, 'x')).size(), kMaxEdeTextOctets);
}

TEST(Failure, IsAnEmptyServfailThatEchoesTheQuestion) {
  Request request = testing::request("www.example");
  request.ticket = 99;
  const Reply reply = failure(request, dns::EdeCode::network_error, "why\n");
  EXPECT_EQ(reply.ticket, 99U);
  EXPECT_EQ(testing::rcode_of(reply), dns::Rcode::servfail);
  EXPECT_EQ(reply.ede, dns::EdeCode::network_error);
  EXPECT_EQ(reply.ede_text, "why?");
  EXPECT_TRUE(clean_message(reply.message, request.question).has_value());
}

TEST(EdeOfValidationFailure, TellsTheSpecialCases) {
  using enum dns::EdeCode;
  const std::pair<const char*, dns::EdeCode> cases[] = {
      {"signature expired from 192.0.2.1 for key example. while building chain of trust",
       signature_expired},
      {"signature before inception date from 192.0.2.1", signature_not_yet_valid},
      {"no signatures from 192.0.2.1", rrsigs_missing},
      {"DS hash mismatches key from 192.0.2.1", dnskey_missing},
      {"No DNSKEY record from 192.0.2.1 for DS example.", dnskey_missing},
      {"nodata proof failed from 192.0.2.1", nsec_missing},
      {"signature crypto failed from 192.0.2.1", dnssec_bogus},
      {"", dnssec_bogus},
  };
  for (const auto& [why, code] : cases) EXPECT_EQ(ede_of_validation_failure(why), code) << why;
}

TEST(ExtendedError, IsReadAndMadeFit) {
  dns::Edns edns;
  EXPECT_FALSE(extended_error(edns));
  const Octets options{0, 15, 0, 5, 0, 22, 'h', 'i', 7};
  edns.options = options;
  const auto ede = extended_error(edns);
  ASSERT_TRUE(ede.has_value());
  EXPECT_EQ(ede->code, dns::EdeCode::no_reachable_authority);
  EXPECT_EQ(ede->text, "hi?");
  const Octets stub{0, 15, 0, 1, 0};
  edns.options = stub;
  EXPECT_FALSE(extended_error(edns));
}

}  // namespace
}  // namespace postern::resolve
