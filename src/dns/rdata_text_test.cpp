// Record data: text to wire and back, type by type.
#include <gtest/gtest.h>

#include "dns/encoding.h"
#include "dns/rdata.h"

namespace postern::dns {
namespace {

Name name(std::string_view text) {
  return Name::from_text(text).value();
}

std::string hex(OctetView octets) {
  std::string out;
  append_hex(octets, out);
  return out;
}

std::string wire_of(RRType type, std::string_view text) {
  const auto rdata = rdata_from_text(type, text, name("example.com"));
  return rdata ? hex(*rdata) : "error: " + rdata.error().text;
}

struct Good {
  RRType type;
  std::string_view text;
  std::string_view wire;  // In hexadecimal.
  std::string_view back;  // Text again; empty where it is `text`.
};

void expect_both_ways(const Good& c) {
  SCOPED_TRACE(to_string(c.type) + " " + std::string(c.text));
  ASSERT_EQ(wire_of(c.type, c.text), c.wire);
  const Octets rdata = rdata_from_text(c.type, c.text, name("example.com")).value();
  const std::string back = rdata_to_text(c.type, rdata);
  EXPECT_EQ(back, c.back.empty() ? c.text : c.back);
  EXPECT_EQ(wire_of(c.type, back), c.wire);
}

TEST(RdataText, NamesAddressesAndNumbers) {
  const Good cases[] = {
      {RRType::a, "192.0.2.1", "C0000201", ""},
      {RRType::aaaa, "2001:db8::1", "20010DB8000000000000000000000001", ""},
      {RRType::aaaa, "::ffff:192.0.2.1", "00000000000000000000FFFFC0000201", ""},
      {RRType::ns, "ns.example.com.", "026E73076578616D706C6503636F6D00", ""},
      // Relative names and the origin itself.
      {RRType::ns, "ns", "026E73076578616D706C6503636F6D00", "ns.example.com."},
      {RRType::cname, "@", "076578616D706C6503636F6D00", "example.com."},
      {RRType::cname, ".", "00", ""},
      {RRType::cname, "a\\.", "02612E076578616D706C6503636F6D00", "a\\..example.com."},
      {RRType::cname, "a\\\\.", "02615C00", "a\\\\."},
      {RRType::dname, "B.", "016200", "b."},
      {RRType::mx, "10 mx.", "000A026D7800", ""},
      {RRType::soa, "a. b. 1 2h 3 4 5",
       "016100016200000000010000"
       "1C20"
       "000000030000000400000005",
       "a. b. 1 7200 3 4 5"},
      {RRType::soa, "a. b. 4294967295 4294967295 0 0 0",
       "016100016200FFFFFFFFFFFFFFFF000000000000000000000000", ""},
      {RRType::srv, "1 2 443 s.", "0001000201BB017300", ""},
      {RRType::rp, "a. b.", "016100016200", ""},
      {RRType::minfo, "a. b.", "016100016200", ""},
      {RRType::afsdb, "1 a.", "0001016100", ""},
      {RRType::rt, "1 a.", "0001016100", ""},
      {RRType::kx, "1 a.", "0001016100", ""},
      {RRType::lp, "1 a.", "0001016100", ""},
      {RRType::px, "1 a. b.", "0001016100016200", ""},
      {RRType::wks, "192.0.2.1 tcp 0 25", "C00002010680000040", "192.0.2.1 6 0 25"},
      {RRType::l32, "10 10.1.2.0", "000A0A010200", ""},
      {RRType::nid, "10 14:4fff:ff20:ee64", "000A00144FFFFF20EE64", "10 0014:4FFF:FF20:EE64"},
      {RRType::l64, "10 2001:0DB8:1140:1000", "000A20010DB811401000", ""},
      {RRType::eui48, "00-00-5e-00-53-2a", "00005E00532A", "00-00-5E-00-53-2A"},
      {RRType::eui64, "00-00-5E-EF-10-00-00-2A", "00005EEF1000002A", ""},
  };
  for (const Good& c : cases) expect_both_ways(c);
}

TEST(RdataText, Strings) {
  const Good cases[] = {
      {RRType::txt, "\"a b\" \"\"", "0361206200", ""},
      {RRType::txt, "plain words", "05706C61696E05776F726473", "\"plain\" \"words\""},
      {RRType::txt, R"("q\"b\\s\;\000\255")", "087122625C733B00FF", R"("q\"b\\s;\000\255")"},
      {RRType::txt, "( \"a\"\n \"b\" ) ; comment", "01610162", "\"a\" \"b\""},
      {RRType::txt, "\"a\"\"b\"", "01610162", "\"a\" \"b\""},
      {RRType::spf, "\"v=spf1 -all\"", "0B763D73706631202D616C6C", ""},
      {RRType::resinfo, "\"qnamemin\"", "08716E616D656D696E", ""},
      {RRType::hinfo, "\"RFC8482\" \"\"", "075246433834383200", ""},
      {RRType::x25, "\"311061700956\"", "0C333131303631373030393536", ""},
      {RRType::isdn, "\"150\"", "03313530", ""},
      {RRType::isdn, "\"150\" \"004\"", "0331353003303034", ""},
      {RRType::naptr, "100 50 \"s\" \"z3950+I2L\" \"\" a.",
       "006400320173097A333935302B49324C00016100", ""},
      {RRType::caa, "0 issue \"ca.example\"",
       "000569737375656361"
       "2E6578616D706C65",
       ""},
      {RRType::caa, "128 issue \"\"", "80056973737565", ""},
      {RRType::uri, "10 1 \"ftp://a/\"", "000A00016674703A2F2F612F", ""},
  };
  for (const Good& c : cases) expect_both_ways(c);
}

TEST(RdataText, SecurityTypes) {
  const Good cases[] = {
      {RRType::ds, "60485 13 1 2BB183AF", "EC450D012BB183AF", ""},
      {RRType::ds, "60485 ECDSAP256SHA256 1 2bb1 83af", "EC450D012BB183AF", "60485 13 1 2BB183AF"},
      {RRType::cds, "0 0 0 00", "0000000000", ""},
      {RRType::dlv, "1 5 1 AB", "00010501AB", ""},
      {RRType::ta, "1 5 1 AB", "00010501AB", ""},
      {RRType::dnskey, "256 3 5 AQPSKmyn", "010003050103D22A6CA7", ""},
      {RRType::dnskey, "256 3 RSASHA1 AQPS Kmyn", "010003050103D22A6CA7", "256 3 5 AQPSKmyn"},
      {RRType::cdnskey, "0 3 0 AA==", "0000030000", ""},
      {RRType::key, "49152 3 5", "C0000305", ""},
      {RRType::rrsig, "A 5 3 86400 20030322173103 20030220173103 2642 a. AQI=",
       "0001050300015180"
       "3E7C9DD7"
       "3E5510D7"
       "0A52"
       "016100"
       "0102",
       ""},
      {RRType::nsec, "host.a. A MX RRSIG NSEC TYPE1234",
       "04686F7374016100"
       "0006400100000003"
       "041B"
       "000000000000000000000000000000000000000000000000000020",
       ""},
      {RRType::nsec, "a.", "016100", ""},
      {RRType::nsec3, "1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR MX DNSKEY NS",
       "0101000C04AABBCCDD1417"
       "4EB2409FE28BCB4887A1836F957F0A8425E27B"
       "0007200100000000"
       "80",
       "1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR NS MX DNSKEY"},
      {RRType::nsec3param, "1 0 0 -", "0100000000", ""},
      {RRType::tlsa, "3 1 1 ABCD", "030101ABCD", ""},
      {RRType::smimea, "3 1 1 ABCD", "030101ABCD", ""},
      {RRType::sshfp, "4 2 ABCD", "0402ABCD", ""},
      {RRType::cert, "PKIX 65535 RSASHA256 AQI=", "0001FFFF080102", "1 65535 8 AQI="},
      {RRType::openpgpkey, "AQI=", "0102", ""},
      {RRType::dhcid, "AAIB", "000201", ""},
      {RRType::csync, "66 3 A NS AAAA",
       "000000420003"
       "000460000008",
       ""},
      {RRType::zonemd, "2018031900 1 1 ABCD",
       "7848B91C"
       "0101ABCD",
       ""},
      {RRType::ipseckey, "10 0 2 . AQI=", "0A00020102", ""},
      {RRType::ipseckey, "10 1 2 192.0.2.38 AQI=", "0A0102C00002260102", ""},
      {RRType::ipseckey, "10 2 2 2001:db8::1 AQI=", "0A020220010DB80000000000000000000000010102",
       ""},
      {RRType::ipseckey, "10 3 0 gw.", "0A030002677700", ""},
      {RRType::hip, "2 ABCD AQI= a. b.", "02020002ABCD0102016100016200", ""},
      {RRType::hip, "2 ABCD AQI=", "02020002ABCD0102", ""},
  };
  for (const Good& c : cases) {
    expect_both_ways(c);
  }
}

TEST(RdataText, PlacesAndPrefixes) {
  const Good cases[] = {
      // RFC 1876's examples.
      {RRType::loc, "42 21 54 N 71 06 18 W -24m 30m",
       "0033161389172DD070BE15F0"
       "00988D20",
       "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"},
      {RRType::loc, "52 14 05 N 00 08 50 E 10m", "001216138B3556C88008165000989A68",
       "52 14 5.000 N 0 8 50.000 E 10.00m 1.00m 10000.00m 10.00m"},
      {RRType::loc, "90 S 180 E -100000.00m 0.00m 90000000.00m 0.09m",
       "0000999"
       "06CB02700"
       "A69FB200"
       "00000000",
       "90 0 0.000 S 180 0 0.000 E -100000.00m 0.00m 90000000.00m 0.09m"},
      {RRType::apl, "1:192.168.32.0/21 !1:192.168.38.0/28", "00011503C0A82000011C83C0A826", ""},
      {RRType::apl, "2:ff00::/8", "00020801FF", ""},
      {RRType::apl, "1:0.0.0.0/0", "00010000", ""},
      {RRType::apl, "", "", ""},
  };
  for (const Good& c : cases) expect_both_ways(c);
}

// The test vectors of RFC 9460 appendix D, and the keys of RFC 9461 and 9540.
TEST(RdataText, ServiceBinding) {
  const Good cases[] = {
      {RRType::https, "0 foo.example.com.", "000003666F6F076578616D706C6503636F6D00", ""},
      {RRType::svcb, "1 .", "000100", ""},
      {RRType::svcb, "16 foo.example.com. port=53",
       "001003666F6F076578616D706C6503636F6D00000300020035", ""},
      {RRType::svcb, "1 foo.example.com. key667=hello",
       "000103666F6F076578616D706C6503636F6D00029B000568656C6C6F",
       "1 foo.example.com. key667=\"hello\""},
      {RRType::svcb, "1 foo.example.com. key667=\"hello\\210qoo\"",
       "000103666F6F076578616D706C6503636F6D00029B000968656C6C6FD2716F6F", ""},
      {RRType::svcb, "1 . ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
       "0001000006002020010DB800000000000000000000000120010DB8000000000000000000530001",
       "1 . ipv6hint=2001:db8::1,2001:db8::53:1"},
      {RRType::svcb, "1 . ipv6hint=::ffff:198.51.100.100",
       "00010000060010"
       "00000000000000000000FFFFC6336464",
       ""},
      // Keys come in order whatever the text's.
      {RRType::svcb, "16 . alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
       "00100000000004000100040001000902683205683"
       "32D3139"
       "00040004C0000201",
       "16 . mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1"},
      {RRType::svcb, R"(16 . alpn="f\\\\oo\\,bar,h2")",
       "00100000010"
       "00C08665C6F6F2C626172026832",
       ""},
      {RRType::svcb, R"(16 . alpn=f\\\092oo\092,bar,h2)",
       "00100000010"
       "00C08665C6F6F2C626172026832",
       R"(16 . alpn="f\\\\oo\\,bar,h2")"},
      {RRType::https, "1 . alpn=\"h3\" no-default-alpn ech=AQI=",
       "0001000001000302683300020000"
       "000500020102",
       ""},
      {RRType::svcb, "1 . dohpath=\"/dns-query{?dns}\" ohttp",
       "000100000700102F646E732D71756572797B3F646E737D00080000", ""},
      {RRType::svcb, "1 . key9", "00010000090000", ""},
  };
  for (const Good& c : cases) expect_both_ways(c);
}

TEST(RdataText, GenericForm) {
  const Good cases[] = {
      {static_cast<RRType>(731), "\\# 3 abcdef", "ABCDEF", "\\# 3 ABCDEF"},
      {static_cast<RRType>(731), "\\# 3 ab ( cd\n ef )", "ABCDEF", "\\# 3 ABCDEF"},
      {static_cast<RRType>(731), "\\# 0", "", ""},
      {RRType::null, "\\# 1 00", "00", ""},
      // A known type may be written so too, if the octets are its own.
      {RRType::a, "\\# 4 c0000201", "C0000201", "192.0.2.1"},
      {RRType::txt, "\\# 2 0161", "0161", "\"a\""},
  };
  for (const Good& c : cases) expect_both_ways(c);
}

TEST(RdataText, ErrorsNameTheToken) {
  struct Case {
    RRType type;
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {RRType::a, "", "an IPv4 address is missing"},
      {RRType::a, "192.0.2.256", "\"192.0.2.256\" is not an IPv4 address"},
      {RRType::a, "192.0.2.1 x", "\"x\" stands behind the end of the record"},
      {RRType::a, "2001:db8::1", "\"2001:db8::1\" is not an IPv4 address"},
      {RRType::aaaa, "192.0.2.1", "\"192.0.2.1\" is not an IPv6 address"},
      {RRType::cname, "a..b", "\"a..b\" is not a name: empty label"},
      {RRType::cname, "", "a name is missing"},
      {RRType::mx, "65536 a.", "\"65536\" is not a number from 0 to 65535"},
      {RRType::mx, "-1 a.", "\"-1\" is not a number from 0 to 65535"},
      {RRType::mx, "10", "a name is missing"},
      {RRType::soa, "a. b. 1 1x 1 1 1", "\"1x\" is not a number of seconds"},
      {RRType::txt, "", "a text is missing"},
      {RRType::txt, "\"a", "a quoted string does not end on its line; add the quote"},
      {RRType::txt, "( a", "a parenthesis is not closed; add the )"},
      {RRType::txt, "a )", "a ) has no ( before it"},
      {RRType::txt, "\\300", "\"\\\\300\" is not a text: it has a bad escape"},
      {RRType::txt, "a\nb", "a line's end inside the record data"},
      {RRType::caa, "0 is-sue \"x\"", "\"is-sue\" is not a tag (letters and digits)"},
      {RRType::uri, "1 1 \"\"", "\"\" is not a target"},
      {RRType::ds, "1 2 3 ABC", "a hexadecimal digit is missing"},
      {RRType::ds, "1 2 3 XY", "\"XY\" is not hexadecimal"},
      {RRType::ds, "1 2 3", "hexadecimal data is missing"},
      {RRType::ds, "1 256 3 AB", "\"256\" is not a DNSSEC algorithm"},
      {RRType::dnskey, "256 3 5 AQI", "the base64 is cut off or badly padded"},
      {RRType::dnskey, "256 3 5 AQJ=", "the base64 is cut off or badly padded"},
      {RRType::dnskey, "256 3 5 AQ=I", "\"AQ=I\" is not base64"},
      {RRType::openpgpkey, "", "base64 data is missing"},
      {RRType::rrsig, "A 5 3 1 20030322173103 20031320173103 1 a. AQI=",
       "\"20031320173103\" is not a time (YYYYMMDDHHmmSS)"},
      {RRType::rrsig, "FOO 5 3 1 1 1 1 a. AQI=", "\"FOO\" is not a record type"},
      {RRType::nsec, "a. A FOO", "\"FOO\" is not a record type"},
      {RRType::nsec3, "1 1 12 ABC 2T7B4G4V", "\"ABC\" is not a salt (hexadecimal, or -)"},
      {RRType::nsec3, "1 1 12 - WX", "\"WX\" is not a hash (base32hex)"},
      {RRType::nsec3, "1 1 12 - -", "\"-\" is not a hash (base32hex)"},
      {RRType::eui48, "00-00-5e-00-53",
       "\"00-00-5e-00-53\" is not hexadecimal octets with - between them"},
      {RRType::eui48, "0-0-0-0-0-0",
       "\"0-0-0-0-0-0\" is not hexadecimal octets with - between them"},
      {RRType::nid, "1 1:2:3", "\"1:2:3\" is not four groups of hexadecimal, as 0:0:0:1"},
      {RRType::nid, "1 1:2:3:4:5", "\"1:2:3:4:5\" is not four groups of hexadecimal, as 0:0:0:1"},
      {RRType::loc, "91 N 0 E 0", "not a location, as 52 22 23.0 N 4 53 32.0 E -2m"},
      {RRType::loc, "90 0 0.001 N 0 E 0", "not a location, as 52 22 23.0 N 4 53 32.0 E -2m"},
      {RRType::loc, "1 N 1 E", "not a location, as 52 22 23.0 N 4 53 32.0 E -2m"},
      {RRType::apl, "1:192.0.2.0/33",
       "\"1:192.0.2.0/33\" is not a prefix, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
      {RRType::apl, "3:00/1", "\"3:00/1\" is not a prefix, as 1:192.0.2.0/24 or !2:2001:db8::/32"},
      {RRType::ipseckey, "10 4 2 . AQI=", "4 is not a gateway type (0 to 3)"},
      {RRType::ipseckey, "10 0 2 a. AQI=", "\"a.\" is not the gateway of type 0, which is ."},
      {RRType::svcb, "1 . port", "\"\" is not a value for port"},
      {RRType::svcb, "1 . port=65536", "\"65536\" is not a value for port"},
      {RRType::svcb, "1 . alpn=", "\"\" is not a value for alpn"},
      {RRType::svcb, "1 . alpn=h2,,h3", "\"h2,,h3\" is not a value for alpn"},
      {RRType::svcb, "1 . no-default-alpn=x", "\"x\" is not a value for no-default-alpn"},
      {RRType::svcb, "1 . ipv4hint=::1", "\"::1\" is not a value for ipv4hint"},
      {RRType::svcb, "1 . mandatory=mandatory", "\"mandatory\" is not a value for mandatory"},
      {RRType::svcb, "1 . mandatory=alpn,alpn alpn=h2",
       "\"alpn,alpn\" is not a value for mandatory"},
      {RRType::svcb, "1 . mandatory=key123", "the mandatory service parameter key123 is missing"},
      {RRType::svcb, "1 . key123=abc key123=def",
       "the service parameter key123 stands there twice"},
      {RRType::svcb, "1 . colour=red", "\"colour=red\" is not a service parameter (key=value)"},
      {RRType::svcb, "1 . key65535=x", "\"key65535=x\" is not a service parameter (key=value)"},
      {static_cast<RRType>(731), "1 2 3",
       "TYPE731 data must be written as \\# (RFC 3597): \\# 2 abcd"},
      {static_cast<RRType>(731), "\\# 2 ab", "\\# says 2 octets, but there are 1"},
      {static_cast<RRType>(731), "\\# 65536 ab", "\"65536\" is not a number from 0 to 65535"},
      {RRType::a, "\\# 3 abcdef", "the data of \\# is not that of A"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(to_string(c.type) + " " + std::string(c.text));
    EXPECT_EQ(wire_of(c.type, c.text), "error: " + std::string(c.want));
  }
}

TEST(RdataText, ALongStringMustBeSplit) {
  EXPECT_TRUE(rdata_from_text(RRType::txt, std::string(255, 'x'), Name()));
  EXPECT_FALSE(rdata_from_text(RRType::txt, std::string(256, 'x'), Name()));
}

TEST(RdataText, OverlongDataIsRefused) {
  std::string text;
  for (int i = 0; i < 257; ++i) text += std::string(255, 'x') + " ";
  const auto rdata = rdata_from_text(RRType::txt, text, Name());
  ASSERT_FALSE(rdata);
  EXPECT_EQ(rdata.error().code, Errc::limit_exceeded);
}

// What does not read as its type is shown as octets, never dropped.
TEST(RdataText, MalformedDataIsShownAsOctets) {
  struct Case {
    RRType type;
    Octets rdata;
  };
  const Case cases[] = {
      {RRType::a, {1, 2, 3}},
      {RRType::a, {1, 2, 3, 4, 5}},
      {RRType::txt, {}},
      {RRType::txt, {5, 'a'}},
      {RRType::cname, {1, 'a'}},
      {RRType::cname, {0, 0}},
      {RRType::mx, {0}},
      {RRType::caa, {0, 0, 'x'}},
      {RRType::caa, {0, 1, '-', 'x'}},
      {RRType::nsec, {0, 0, 0}},
      {RRType::nsec, {0, 0, 1, 0}},
      {RRType::nsec, {0, 1, 1, 1, 0, 1, 1}},
      {RRType::loc, {1, 0}},
      {RRType::loc, Octets(16, 0)},
      {RRType::apl, {0, 3, 1, 0}},
      {RRType::apl, {0, 1, 8, 1, 0}},
      {RRType::svcb, {0, 1, 0, 0, 3, 0, 1, 9}},
      {RRType::svcb, {0, 1, 0, 0, 3, 0, 2, 0, 1, 0, 2, 0, 0}},
      {RRType::svcb, {0, 1, 0, 0, 1, 0, 1, 0}},
      {RRType::ipseckey, {1, 4, 1}},
      {RRType::hip, {0, 1, 0, 0}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(to_string(c.type) + " " + hex(c.rdata));
    std::string want = "\\# " + std::to_string(c.rdata.size());
    if (!c.rdata.empty()) want += " " + hex(c.rdata);
    EXPECT_EQ(rdata_to_text(c.type, c.rdata), want);
  }
}

TEST(RdataText, NamesFromAPacketAreWrittenOut) {
  const Octets message = {3, 'c', 'o', 'm', 0, 0, 10, 1, 'a', 0xc0, 0};
  EXPECT_EQ(rdata_to_text(RRType::mx, message, 5, 6), "10 a.com.");
}

}  // namespace
}  // namespace postern::dns
