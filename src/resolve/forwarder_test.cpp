// Forwarding to servers that do all that servers do.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "dns/message.h"
#include "resolve/factory.h"
#include "resolve/fake_upstream.h"
#include "resolve/testing.h"

namespace postern::resolve {
namespace {

using dns::EdeCode;
using dns::Rcode;
using dns::RRType;
using testing::answer_for;
using testing::ask;
using testing::CollectingSink;
using testing::error_for;
using testing::FakeUpstream;
using testing::rcode_of;
using testing::records_of;
using testing::request;

using Messages = std::vector<Octets>;

FakeUpstream::Answer answers(std::uint8_t last_octet) {
  return [=](OctetView query) { return Messages{answer_for(query, last_octet)}; };
}
FakeUpstream::Answer fails(Rcode rcode) {
  return [=](OctetView query) { return Messages{answer_for(query, 0, rcode)}; };
}
Messages truncated(OctetView query) {
  return {answer_for(query, 0, Rcode::noerror, dns::flag::tc)};
}
Messages silence(OctetView) {
  return {};
}
/// The header of an answer alone, as servers send it that could not read the query.
Octets bare_header(OctetView query, Rcode rcode) {
  Octets out = answer_for(query, 0, rcode);
  out.resize(dns::kHeaderOctets);
  for (std::size_t i = 4; i < out.size(); ++i) out[i] = 0;
  return out;
}
FakeUpstream::Answer fails_barely(Rcode rcode) {
  return [=](OctetView query) { return Messages{bare_header(query, rcode)}; };
}
/// TC, and the end in the middle of the address.
Octets cut_off(OctetView query) {
  Octets out = answer_for(query, 66, Rcode::noerror, dns::flag::tc);
  constexpr std::size_t kOptOctets = 11;
  out.resize(out.size() - kOptOctets - 2);
  return out;
}
bool has_edns(OctetView query) {
  return dns::MessageView::parse(query)->edns().has_value();
}

class ForwarderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Resolver> make(const std::vector<std::string>& urls,
                                 std::uint32_t try_timeout_ms = 2000) {
    ForwarderOptions options;
    options.try_timeout_ms = try_timeout_ms;
    for (const std::string& url : urls) options.servers.push_back(*net::dns_server_from_text(url));
    return make(options);
  }
  std::unique_ptr<Resolver> make(const ForwarderOptions& options) {
    auto made = make_forwarder(options, log_);
    EXPECT_TRUE(made.has_value()) << made.error().text;
    return std::move(*made);
  }
  static double metric(const Resolver& resolver, std::string_view name) {
    Metrics metrics;
    resolver.collect(metrics);
    double sum = 0;
    for (const Metric& one : metrics) sum += one.name == name ? one.value : 0;
    return sum;
  }
  NullLog log_;
};

TEST_F(ForwarderTest, AsksWithDnssecAndPassesTheAnswerOn) {
  std::optional<dns::Edns> seen;
  std::uint16_t flags = 0;
  auto upstream = std::make_unique<FakeUpstream>(FakeUpstream::Behaviour{
      .datagram =
          [&](OctetView query) {
            const auto view = dns::MessageView::parse(query);
            seen = view->edns();
            flags |= view->header().flags;
            return Messages{answer_for(query, 1, Rcode::noerror, dns::flag::ad)};
          },
      .stream = {},
      .close_after_each = false,
      .tls = nullptr});
  const auto forwarder = make({upstream->url("udp")});
  Request question = request("www.example");
  question.ticket = 42;
  question.checking_disabled = true;
  const Reply reply = ask(*forwarder, question);
  EXPECT_EQ(reply.ticket, 42U);
  EXPECT_EQ(records_of(reply), "A 192.0.2.1");
  EXPECT_EQ(reply.security, Security::insecure);  // AD of a stranger is worth nothing.
  const auto view = dns::MessageView::parse(reply.message);
  ASSERT_TRUE(view.has_value());
  EXPECT_FALSE(view->edns().has_value());
  EXPECT_EQ(view->header().id, 0);
  EXPECT_FALSE(view->header().has(dns::flag::ad));
  forwarder->stop();
  ForwarderOptions trusting;
  trusting.servers = {*net::dns_server_from_text(upstream->url("udp"))};
  trusting.trust_ad = true;
  const auto other = make(trusting);
  EXPECT_EQ(ask(*other, request("www.example")).security, Security::secure);
  other->stop();

  upstream.reset();  // Its thread wrote these.
  ASSERT_TRUE(seen.has_value());
  EXPECT_TRUE(seen->dnssec_ok);
  EXPECT_EQ(seen->udp_octets, 1232);
  EXPECT_NE(flags & dns::flag::rd, 0);
  EXPECT_NE(flags & dns::flag::cd, 0);
}

TEST_F(ForwarderTest, ForgeriesAreIgnoredUntilTheAnswerComes) {
  FakeUpstream upstream({.datagram =
                             [](OctetView query) {
                               Octets wrong_id = answer_for(query, 66);
                               wrong_id[0] ^= 1;
                               Octets wrong_question = answer_for(query, 66);
                               wrong_question[13] = 'X';
                               Octets no_question = answer_for(query, 66);
                               no_question[5] = 0;
                               Octets a_query = answer_for(query, 66);
                               a_query[2] &= 0x7f;
                               Octets cut = answer_for(query, 66);
                               cut.resize(cut.size() - 3);
                               Octets bare_wrong_id = bare_header(query, Rcode::refused);
                               bare_wrong_id[0] ^= 1;
                               Octets bare_query = bare_header(query, Rcode::refused);
                               bare_query[2] &= 0x7f;
                               Octets cut_wrong_question = cut_off(query);
                               cut_wrong_question[13] = 'X';
                               Octets cut_question = cut_off(query);
                               cut_question.resize(dns::kHeaderOctets + 14);
                               return Messages{wrong_id,
                                               wrong_question,
                                               no_question,
                                               a_query,
                                               cut,
                                               {1, 2, 3},
                                               {},
                                               bare_wrong_id,
                                               bare_query,
                                               bare_header(query, Rcode::noerror),
                                               bare_header(query, Rcode::nxdomain),
                                               cut_wrong_question,
                                               cut_question,
                                               answer_for(query, 1)};
                             },
                         .stream = {},
                         .close_after_each = false,
                         .tls = nullptr});
  const auto forwarder = make({upstream.url("udp")});
  EXPECT_EQ(records_of(ask(*forwarder, request("www.example"))), "A 192.0.2.1");
  EXPECT_EQ(metric(*forwarder, "postern_upstream_mismatches_total"), 13);
  forwarder->stop();
}

TEST_F(ForwarderTest, TruncatedAnswersAreFetchedByTcp) {
  FakeUpstream upstream(
      {.datagram = truncated, .stream = answers(3), .close_after_each = false, .tls = nullptr});
  const auto forwarder = make({upstream.url("udp")});
  EXPECT_EQ(records_of(ask(*forwarder, request("www.example"))), "A 192.0.2.3");
  EXPECT_EQ(records_of(ask(*forwarder, request("two.example"))), "A 192.0.2.3");
  EXPECT_EQ(upstream.connections(), 1U);  // Kept for the next.
  forwarder->stop();
}

TEST_F(ForwarderTest, AnAnswerCutWithinARecordIsFetchedByTcpToo) {
  FakeUpstream upstream({.datagram = [](OctetView query) { return Messages{cut_off(query)}; },
                         .stream = answers(3),
                         .close_after_each = false,
                         .tls = nullptr});
  const auto forwarder = make({upstream.url("udp")});
  EXPECT_EQ(records_of(ask(*forwarder, request("www.example"))), "A 192.0.2.3");
  EXPECT_EQ(metric(*forwarder, "postern_upstream_mismatches_total"), 0);
  EXPECT_EQ(metric(*forwarder, "postern_upstream_timeouts_total"), 0);
  forwarder->stop();
}

TEST_F(ForwarderTest, ServersWithoutEdnsAreAskedAgainWithoutIt) {
  struct Case {
    const char* what;
    FakeUpstream::Answer to_edns;
  };
  const Case cases[] = {
      {"FORMERR, a header", fails_barely(Rcode::formerr)},
      {"NOTIMP, a header", fails_barely(Rcode::notimp)},
      {"FORMERR with the question", fails(Rcode::formerr)},
      {"BADVERS", fails(Rcode::badvers)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto answer = [&](OctetView query) {
      return has_edns(query) ? c.to_edns(query) : Messages{answer_for(query, 8)};
    };
    FakeUpstream upstream(
        {.datagram = answer, .stream = answer, .close_after_each = false, .tls = nullptr});
    for (const char* scheme : {"udp", "tcp"}) {
      const auto forwarder = make({upstream.url(scheme)}, 5000);
      for (const char* name : {"a.example", "b.example", "c.example", "d.example"}) {
        EXPECT_EQ(records_of(ask(*forwarder, request(name))), "A 192.0.2.8");
      }
      EXPECT_EQ(metric(*forwarder, "postern_upstream_questions_total"), 8);
      EXPECT_EQ(metric(*forwarder, "postern_upstream_mismatches_total"), 0);
      EXPECT_EQ(metric(*forwarder, "postern_upstream_up"), 1);
      forwarder->stop();
    }
  }
}

TEST_F(ForwarderTest, ATruncatedAnswerWithoutEdnsIsFetchedWithoutItToo) {
  const auto answer_or = [](Messages otherwise, OctetView query) {
    return has_edns(query) ? Messages{bare_header(query, Rcode::formerr)} : otherwise;
  };
  FakeUpstream upstream(
      {.datagram = [&](OctetView query) { return answer_or(truncated(query), query); },
       .stream = [&](OctetView query) { return answer_or({answer_for(query, 9)}, query); },
       .close_after_each = false,
       .tls = nullptr});
  const auto forwarder = make({upstream.url("udp")}, 5000);
  EXPECT_EQ(records_of(ask(*forwarder, request("www.example"))), "A 192.0.2.9");
  EXPECT_EQ(metric(*forwarder, "postern_upstream_questions_total"), 3);
  forwarder->stop();
}

TEST_F(ForwarderTest, ErrorsWithoutAQuestionAreAnswersOfALivingServer) {
  struct Case {
    Rcode rcode;
    const char* text;
  };
  const Case cases[] = {{Rcode::formerr, "FORMERR"},
                        {Rcode::notimp, "NOTIMP"},
                        {Rcode::servfail, "SERVFAIL"},
                        {Rcode::refused, "REFUSED"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    FakeUpstream upstream({.datagram = fails_barely(c.rcode),
                           .stream = {},
                           .close_after_each = false,
                           .tls = nullptr});
    const auto forwarder = make({upstream.url("udp")}, 5000);
    for (unsigned i = 1; i <= 4; ++i) {
      const Reply reply = ask(*forwarder, request("www.example"));
      EXPECT_EQ(rcode_of(reply), Rcode::servfail);
      EXPECT_EQ(reply.ede_text, std::string("upstream resolver 127.0.0.1 said ") + c.text);
      EXPECT_EQ(upstream.datagrams(), i * 2);  // With EDNS and without, or just once more.
    }
    EXPECT_EQ(metric(*forwarder, "postern_upstream_timeouts_total"), 0);
    EXPECT_EQ(metric(*forwarder, "postern_upstream_up"), 1);
    forwarder->stop();
  }
}

TEST_F(ForwarderTest, GoesOnToTheNextServer) {
  struct Case {
    const char* what;
    FakeUpstream::Answer first;
    unsigned datagrams;
  };
  const Case cases[] = {
      {"silence", silence, 1},
      {"SERVFAIL", fails(Rcode::servfail), 1},
      {"REFUSED", fails(Rcode::refused), 1},
      {"REFUSED, a header", fails_barely(Rcode::refused), 1},
      {"FORMERR, with EDNS and without", fails(Rcode::formerr), 2},
      {"NOTIMP, with EDNS and without", fails_barely(Rcode::notimp), 2},
      {"BADVERS, of which the header shows nothing", fails(Rcode::badvers), 2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    FakeUpstream bad(
        {.datagram = c.first, .stream = {}, .close_after_each = false, .tls = nullptr});
    FakeUpstream good(
        {.datagram = answers(2), .stream = {}, .close_after_each = false, .tls = nullptr});
    const auto forwarder = make({bad.url("udp"), good.url("udp")}, 300);
    EXPECT_EQ(records_of(ask(*forwarder, request("www.example"))), "A 192.0.2.2");
    EXPECT_EQ(bad.datagrams(), c.datagrams);
    forwarder->stop();
  }
}

// Some names take their servers long, or for ever: no reason to leave the best upstream.
TEST_F(ForwarderTest, NamesThatAreSlowToResolveTakeNoServerDown) {
  const auto but_slow = [](std::uint8_t last_octet) {
    return FakeUpstream::Behaviour{
        .datagram =
            [=](OctetView query) {
              const bool slow = text_of(query).find("slow") != std::string_view::npos;
              return slow ? Messages{} : Messages{answer_for(query, last_octet)};
            },
        .stream = {},
        .close_after_each = false,
        .tls = nullptr};
  };
  const FakeUpstream first(but_slow(1));
  const FakeUpstream second(but_slow(2));
  const auto forwarder = make({first.url("udp"), second.url("udp")}, 60);
  for (int i = 0; i < 4; ++i) {
    const std::string name = "n" + std::to_string(i) + ".slow.example";
    EXPECT_EQ(rcode_of(ask(*forwarder, request(name, RRType::a, milliseconds(400)))),
              Rcode::servfail);
  }
  EXPECT_EQ(records_of(ask(*forwarder, request("a.example"))), "A 192.0.2.1");
  forwarder->stop();
}

TEST_F(ForwarderTest, ClosedPortsCostNoTime) {
  std::string closed;
  {
    FakeUpstream gone({.datagram = {}, .stream = {}, .close_after_each = false, .tls = nullptr});
    closed = "127.0.0.1:" + std::to_string(gone.port());
  }
  FakeUpstream good(
      {.datagram = answers(2), .stream = {}, .close_after_each = false, .tls = nullptr});
  for (const char* scheme : {"udp://", "tcp://", "tls://"}) {
    const auto forwarder = make({scheme + closed, good.url("udp")}, 5000);
    const auto begin = testing::now();
    EXPECT_EQ(records_of(ask(*forwarder, request("www.example"))), "A 192.0.2.2") << scheme;
    EXPECT_LT(testing::now() - begin, milliseconds(1000));
    forwarder->stop();
  }
}

TEST_F(ForwarderTest, WhenAllFailTheReasonIsPassedOnMadeFit) {
  const std::string nasty = "broken\n\x1b[31m" + std::string(400, 'z');
  FakeUpstream upstream({.datagram =
                             [&](OctetView query) {
                               return Messages{
                                   error_for(query, Rcode::servfail, EdeCode::dnssec_bogus, nasty)};
                             },
                         .stream = {},
                         .close_after_each = false,
                         .tls = nullptr});
  const auto forwarder = make({upstream.url("udp")});
  const Reply reply = ask(*forwarder, request("www.example"));
  EXPECT_EQ(rcode_of(reply), Rcode::servfail);
  EXPECT_EQ(reply.ede, EdeCode::dnssec_bogus);
  EXPECT_EQ(reply.ede_text.substr(0, 12), "broken??[31m");
  EXPECT_EQ(reply.ede_text.size(), 120U);
  forwarder->stop();
}

TEST_F(ForwarderTest, AnswersByTheDeadlineWhateverHappens) {
  FakeUpstream upstream(
      {.datagram = silence, .stream = silence, .close_after_each = false, .tls = nullptr});
  for (const char* scheme : {"udp", "tcp"}) {
    const auto forwarder = make({upstream.url(scheme)});
    const auto begin = testing::now();
    const Reply reply = ask(*forwarder, request("www.example", RRType::a, milliseconds(150)));
    EXPECT_EQ(rcode_of(reply), Rcode::servfail);
    EXPECT_EQ(reply.ede, EdeCode::no_reachable_authority);
    EXPECT_GE(testing::now() - begin, milliseconds(145));
    EXPECT_LT(testing::now() - begin, milliseconds(1000));
    const Reply late = ask(*forwarder, request("www.example", RRType::a, milliseconds(-5)));
    EXPECT_EQ(rcode_of(late), Rcode::servfail);
    forwarder->stop();
  }
}

TEST_F(ForwarderTest, ALateAnswerOfAnEarlierTryStillCounts) {
  Octets held;
  FakeUpstream slow({.datagram =
                         [&](OctetView query) {
                           if (held.empty()) {
                             held = answer_for(query, 5);
                             return Messages{};
                           }
                           // The repetition comes from another port: answered wrongly, while the
                           // first answer goes nowhere. What counts is that nothing is mixed up.
                           return Messages{held, answer_for(query, 6)};
                         },
                     .stream = {},
                     .close_after_each = false,
                     .tls = nullptr});
  const auto forwarder = make({slow.url("udp")}, 50);
  EXPECT_EQ(records_of(ask(*forwarder, request("www.example"))), "A 192.0.2.6");
  forwarder->stop();
}

TEST_F(ForwarderTest, ManyQuestionsShareOneConnectionAndComeBackInAnyOrder) {
  constexpr std::size_t kCount = 50;
  Messages held;
  FakeUpstream upstream({.datagram = {},
                         .stream =
                             [&](OctetView query) {
                               held.push_back(
                                   answer_for(query, static_cast<std::uint8_t>(held.size() + 1)));
                               if (held.size() < kCount) return Messages{};
                               return Messages(held.rbegin(), held.rend());
                             },
                         .close_after_each = false,
                         .tls = nullptr});
  const auto forwarder = make({upstream.url("tcp")});
  CollectingSink sink;
  for (std::size_t i = 0; i < kCount; ++i) {
    Request one = request("n" + std::to_string(i) + ".example");
    one.ticket = i;
    ASSERT_TRUE(forwarder->resolve(one, sink));
  }
  ASSERT_TRUE(sink.wait_for(kCount));
  for (std::size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(records_of(sink.reply(i)), "A 192.0.2." + std::to_string(i + 1));
    const auto view = dns::MessageView::parse(sink.reply(i).message);
    EXPECT_EQ(view->question()->qname, *dns::Name::from_text("n" + std::to_string(i) + ".example"));
  }
  EXPECT_EQ(upstream.connections(), 1U);
  forwarder->stop();
}

// What a server sends is taken in pieces, and noise without end closes the connection.
TEST_F(ForwarderTest, NoiseOverAConnectionIsBounded) {
  struct Case {
    const char* what;
    Octets noise;
    std::size_t count;
    std::string want;
  };
  const Case cases[] = {
      {"more than one piece", Octets(dns::kHeaderOctets), 900, "A 192.0.2.7"},
      {"without end", Octets(dns::kHeaderOctets), 5000, ""},
      {"empty messages", {}, 1, ""},
      {"less than a header", Octets(dns::kHeaderOctets - 1), 1, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const FakeUpstream server({.datagram = {},
                               .stream =
                                   [&](OctetView query) {
                                     Messages all(c.count, c.noise);
                                     all.push_back(answer_for(query, 7));
                                     return all;
                                   },
                               .close_after_each = false,
                               .tls = nullptr});
    const auto forwarder = make({server.url("tcp")});
    const auto begin = testing::now();
    EXPECT_EQ(records_of(ask(*forwarder, request("a.example", RRType::a, seconds(10)))), c.want);
    EXPECT_LT(testing::now() - begin, seconds(9));
    forwarder->stop();
  }
}

TEST_F(ForwarderTest, ConnectionsThatEndAreMadeAnew) {
  FakeUpstream closing(
      {.datagram = {}, .stream = answers(4), .close_after_each = true, .tls = nullptr});
  const auto forwarder = make({closing.url("tcp")});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(records_of(ask(*forwarder, request("n" + std::to_string(i) + ".example"))),
              "A 192.0.2.4");
  }
  forwarder->stop();

  // One that closes without an answer is given up for the next server.
  FakeUpstream useless(
      {.datagram = {}, .stream = silence, .close_after_each = true, .tls = nullptr});
  FakeUpstream good(
      {.datagram = answers(2), .stream = {}, .close_after_each = false, .tls = nullptr});
  const auto other = make({useless.url("tcp"), good.url("udp")}, 5000);
  EXPECT_EQ(records_of(ask(*other, request("www.example"))), "A 192.0.2.2");
  other->stop();
}

class ForwarderTlsTest : public ForwarderTest {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    certificate_ = testing::make_certificate(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  ForwarderOptions options(const FakeUpstream& upstream, const std::string& identity,
                           const std::string& ca_file) {
    ForwarderOptions out;
    out.servers = {*net::dns_server_from_text(upstream.url("tls") + identity)};
    out.servers[0].tls_ca_file = ca_file;
    return out;
  }
  std::string folder_;
  testing::Certificate certificate_;
};

TEST_F(ForwarderTlsTest, TheServerMustBeTheOneThatWasNamed) {
  struct Case {
    const char* what;
    std::string identity;
    bool trusts_issuer;
    bool answers;
  };
  const std::string pin = "#pin-sha256=" + certificate_.pin_base64;
  const std::string other_pin = "#pin-sha256=" + std::string(43, 'A') + "=";
  const Case cases[] = {
      {"right name", "#dns.test", true, true},
      {"no name: the address counts", "", true, true},
      {"wrong name", "#dns.example", true, false},
      {"right name, unknown issuer", "#dns.test", false, false},
      {"right key, whatever name and issuer", pin, false, true},
      {"wrong key", other_pin, true, false},
      {"right name, wrong key", "#dns.test&" + other_pin.substr(1), true, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    FakeUpstream upstream(
        {.datagram = {}, .stream = answers(7), .close_after_each = false, .tls = &certificate_});
    const auto forwarder =
        make(options(upstream, c.identity, c.trusts_issuer ? certificate_.certificate_file : ""));
    const Reply reply = ask(*forwarder, request("www.example"));
    EXPECT_EQ(records_of(reply), c.answers ? "A 192.0.2.7" : "");
    if (!c.answers) {
      EXPECT_EQ(rcode_of(reply), Rcode::servfail);
      EXPECT_EQ(reply.ede, EdeCode::network_error);
    }
    forwarder->stop();
  }
}

TEST_F(ForwarderTlsTest, QueriesArePaddedAndSessionsResumed) {
  std::vector<std::size_t> sizes;
  auto upstream = std::make_unique<FakeUpstream>(
      FakeUpstream::Behaviour{.datagram = {},
                              .stream =
                                  [&](OctetView query) {
                                    sizes.push_back(query.size());
                                    return Messages{answer_for(query, 7)};
                                  },
                              .close_after_each = true,
                              .tls = &certificate_});
  const auto forwarder = make(options(*upstream, "#dns.test", certificate_.certificate_file));
  for (const char* name : {"a.example", "a-much-longer-name-than-the-first.example", "c.example"}) {
    EXPECT_EQ(records_of(ask(*forwarder, request(name))), "A 192.0.2.7");
  }
  forwarder->stop();
  EXPECT_GE(upstream->resumed(), 1U);
  upstream.reset();  // Its thread wrote the sizes.
  for (const std::size_t size : sizes) EXPECT_EQ(size % 128, 0U);
}

TEST_F(ForwarderTest, StoppingAnswersWhatIsUnderWay) {
  FakeUpstream upstream(
      {.datagram = silence, .stream = silence, .close_after_each = false, .tls = nullptr});
  for (const char* scheme : {"udp", "tcp"}) {
    const auto forwarder = make({upstream.url(scheme)});
    CollectingSink sink;
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < 200; ++i) {
      Request one = request("n" + std::to_string(i) + ".example", RRType::a, seconds(30));
      one.ticket = i;
      accepted += forwarder->resolve(one, sink);
    }
    forwarder->stop();
    EXPECT_EQ(sink.size(), accepted);
    EXPECT_EQ(sink.doubled(), 0U);
    EXPECT_FALSE(forwarder->resolve(request("www.example"), sink));
  }
}

TEST_F(ForwarderTest, OptionsThatCannotWorkAreRefused) {
  EXPECT_FALSE(make_forwarder(ForwarderOptions{}, log_).has_value());
  ForwarderOptions no_file;
  no_file.servers = {*net::dns_server_from_text("tls://127.0.0.1#dns.test")};
  no_file.servers[0].tls_ca_file = "/nonexistent/ca.pem";
  EXPECT_FALSE(make_forwarder(no_file, log_).has_value());
}

}  // namespace
}  // namespace postern::resolve
