#include "server/handler.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dns/rdata.h"
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
using testing::ZoneSpec;

const IpAddress kClient = IpAddress::v4(192, 0, 2, 10);

/// A handler, its world and its time, all played by hand.
class HandlerTest : public ::testing::Test, public resolve::ReplySink, public AnswerSink {
 protected:
  HandlerTest() {
    settings_value_.access_allow = {*IpPrefix::from_text("192.0.2.0/24"),
                                    *IpPrefix::from_text("2001:db8::/32")};
    publish_settings();
    handler_ = make_handler();
    resolver_.set("www.example. A", {.records = {"www.example. 300 A 192.0.2.1"}});
  }

  std::unique_ptr<Handler> make_handler() {
    return std::make_unique<Handler>(Handler::Setup{.cache = cache_,
                                                    .settings = settings_,
                                                    .policy = policy_,
                                                    .resolver = resolver_,
                                                    .replies = *this,
                                                    .sink = sink_,
                                                    .answers = *this,
                                                    .seed = 42});
  }

  void deliver(resolve::Reply reply) override { replies_.push_back(std::move(reply)); }
  void answer(const ReturnPath& path, event::Transport, OctetView message) override {
    late_.push_back(std::to_string(path.socket) + ": " + testing::words_of(message));
    last_ = Octets(message.begin(), message.end());
  }
  void silence(const ReturnPath& path, event::Transport) override {
    late_.push_back(std::to_string(path.socket) + ": silence");
  }

  void publish_settings() { settings_.publish(std::make_shared<const Settings>(settings_value_)); }
  void set_policy(const std::vector<ZoneSpec>& zones) {
    policy_.publish(testing::policy_of(zones, ++generation_));
  }

  Moment now() const { return {mono_, wall_}; }
  void pass(milliseconds time) {
    mono_ += time;
    wall_ += time;
    handler_->advance(now());
  }
  /// Hands the handler what the resolver delivered; gives what clients got, in order.
  std::vector<std::string> take_late() {
    for (resolve::Reply& reply : std::exchange(replies_, {})) {
      handler_->on_reply(std::move(reply), now());
    }
    return std::exchange(late_, {});
  }

  std::string send(OctetView octets, event::Transport transport = event::Transport::udp,
                   const IpAddress& client = kClient) {
    Octets out(dns::kMaxMessageOctets);
    ReturnPath path;
    path.socket = next_client_++;
    const auto handled =
        handler_->handle({.octets = octets, .client = client, .port = 5353, .transport = transport},
                         path, now(), out);
    close_ = handled.close;
    last_.clear();
    if (handled.outcome == Handler::Outcome::pending) return "pending";
    if (handled.outcome == Handler::Outcome::silent) return "silent";
    last_.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(handled.size));
    return testing::words_of(last_);
  }
  std::string ask(const Ask& ask, event::Transport transport = event::Transport::udp) {
    return send(testing::query_of(ask), transport);
  }
  /// Asks and waits for the resolver.
  std::string ask_through(const Ask& query, event::Transport transport = event::Transport::udp) {
    const std::string first = ask(query, transport);
    if (first != "pending") return first;
    resolver_.answer_all();
    const auto late = take_late();
    if (late.size() != 1) return std::to_string(late.size()) + " answers";
    return late[0].substr(late[0].find(": ") + 2);
  }
  event::Query last_record() const {
    const auto records = sink_.records();
    return records.empty() ? event::Query{} : records.back();
  }

  cache::Options cache_;
  Settings settings_value_;
  Published<Settings> settings_{std::make_shared<const Settings>()};
  Published<policy::Generation> policy_{policy::Generation::empty()};
  std::uint64_t generation_ = 0;
  FakeResolver resolver_;
  testing::RecordingSink sink_;
  std::unique_ptr<Handler> handler_;
  MonoTime mono_{seconds(1000)};
  WallTime wall_{seconds(1'700'000'000)};
  std::vector<resolve::Reply> replies_;
  std::vector<std::string> late_;
  std::uint32_t next_client_ = 0;
  Octets last_;
  bool close_ = false;
};

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
  // Without EDNS there is no room for an explanation; without RD the verdict is the same.
  EXPECT_TRUE(ask({.name = "bad.example", .edns = false}).starts_with("NXDOMAIN qr rd ra no-edns"));
  EXPECT_TRUE(ask({.name = "bad.example", .flags = 0}).starts_with("NXDOMAIN qr ra ede=15"));
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

TEST_F(HandlerTest, AWaiterForARewrittenNameAsksAnewWhenTheRuleGoes) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"www.example", Action::local_data, {"20 CNAME garden.example."}}}}});
  resolver_.set("garden.example. A", {.records = {"garden.example. 9 A 203.0.113.1"}});
  EXPECT_EQ(ask({}), "pending");
  set_policy({});
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  resolver_.answer_all();
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0], "0: NOERROR qr rd ra | www.example. 300 A 192.0.2.1");
}

// A query that waits for a rewriting rule's target, while the question's own answer expires.
TEST_F(HandlerTest, AWaiterForARewrittenNameEndsAtItsDeadline) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"bad.tracker", Action::local_data, {"20 CNAME garden.slow."}}}}});
  resolver_.set("alias1.example. A", {.records = {"alias1.example. 1 CNAME bad.tracker.",
                                                  "bad.tracker. 1 A 192.0.2.66"}});
  EXPECT_EQ(ask({.name = "alias1.example"}), "pending");
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_EQ(resolver_.asked().back(), "garden.slow. A");
  pass(milliseconds(4999));
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1));
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  // Blocked it is, and says so, though there is nothing to show instead.
  EXPECT_TRUE(late[0].starts_with("0: SERVFAIL qr rd ra ede=15 'Blocked by feed walled (trace "))
      << late[0];
  EXPECT_EQ(last_record().disposition, event::Disposition::blocked);
  EXPECT_EQ(last_record().ede, 15);
  EXPECT_FALSE(handler_->has_waiters());
  EXPECT_GT(*handler_->next_due(), mono_);
}

// Both are there, but expired, and the question's again so while its rule's target is waited for.
TEST_F(HandlerTest, StaleAnswersOfBothNamesOfARewriteServeAtOneTime) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"bad.tracker", Action::local_data, {"20 CNAME garden.example."}}}}});
  resolver_.set("alias1.example. A", {.records = {"alias1.example. 1 CNAME bad.tracker.",
                                                  "bad.tracker. 1 A 192.0.2.66"}});
  resolver_.set("garden.example. A", {.records = {"garden.example. 9 A 203.0.113.1"}});
  ask_through({.name = "garden.example"});
  ask_through({.name = "alias1.example"});
  pass(seconds(100));
  EXPECT_EQ(ask({.name = "alias1.example", .edns = false}), "pending");
  pass(milliseconds(500));
  resolver_.answer_all();  // The question's; its rule's target is asked for only now.
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1300));
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].substr(late[0].find(": ")),
            ": NOERROR qr rd ra no-edns | alias1.example. 20 CNAME garden.example. | "
            "garden.example. 30 A 203.0.113.1");
}

TEST_F(HandlerTest, AQueryThatCanKeepNeitherAnswerOfARewriteEnds) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"bad.tracker", Action::local_data, {"0 CNAME garden.example."}}}}});
  resolver_.set("alias1.example. A", {.records = {"alias1.example. 0 CNAME bad.tracker.",
                                                  "bad.tracker. 0 A 192.0.2.66"}});
  resolver_.set("garden.example. A", {.records = {"garden.example. 0 A 203.0.113.1"}});
  EXPECT_EQ(ask({.name = "alias1.example"}), "pending");
  std::vector<std::string> late;
  for (int i = 0; i < 100 && late.empty(); ++i) {
    resolver_.answer_all();
    late = take_late();
  }
  EXPECT_EQ(late.size(), 1U);
  EXPECT_EQ(resolver_.asked().size(), limits::kWaitsPerQuery);
}

TEST_F(HandlerTest, WithoutAWaitForStaleAnswersTheirRefreshIsKept) {
  settings_value_.stale_after_ms = 0;
  publish_settings();
  ask_through({});
  pass(seconds(400));
  EXPECT_EQ(ask({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_EQ(ask({}), "NOERROR qr rd ra | www.example. 300 A 192.0.2.1");
}

TEST_F(HandlerTest, WaitersUnderALongerDeadlineHearWhenTheQuestionIsForgotten) {
  EXPECT_EQ(ask({}), "pending");
  settings_value_.answer_deadline_ms = 60'000;
  publish_settings();
  pass(milliseconds(4900));
  EXPECT_EQ(ask({}, event::Transport::tcp), "pending");
  pass(milliseconds(10'099));
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1));
  EXPECT_EQ(take_late(),
            (std::vector<std::string>{"0: SERVFAIL qr rd ra ede=22 'no answer in time'",
                                      "1: SERVFAIL qr rd ra ede=22 'no answer in time'"}));
  EXPECT_EQ(handler_->stats().timeouts.value(), 2U);
  EXPECT_EQ(handler_->next_due(), std::nullopt);
}

TEST_F(HandlerTest, ARewriteThatCannotBeAskedForStillSaysBlocked) {
  policy::ZoneOptions options;
  options.name = "walled";
  set_policy({{options, {{"www.example", Action::local_data, {"20 CNAME garden.example."}}}}});
  resolver_.set_full(true);
  const std::string got = ask({});
  EXPECT_TRUE(got.starts_with("SERVFAIL qr rd ra ede=15 'Blocked by feed walled (trace ")) << got;
  EXPECT_EQ(last_record().disposition, event::Disposition::blocked);
}

TEST_F(HandlerTest, EqualQuestionsAreAskedOnceAndEachIsAnsweredByItsOwnTerms) {
  resolver_.set("www.example. A",
                {.records = {"www.example. 300 A 192.0.2.1",
                             "www.example. 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 "
                             "example. AAAA"},
                 .security = resolve::Security::secure});
  constexpr std::uint16_t rd = dns::flag::rd;
  EXPECT_EQ(ask({.edns = false}), "pending");
  EXPECT_EQ(ask({.name = "WWW.example", .flags = rd | dns::flag::ad}), "pending");
  EXPECT_EQ(ask({.dnssec_ok = true}), "pending");
  EXPECT_EQ(ask({.flags = rd | dns::flag::cd}), "pending");
  EXPECT_EQ(resolver_.asked(), (std::vector<std::string>{"www.example. A", "www.example. A cd"}));
  EXPECT_EQ(handler_->stats().coalesced.value(), 2U);
  resolver_.answer_all();
  const auto late = take_late();
  ASSERT_EQ(late.size(), 4U);
  EXPECT_EQ(late[0], "0: NOERROR qr rd ra no-edns | www.example. 300 A 192.0.2.1");
  EXPECT_EQ(late[1], "1: NOERROR qr rd ra ad | www.example. 300 A 192.0.2.1");
  EXPECT_TRUE(
      late[2].starts_with("2: NOERROR qr rd ra ad do | www.example. 300 A 192.0.2.1 | "
                          "www.example. 300 RRSIG A 13"))
      << late[2];
  EXPECT_EQ(late[3], "3: NOERROR qr rd ra cd | www.example. 300 A 192.0.2.1");
  // All three variants are cached.
  EXPECT_TRUE(ask({.dnssec_ok = true}).starts_with("NOERROR qr rd ra ad do"));
  EXPECT_EQ(ask({.edns = false}), "NOERROR qr rd ra no-edns | www.example. 300 A 192.0.2.1");
  EXPECT_TRUE(ask({.flags = rd | dns::flag::cd}).starts_with("NOERROR"));
}

TEST_F(HandlerTest, RepliesOutOfOrderReachTheirOwn) {
  resolver_.set("a.example. A", {.records = {"a.example. 60 A 192.0.2.1"}});
  resolver_.set("b.example. A", {.records = {"b.example. 60 A 192.0.2.2"}});
  EXPECT_EQ(ask({.name = "a.example"}), "pending");
  EXPECT_EQ(ask({.name = "b.example"}), "pending");
  resolver_.answer_all(true);
  EXPECT_EQ(take_late(),
            (std::vector<std::string>{"1: NOERROR qr rd ra | b.example. 60 A 192.0.2.2",
                                      "0: NOERROR qr rd ra | a.example. 60 A 192.0.2.1"}));
}

TEST_F(HandlerTest, AReplyFromInsideResolveIsFine) {
  resolver_.set_immediate(true);
  EXPECT_EQ(ask({}), "pending");
  EXPECT_EQ(take_late().size(), 1U);
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

TEST_F(HandlerTest, FailuresAreCachedForAShortWhile) {
  resolver_.set("www.example. A", {.rcode = Rcode::servfail});
  EXPECT_EQ(ask_through({}), "SERVFAIL qr rd ra ede=22");
  EXPECT_EQ(ask({}), "SERVFAIL qr rd ra ede=22");
  EXPECT_EQ(resolver_.asked().size(), 1U);
  pass(seconds(cache_.failure_ttl_s) + milliseconds(1));
  EXPECT_EQ(ask({}), "pending");
  resolver_.answer_all();
  take_late();
  // Whatever an upstream means by another code, for our client it is a failure.
  resolver_.set("r.example. A", {.rcode = Rcode::refused});
  EXPECT_EQ(ask_through({.name = "r.example"}), "SERVFAIL qr rd ra ede=22");
}

TEST_F(HandlerTest, AReplyToAnotherQuestionIsAFailure) {
  EXPECT_EQ(ask({}), "pending");
  resolve::Reply reply;
  reply.ticket = (std::uint64_t{1} << 32) | 0;
  reply.message = testing::message_of({*dns::Name::from_text("evil.example"), RRType::a}, {},
                                      {"evil.example. 60 A 192.0.2.66"});
  for (int i = 0; i < 2; ++i) handler_->on_reply(reply, now());
  const auto late = take_late();
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0], "0: SERVFAIL qr rd ra ede=22");
  EXPECT_EQ(handler_->stats().late_replies.value(), 1U);
}

TEST_F(HandlerTest, WithoutAReplyServfailAtTheDeadline) {
  EXPECT_EQ(ask({}), "pending");
  ASSERT_TRUE(handler_->next_due().has_value());
  EXPECT_EQ(*handler_->next_due(), mono_ + milliseconds(5000));
  pass(milliseconds(4999));
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1));
  EXPECT_EQ(take_late(),
            std::vector<std::string>{"0: SERVFAIL qr rd ra ede=22 'no answer in time'"});
  EXPECT_EQ(last_record().latency_us, 5'000'000U);
  EXPECT_EQ(handler_->stats().timeouts.value(), 1U);
  // What comes after all is cached.
  EXPECT_FALSE(handler_->has_waiters());
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_TRUE(ask({}).starts_with("NOERROR"));
}

TEST_F(HandlerTest, AQuestionWhoseReplyNeverComesIsForgotten) {
  EXPECT_EQ(ask({}), "pending");
  pass(seconds(6));
  take_late();
  // Still under way: neither asked again nor waited for.
  EXPECT_EQ(ask({}), "SERVFAIL qr rd ra ede=22 'no answer in time'");
  EXPECT_EQ(resolver_.asked().size(), 1U);
  pass(seconds(30));
  take_late();
  EXPECT_EQ(handler_->next_due(), std::nullopt);
  EXPECT_EQ(ask({}), "pending");
  EXPECT_EQ(resolver_.asked().size(), 2U);
}

TEST_F(HandlerTest, StaleAnswersServeWhenTheResolverIsSlow) {
  ask_through({});
  pass(seconds(400));
  EXPECT_EQ(ask({}), "pending");
  pass(milliseconds(1799));
  EXPECT_TRUE(take_late().empty());
  pass(milliseconds(1));
  EXPECT_EQ(take_late(),
            std::vector<std::string>{"1: NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1"});
  EXPECT_EQ(last_record().source, event::Source::stale);
  // Others need not wait as long again.
  EXPECT_EQ(ask({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  // The resolution goes on, and its result is cached.
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_EQ(ask({}), "NOERROR qr rd ra | www.example. 300 A 192.0.2.1");
}

TEST_F(HandlerTest, AStaleAnswerIsBetterThanAFailureAndIsNotRetriedAtOnce) {
  ask_through({});
  resolver_.set("www.example. A", {.rcode = Rcode::servfail});
  pass(seconds(400));
  EXPECT_EQ(ask_through({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  EXPECT_EQ(ask({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  EXPECT_EQ(resolver_.asked().size(), 2U);
  pass(seconds(31));
  EXPECT_EQ(ask({}), "pending");
}

TEST_F(HandlerTest, AFullResolverGivesStaleOrServfail) {
  ask_through({});
  pass(seconds(400));
  resolver_.set_full(true);
  EXPECT_EQ(ask({}), "NOERROR qr rd ra ede=3 | www.example. 30 A 192.0.2.1");
  EXPECT_EQ(ask({.name = "other.example"}),
            "SERVFAIL qr rd ra ede=14 'too many questions under way'");
  EXPECT_EQ(handler_->next_due(), std::nullopt);
}

TEST_F(HandlerTest, WaitersForOneQuestionAreBounded) {
  for (std::size_t i = 0; i < limits::kWaitersPerQuestion; ++i) ASSERT_EQ(ask({}), "pending");
  EXPECT_TRUE(ask({}).starts_with("SERVFAIL qr rd ra ede=14"));
  resolver_.answer_all();
  EXPECT_EQ(take_late().size(), limits::kWaitersPerQuestion);
}

TEST_F(HandlerTest, QuestionsUnderWayAreBounded) {
  for (std::size_t i = 0; i < limits::kPendingQuestions; ++i) {
    ASSERT_EQ(ask({.name = "n" + std::to_string(i) + ".example"}), "pending");
  }
  EXPECT_TRUE(ask({.name = "more.example"}).starts_with("SERVFAIL qr rd ra ede=14"));
  pass(seconds(5));
  EXPECT_EQ(take_late().size(), limits::kPendingQuestions);
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

TEST_F(HandlerTest, PopularAnswersAreRefreshedBeforeTheyEnd) {
  ask_through({});
  pass(seconds(290));
  std::size_t asked = 0;
  for (int i = 0; i < 50 && asked < 2; ++i) {
    EXPECT_TRUE(ask({}).starts_with("NOERROR"));
    asked = resolver_.asked().size();
  }
  EXPECT_EQ(asked, 2U);
  resolver_.answer_all();
  EXPECT_TRUE(take_late().empty());
  EXPECT_EQ(ask({}), "NOERROR qr rd ra | www.example. 300 A 192.0.2.1");
  EXPECT_EQ(handler_->stats().prefetches.value(), 1U);
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
