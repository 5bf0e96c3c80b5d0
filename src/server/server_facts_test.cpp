#include "server/server_facts.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "server/testing.h"

namespace postern::server {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

/// Answers by "name TYPE"; a question that is not in it is missing, one with no records unknown.
class Known final : public FactSource {
 public:
  void add(std::string_view owner, dns::RRType type, std::vector<std::string> records) {
    const dns::Question question{name(owner), type, dns::RRClass::in};
    const Octets message = testing::message_of(question, dns::Rcode::noerror, records);
    auto answer = cache::make_answer(message, false, true, {});
    answers_.emplace(key_of(question.qname, type), std::move(answer));
  }
  void add_unknown(std::string_view owner, dns::RRType type) {
    answers_.emplace(key_of(name(owner), type), std::nullopt);
  }

  Fact find(const cache::Key& key) override {
    const auto found = answers_.find(key_of(key.qname, key.qtype));
    if (found == answers_.end()) return {};
    if (!found->second) return {.state = State::unknown};
    return {.state = State::known, .answer = &*found->second};
  }

 private:
  static std::string key_of(const dns::Name& owner, dns::RRType type) {
    return owner.to_text() + " " + std::string(dns::to_string(type));
  }
  std::map<std::string, std::optional<cache::Answer>> answers_;
};

std::string shown(const ServerFacts& facts) {
  std::string text;
  for (const dns::Name& server : facts.names) text += server.to_text() + " ";
  for (const IpAddress& address : facts.addresses) text += address.to_text() + " ";
  for (const cache::Key& key : facts.missing) {
    text += fmt::format("{} {}? ", key.qname.to_text(), dns::to_string(key.qtype));
  }
  return text;
}

TEST(ServerFacts, AsksForTheServersOfTheNameAndOfThoseAboveIt) {
  Known known;
  const ServerFactOptions options{.min_labels = 2, .want_addresses = false};
  EXPECT_EQ(shown(server_facts(name("a.b.example"), options, known)),
            "a.b.example. NS? b.example. NS? ");
  known.add("a.b.example", dns::RRType::ns, {});
  known.add("b.example", dns::RRType::ns,
            {"b.example. 60 NS ns1.host.test.", "b.example. 60 NS ns2.host.test."});
  EXPECT_EQ(shown(server_facts(name("a.b.example"), options, known)),
            "ns1.host.test. ns2.host.test. ");
  EXPECT_EQ(shown(server_facts(name("example"), options, known)), "");
}

TEST(ServerFacts, AddressesFollowTheNames) {
  Known known;
  const ServerFactOptions options{.min_labels = 2, .want_addresses = true};
  known.add("b.example", dns::RRType::ns, {"b.example. 60 NS ns.host.test."});
  EXPECT_EQ(shown(server_facts(name("b.example"), options, known)),
            "ns.host.test. ns.host.test. A? ns.host.test. AAAA? ");
  known.add("ns.host.test", dns::RRType::a, {"ns.host.test. 60 A 192.0.2.1"});
  known.add_unknown("ns.host.test", dns::RRType::aaaa);
  EXPECT_EQ(shown(server_facts(name("b.example"), options, known)), "ns.host.test. 192.0.2.1 ");
}

TEST(ServerFacts, OnlyRecordsOfTheZoneItselfCount) {
  Known known;
  // An alias has no servers of its own: these are the target's.
  known.add("b.example", dns::RRType::ns,
            {"b.example. 60 CNAME c.example.", "c.example. 60 NS ns.evil.test."});
  EXPECT_EQ(shown(server_facts(name("b.example"), {}, known)), "");
}

TEST(ServerFacts, AreBounded) {
  Known known;
  std::string deep = "example";
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i) {
    deep = "l." + deep;
    many.push_back(fmt::format("b.example. 60 NS ns{}.test.", i));
  }
  EXPECT_EQ(server_facts(name(deep), {}, known).missing.size(), kMaxZonesLookedAt);
  known.add("b.example", dns::RRType::ns, many);
  const ServerFacts facts =
      server_facts(name("b.example"), {.min_labels = 2, .want_addresses = true}, known);
  EXPECT_EQ(facts.names.size(), kMaxServers);
  EXPECT_EQ(facts.missing.size(), 2 * kMaxServers);
}

}  // namespace
}  // namespace postern::server
