#include <array>
#include <initializer_list>
#include <string>

#include <gtest/gtest.h>

#include "cache/cache.h"
#include "dns/rdata.h"
#include "dns/writer.h"

namespace postern::cache {
namespace {

using dns::Rcode;
using dns::RRType;
using dns::Section;

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

/// A record as the tests write it; `data` in presentation form.
struct R {
  Section section;
  const char* owner;
  RRType type;
  std::uint32_t ttl;
  const char* data;
};

constexpr auto kAnswer = Section::answer;
constexpr auto kAuthority = Section::authority;
constexpr auto kAdditional = Section::additional;

struct Message {
  const char* qname = "www.example";
  RRType qtype = RRType::a;
  Rcode rcode = Rcode::noerror;
  std::uint16_t flags = dns::flag::qr | dns::flag::rd | dns::flag::ra;
  std::vector<R> records{};
  bool with_opt = false;
};

Octets write(const Message& message) {
  Octets buffer(dns::kMaxMessageOctets);
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(0x1234, message.flags);
  EXPECT_TRUE(writer.question({.qname = name(message.qname), .qtype = message.qtype}));
  for (const R& r : message.records) {
    const auto rdata = dns::rdata_from_text(r.type, r.data, dns::Name());
    EXPECT_TRUE(rdata.has_value()) << r.data;
    EXPECT_TRUE(
        writer.record(r.section, {name(r.owner), r.type, dns::RRClass::in, r.ttl, rdata.value()}));
  }
  writer.set_rcode(message.rcode);
  if (message.with_opt) {
    EXPECT_TRUE(writer.opt(1232, message.rcode, true, {}));
  }
  return {writer.message().begin(), writer.message().end()};
}

std::optional<Answer> make(const Message& message, bool strip_dnssec = true,
                           const Options& options = {}) {
  return make_answer(write(message), false, strip_dnssec, options);
}

/// Every record of a message, "owner ttl type data|", sections separated by "/".
std::string records_of(OctetView octets) {
  const auto view = dns::MessageView::parse(octets);
  if (!view) return "does not parse";
  std::string all;
  Section at = Section::answer;
  view->for_each_record([&](Section section, const dns::Record& record) {
    for (; at != section; at = static_cast<Section>(static_cast<int>(at) + 1)) all += "/";
    all += record.owner.to_text() + " " + std::to_string(record.ttl) + " " +
           dns::to_string(record.type) + " " +
           dns::rdata_to_text(record.type, octets, record.rdata_offset, record.rdata.size()) + "|";
    return true;
  });
  return all;
}

constexpr const char* kSoa = "ns.example. admin.example. 1 2 3 4 900";

TEST(MakeAnswer, TtlOfPositiveAnswersIsTheLeastOfTheAnswerSection) {
  Message message;
  message.records = {{kAnswer, "www.example", RRType::cname, 300, "a.example."},
                     {kAnswer, "a.example", RRType::a, 60, "192.0.2.1"},
                     {kAuthority, "example", RRType::ns, 5, "ns.example."},
                     {kAdditional, "ns.example", RRType::a, 7, "192.0.2.53"}};
  EXPECT_EQ(make(message)->ttl_s, 60U);
  message.records[1].ttl = 0;
  EXPECT_EQ(make(message)->ttl_s, 0U);
  message.records[1].ttl = 0x80000000;  // RFC 2181 §8.
  EXPECT_EQ(make(message)->ttl_s, 0U);
  message.records[0].ttl = message.records[1].ttl = 0x7fffffff;
  const Options options{.max_ttl_s = 1000};
  const auto capped = make(message, true, options);
  EXPECT_EQ(capped->ttl_s, 1000U);
  EXPECT_EQ(records_of(capped->wire),
            "www.example. 1000 CNAME a.example.|a.example. 1000 A 192.0.2.1|/"
            "example. 5 NS ns.example.|");
}

TEST(Answer, ItsRcodeIsTheHeadersOrServfail) {
  Answer answer;
  EXPECT_EQ(answer.rcode(), Rcode::servfail);
  answer.wire = {0, 0, 0x81};
  EXPECT_EQ(answer.rcode(), Rcode::servfail);
  answer.wire = {0, 0, 0x81, 0xf3};
  EXPECT_EQ(answer.rcode(), Rcode::nxdomain);
}

TEST(MakeAnswer, TtlOfNegativeAnswersIsByRfc2308) {
  struct Case {
    const char* what;
    Rcode rcode;
    std::vector<R> records;
    std::uint32_t want;
  };
  const R soa{kAuthority, "example", RRType::soa, 3000, kSoa};
  const R short_soa{kAuthority, "example", RRType::soa, 20, kSoa};
  const R chain{kAnswer, "www.example", RRType::cname, 77, "gone.example."};
  const Case cases[] = {
      {"the SOA's minimum", Rcode::nxdomain, {soa}, 900},
      {"the SOA's own TTL if that is less", Rcode::nxdomain, {short_soa}, 20},
      {"NODATA is the same", Rcode::noerror, {soa}, 900},
      {"a chain that ends in nothing", Rcode::nxdomain, {chain, soa}, 77},
      {"a chain to NODATA", Rcode::noerror, {chain, short_soa}, 20},
      {"without an SOA a few seconds", Rcode::nxdomain, {}, 5},
      {"a chain without an end", Rcode::noerror, {chain}, 5},
      {"a failure", Rcode::servfail, {}, 4},
      {"another failure", Rcode::refused, {soa}, 4},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Message message;
    message.rcode = c.rcode;
    message.records = c.records;
    const auto answer = make(message, true, {.failure_ttl_s = 4});
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->ttl_s, c.want);
  }
  Message message;
  message.rcode = Rcode::nxdomain;
  message.records = {soa};
  const auto capped = make(message, true, {.max_negative_ttl_s = 100});
  EXPECT_EQ(capped->ttl_s, 100U);
  EXPECT_EQ(records_of(capped->wire), "/example. 100 SOA ns.example. admin.example. 1 2 3 4 900|");
}

TEST(MakeAnswer, RefusesWhatMayNotBeServed) {
  Message good;
  good.records = {{kAnswer, "www.example", RRType::a, 60, "192.0.2.1"}};
  EXPECT_TRUE(make(good).has_value());
  Message message = good;
  message.flags |= dns::flag::tc;
  EXPECT_FALSE(make(message).has_value()) << "truncated";
  message = good;
  message.flags = dns::flag::rd;
  EXPECT_FALSE(make(message).has_value()) << "a query";
  Octets octets = write(good);
  octets[2] |= 0x20;  // Opcode UPDATE's bit.
  EXPECT_FALSE(make_answer(octets, false, true, {}).has_value());
  octets = write(good);
  octets.pop_back();
  EXPECT_FALSE(make_answer(octets, false, true, {}).has_value()) << "cut short";
  octets = write(good);
  octets[4] = octets[5] = 0;
  EXPECT_FALSE(make_answer(octets, false, true, {}).has_value()) << "no question";
  EXPECT_FALSE(make_answer(OctetView{}, false, true, {}).has_value());
}

TEST(MakeAnswer, RefusesMoreRecordsThanAnyNeeds) {
  Message message;
  message.records.assign(kMaxAnswerRecords, {kAnswer, "www.example", RRType::a, 60, "192.0.2.1"});
  EXPECT_TRUE(make(message).has_value());
  message.records.push_back({kAuthority, "example", RRType::ns, 60, "ns.example."});
  EXPECT_FALSE(make(message).has_value());
}

// A record that policy cannot look into must not reach a client through it.
TEST(MakeAnswer, RefusesAddressesAndHintsThatDoNotRead) {
  const auto with = [](RRType type, Octets rdata) {
    Octets buffer(4096);
    dns::MessageWriter writer(buffer, buffer.size());
    writer.header(0, dns::flag::qr);
    EXPECT_TRUE(writer.question({.qname = name("x"), .qtype = type}));
    EXPECT_TRUE(writer.record(kAnswer, {name("x"), type, dns::RRClass::in, 60, rdata}));
    return make_answer(writer.message(), false, true, {}).has_value();
  };
  EXPECT_TRUE(with(RRType::a, {192, 0, 2, 1}));
  EXPECT_FALSE(with(RRType::a, {192, 0, 2}));
  EXPECT_FALSE(with(RRType::a, {192, 0, 2, 1, 0}));
  EXPECT_FALSE(with(RRType::aaaa, {192, 0, 2, 1}));
  EXPECT_TRUE(with(RRType::https, {0, 1, 0}));
  EXPECT_TRUE(with(RRType::https, {0, 1, 0, 0, 4, 0, 4, 192, 0, 2, 1}));
  EXPECT_FALSE(with(RRType::https, {0, 1, 0, 0, 4, 0, 3, 192, 0, 2}));
  EXPECT_FALSE(with(RRType::https, {0, 1, 0, 0, 4, 0, 8, 192, 0, 2, 1}));
  EXPECT_FALSE(with(RRType::https, {0, 1, 0, 0, 6, 0, 4, 192, 0, 2, 1}));
  EXPECT_FALSE(with(RRType::svcb, {0, 1, 0, 0, 4, 0}));
}

/// "step step | sibling sibling".
std::string targets_of(const Message& message) {
  const auto answer = make(message);
  if (!answer) return "refused";
  std::string text;
  for (std::size_t i = 0; i < answer->names.size(); ++i) {
    if (i == answer->chain_count) text += "| ";
    text += answer->names[i].to_text() + " ";
  }
  return text;
}

TEST(MakeAnswer, CollectsTargetsInTheOrderOfTheChain) {
  Message message;
  // Out of order on purpose; stray links lead nowhere, as they are left out.
  message.records = {{kAnswer, "c.example", RRType::a, 60, "192.0.2.1"},
                     {kAnswer, "stray.example", RRType::cname, 60, "far.example."},
                     {kAnswer, "stray2.example", RRType::cname, 60, "far.example."},
                     {kAnswer, "b.example", RRType::cname, 60, "x.old.example."},
                     {kAnswer, "www.example", RRType::cname, 60, "B.example."},
                     {kAnswer, "old.example", RRType::dname, 60, "new.example."},
                     {kAnswer, "x.old.example", RRType::cname, 60, "x.new.example."},
                     {kAuthority, "example", RRType::ns, 60, "ns.example."}};
  EXPECT_EQ(targets_of(message), "b.example. x.old.example. x.new.example. ");
}

// Where a DNAME sends is what it makes of the name (RFC 6672 §2.2), never its bare target.
TEST(MakeAnswer, ADnameLeadsToTheSubstitutedName) {
  struct Case {
    const char* what;
    std::vector<R> records;
    const char* want;
  };
  const R dname{kAnswer, "example", RRType::dname, 60, "new.test."};
  const Case cases[] = {
      {"without the CNAME", {dname}, "www.new.test. "},
      {"with it",
       {dname, {kAnswer, "www.example", RRType::cname, 60, "www.new.test."}},
       "www.new.test. "},
      {"with another CNAME, each may be followed",
       {dname, {kAnswer, "www.example", RRType::cname, 60, "other.test."}},
       "other.test. | www.new.test. "},
      {"twice",
       {dname, {kAnswer, "new.test", RRType::dname, 60, "a.b.test."}},
       "www.new.test. www.a.b.test. "},
      {"to the root", {{kAnswer, "example", RRType::dname, 60, "."}}, "www. "},
      {"not of its own owner", {{kAnswer, "www.example", RRType::dname, 60, "new.test."}}, ""},
      {"not of a neighbour", {{kAnswer, "ww.example", RRType::dname, 60, "new.test."}}, ""},
      {"into itself, until the name is too long or there are too many",
       {{kAnswer, "example", RRType::dname, 60, "a.example."}},
       nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Message message;
    message.records = c.records;
    if (c.want != nullptr) {
      EXPECT_EQ(targets_of(message), c.want);
    } else {
      const auto answer = make(message);
      EXPECT_TRUE(!answer || answer->names.size() <= kMaxAnswerNames);
    }
  }
}

TEST(MakeAnswer, ChainsAndSiblingsAreBounded) {
  for (const std::size_t steps : {kMaxChain, kMaxChain + 1}) {
    std::vector<std::string> names{"www.example"};
    for (std::size_t i = 0; i < steps; ++i) names.push_back("n" + std::to_string(i) + ".example.");
    Message message;
    for (std::size_t i = 0; i < steps; ++i) {
      message.records.push_back(
          {kAnswer, names[i].c_str(), RRType::cname, 60, names[i + 1].c_str()});
    }
    EXPECT_EQ(make(message).has_value(), steps == kMaxChain);
  }
  for (const std::size_t count : {kMaxSiblings, kMaxSiblings + 1}) {
    std::vector<std::string> data;
    for (std::size_t i = 0; i < count; ++i) data.push_back("1 n" + std::to_string(i) + ".example.");
    Message message{.qtype = RRType::https};
    for (const std::string& each : data) {
      message.records.push_back({kAnswer, "www.example", RRType::https, 60, each.c_str()});
    }
    EXPECT_EQ(make(message).has_value(), count == kMaxSiblings);
  }
}

// RFC 2308 §2: the SOA is that of the zone that holds the name.
TEST(MakeAnswer, ASoaOfAnotherZoneIsNotTaken) {
  Message message{.rcode = Rcode::nxdomain};
  message.records = {{kAuthority, "other", RRType::soa, 900, "ns.other. a.other. 1 2 3 4 900"}};
  auto answer = make(message);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(records_of(answer->wire), "");
  EXPECT_LE(answer->ttl_s, 5U);
  // At the end of a chain it is the end's zone that counts.
  message.records.push_back({kAnswer, "www.example", RRType::cname, 900, "x.other."});
  std::swap(message.records[0], message.records[1]);
  answer = make(message);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->ttl_s, 900U);
}

TEST(MakeAnswer, WhomElseToAskIsNoAnswerWhateverStandsBesideIt) {
  Message message{.records = {{kAnswer, "other.example", RRType::a, 60, "192.0.2.1"},
                              {kAuthority, "example", RRType::ns, 60, "ns.example."}}};
  EXPECT_FALSE(make(message).has_value()) << "what is for another name is left out";
  // By who knows the zone it is a denial.
  message.flags |= dns::flag::aa;
  const auto denial = make(message);
  ASSERT_TRUE(denial);
  EXPECT_EQ(records_of(denial->wire), "");
}

TEST(MakeAnswer, AReferralIsNoAnswer) {
  Message message;
  message.records = {{kAuthority, "example", RRType::ns, 900, "ns.example."}};
  EXPECT_FALSE(make(message).has_value());
  message.flags |= dns::flag::aa;
  EXPECT_TRUE(make(message).has_value());
  message.flags &= static_cast<std::uint16_t>(~dns::flag::aa);
  message.records.push_back(
      {kAuthority, "example", RRType::soa, 900, "ns.example. a.example. 1 2 3 4 900"});
  EXPECT_TRUE(make(message).has_value());
}

TEST(MakeAnswer, TooManyDnamesAreRefused) {
  Message message;
  message.records.resize(16, {kAnswer, "example", RRType::dname, 60, "new.test."});
  EXPECT_EQ(targets_of(message), "www.new.test. ");
  message.records.push_back(message.records[0]);
  EXPECT_EQ(targets_of(message), "refused");
}

TEST(MakeAnswer, ServiceTargetsAreSiblingsBesideTheChain) {
  Message message;
  message.qtype = RRType::https;
  message.records = {{kAnswer, "b.example", RRType::https, 60, "2 two.example."},
                     {kAnswer, "www.example", RRType::cname, 60, "b.example."},
                     {kAnswer, "b.example", RRType::https, 60, "1 one.example."},
                     {kAnswer, "b.example", RRType::https, 60, "3 one.example."},
                     {kAnswer, "b.example", RRType::https, 60, "4 b.example."},
                     {kAnswer, "stray.example", RRType::https, 60, "1 far.example."}};
  // A name may be both: what a step of the chain covers does not cover the sibling.
  EXPECT_EQ(targets_of(message), "b.example. | two.example. one.example. b.example. ");
}

// What the client has not asked for has not been judged, and so does not reach it.
TEST(MakeAnswer, KeepsOnlyWhatAnswersTheQuestion) {
  constexpr const char* kSigned = " 13 2 60 20300101000000 20200101000000 1 example. AAAA";
  const std::string a_rrsig = std::string("A") + kSigned;
  const std::string dname_rrsig = std::string("DNAME") + kSigned;
  struct Case {
    const char* what;
    RRType qtype;
    std::vector<R> records;
    const char* want;
  };
  const R blocked{kAnswer, "bad.tracker", RRType::a, 1, "192.0.2.66"};
  const R mx{kAnswer, "www.example", RRType::mx, 60, "10 bad.tracker."};
  const Case cases[] = {
      {"no additional section",
       RRType::mx,
       {mx, {kAdditional, "bad.tracker", RRType::a, 60, "192.0.2.66"}},
       "www.example. 60 MX 10 bad.tracker.|"},
      {"no address in the authority section",
       RRType::mx,
       {mx, {kAuthority, "bad.tracker", RRType::a, 60, "192.0.2.66"}},
       "www.example. 60 MX 10 bad.tracker.|"},
      {"no other name's records", RRType::mx, {mx, blocked}, "www.example. 60 MX 10 bad.tracker.|"},
      {"nor their signatures",
       RRType::mx,
       {mx, blocked, {kAnswer, "bad.tracker", RRType::rrsig, 60, a_rrsig.c_str()}},
       "www.example. 60 MX 10 bad.tracker.|"},
      {"nor those of a stray chain",
       RRType::a,
       {{kAnswer, "www.example", RRType::a, 60, "192.0.2.1"},
        {kAnswer, "stray.example", RRType::cname, 60, "bad.tracker."},
        blocked},
       "www.example. 60 A 192.0.2.1|"},
      {"nor those of a DNAME that leads nowhere",
       RRType::a,
       {{kAnswer, "www.example", RRType::a, 60, "192.0.2.1"},
        {kAnswer, "elsewhere", RRType::dname, 60, "bad.tracker."},
        {kAnswer, "elsewhere", RRType::rrsig, 60, dname_rrsig.c_str()}},
       "www.example. 60 A 192.0.2.1|"},
      {"nor what else stands at a DNAME's owner",
       RRType::a,
       {{kAnswer, "example", RRType::dname, 60, "test."},
        {kAnswer, "example", RRType::a, 60, "192.0.2.66"},
        {kAnswer, "www.test", RRType::a, 60, "192.0.2.1"}},
       "example. 60 DNAME test.|www.test. 60 A 192.0.2.1|"},
      {"a chain is whole",
       RRType::a,
       {{kAnswer, "a.example", RRType::a, 60, "192.0.2.1"},
        {kAnswer, "www.example", RRType::cname, 60, "a.example."}},
       "a.example. 60 A 192.0.2.1|www.example. 60 CNAME a.example.|"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Message message;
    message.qtype = c.qtype;
    message.records = c.records;
    const auto answer = make(message, false);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(records_of(answer->wire), c.want);
    EXPECT_EQ(answer->ttl_s, 60U) << "what is left out does not count";
    for (const IpAddress& address : answer->addresses) {
      EXPECT_EQ(address.to_text(), "192.0.2.1");
    }
  }
  // The signature of a DNAME that counts stays.
  Message message;
  message.records = {{kAnswer, "example", RRType::dname, 60, "test."},
                     {kAnswer, "example", RRType::rrsig, 60, dname_rrsig.c_str()}};
  EXPECT_EQ(make(message, false)->ttl_offsets.size(), 2U);
  // A record of the type asked for, but of another name, is no answer: RFC 2308 sets the TTL.
  message.records = {{kAnswer, "bad.tracker", RRType::a, 600, "192.0.2.66"},
                     {kAuthority, "example", RRType::soa, 3000, kSoa}};
  EXPECT_EQ(make(message)->ttl_s, 900U);
}

TEST(MakeAnswer, ALoopOfCnamesEnds) {
  Message message;
  message.records = {{kAnswer, "www.example", RRType::cname, 60, "a.example."},
                     {kAnswer, "a.example", RRType::cname, 60, "www.example."}};
  EXPECT_EQ(make(message)->names.size(), 2U);
}

// Links that lead nowhere count as well.
TEST(MakeAnswer, TooManyLinksAreRefusedNotOverlooked) {
  std::vector<std::string> owners;
  for (std::size_t i = 0; i <= kMaxAnswerNames; ++i) {
    owners.push_back("n" + std::to_string(i) + ".example.");
  }
  Message message;
  for (std::size_t i = 0; i < kMaxAnswerNames; ++i) {
    message.records.push_back({kAnswer, owners[i].c_str(), RRType::cname, 60, "other.example."});
  }
  EXPECT_TRUE(make(message)->names.empty());
  message.records.push_back({kAnswer, owners.back().c_str(), RRType::cname, 60, "other.example."});
  EXPECT_FALSE(make(message).has_value());
}

TEST(MakeAnswer, CollectsAddressesAndHints) {
  Message message;
  message.qtype = RRType::https;
  message.records = {{kAnswer, "www.example", RRType::https, 60,
                      "1 svc.example. alpn=h2 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1"},
                     {kAnswer, "www.example", RRType::https, 60, "2 . port=8443"},
                     {kAnswer, "www.example", RRType::a, 60, "192.0.2.3"},
                     {kAnswer, "www.example", RRType::aaaa, 60, "2001:db8::2"},
                     {kAnswer, "svc.example", RRType::a, 60, "192.0.2.4"},
                     {kAuthority, "example", RRType::ns, 60, "ns.example."},
                     {kAdditional, "svc.example", RRType::a, 60, "192.0.2.5"}};
  const auto answer = make(message);
  std::string all;
  for (const IpAddress& address : answer->addresses) all += address.to_text() + " ";
  EXPECT_EQ(all, "192.0.2.1 192.0.2.2 2001:db8::1 192.0.2.3 2001:db8::2 ");
  ASSERT_EQ(answer->names.size(), 1U);
  EXPECT_EQ(answer->names[0], name("svc.example"));
}

TEST(MakeAnswer, StripsDnssecRecordsUnlessTheyWereAskedFor) {
  constexpr const char* kRrsig =
      "A 13 2 60 20300101000000 20200101000000 1 example. AAAAAAAAAAAAAAAAAAAAAA==";
  Message message;
  message.with_opt = true;
  message.records = {{kAnswer, "www.example", RRType::a, 60, "192.0.2.1"},
                     {kAnswer, "www.example", RRType::rrsig, 30, kRrsig},
                     {kAuthority, "example", RRType::nsec, 60, "a.example. A RRSIG"},
                     {kAuthority, "example", RRType::ns, 60, "ns.example."},
                     {kAdditional, "ns.example", RRType::a, 60, "192.0.2.53"}};
  const auto stripped = make(message);
  EXPECT_EQ(stripped->ttl_s, 60U) << "a stripped record's TTL does not count";
  EXPECT_EQ(records_of(stripped->wire), "www.example. 60 A 192.0.2.1|/example. 60 NS ns.example.|");
  EXPECT_EQ(stripped->ttl_offsets.size(), 2U);
  const auto whole = make(message, false);
  EXPECT_EQ(whole->ttl_s, 30U);
  EXPECT_EQ(whole->ttl_offsets.size(), 4U) << "all but the additional section";
  EXPECT_NE(records_of(whole->wire).find("NSEC a.example. A RRSIG"), std::string::npos);
  message.qtype = RRType::rrsig;
  EXPECT_NE(records_of(make(message)->wire).find("RRSIG A 13"), std::string::npos);
  EXPECT_EQ(records_of(make(message)->wire).find("NSEC a"), std::string::npos);
  message.qtype = RRType::any;
  EXPECT_EQ(make(message)->ttl_offsets.size(), 4U);
}

TEST(MakeAnswer, StoresAWholeMessageWithIdZero) {
  Message message;
  message.flags |= dns::flag::aa | dns::flag::ad | dns::flag::cd;
  message.records = {{kAnswer, "www.example", RRType::a, 60, "192.0.2.1"}};
  const auto answer = make_answer(write(message), true, true, {});
  EXPECT_TRUE(answer->secure);
  EXPECT_EQ(load_u16(answer->wire.data()), 0);
  EXPECT_EQ(load_u16(&answer->wire[2]), dns::flag::qr | dns::flag::ra);
  EXPECT_EQ(answer->question_end, 12U + 13 + 4);
}

// --- write_for_client ---

struct Client {
  std::array<std::uint8_t, 512> octets{};
  std::size_t size = 0;

  /// "wWw.eXample": the letters are written as they are.
  explicit Client(std::string_view text, std::uint16_t flags = 0) {
    store_u16(octets.data(), 0xbeef);
    store_u16(&octets[2], flags);
    octets[5] = 1;
    size = 12;
    while (!text.empty()) {
      const std::string_view label = text.substr(0, text.find('.'));
      octets[size++] = static_cast<std::uint8_t>(label.size());
      for (const char letter : label) octets[size++] = static_cast<std::uint8_t>(letter);
      text.remove_prefix(std::min(text.size(), label.size() + 1));
    }
    octets[size++] = 0;
    store_u16(&octets[size], 1);
    store_u16(&octets[size + 2], 1);
    size += 4;
  }
  OctetView view() const { return OctetView(octets).first(size); }
};

Answer an_answer() {
  Message message;
  message.records = {{kAnswer, "www.example", RRType::a, 100, "192.0.2.1"},
                     {kAuthority, "example", RRType::ns, 40, "ns.example."}};
  return make(message).value();
}

TEST(WriteForClient, PatchesIdFlagsQuestionAndTtls) {
  const Answer answer = an_answer();
  const Client client("wWw.eXaMPle", dns::flag::rd | dns::flag::cd | dns::flag::ad | 0x0040);
  std::array<std::uint8_t, 512> out{};
  const std::size_t size = write_for_client(answer, client.view(), client.size,
                                            {.age_s = 50, .stale = false, .set_ad = true}, out);
  ASSERT_EQ(size, answer.wire.size());
  const OctetView written = OctetView(out).first(size);
  EXPECT_EQ(load_u16(out.data()), 0xbeef);
  EXPECT_EQ(load_u16(&out[2]),
            dns::flag::qr | dns::flag::rd | dns::flag::ra | dns::flag::ad | dns::flag::cd);
  EXPECT_EQ(text_of(written.subspan(13, 3)), "wWw");
  EXPECT_EQ(text_of(written.subspan(17, 7)), "eXaMPle");
  EXPECT_EQ(out[client.size], 0xc0) << "the owner points to the question, the client's letters";
  EXPECT_EQ(out[client.size + 1], 12);
  // Aged, and never below 0.
  EXPECT_EQ(records_of(written), "www.example. 50 A 192.0.2.1|/example. 0 NS ns.example.|");
  // The stored answer is as it was.
  EXPECT_EQ(records_of(answer.wire), "www.example. 100 A 192.0.2.1|/example. 40 NS ns.example.|");
}

TEST(WriteForClient, SetsOnlyTheBitsItIsToldOrAsked) {
  const Client client("www.example");
  std::array<std::uint8_t, 512> out{};
  write_for_client(an_answer(), client.view(), client.size,
                   {.age_s = 0, .stale = false, .set_ad = false}, out);
  EXPECT_EQ(load_u16(&out[2]), dns::flag::qr | dns::flag::ra);
  Message message;
  message.rcode = Rcode::nxdomain;
  write_for_client(make(message).value(), client.view(), client.size,
                   {.age_s = 0, .stale = false, .set_ad = false}, out);
  EXPECT_EQ(load_u16(&out[2]), dns::flag::qr | dns::flag::ra | 3);
}

TEST(WriteForClient, StaleRecordsGetThirtySeconds) {
  const Client client("www.example");
  std::array<std::uint8_t, 512> out{};
  const std::size_t size = write_for_client(an_answer(), client.view(), client.size,
                                            {.age_s = 5000, .stale = true, .set_ad = false}, out);
  EXPECT_EQ(records_of(OctetView(out).first(size)),
            "www.example. 30 A 192.0.2.1|/example. 30 NS ns.example.|");
}

TEST(WriteForClient, WritesNothingWhereItDoesNotFit) {
  const Answer answer = an_answer();
  const Client client("www.example");
  std::array<std::uint8_t, 512> out{};
  const auto into = [&](std::size_t size) {
    return write_for_client(answer, client.view(), client.size,
                            {.age_s = 0, .stale = false, .set_ad = false},
                            std::span(out).first(size));
  };
  EXPECT_EQ(into(answer.wire.size()), answer.wire.size());
  EXPECT_EQ(into(answer.wire.size() - 1), 0U);
  EXPECT_EQ(into(0), 0U);
  // A question of another size is not the one that was answered.
  const Client other("ww.example");
  EXPECT_EQ(write_for_client(answer, other.view(), other.size,
                             {.age_s = 0, .stale = false, .set_ad = false}, out),
            0U);
  EXPECT_EQ(write_for_client(answer, client.view().first(20), client.size,
                             {.age_s = 0, .stale = false, .set_ad = false}, out),
            0U);
}

}  // namespace
}  // namespace postern::cache
