#include "server/structured_error.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "server/handler_fixture.h"

namespace postern::server {
namespace {

using dns::EdeCode;
using policy::Action;
using policy::SubError;
using testing::Ask;

StructuredErrorOptions options() {
  return {.contacts = {"mailto:help@example.org", "tel:+1-201-555-0123"},
          .organization = "Example \"Org\""};
}

std::string written(const StructuredErrorOptions& from, EdeCode ede, SubError sub_error) {
  std::array<char, limits::kStructuredErrorOctets> buffer;
  return std::string(StructuredErrorForm(from).write(buffer, ede, sub_error, "Blocked"));
}

TEST(StructuredError, IsMinifiedJsonWithAContact) {
  EXPECT_EQ(written(options(), EdeCode::blocked, SubError::malware),
            R"({"c":["mailto:help@example.org","tel:+1-201-555-0123"],"j":"Blocked","s":1,)"
            R"("o":"Example \"Org\""})");
  EXPECT_EQ(written({.contacts = {"mailto:a@b.example"}}, EdeCode::filtered, SubError::phishing),
            R"({"c":["mailto:a@b.example"],"j":"Blocked","s":2})");
  // What an operator's policy is says the draft of Blocked alone, and nothing of Censored.
  EXPECT_EQ(written({.contacts = {"mailto:a@b.example"}}, EdeCode::blocked, SubError::dns_policy),
            R"({"c":["mailto:a@b.example"],"j":"Blocked","s":6})");
  EXPECT_EQ(written({.contacts = {"mailto:a@b.example"}}, EdeCode::filtered, SubError::dns_policy),
            R"({"c":["mailto:a@b.example"],"j":"Blocked"})");
  EXPECT_EQ(written(options(), EdeCode::censored, SubError::malware), "");
  EXPECT_EQ(written({}, EdeCode::blocked, SubError::malware), "");
}

TEST(StructuredError, IsWholeOrNotThere) {
  const StructuredErrorForm form(options());
  const std::string whole = written(options(), EdeCode::blocked, SubError::malware);
  std::array<char, limits::kStructuredErrorOctets> buffer;
  const auto in = [&](std::size_t room) {
    return form.write(std::span(buffer).first(room), EdeCode::blocked, SubError::malware,
                      "Blocked");
  };
  EXPECT_EQ(in(whole.size()), whole);
  for (std::size_t room = 0; room < whole.size(); ++room) EXPECT_EQ(in(room), "") << room;
}

TEST(StructuredError, TheLongestConfiguredOneFits) {
  const std::string contact = "mailto:" + std::string(91, 'a') + "@b";
  const StructuredErrorOptions longest{.contacts = {contact, contact, contact},
                                       .organization = std::string(64, '"')};
  std::array<char, limits::kStructuredErrorOctets> buffer;
  const std::string text(96, 't');  // A zone's name has 32 octets.
  EXPECT_NE(StructuredErrorForm(longest).write(buffer, EdeCode::blocked, SubError::spam, text), "");
}

class StructuredErrorHandlerTest : public testing::HandlerTest {
 protected:
  StructuredErrorHandlerTest() {
    StructuredErrorOptions wanted = options();
    wanted.option_code = 65'280;
    settings_value_.structured_error = StructuredErrorForm(wanted);
    publish_settings();
    set_policy({{.options = {.name = "feed", .sub_error = SubError::malware},
                 .rules = {{"bad.example", Action::block},
                           {"alias.example", Action::local_data, {"60 CNAME www.example."}}}},
                {.options = {.name = "law", .ede = EdeCode::censored},
                 .rules = {{"law.example", Action::block}}}});
  }

  /// A query with an EDNS option.
  std::string ask_with(const Ask& ask, std::uint16_t code, const Octets& payload,
                       event::Transport transport = event::Transport::udp) {
    Octets query = testing::query_of(ask);
    const auto put_u16 = [&](std::size_t value) {
      query.push_back(static_cast<std::uint8_t>(value >> 8));
      query.push_back(static_cast<std::uint8_t>(value));
    };
    store_u16(&query[query.size() - 2], static_cast<std::uint16_t>(4 + payload.size()));
    put_u16(code);
    put_u16(payload.size());
    query.insert(query.end(), payload.begin(), payload.end());
    const std::string first = send(query, transport);
    if (first != "pending") return first;
    resolver_.answer_all();
    const auto late = take_late();
    return late.size() == 1 ? late[0].substr(late[0].find(": ") + 2) : "no answer";
  }
};

constexpr std::uint16_t kExtendedError = 15;
const Octets kEmptyError = {0, 0};

TEST_F(StructuredErrorHandlerTest, WhoAsksForItGetsJsonWithTheTraceId) {
  const std::string answer = ask_with({.name = "bad.example"}, kExtendedError, kEmptyError);
  const std::string trace{event::trace_text(last_record().trace_id)};
  EXPECT_NE(answer.find("ede=15 '{\"c\":[\"mailto:help@example.org\",\"tel:+1-201-555-0123\"],"
                        "\"j\":\"Blocked by feed feed (trace " +
                        trace + ")\",\"s\":1,\"o\":\"Example \\\"Org\\\"\"}'"),
            std::string::npos)
      << answer;
  // By the option of later drafts, and of an answer that had to be waited for.
  EXPECT_NE(ask_with({.name = "bad.example"}, 65'280, {}).find("ede=15 '{"), std::string::npos);
  const std::string late = ask_with({.name = "alias.example"}, kExtendedError, kEmptyError);
  EXPECT_NE(late.find("ede=15 '{\"c\""), std::string::npos) << late;
  EXPECT_NE(late.find("192.0.2.1"), std::string::npos) << late;
}

TEST_F(StructuredErrorHandlerTest, WhoDoesNotGetsPlainText) {
  EXPECT_NE(ask({.name = "bad.example"}).find("ede=15 'Blocked by feed feed (trace "),
            std::string::npos);
  EXPECT_NE(ask_with({.name = "bad.example"}, 65'281, {}).find("ede=15 'Blocked by"),
            std::string::npos);
  EXPECT_NE(ask_with({.name = "law.example"}, kExtendedError, kEmptyError).find("ede=16 'Blocked"),
            std::string::npos);
  settings_value_.structured_error = {};
  publish_settings();
  EXPECT_NE(ask_with({.name = "bad.example"}, kExtendedError, kEmptyError).find("ede=15 'Blocked"),
            std::string::npos);
}

TEST_F(StructuredErrorHandlerTest, AnAnswerIsNotCutForIt) {
  std::vector<std::string> data;
  for (int i = 0; i < 24; ++i) data.push_back("60 A 203.0.113." + std::to_string(i));
  set_policy({{.options = {.name = "feed"}, .rules = {{"big.example", Action::local_data, data}}}});
  // Room for 512 octets: the records and the plain text have it, the JSON has not.
  const std::string small =
      ask_with({.name = "big.example", .udp_octets = 512}, kExtendedError, kEmptyError);
  EXPECT_EQ(small.find(" tc"), std::string::npos) << small;
  EXPECT_NE(small.find("ede=15 'Blocked by feed feed"), std::string::npos) << small;
  EXPECT_NE(small.find("203.0.113.23"), std::string::npos) << small;
  const std::string large = ask_with({.name = "big.example"}, kExtendedError, kEmptyError);
  EXPECT_NE(large.find("ede=15 '{"), std::string::npos) << large;
}

}  // namespace
}  // namespace postern::server
