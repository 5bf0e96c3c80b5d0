// A folder of MISP events on a web server, polled.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "feeds/feeds_fixture.h"

namespace postern::feeds {
namespace {

using testing::eventually;
using testing::WebServer;

struct MispTest : testing::FeedsFixture {
  // An event with one domain, and its file on the server.
  void serve_event(std::string_view uuid, std::string_view domain) {
    serve(std::string(uuid) + ".json",
          R"({"Event":{"uuid":")" + std::string(uuid) +
              R"(","Attribute":[{"type":"domain","to_ids":true,"value":")" + std::string(domain) +
              R"("}]}})");
  }
  // "5f-1:7 5f-2:8"
  void serve_manifest(std::string_view events) {
    std::string text;
    while (!events.empty()) {
      const std::string_view each = events.substr(0, events.find(' '));
      events.remove_prefix(std::min(each.size() + 1, events.size()));
      const std::size_t colon = each.find(':');
      text += (text.empty() ? "{\"" : ",\"") + std::string(each.substr(0, colon)) +
              "\":{\"timestamp\":\"" + std::string(each.substr(colon + 1)) + "\"}";
    }
    serve("manifest.json", (text.empty() ? "{" : text) + "}");
  }
  void serve(const std::string& name, std::string_view text) {
    server.files.replace(name + ".body", text);
    server.files.replace(name, "file " + name + ".body");
  }
  Source feed() {
    Source made = url_source("misp", server.url(""));
    made.format.format = intel::Format::misp;
    return made;
  }
  std::string requests() const { return server.requests(); }
  void poll() { ASSERT_TRUE(feeds->update("misp", Acceptance::checked)); }

  WebServer server;
};

TEST_F(MispTest, OnlyWhatChangedIsFetchedAndWhatIsGoneFromTheManifestIsNoRuleAnyMore) {
  serve_event("5f-1", "one.example");
  serve_event("5f-2", "two.example");
  serve_manifest("5f-1:7 5f-2:8");
  start({feed()});
  ASSERT_TRUE(eventually([&] { return blocks("a.one.example") && blocks("two.example"); }))
      << status().last_error;
  serve_event("5f-2", "other.example");
  serve_event("5f-3", "three.example");
  serve_manifest("5f-2:9 5f-3:1");
  poll();
  ASSERT_TRUE(eventually([&] { return blocks("three.example"); })) << status().last_error;
  EXPECT_FALSE(blocks("one.example"));
  EXPECT_FALSE(blocks("two.example"));
  EXPECT_TRUE(blocks("other.example"));
  const std::string asked = requests();
  EXPECT_EQ(asked.find("5f-1.json", asked.find("5f-1.json") + 1), std::string::npos)
      << "it had not changed";
  const std::uint64_t before = generation();
  const auto success = status().last_success;
  poll();
  EXPECT_TRUE(eventually([&] { return requests() == asked + "/manifest.json 200\n"; }))
      << requests();
  EXPECT_TRUE(eventually([&] { return status().last_success > success; }));
  EXPECT_EQ(generation(), before) << "nothing changed";
  restart({feed()});
  EXPECT_TRUE(eventually([&] { return blocks("three.example"); }));
}

TEST_F(MispTest, AnEventThatCannotBeHadCostsThatEventAndIsAskedForAgain) {
  serve_event("5f-1", "one.example");
  serve("5f-2.json", "<html>later</html>");
  serve_manifest("5f-1:7 5f-2:8 5f-3:9");
  start({feed()});
  ASSERT_TRUE(eventually([&] { return blocks("one.example"); })) << status().last_error;
  EXPECT_NE(log.text().find("2 cannot be had and are asked for again"), std::string::npos)
      << log.text();
  serve_event("5f-2", "two.example");
  serve_event("5f-3", "three.example");
  poll();
  EXPECT_TRUE(eventually([&] { return blocks("two.example") && blocks("three.example"); }));
}

TEST_F(MispTest, AManifestThatIsNoneLeavesTheRulesInForce) {
  serve_event("5f-1", "one.example");
  serve_manifest("5f-1:7");
  start({feed()});
  ASSERT_TRUE(eventually([&] { return blocks("one.example"); })) << status().last_error;
  for (const std::string_view bad : {"<html>", "[]", R"({"x y":{"timestamp":"1"}})"}) {
    serve("manifest.json", bad);
    update_and_fail("misp");
    EXPECT_TRUE(blocks("one.example")) << bad;
    EXPECT_NE(status().last_error.find("manifest.json"), std::string::npos) << status().last_error;
  }
  server.files.replace("manifest.json", "status 403");
  update_and_fail("misp");
  EXPECT_NE(status().last_error.find("answered 403"), std::string::npos) << status().last_error;
}

}  // namespace
}  // namespace postern::feeds
