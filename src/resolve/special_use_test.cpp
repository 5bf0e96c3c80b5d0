#include "resolve/special_use.h"

#include <string>

#include <gtest/gtest.h>

#include "resolve/testing.h"

namespace postern::resolve {
namespace {

using dns::Rcode;
using dns::RRType;

constexpr const char* kLoopback6 =
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa";

Reply answer_to(const dns::Question& question, const SpecialUseTable::Zone& zone) {
  Reply reply;
  reply.message = special_use_answer(zone, question);
  return reply;
}

TEST(SpecialUse, EachNameIsAnsweredAsItsStandardSays) {
  struct Case {
    std::string name;
    RRType type;
    Rcode rcode;
    std::string answer;
    std::string authority;
  };
  const Case cases[] = {
      // RFC 6761 §6.3: addresses for localhost and all below, no data for other types.
      {"localhost", RRType::a, Rcode::noerror, "A 127.0.0.1", ""},
      {"localhost", RRType::aaaa, Rcode::noerror, "AAAA ::1", ""},
      {"a.b.localhost", RRType::a, Rcode::noerror, "A 127.0.0.1", ""},
      {"localhost", RRType::any, Rcode::noerror, "A 127.0.0.1|AAAA ::1", ""},
      {"localhost", RRType::mx, Rcode::noerror, "", "SOA ?"},
      // Names that do not exist, whole trees of them.
      {"invalid", RRType::a, Rcode::nxdomain, "", "SOA ?"},
      {"a.invalid", RRType::a, Rcode::nxdomain, "", "SOA ?"},
      {"www.test", RRType::aaaa, Rcode::nxdomain, "", "SOA ?"},
      {"printer.local", RRType::a, Rcode::nxdomain, "", "SOA ?"},
      {"expyuzz4wqqyqhjn.onion", RRType::https, Rcode::nxdomain, "", "SOA ?"},
      {"onion", RRType::ds, Rcode::nxdomain, "", "SOA ?"},
      {"some.alt", RRType::txt, Rcode::nxdomain, "", "SOA ?"},
      {"intranet.internal", RRType::a, Rcode::nxdomain, "", "SOA ?"},
      // Empty zones, RFC 6303 §3.
      {"home.arpa", RRType::soa, Rcode::noerror, "SOA ?", ""},
      {"home.arpa", RRType::ns, Rcode::noerror, "NS home.arpa.", ""},
      {"home.arpa", RRType::a, Rcode::noerror, "", "SOA ?"},
      {"nas.home.arpa", RRType::a, Rcode::nxdomain, "", "SOA ?"},
      {"3.2.1.10.in-addr.arpa", RRType::ptr, Rcode::nxdomain, "", "SOA ?"},
      {"1.0.16.172.in-addr.arpa", RRType::ptr, Rcode::nxdomain, "", "SOA ?"},
      {"1.0.31.172.in-addr.arpa", RRType::ptr, Rcode::nxdomain, "", "SOA ?"},
      {"1.1.168.192.in-addr.arpa", RRType::ptr, Rcode::nxdomain, "", "SOA ?"},
      {"1.1.64.100.in-addr.arpa", RRType::ptr, Rcode::nxdomain, "", "SOA ?"},
      {"1.1.127.100.in-addr.arpa", RRType::ptr, Rcode::nxdomain, "", "SOA ?"},
      {"1.0.d.f.ip6.arpa", RRType::ptr, Rcode::nxdomain, "", "SOA ?"},
      {"8.e.f.ip6.arpa", RRType::ptr, Rcode::noerror, "", "SOA ?"},
      // Loopback addresses have names, what stands above them exists.
      {"1.0.0.127.in-addr.arpa", RRType::ptr, Rcode::noerror, "PTR localhost.", ""},
      {"0.0.127.in-addr.arpa", RRType::ptr, Rcode::noerror, "", "SOA ?"},
      {"2.0.0.127.in-addr.arpa", RRType::ptr, Rcode::nxdomain, "", "SOA ?"},
      {kLoopback6, RRType::ptr, Rcode::noerror, "PTR localhost.", ""},
      // RFC 9462 §6.4: no data, not "no such name", for what a client discovers resolvers by.
      {"_dns.resolver.arpa", RRType::svcb, Rcode::noerror, "", "SOA ?"},
  };
  const SpecialUseTable table;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name + " " + dns::to_string(c.type));
    const dns::Question question{*dns::Name::from_text(c.name), c.type, dns::RRClass::in};
    const auto* zone = table.find(question);
    ASSERT_NE(zone, nullptr);
    const Reply reply = answer_to(question, *zone);
    const auto view = dns::MessageView::parse(reply.message);
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->question(), question);
    EXPECT_EQ(view->header().id, 0);
    EXPECT_TRUE(view->header().has(dns::flag::qr));
    EXPECT_EQ(view->rcode(), c.rcode);
    EXPECT_EQ(testing::records_of(reply), c.answer);
    EXPECT_EQ(testing::records_of(reply, dns::Section::authority), c.authority);
  }
}

TEST(SpecialUse, OrdinaryNamesAreLeftAlone) {
  const char* names[] = {".",
                         "example.com",
                         "localhost.example.com",
                         "test.example",
                         "notlocalhost",
                         "alt.org",
                         "arpa",
                         "in-addr.arpa",
                         "ip6.arpa",
                         "8.8.8.8.in-addr.arpa",
                         "32.172.in-addr.arpa",
                         "15.172.in-addr.arpa",
                         "63.100.in-addr.arpa",
                         "128.100.in-addr.arpa",
                         "169.192.in-addr.arpa",
                         "c.f.ip6.arpa",
                         "ipv4only.arpa",
                         "home.arpa.example"};
  const SpecialUseTable table;
  for (const char* name : names) {
    const dns::Question question{*dns::Name::from_text(name), RRType::a, dns::RRClass::in};
    EXPECT_EQ(table.find(question), nullptr) << name;
  }
  // The parent of a private reverse zone says that it is not signed.
  EXPECT_EQ(table.find({*dns::Name::from_text("10.in-addr.arpa"), RRType::ds, dns::RRClass::in}),
            nullptr);
  EXPECT_NE(table.find({*dns::Name::from_text("1.10.in-addr.arpa"), RRType::ds, dns::RRClass::in}),
            nullptr);
}

}  // namespace
}  // namespace postern::resolve
