#include "server/handler.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dns/rdata.h"
#include "server/handler_fixture.h"
#include "server/testing.h"

namespace postern::server {
namespace {

using dns::EdeCode;
using dns::Rcode;
using dns::RRClass;
using dns::RRType;
using policy::Action;
using policy::BlockAnswer;
using testing::Ask;
using testing::FakeResolver;
using testing::HandlerTest;
using testing::kClient;
using testing::ZoneSpec;

TEST_F(HandlerTest, AnswersWhatTheResolverFindsAndThenFromTheCache) {
  EXPECT_EQ(ask({}), "pending");
  resolver_.answer_all();
  EXPECT_EQ(take_late(),
            std::vector<std::string>{"0: NOERROR qr rd ra | www.example. 300 A 192.0.2.1"});
  EXPECT_EQ(last_record().source, event::Source::resolver);
  pass(seconds(100));
  EXPECT_EQ(ask({}), "NOERROR qr rd ra | www.example. 200 A 192.0.2.1");
  EXPECT_EQ(last_record().source, event::Source::cache);
  EXPECT_EQ(last_record().disposition, event::Disposition::answered);
  EXPECT_EQ(last_record().security, event::Security::insecure);
  EXPECT_EQ(resolver_.asked(), std::vector<std::string>{"www.example. A"});
}

TEST_F(HandlerTest, TheClientsIdAndLettersComeBack) {
  EXPECT_EQ(ask({.name = "wWw.eXaMple", .id = 0xbeef}), "pending");
  resolver_.answer_all();
  take_late();
  for (int i = 0; i < 2; ++i) {  // First as it was, late; then from the cache.
    ASSERT_GT(last_.size(), 24U);
    EXPECT_EQ(load_u16(last_.data()), 0xbeef);
    EXPECT_EQ(text_of(OctetView(last_).subspan(13, 3)), "wWw");
    EXPECT_EQ(text_of(OctetView(last_).subspan(17, 7)), "eXaMple");
    ask({.name = "wWw.eXaMple", .id = 0xbeef});
  }
}

// RFC 1035, 6891, 8906, 9619, 8482: what is not an ordinary question.
TEST_F(HandlerTest, QueriesThatAreTurnedAway) {
  struct Case {
    std::string what;
    Octets octets;
    std::string want;
  };
  const auto with = [](const Ask& ask, auto change) {
    Octets octets = testing::query_of(ask);
    change(octets);
    return octets;
  };
  const Octets plain = testing::query_of({.edns = false});
  const Case cases[] = {
      {"empty", {}, "silent"},
      {"11 octets", Octets(11, 0), "silent"},
      {"an answer", testing::query_of({.flags = dns::flag::qr}), "silent"},
      {"a header alone", Octets(12, 0), "FORMERR qr ra no-edns"},
      {"no question", with({.edns = false}, [](Octets& o) { store_u16(&o[4], 0); }),
       "FORMERR qr rd ra no-edns"},
      {"two questions", with({.edns = false}, [](Octets& o) { store_u16(&o[4], 2); }),
       "FORMERR qr rd ra no-edns"},
      {"an answer record", with({.edns = false}, [](Octets& o) { store_u16(&o[6], 1); }),
       "FORMERR qr rd ra no-edns"},
      {"cut off in the name", Octets(plain.begin(), plain.begin() + 15),
       "FORMERR qr rd ra no-edns"},
      {"two OPT records",
       with({},
            [](Octets& o) {
              o.insert(o.end(), o.end() - 11, o.end());
              store_u16(&o[10], 2);
            }),
       "FORMERR qr rd ra"},
      {"status", testing::query_of({.flags = 0x1000}), "NOTIMP qr ra no-edns"},
      {"notify", testing::query_of({.flags = 0x2000}), "NOTIMP qr ra no-edns"},
      {"update", testing::query_of({.flags = 0x2800}), "NOTIMP qr ra no-edns"},
      {"EDNS version 1", testing::query_of({.version = 1}), "BADVERS qr rd ra"},
      {"chaos",
       testing::query_of({.name = "version.bind", .type = RRType::txt, .rr_class = RRClass::ch}),
       "REFUSED qr rd ra ede=21"},
      {"class ANY", testing::query_of({.rr_class = RRClass::any}), "REFUSED qr rd ra ede=21"},
      {"zone transfer", testing::query_of({.type = RRType::axfr}), "REFUSED qr rd ra ede=21"},
      {"IXFR", testing::query_of({.type = RRType::ixfr}), "REFUSED qr rd ra ede=21"},
      {"MAILB", testing::query_of({.type = RRType::mailb}), "NOTIMP qr rd ra ede=21"},
      {"OPT as a type", testing::query_of({.type = RRType::opt}), "FORMERR qr rd ra ede=21"},
      {"type 0", testing::query_of({.type = RRType{}}), "FORMERR qr rd ra ede=21"},
      {"NXNAME", testing::query_of({.type = RRType::nxname}), "FORMERR qr rd ra ede=30"},
      {"no recursion wanted", testing::query_of({.flags = 0}), "REFUSED qr ra ede=20"},
      {"ANY", testing::query_of({.type = RRType::any}),
       "NOERROR qr rd ra | www.example. 3600 HINFO \"RFC8482\" \"\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const std::size_t records = sink_.records().size();
    EXPECT_EQ(send(c.octets), c.want);
    EXPECT_EQ(sink_.records().size(), records + (c.want == "silent" ? 0 : 1));
  }
  EXPECT_TRUE(resolver_.asked().empty());
}

TEST_F(HandlerTest, StrangersAreRefusedWhateverTheyAsk) {
  const Octets queries[] = {testing::query_of({}), testing::query_of({.type = RRType::any}),
                            testing::query_of({.flags = 0x2000}), Octets(12, 0)};
  for (const Octets& query : queries) {
    for (const char* stranger : {"192.0.3.1", "2001:db9::1", "127.0.0.1"}) {
      SCOPED_TRACE(stranger);
      EXPECT_TRUE(send(query, event::Transport::udp, *IpAddress::from_text(stranger))
                      .starts_with("REFUSED qr"));
      EXPECT_TRUE(close_);
    }
  }
  EXPECT_EQ(last_record().disposition, event::Disposition::refused);
  EXPECT_EQ(send(queries[0], event::Transport::udp, *IpAddress::from_text("198.51.100.1")),
            "REFUSED qr rd ra ede=18");
  EXPECT_EQ(send(queries[0], event::Transport::udp, *IpAddress::from_text("2001:db8::5")),
            "pending");
  // At a reload the list changes with the next query.
  settings_value_.access_allow = {};
  publish_settings();
  EXPECT_EQ(send(queries[0]), "REFUSED qr rd ra ede=18");
}

TEST_F(HandlerTest, BlockedAnswersSayWhyAndNothingElse) {
  policy::ZoneOptions options;
  options.name = "hosts";
  options.ttl_s = 30;
  set_policy({{options, {{"bad.example"}}}});
  const std::string got = ask({.name = "x.bad.example", .type = RRType::https});
  const event::Query record = last_record();
  const std::string trace = event::trace_text(record.trace_id);
  EXPECT_EQ(got, "NXDOMAIN qr rd ra ede=15 'Blocked by feed hosts (trace " + trace +
                     ")' | ns:x.bad.example. 30 SOA postern.invalid. nobody.invalid. 1 3600 600 "
                     "86400 30");
  EXPECT_EQ(record.disposition, event::Disposition::blocked);
  EXPECT_EQ(record.source, event::Source::policy);
  EXPECT_EQ(record.qname.to_text(), "x.bad.example.");
  EXPECT_EQ(record.qtype, RRType::https);
  EXPECT_EQ(record.rcode, Rcode::nxdomain);
  EXPECT_EQ(record.ede, 15);
  EXPECT_EQ(record.zone.view(), "hosts");
  EXPECT_EQ(record.group.view(), "default");
  EXPECT_EQ(record.action.view(), policy::to_string(BlockAnswer::nxdomain));
  EXPECT_EQ(record.rule_line, 1U);
  EXPECT_EQ(record.matched.to_text(), "bad.example.");
  EXPECT_TRUE(record.matched_wildcard);
  EXPECT_FALSE(record.matched_in_chain);
  EXPECT_EQ(record.generation, 1U);
  EXPECT_EQ(record.client, kClient);
  EXPECT_EQ(record.client_port, 5353);
  EXPECT_EQ(record.at, wall_);
  // Without EDNS there is no room for an explanation; without RD nothing is said of lists.
  EXPECT_TRUE(ask({.name = "bad.example", .edns = false}).starts_with("NXDOMAIN qr rd ra no-edns"));
  EXPECT_TRUE(ask({.name = "bad.example", .flags = 0}).starts_with("REFUSED qr ra ede=20"));
  EXPECT_TRUE(resolver_.asked().empty());
}

TEST_F(HandlerTest, TheSameVerdictForEveryTypeAndTransport) {
  policy::ZoneOptions options;
  options.name = "z";
  set_policy({{options, {{"bad.example"}}}});
  for (const auto type : {RRType::a, RRType::aaaa, RRType::https, RRType::txt, RRType::any,
                          RRType::ns, RRType::rrsig, static_cast<RRType>(65280)}) {
    for (const auto transport : {event::Transport::udp, event::Transport::tcp}) {
      SCOPED_TRACE(dns::to_string(type));
      EXPECT_TRUE(ask({.name = "bad.example", .type = type}, transport).starts_with("NXDOMAIN"));
      EXPECT_EQ(last_record().disposition, event::Disposition::blocked);
    }
  }
}

TEST_F(HandlerTest, TheNamesBehindAQuestionAreJudgedInOrder) {
  resolver_.set("www.shop.example. A", {.records = {"www.shop.example. 60 CNAME cdn.example.",
                                                    "cdn.example. 60 CNAME track.bad.example.",
                                                    "track.bad.example. 60 A 192.0.2.66"}});
  resolver_.set("svc.example. HTTPS", {.records = {"svc.example. 60 HTTPS 1 h.bad.example."}});
  policy::ZoneOptions options;
  options.name = "trackers";
  set_policy({{options, {{"bad.example"}}}});
  for (int i = 0; i < 2; ++i) {  // From the resolver, then from the cache.
    const std::string got = ask_through({.name = "www.shop.example"});
    EXPECT_TRUE(got.starts_with("NXDOMAIN qr rd ra ede=15")) << got;
    EXPECT_EQ(got.find("192.0.2.66"), std::string::npos);
    EXPECT_EQ(got.find("cdn.example"), std::string::npos);
    EXPECT_TRUE(last_record().matched_in_chain);
    EXPECT_EQ(last_record().matched.to_text(), "bad.example.");
  }
  EXPECT_TRUE(ask_through({.name = "svc.example", .type = RRType::https}).starts_with("NXDOMAIN"));
  // A question that is allowed is allowed with all that is behind it.
  set_policy({{options, {{"bad.example"}, {"shop.example", Action::pass}}}});
  EXPECT_TRUE(ask({.name = "www.shop.example"}).starts_with("NOERROR qr rd ra | www.shop"));
  EXPECT_EQ(last_record().disposition, event::Disposition::allowed);
  // A name on the way that is allowed ends the search.
  set_policy({{options, {{"bad.example"}, {"cdn.example", Action::pass}}}});
  EXPECT_TRUE(ask({.name = "www.shop.example"}).starts_with("NOERROR"));
  EXPECT_EQ(last_record().disposition, event::Disposition::allowed);
  EXPECT_TRUE(last_record().matched_in_chain);
}

// A client may go to any of the targets: neither their order nor an allowed one opens the others.
TEST_F(HandlerTest, ServiceTargetsAreJudgedEachForItself) {
  const std::string good = "svc.example. 60 HTTPS 1 good.test.";
  const std::string bad = "svc.example. 60 HTTPS 2 bad.test.";
  const std::string behind = "www.example. 60 CNAME svc.example.";
  resolver_.set("svc.example. HTTPS", {.records = {good, bad}});
  resolver_.set("www.example. HTTPS", {.records = {behind, good, bad}});
  resolver_.set("one.example. HTTPS", {.records = {"one.example. 60 HTTPS 1 good.test."}});
  resolver_.set("back.example. HTTPS", {.records = {"back.example. 60 HTTPS 2 bad.test.",
                                                    "back.example. 60 HTTPS 1 good.test."}});
  policy::ZoneOptions options;
  options.name = "trackers";
  set_policy({{options, {{"bad.test"}, {"good.test", Action::pass}}}});
  const auto asked = [&](const char* qname) {
    return ask_through({.name = qname, .type = RRType::https});
  };
  EXPECT_TRUE(asked("svc.example").starts_with("NXDOMAIN"));
  EXPECT_EQ(last_record().matched.to_text(), "bad.test.");
  EXPECT_TRUE(asked("back.example").starts_with("NXDOMAIN"));
  EXPECT_TRUE(asked("www.example").starts_with("NXDOMAIN"));
  EXPECT_TRUE(asked("one.example").starts_with("NOERROR"));
  EXPECT_EQ(last_record().disposition, event::Disposition::allowed);
  // Nor does an allowed step of the chain.
  set_policy({{options, {{"bad.test"}, {"svc.example", Action::pass}}}});
  EXPECT_TRUE(asked("www.example").starts_with("NXDOMAIN"));
  // A question that is allowed is.
  EXPECT_TRUE(asked("svc.example").starts_with("NOERROR"));
}

// An exact rule on a DNAME's target says nothing about the names below it.
TEST_F(HandlerTest, ADnameIsJudgedByTheNameItMakes) {
  resolver_.set("www.old.test. A",
                {.records = {"old.test. 60 DNAME new.test.", "www.old.test. 60 CNAME www.new.test.",
                             "www.new.test. 60 A 192.0.2.1"}});
  policy::ZoneOptions options;
  options.name = "trackers";
  set_policy({{options, {{"=new.test"}}}});
  EXPECT_TRUE(ask_through({.name = "www.old.test"}).starts_with("NOERROR"));
  set_policy({{options, {{"=www.new.test"}}}});
  EXPECT_TRUE(ask_through({.name = "www.old.test"}).starts_with("NXDOMAIN"));
}

TEST_F(HandlerTest, LogOnlyZonesAreRecordedAndBlockNothing) {
  policy::ZoneOptions options;
  options.name = "trial";
  options.log_only = true;
  set_policy({{options, {{"example"}}}});
  EXPECT_TRUE(ask_through({}).starts_with("NOERROR"));
  EXPECT_EQ(last_record().disposition, event::Disposition::observed);
  EXPECT_EQ(last_record().zone.view(), "trial");
}

TEST_F(HandlerTest, ANewGenerationActsOnCachedAndOnWaitingQuestions) {
  policy::ZoneOptions options;
  options.name = "new";
  ask_through({});
  EXPECT_EQ(ask({.name = "slow.example"}), "pending");
  resolver_.set("slow.example. A", {.records = {"slow.example. 60 A 192.0.2.7"}});
  set_policy({{options, {{"example"}}}});
  EXPECT_TRUE(ask({}).starts_with("NXDOMAIN"));
  resolver_.answer_all();
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_NE(late[0].find("NXDOMAIN"), std::string::npos);
  set_policy({});
  EXPECT_TRUE(ask({}).starts_with("NOERROR"));
}

TEST_F(HandlerTest, RuleActions) {
  struct Case {
    std::string what;
    ZoneSpec::RuleSpec rule;
    event::Transport transport;
    std::string want;
  };
  using event::Transport;
  const Case cases[] = {
      {"drop", {"r.example", Action::drop}, Transport::udp, "silent"},
      {"drop", {"r.example", Action::drop}, Transport::tcp, "silent"},
      {"refuse", {"r.example", Action::refuse}, Transport::udp, "REFUSED qr rd ra ede=15"},
      {"TCP only, by UDP",
       {"r.example", Action::tcp_only},
       Transport::udp,
       "NOERROR qr tc rd ra ede=15"},
      {"TCP only, by TCP",
       {"r.example", Action::tcp_only},
       Transport::tcp,
       "NOERROR qr rd ra | r.example. 60 A 192.0.2.8"},
      {"data",
       {"r.example", Action::local_data, {"77 A 203.0.113.5", "5 TXT \"no\""}},
       Transport::udp,
       "NOERROR qr rd ra ede=15 | r.example. 77 A 203.0.113.5"},
      {"other data",
       {"r.example", Action::local_data, {"77 TXT \"no\""}},
       Transport::udp,
       "NOERROR qr rd ra ede=15 | ns:r.example. 10 SOA postern.invalid. nobody.invalid. 1 3600 600 "
       "86400 10"},
      {"rewritten",
       {"r.example", Action::local_data, {"20 CNAME www.example."}},
       Transport::udp,
       "NOERROR qr rd ra ede=15 | r.example. 20 CNAME www.example. | www.example. 300 A 192.0.2.1"},
  };
  resolver_.set("r.example. A", {.records = {"r.example. 60 A 192.0.2.8"}});
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    policy::ZoneOptions options;
    options.name = "rpz";
    set_policy({{options, {c.rule}}});
    handler_->clear_cache();
    std::string got = ask_through({.name = "r.example"}, c.transport);
    // The trace id is another each time.
    if (const auto text = got.find(" '"); text != std::string::npos) {
      got.erase(text, got.rfind("'") - text + 1);
    }
    EXPECT_EQ(got, c.want);
  }
  EXPECT_EQ(handler_->stats().dropped_policy.value(), 2U);
}

// The target of a rewriting rule is itself not judged, and carries the question's labels.
TEST_F(HandlerTest, AWildcardTargetTakesTheQuestionsLabels) {
  resolver_.set("www.bad.example.garden.example. A",
                {.records = {"www.bad.example.garden.example. 9 A 203.0.113.1"}});
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options,
               {{"bad.example", Action::local_data, {"20 CNAME *.garden.example."}},
                {"garden.example"}}}});
  const std::string got = ask_through({.name = "www.bad.example", .edns = false});
  EXPECT_EQ(
      got,
      "NOERROR qr rd ra no-edns | www.bad.example. 20 CNAME www.bad.example.garden.example. | "
      "www.bad.example.garden.example. 9 A 203.0.113.1");
  EXPECT_EQ(last_record().disposition, event::Disposition::blocked);
  EXPECT_EQ(last_record().qname.to_text(), "www.bad.example.");
}

TEST_F(HandlerTest, BogusDataIsWithheldUnlessCheckingIsDisabled) {
  resolver_.set("www.example. A", {.records = {"www.example. 300 A 192.0.2.1"},
                                   .security = resolve::Security::bogus,
                                   .ede = EdeCode::signature_expired,
                                   .ede_text = "signature expired"});
  EXPECT_EQ(ask_through({}), "SERVFAIL qr rd ra ede=7 'signature expired'");
  EXPECT_EQ(last_record().disposition, event::Disposition::failed);
  EXPECT_EQ(last_record().security, event::Security::bogus);
  // From the cache: RFC 9520.
  EXPECT_EQ(ask({}), "SERVFAIL qr rd ra ede=7 'signature expired'");
  EXPECT_TRUE(
      ask_through({.flags = dns::flag::rd | dns::flag::cd}).starts_with("NOERROR qr rd ra cd"));
  resolver_.set("x.example. A", {.records = {}, .security = resolve::Security::bogus});
  EXPECT_EQ(ask_through({.name = "x.example"}), "SERVFAIL qr rd ra ede=6");
}

TEST_F(HandlerTest, AnIdleWorkerLetsGoOfAnOldGeneration) {
  const std::weak_ptr<const policy::Generation> old = policy_.current();
  handler_->advance(now());
  policy_.publish(testing::policy_of({}, ++generation_));
  EXPECT_FALSE(old.expired());
  handler_->advance(now());
  EXPECT_TRUE(old.expired());
}

TEST_F(HandlerTest, AnswersOverUdpStayWithinWhatBothSidesTake) {
  std::vector<std::string> records;
  for (int i = 0; i < 60; ++i) records.push_back("big.example. 60 A 192.0.2." + std::to_string(i));
  resolver_.set("big.example. A", {.records = records});  // 29 + 60 * 16 octets.
  struct Case {
    bool edns;
    std::uint16_t client;
    std::uint32_t ours;
    bool truncated;
  };
  const Case cases[] = {{false, 0, 1232, true},    {true, 512, 1232, true},
                        {true, 100, 1232, true},   {true, 999, 1232, true},
                        {true, 1000, 1232, false}, {true, 4096, 999, true},
                        {true, 4096, 1000, false}};
  ask_through({.name = "big.example"}, event::Transport::tcp);
  for (const Case& c : cases) {
    SCOPED_TRACE(std::to_string(c.client) + " " + std::to_string(c.ours));
    settings_value_.udp_max_octets = c.ours;
    publish_settings();
    const Ask query{.name = "big.example", .edns = c.edns, .udp_octets = c.client};
    const std::string got = ask(query);
    EXPECT_EQ(got.starts_with("NOERROR qr tc rd ra"), c.truncated) << got.substr(0, 60);
    EXPECT_EQ(got.find('|') == std::string::npos, c.truncated);
    EXPECT_LE(last_.size(), std::max<std::size_t>(512, std::min<std::size_t>(c.client, c.ours)));
    EXPECT_TRUE(ask(query, event::Transport::tcp).starts_with("NOERROR qr rd ra"));
  }
}

TEST_F(HandlerTest, TraceIdsAreFortyBitsAndAllDifferent) {
  std::vector<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    ask({.type = RRType::any});
    seen.push_back(last_record().trace_id);
    EXPECT_LT(seen.back(), std::uint64_t{1} << 40);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

TEST_F(HandlerTest, ClearedCachesAskAgain) {
  ask_through({});
  handler_->clear_cache();
  EXPECT_EQ(ask({}), "pending");
}

}  // namespace
}  // namespace postern::server
