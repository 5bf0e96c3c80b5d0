#include "event/answer_trail.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::event {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}
IpAddress address(std::string_view text) {
  return IpAddress::from_text(text).value();
}

/// "a.example. 192.0.2.1 2001:db8::1".
std::string shown(OctetView octets) {
  TrailParts parts;
  if (!read_trail(octets, parts)) return "none";
  std::string text;
  for (const dns::Name& each : parts.names) text += each.to_text() + " ";
  for (const IpAddress& each : parts.addresses) text += each.to_text() + " ";
  return text;
}

TEST(AnswerTrail, ReadsAsItWasMade) {
  const dns::Name names[] = {name("edge.example"), name("e7.cdn.example")};
  const IpAddress addresses[] = {address("192.0.2.1"), address("2001:db8::1")};
  EXPECT_EQ(shown(AnswerTrail(names, addresses).octets()),
            "edge.example. e7.cdn.example. 192.0.2.1 2001:db8::1 ");
  EXPECT_TRUE(AnswerTrail({}, {}).empty());
  EXPECT_EQ(shown({}), "");
}

TEST(AnswerTrail, KeepsWhatFindsRoomNamesFirst) {
  const std::vector<dns::Name> names(20, name(std::string(60, 'a') + ".example"));
  const std::vector<IpAddress> addresses(20, address("2001:db8::1"));
  const AnswerTrail trail(names, addresses);
  TrailParts parts;
  ASSERT_TRUE(read_trail(trail.octets(), parts));
  EXPECT_EQ(parts.names.size(), 4U);
  EXPECT_EQ(parts.addresses.size(), 2U);
  ASSERT_TRUE(read_trail(AnswerTrail({}, addresses).octets(), parts));
  EXPECT_EQ(parts.addresses.size(), AnswerTrail::kMaxAddresses);
}

TEST(AnswerTrail, KeepsTheAddressesOfAnotherFamilyThatWereKnown) {
  const IpAddress v4[] = {address("192.0.2.1")}, later[] = {address("192.0.2.9")},
                  v6[] = {address("2001:db8::1")};
  const dns::Name alias[] = {name("edge.example")};
  AnswerTrail trail({}, v6);
  trail.keep_other_family(AnswerTrail(alias, v4).octets());
  EXPECT_EQ(shown(trail.octets()), "2001:db8::1 192.0.2.1 ") << "the alias is gone";
  AnswerTrail next(alias, later);
  next.keep_other_family(trail.octets());
  EXPECT_EQ(shown(next.octets()), "edge.example. 192.0.2.9 2001:db8::1 ");
}

TEST(AnswerTrail, OctetsThatAreNoTrailGiveNothing) {
  const std::string_view bad[] = {
      "\xc4\x01\x02\x03",        "\xc6too short", "\x03www", "\x01", "\xff",
      std::string_view("\0", 1), "\x80\x01"};
  for (const std::string_view each : bad) EXPECT_EQ(shown(octets_of(each)), "none") << each;
  EXPECT_EQ(shown(Octets(AnswerTrail::kMaxOctets + 1, 1)), "none");
}

}  // namespace
}  // namespace postern::event
