#include "feeds/zone_request.h"

#include <string>

#include <gtest/gtest.h>

#include "dns/writer.h"
#include "feeds/request_proof.h"

namespace postern::feeds {
namespace {

using dns::RRType;
using Kind = ZoneRequest::Kind;

constexpr std::uint64_t kNow = 1'700'000'000;
const dns::Name kZone = *dns::Name::from_text("rpz.example");

struct Asked {
  dns::Opcode opcode = dns::Opcode::query;
  RRType type = RRType::soa;
  std::uint32_t serial = 0;  // 0: no SOA goes with it.
  dns::Section section = dns::Section::authority;
  bool edns = false;
};

Octets octets_of(const Asked& asked) {
  Octets buffer(4096);
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(0x1234, static_cast<std::uint16_t>(static_cast<unsigned>(asked.opcode) << 11));
  writer.question({kZone, asked.type, dns::RRClass::in});
  if (asked.serial != 0) {
    Octets rdata{0, 0};  // Two roots.
    rdata.resize(22);
    store_u32(&rdata[2], asked.serial);
    writer.record(asked.section, {kZone, RRType::soa, dns::RRClass::in, 60, rdata});
  }
  if (asked.edns) writer.opt(1232, dns::Rcode::noerror, false, {});
  return {writer.message().begin(), writer.message().end()};
}

std::string kind_of(OctetView message) {
  const auto request = read_zone_request(message);
  if (!request) return request.error() == ZoneRequestError::format ? "malformed" : "another";
  constexpr const char* kKinds[] = {"notify", "soa", "ixfr", "axfr"};
  std::string text = kKinds[static_cast<int>(request->kind)];
  if (request->serial) text += " " + std::to_string(*request->serial);
  return text;
}

TEST(ZoneRequest, IsReadFromWhateverComes) {
  const Asked cases[] = {
      {dns::Opcode::query, RRType::soa},
      {dns::Opcode::query, RRType::axfr},
      {dns::Opcode::query, RRType::ixfr, 7},
      {dns::Opcode::notify, RRType::soa},
      {dns::Opcode::notify, RRType::soa, 9, dns::Section::answer},
      // The zone's serial stands in another section: NOTIFY says nothing, IXFR lacks it.
      {dns::Opcode::notify, RRType::soa, 9, dns::Section::authority},
      {dns::Opcode::query, RRType::ixfr, 7, dns::Section::answer},
      {dns::Opcode::query, RRType::ixfr},
      {dns::Opcode::query, RRType::a},
      {dns::Opcode::notify, RRType::a},
      {dns::Opcode::update, RRType::soa},
  };
  const char* const expected[] = {"soa",      "axfr",    "ixfr 7",    "notify",
                                  "notify 9", "notify",  "malformed", "malformed",
                                  "another",  "another", "another"};
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(kind_of(octets_of(cases[i])), expected[i]);
  }
  Octets answer = octets_of({});
  answer[2] |= 0x80;
  EXPECT_EQ(kind_of(answer), "another");
  Octets torn = octets_of({.type = RRType::ixfr, .serial = 7});
  torn.pop_back();
  EXPECT_EQ(kind_of(torn), "malformed");
  EXPECT_EQ(kind_of({}), "another");
}

TEST(ZoneRequest, ARefusalSaysWhyToThoseWhoSpeakEdns) {
  for (const bool edns : {false, true}) {
    SCOPED_TRACE(edns);
    const Octets message = octets_of({dns::Opcode::notify, RRType::soa, 0, {}, edns});
    const auto request = read_zone_request(message);
    ASSERT_TRUE(request);
    Octets out(512);
    out.resize(write_refusal(message, &*request, {.text = "not a primary"}, out));
    const auto view = dns::MessageView::parse(out);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->header().id, 0x1234);
    EXPECT_EQ(view->header().opcode(), dns::Opcode::notify);
    EXPECT_EQ(view->rcode(), dns::Rcode::refused);
    EXPECT_EQ(view->question()->qname, kZone);
    ASSERT_EQ(view->edns().has_value(), edns);
    if (!edns) continue;
    const auto option = dns::find_option(*view->edns(), dns::EdnsOption::extended_error);
    ASSERT_TRUE(option);
    EXPECT_EQ(text_of(option->subspan(2)), "not a primary");
  }
}

SharedKey key_of(const char* name, std::uint8_t secret) {
  return std::make_shared<const dns::TsigKey>(dns::TsigKey{
      *dns::Name::from_text(name), dns::TsigAlgorithm::hmac_sha384, Octets(48, secret)});
}

TEST(RequestProof, OnlyTheRightKeyAtTheRightTimeIsBelievedAndAnsweredInKind) {
  const SharedKey ours[] = {key_of("old.key", 1), key_of("new.key", 2)};
  struct Case {
    const char* what;
    SharedKey key;  // Null: not signed.
    std::uint64_t signed_at;
    dns::Rcode rcode;    // NOERROR: it is believed.
    std::string answer;  // What the client makes of the answer.
  };
  const Case cases[] = {
      {"good", ours[1], kNow, dns::Rcode::noerror, ""},
      {"the other good one", ours[0], kNow - 200, dns::Rcode::noerror, ""},
      {"unsigned", nullptr, kNow, dns::Rcode::refused, ""},
      {"an unknown name", key_of("third.key", 1), kNow, dns::Rcode::notauth, "BADKEY"},
      {"a wrong secret", key_of("new.key", 3), kNow, dns::Rcode::notauth, "BADSIG"},
      {"long ago", ours[1], kNow - 4000, dns::Rcode::notauth, "BADTIME"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.what);
    Octets query = octets_of({.type = RRType::axfr});
    std::optional<dns::TsigExchange> client;
    if (each.key) {
      client.emplace(*each.key);
      client->sign_query(query, each.signed_at);
    }
    RequestProof proof(query, ours, kNow);
    EXPECT_EQ(proof.refusal() ? proof.refusal()->rcode : dns::Rcode::noerror, each.rcode);
    Octets answer = query;
    answer.resize(octets_of({.type = RRType::axfr}).size());
    store_u16(&answer[10], 0);
    answer[2] |= 0x80;
    for (int message = 0; message < (proof.refusal() ? 1 : 3); ++message) {
      Octets next = answer;
      proof.finish(next, kNow);
      if (!client) {
        EXPECT_EQ(next, answer);
        continue;
      }
      const auto verified = client->verify_answer(next, kNow);
      if (each.answer.empty()) {
        EXPECT_TRUE(verified);
      } else {
        ASSERT_FALSE(verified);
        EXPECT_NE(dns::to_string(verified.error()).find(each.answer), std::string_view::npos);
      }
    }
  }
  // Who has no key for it believes no signature.
  Octets query = octets_of({});
  dns::TsigExchange(*ours[0]).sign_query(query, kNow);
  EXPECT_EQ(RequestProof(query, {}, kNow).refusal()->rcode, dns::Rcode::notauth);
  EXPECT_FALSE(RequestProof(octets_of({}), {}, kNow).refusal());
}

}  // namespace
}  // namespace postern::feeds
