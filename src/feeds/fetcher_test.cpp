#include "feeds/fetcher.h"

#include <gtest/gtest.h>

#include "feeds/testing.h"

namespace postern::feeds {
namespace {

using testing::list;
using testing::WebServer;

std::string body_of(const Result<FetchAnswer>& answer) {
  return answer->body.to_string().value();
}

struct FetcherTest : ::testing::Test {
  FetchRequest request(std::string_view path) {
    FetchRequest request;
    request.url = server.url(path);
    request.max_octets = 1'000'000;
    request.timeout = milliseconds(20'000);
    return request;
  }
  Result<FetchAnswer> get(std::string_view path) { return fetch(request(path), cancelled); }

  WebServer server;
  std::atomic<bool> cancelled{false};
};

TEST_F(FetcherTest, ABodyAndWhatToAskWithNextTime) {
  server.files.write("list.txt", list(3));
  server.files.write("feed", "file list.txt");
  const auto first = get("feed");
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_EQ(body_of(first), list(3));
  EXPECT_FALSE(first->validators.etag.empty());
  auto again = request("feed");
  again.validators = {first->validators.etag, ""};
  EXPECT_TRUE(fetch(again, cancelled)->not_modified);
  server.files.replace("list.txt", list(4));
  const auto changed = fetch(again, cancelled);
  EXPECT_FALSE(changed->not_modified);
  EXPECT_EQ(body_of(changed), list(4));
  EXPECT_EQ(server.requests(), "/feed 200\n/feed 304\n/feed 200\n");
}

TEST_F(FetcherTest, ADateServesWhereThereIsNoTag) {
  server.files.write("list.txt", list(3));
  server.files.write("feed", "dated list.txt");
  auto again = request("feed");
  again.validators = get("feed")->validators;
  EXPECT_TRUE(again.validators.etag.empty());
  EXPECT_TRUE(fetch(again, cancelled)->not_modified);
}

TEST_F(FetcherTest, AContentCodingIsLeftOnAndSaid) {
  server.files.write("list.txt", list(1000));
  server.files.write("feed", "encoded list.txt");
  const auto coded = get("feed");
  ASSERT_TRUE(coded) << coded.error().text;
  EXPECT_TRUE(coded->is_coded);
  EXPECT_LT(body_of(coded).size(), list(1000).size());
  for (const std::string_view coding : {"gzip", "X-GZip", "zstd"}) {
    server.files.replace("feed", "coded list.txt " + std::string(coding));
    EXPECT_TRUE(get("feed")->is_coded) << coding;
  }
  for (const std::string_view coding : {"identity", "Identity"}) {
    server.files.replace("feed", "coded list.txt " + std::string(coding));
    EXPECT_FALSE(get("feed")->is_coded) << coding;
  }
}

TEST_F(FetcherTest, FiveRedirectsAreFollowedAndNoMore) {
  server.files.write("list.txt", list(3));
  server.files.write("r0", "file list.txt");
  for (int i = 1; i <= 6; ++i) {
    server.files.write("r" + std::to_string(i), "redirect /r" + std::to_string(i - 1));
  }
  EXPECT_EQ(body_of(get("r5")), list(3));
  EXPECT_EQ(get("r6").error().code, Errc::limit_exceeded);
}

TEST_F(FetcherTest, WhatGoesWrongIsNamed) {
  struct Case {
    std::string_view behaviour;
    Errc want;
    std::string_view text;
  };
  const Case cases[] = {
      {"status 404", Errc::not_found, "404"},
      {"status 403", Errc::denied, "403"},
      {"status 500", Errc::unavailable, "500"},
      {"status 304", Errc::unavailable, "304"},  // Nobody asked whether it had changed.
      {"status 206", Errc::unavailable, "206"},
      {"loop", Errc::limit_exceeded, "redirects"},
      {"redirect file:///etc/passwd", Errc::denied, "rotocol"},
      {"redirect ftp://127.0.0.1/x", Errc::denied, "rotocol"},
      {"endless", Errc::limit_exceeded, "Raise the feed's max_size"},
      {"announced", Errc::limit_exceeded, "over 1000000 octets"},
      {"coded list.txt br", Errc::invalid_input, "other than gzip and zstd"},
      {"truncated list.txt", Errc::unavailable, "bytes"},
  };
  server.files.write("list.txt", list(100));
  for (const Case& c : cases) {
    SCOPED_TRACE(c.behaviour);
    server.files.write("feed", c.behaviour);
    const auto answer = get("feed");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, c.want) << answer.error().text;
    EXPECT_NE(answer.error().text.find(c.text), std::string::npos) << answer.error().text;
  }
}

TEST_F(FetcherTest, ATrickleEndsWithItsTime) {
  server.files.write("feed", "trickle");
  auto slow = request("feed");
  slow.timeout = milliseconds(300);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(fetch(slow, cancelled).error().code, Errc::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
}

TEST_F(FetcherTest, OnlyTheWebIsFetched) {
  for (const std::string url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/",
                                "dict://127.0.0.1/", "", "http://", "not a url"}) {
    FetchRequest bad;
    bad.url = url;
    EXPECT_FALSE(fetch(bad, cancelled)) << url;
  }
}

TEST_F(FetcherTest, NobodyThereIsAnErrorWithoutCredentials) {
  FetchRequest nobody;
  nobody.url = "http://user:secret@127.0.0.1:1/list?key=secret";
  const auto answer = fetch(nobody, cancelled);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_EQ(answer.error().text.find("secret"), std::string::npos) << answer.error().text;
}

TEST_F(FetcherTest, ADownloadCanBeStopped) {
  server.files.write("feed", "trickle");
  cancelled = true;
  EXPECT_EQ(get("feed").error().code, Errc::unavailable);
}

TEST(ShownUrl, HasNothingSecretInIt) {
  struct Case {
    std::string url;
    std::string_view want;
  };
  const Case cases[] = {
      {"https://lists.example/hosts.txt", "https://lists.example/hosts.txt"},
      {"https://me:secret@lists.example:8443/a?key=secret#part", "https://lists.example:8443/a"},
      {"http://me@[2001:db8::1]/a", "http://[2001:db8::1]/a"},
      {"", "(not a URL)"},
      {"http://a b/", "(not a URL)"},
  };
  for (const Case& c : cases) EXPECT_EQ(shown_url(c.url), c.want);
}

}  // namespace
}  // namespace postern::feeds
