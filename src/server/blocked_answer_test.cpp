#include "server/blocked_answer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "server/answer.h"
#include "server/testing.h"

namespace postern::server {
namespace {

using dns::RRType;
using policy::Action;
using policy::BlockAnswer;

constexpr const char* kSoa =
    "| ns:bad.example. 60 SOA postern.invalid. nobody.invalid. 1 3600 600 86400 60";

policy::ZoneOptions zone_with_sinkholes() {
  policy::ZoneOptions zone;
  zone.name = "feed";
  zone.ttl_s = 60;
  zone.sinkhole_v4 = IpAddress::v4(203, 0, 113, 9);
  return zone;
}

struct Asked {
  explicit Asked(const testing::Ask& ask, event::Transport transport = event::Transport::udp)
      : octets(testing::query_of(ask)) {
    EXPECT_TRUE(dns::parse_query(octets, asker.query));
    asker.octets = octets;
    asker.transport = transport;
  }
  Octets octets;
  Asker asker;
};

TEST(BlockedAnswer, EachBlockAnswerForEachType) {
  struct Case {
    BlockAnswer answer;
    RRType type;
    std::string want;
  };
  const std::string soa = kSoa;
  const RRType unknown = static_cast<RRType>(65280);
  const Case cases[] = {
      {BlockAnswer::nxdomain, RRType::a, "NXDOMAIN qr rd ra no-edns " + soa},
      {BlockAnswer::nxdomain, unknown, "NXDOMAIN qr rd ra no-edns " + soa},
      {BlockAnswer::nodata, RRType::a, "NOERROR qr rd ra no-edns " + soa},
      {BlockAnswer::nodata, RRType::any, "NOERROR qr rd ra no-edns " + soa},
      {BlockAnswer::null_address, RRType::a,
       "NOERROR qr rd ra no-edns | bad.example. 60 A 0.0.0.0"},
      {BlockAnswer::null_address, RRType::aaaa,
       "NOERROR qr rd ra no-edns | bad.example. 60 AAAA ::"},
      {BlockAnswer::null_address, RRType::any,
       "NOERROR qr rd ra no-edns | bad.example. 60 A 0.0.0.0 | bad.example. 60 AAAA ::"},
      {BlockAnswer::null_address, RRType::https, "NOERROR qr rd ra no-edns " + soa},
      {BlockAnswer::null_address, RRType::mx, "NOERROR qr rd ra no-edns " + soa},
      {BlockAnswer::null_address, unknown, "NOERROR qr rd ra no-edns " + soa},
      {BlockAnswer::sinkhole, RRType::a,
       "NOERROR qr rd ra no-edns | bad.example. 60 A 203.0.113.9"},
      // The family that has no sinkhole gets no address at all.
      {BlockAnswer::sinkhole, RRType::aaaa, "NOERROR qr rd ra no-edns " + soa},
      {BlockAnswer::sinkhole, RRType::txt, "NOERROR qr rd ra no-edns " + soa},
      {BlockAnswer::refused, RRType::a, "REFUSED qr rd ra no-edns"},
  };
  const policy::ZoneOptions zone = zone_with_sinkholes();
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(policy::to_string(c.answer)) + " " + dns::to_string(c.type));
    const Asked asked({.name = "bad.example", .type = c.type, .edns = false});
    const policy::BlockPlan plan{.use_block_answer = true, .answer = c.answer, .zone = &zone};
    Octets out(512);
    const Blocked blocked = write_blocked(plan, asked.asker, asked.asker.qname(), out);
    EXPECT_EQ(blocked.kind, BlockedKind::written);
    EXPECT_EQ(testing::words_of(OctetView(out).first(blocked.size)), c.want);
  }
}

TEST(BlockedAnswer, TheLongestNameFitsTheSmallestRoom) {
  std::string name;
  for (int i = 0; i < 3; ++i) name += std::string(63, 'a') + ".";
  name += std::string(61, 'a');
  const Asked asked({.name = name});
  ASSERT_EQ(asked.asker.qname().wire().size(), dns::Name::kMaxOctets);
  const policy::ZoneOptions zone = zone_with_sinkholes();
  const policy::BlockPlan plan{.action = Action::nxdomain, .zone = &zone};
  Octets out(kMinBlockedOctets);
  const Blocked blocked = write_blocked(plan, asked.asker, asked.asker.qname(), out);
  EXPECT_TRUE(testing::words_of(OctetView(out).first(blocked.size)).starts_with("NXDOMAIN"));
  // And with an OPT whose explanation is of the longest kind: within 512 octets.
  const Extended extended{.ede = dns::EdeCode::blocked,
                          .text = std::string_view(name).substr(0, limits::kEdeTextOctets)};
  ASSERT_LE(kMinBlockedOctets + opt_octets(asked.asker.query, extended), 512U);
  out.resize(512);
  const std::size_t size = append_opt(out, blocked.size, asked.asker.query, 1232, extended);
  EXPECT_NE(testing::words_of(OctetView(out).first(size)).find("ede=15 'aaaa"), std::string::npos);
}

TEST(BlockedAnswer, LocalDataThatDoesNotFitIsTruncated) {
  std::vector<policy::LocalRecord> data;
  for (std::uint8_t i = 0; i < 40; ++i) data.push_back({RRType::a, 60, {10, 0, 0, i}});
  const policy::ZoneOptions zone = zone_with_sinkholes();
  const policy::BlockPlan plan{.action = Action::local_data, .zone = &zone, .local_data = data};
  const Asked asked({.name = "bad.example", .edns = false});
  Octets out(512);
  const Blocked blocked = write_blocked(plan, asked.asker, asked.asker.qname(), out);
  EXPECT_EQ(blocked.kind, BlockedKind::truncated);
  EXPECT_EQ(testing::words_of(OctetView(out).first(blocked.size)), "NOERROR qr tc rd ra no-edns");
}

TEST(BlockedAnswer, RewriteTargets) {
  struct Case {
    std::string target;
    std::string want;
  };
  const std::string longest = std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                              std::string(63, 'd') + "." + std::string(55, 'e');
  const Case cases[] = {
      {"garden.example", "garden.example."},
      {"*.garden.example", "www.bad.example.garden.example."},
      {"x.*.example", "x.*.example."},
      {"*." + longest.substr(0, 200), "www.bad.example." + longest.substr(0, 200) + "."},
      {"*." + longest, "none"}};
  const auto qname = *dns::Name::from_text("www.bad.example");
  for (const Case& c : cases) {
    SCOPED_TRACE(c.target);
    const auto rdata = dns::Name::from_text(c.target);
    ASSERT_TRUE(rdata.has_value());
    const auto target = rewrite_target(qname, rdata->wire());
    EXPECT_EQ(target ? target->to_text() : "none", c.want);
  }
  EXPECT_EQ(rewrite_target(qname, {}), std::nullopt);
}

TEST(BlockedAnswer, ARewrittenAnswerCarriesTheTargetsAnswerAndNoMore) {
  const auto target = *dns::Name::from_text("garden.example");
  const Octets found = testing::message_of(
      {target, RRType::a}, dns::Rcode::noerror,
      {"garden.example. 100 CNAME host.example.", "host.example. 50 A 192.0.2.1",
       "host.example. 50 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA",
       "ns:example. 50 NS ns.example."});
  const Asked asked({.name = "bad.example", .edns = false});
  Octets out(512);
  const Blocked blocked = write_rewritten(asked.asker, {target, 20, found, 60}, out);
  EXPECT_EQ(testing::words_of(OctetView(out).first(blocked.size)),
            "NOERROR qr rd ra no-edns | bad.example. 20 CNAME garden.example. | garden.example. 40 "
            "CNAME host.example. | host.example. 0 A 192.0.2.1");
  const Blocked stale = write_rewritten(asked.asker, {target, 20, found, 60, true}, out);
  EXPECT_EQ(testing::words_of(OctetView(out).first(stale.size)),
            "NOERROR qr rd ra no-edns | bad.example. 20 CNAME garden.example. | garden.example. 30 "
            "CNAME host.example. | host.example. 30 A 192.0.2.1");
}

TEST(BlockedAnswer, ARewrittenAnswerWithoutDataCarriesOurSoaAndNotTheTargets) {
  struct Case {
    dns::Rcode rcode;
    std::vector<std::string> records;
    bool stale;
    std::string want;
  };
  const std::string head = " qr rd ra no-edns | bad.example. 40 CNAME garden.example.";
  const std::string soa = "SOA postern.invalid. nobody.invalid. 1 3600 600 86400 ";
  const std::string theirs = "ns:example. 900 SOA ns.example. admin.example. 7 1 2 3 900";
  const Case cases[] = {
      {dns::Rcode::nxdomain,
       {theirs},
       false,
       "NXDOMAIN" + head + " | ns:garden.example. 40 " + soa + "40"},
      {dns::Rcode::noerror,
       {theirs},
       false,
       "NOERROR" + head + " | ns:garden.example. 40 " + soa + "40"},
      {dns::Rcode::noerror,
       {theirs},
       true,
       "NOERROR" + head + " | ns:garden.example. 30 " + soa + "30"},
      // It is the end of the chain that is not there.
      {dns::Rcode::nxdomain,
       {"garden.example. 100 CNAME host.example.", theirs},
       false,
       "NXDOMAIN" + head + " | garden.example. 90 CNAME host.example. | ns:host.example. 40 " +
           soa + "40"},
      {dns::Rcode::servfail, {}, false, "SERVFAIL" + head},
  };
  const auto target = *dns::Name::from_text("garden.example");
  const Asked asked({.name = "bad.example", .edns = false});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    const Octets found = testing::message_of({target, RRType::a}, c.rcode, c.records);
    Octets out(512);
    const Blocked blocked = write_rewritten(asked.asker, {target, 40, found, 10, c.stale}, out);
    EXPECT_EQ(testing::words_of(OctetView(out).first(blocked.size)), c.want);
  }
}

}  // namespace
}  // namespace postern::server
