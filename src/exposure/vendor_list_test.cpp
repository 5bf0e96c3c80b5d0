#include "exposure/vendor_list.h"

#include <gtest/gtest.h>

namespace postern::exposure {
namespace {

std::string domains(const VendorList& list) {
  std::string out;
  for (const Vendor& vendor : list.vendors) {
    out += std::to_string(vendor.line) + " " + vendor.domain.to_display() + "\n";
  }
  return out;
}

std::string bad(const VendorList& list) {
  std::string out;
  for (const BadLine& line : list.bad) out += std::to_string(line.line) + ": " + line.why + "\n";
  return out;
}

VendorList read(std::string_view text, std::optional<std::string_view> column = std::nullopt) {
  auto list = read_vendor_list(text, column);
  EXPECT_TRUE(list) << list.error().text;
  return list ? *std::move(list) : VendorList{};
}

TEST(VendorList, ColumnsAreCarriedAlong) {
  const VendorList list = read(
      "Vendor,Domain,Risk\r\nAcme,acme.example,high\r\n\"Widgets, "
      "\"\"Inc\"\"\",widgets.example,\r\n");
  EXPECT_EQ(domains(list), "2 acme.example\n3 widgets.example\n");
  EXPECT_EQ(list.header, (std::vector<std::string>{"Vendor", "Domain", "Risk"}));
  EXPECT_EQ(list.domain_column, 1U);
  EXPECT_EQ(list.vendors[1].fields[0], "Widgets, \"Inc\"");
  EXPECT_TRUE(list.bad.empty());
}

TEST(VendorList, SeparatorsOfOtherCountries) {
  EXPECT_EQ(domains(read("Lieferant;Domain\nA;a.example\n")), "2 a.example\n");
  EXPECT_EQ(domains(read("domain\tname\na.example\tA\n")), "2 a.example\n");
  EXPECT_EQ(domains(read("\xef\xbb\xbf"
                         "domain|name\na.example|A\n")),
            "2 a.example\n");
}

TEST(VendorList, APlainListNeedsNoHeader) {
  const VendorList list = read("# our vendors\na.example\n\nb.example\n");
  EXPECT_EQ(domains(list), "2 a.example\n4 b.example\n");
  EXPECT_EQ(list.header, std::vector<std::string>{"domain"});
}

TEST(VendorList, TheColumnCanBeNamed) {
  EXPECT_EQ(domains(read("name,web\nA,a.example\n", "WEB")), "2 a.example\n");
  EXPECT_EQ(domains(read("A,a.example\nB,b.example\n", "2")), "1 a.example\n2 b.example\n");
  EXPECT_EQ(domains(read("name,seite\nA,a.example\n", "2")), "2 a.example\n");
  const auto none = read_vendor_list("name,web\nA,a.example\n", "site");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().text, "there is no column site; there are: name, web");
  const auto unnamed = read_vendor_list("name,seite\nA,a.example\n", std::nullopt);
  ASSERT_FALSE(unnamed);
  EXPECT_TRUE(unnamed.error().text.starts_with("no column is called domain"));
}

TEST(VendorList, ABadLineIsNamedAndTheRestIsRead) {
  const VendorList list = read(
      "domain,name\na.example,A\n-nothing here-,B\n\"d\"x.example,C\n\"c.example,D\n192.0.2.1,E\n"
      "localhost,F\na..example,G\nz.example,Z\n");
  EXPECT_EQ(domains(list), "2 a.example\n9 z.example\n");
  EXPECT_EQ(bad(list),
            "3: \"-nothing here-\" has characters that no domain has\n"
            "4: something stands behind a closing quotation mark\n"
            "5: a quotation mark is not closed\n"
            "6: \"192.0.2.1\" is an address, not a domain\n"
            "7: \"localhost\" is no domain: it has one label\n"
            "8: \"a..example\" is no domain: empty label\n");
}

TEST(VendorList, WhatIsNoMistakeIsANote) {
  const VendorList list = read("domain,name\na.example,A\n,B\nA.example.,C\n,\n");
  EXPECT_EQ(domains(list), "2 a.example\n");
  EXPECT_TRUE(list.bad.empty());
  ASSERT_EQ(list.notes.size(), 2U);
  EXPECT_EQ(list.notes[0].why, "has no domain");
  EXPECT_EQ(list.notes[1].why, "a.example stands in line 2, too");
}

TEST(VendorList, QuotedFieldsMayHaveLines) {
  const VendorList list = read("domain,name\na.example,\"A\nof B\"\nb.example,B\n");
  EXPECT_EQ(domains(list), "2 a.example\n4 b.example\n");
  EXPECT_EQ(list.vendors[0].fields[1], "A\nof B");
}

TEST(VendorList, HasBounds) {
  EXPECT_FALSE(
      read_vendor_list("\xff\xfe"
                       "d\0o\0",
                       std::nullopt));
  EXPECT_FALSE(read_vendor_list(std::string(kMaxListOctets + 1, 'a'), std::nullopt));
  std::string wrong = "domain\n";
  for (std::size_t i = 0; i <= kMaxBadLines; ++i) wrong += "?\n";
  EXPECT_FALSE(read_vendor_list(wrong, std::nullopt));
  EXPECT_EQ(bad(read("domain\n" + std::string(5'000, 'a') + "\nb.example\n")),
            "2: a field has more than 4,096 octets\n");
  EXPECT_TRUE(read("").vendors.empty());
}

TEST(Domain, IsWhatAPersonMeans) {
  struct Case {
    const char* text;
    const char* domain;
  };
  constexpr Case kCases[] = {
      {"example.com", "example.com"},
      {" Example.COM. ", "example.com"},
      {"https://www.example.com/contact?x=1#y", "example.com"},
      {"http://shop.example.com:8080", "shop.example.com"},
      {"www.example.com", "www.example.com"},
      {"info@example.com", "example.com"},
      {"mailto:info@example.com", "example.com"},
      {"B\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
      {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"_dmarc.example.com", "_dmarc.example.com"},
  };
  for (const Case& each : kCases) {
    const auto domain = domain_from_text(each.text);
    ASSERT_TRUE(domain) << each.text;
    EXPECT_EQ(domain->to_display(), each.domain);
  }
  for (const char* wrong :
       {"", ".", "com", "a b.example", "a\\.example.com", "*.example.com", "[2001:db8::1]",
        "2001:db8::1", "10.0.0.1", "\xff.example", "a\x1b[2J.example", "https://"}) {
    EXPECT_FALSE(domain_from_text(wrong)) << wrong;
  }
  const auto hostile = domain_from_text("\x1b[2Ja.example");
  EXPECT_EQ(hostile.error().text, "\"\\x1b[2Ja.example\" has characters that no domain has");
}

}  // namespace
}  // namespace postern::exposure
