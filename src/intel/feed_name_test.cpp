#include "intel/feed_name.h"

#include <string>

#include <gtest/gtest.h>

#include "intel/lint.h"

namespace postern::intel {
namespace {

std::string describe(std::string_view text) {
  const auto name = read_domain(text);
  if (!name) return "error: " + std::string(advice(name.error()));
  if (const auto fault = refused_as_rule(*name)) return "refused: " + std::string(advice(*fault));
  return name->to_display();
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

TEST(FeedName, ReadsNamesAndSaysWhatIsWrongWithTheRest) {
  struct Case {
    std::string text;
    std::string want;  // A beginning of the outcome.
  };
  const std::string long_name = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                                std::string(63, 'c') + "." + std::string(62, 'd');
  const Case cases[] = {
      // Names; case and the dot at the end do not matter.
      {"bad.example", "bad.example"},
      {"BAD.Example.", "bad.example"},
      {"_dmarc.bad.example", "_dmarc.bad.example"},
      {"-odd-.bad.example", "-odd-.bad.example"},
      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"bad", "bad"},
      {"1.2.3.4.example", "1.2.3.4.example"},
      {"1.2.3.444", "1.2.3.444"},
      // Internationalised names become A-labels; upper case is mapped, dots of other scripts too.
      {"bücher.example", "xn--bcher-kva.example"},
      {"BÜCHER.example", "xn--bcher-kva.example"},
      {"straße.example", "xn--strae-oqa.example"},
      {"例え。テスト", "xn--r8jz45g.xn--zckzah"},
      {"b\xfc"
       "cher.example",
       "error: is not a valid internationalised name"},
      {"\xe2\x80\x8b.example", "error: "},
      {"ü\xef\xbc\x8f.example", "error: "},
      {std::string(2000, '\xc3') + ".example", "error: is longer than 253 octets"},
      // What people write instead of a name.
      {"", "error: is empty"},
      {"192.0.2.1", "error: is an address"},
      {"127.0.0.1.", "error: is an address"},
      {"127.0.0.1..", "error: has two dots in a row"},
      {"2001:db8::1", "error: is an address"},
      {"192.0.2.0/24", "error: is an address"},
      {"http://bad.example/", "error: is a URL"},
      {"bad.example/path", "error: is a URL"},
      {"bad.example:8080", "error: has a port"},
      {"who@bad.example", "error: is a mail address"},
      {"bad[.]example", "error: is defanged"},
      {"hxxp://bad[.]example/x", "error: is defanged"},
      {"a*.bad.example", "error: has a \"*\""},
      {"\"bad.example\"", "error: is in quotation marks"},
      {"bad,example", "error: has a character"},
      {"bad\\.example", "error: has a character"},
      {std::string("bad\0.example", 12), "error: has a character"},
      // The shape of names and the limits, one over each.
      {"bad..example", "error: has two dots in a row"},
      {".bad.example", "error: has two dots in a row"},
      {std::string(63, 'a') + ".example", std::string(63, 'a') + ".example"},
      {std::string(64, 'a') + ".example", "error: has a label of over 63 octets"},
      {long_name.substr(0, 253), long_name.substr(0, 253)},
      {long_name, "error: is longer than 253 octets"},
      // Names that no feed may make a rule for; what is below them is fine.
      {".", "refused: stands for every name"},
      {"localhost", "refused: is reserved"},
      {"LOCAL.", "refused: is reserved"},
      {"home.arpa", "refused: is reserved"},
      {"10.in-addr.arpa", "10.in-addr.arpa"},
      {"in-addr.arpa", "refused: is reserved"},
      {"onion", "refused: is reserved"},
      {"printer.local", "printer.local"},
      {"localhost.bad.example", "localhost.bad.example"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const std::string outcome = describe(c.text);
    EXPECT_TRUE(starts_with(outcome, c.want)) << outcome;
  }
}

}  // namespace
}  // namespace postern::intel
