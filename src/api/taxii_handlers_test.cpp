// The TAXII server as a function: requests in, answers out.
#include <string>

#include <gtest/gtest.h>

#include "api/router.h"
#include "api/testing.h"

namespace postern::api {
namespace {

constexpr std::string_view kObjects = "/taxii2/api/collections/c1/objects/";

std::shared_ptr<const intel::IndicatorLedger> ledger(int names) {
  std::vector<intel::BlockedOwner> blocked;
  for (int i = 0; i < names; ++i) {
    blocked.push_back({.text = "n" + std::to_string(i) + ".example", .itself = true});
  }
  return std::make_shared<const intel::IndicatorLedger>(
      intel::IndicatorLedger(intel::kPosternSpace)
          .update(std::move(blocked), WallTime(seconds(1'800'000'000))));
}

class TaxiiTest : public ::testing::Test {
 protected:
  TaxiiTest() {
    services_.collections = [this] { return collections_; };
    collections_ = {collection("c1", "Names", "Basic one"), collection("c2", "More", "Basic two")};
  }
  TaxiiCollection collection(std::string id, std::string title, std::string_view user) {
    return {.id = std::move(id),
            .title = std::move(title),
            .indicators = ledger(5),
            .admits = [user = std::string(user.substr(6))](const HttpLogin& login) {
              return login.is_token ? login.secret == user
                                    : login.user == user && login.secret == "pass:word";
            }};
  }
  Request request(std::string_view target, std::string_view authorization = "Bearer one") {
    Request request;
    request.target = target;
    request.host = "127.0.0.1:8080";
    request.authorization = authorization;
    request.accept = "application/taxii+json;version=2.1";
    request.peer.address = IpAddress::v4(127, 0, 0, 1);
    request.mono = MonoTime(seconds(1000));
    return request;
  }
  Response get(std::string_view target, std::string_view authorization = "Bearer one") {
    return router_.answer(request(target, authorization));
  }
  Response objects(std::string_view query) {
    return get(std::string(kObjects) + "?" + std::string(query));
  }
  static std::size_t count(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; ++at) ++count;
    return count;
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }

  std::vector<TaxiiCollection> collections_;
  testing::Fixture fixture_;
  Auth auth_{Token{sha256_hex("right"), std::nullopt}};
  Stats stats_;
  NullLog log_;
  std::unique_ptr<LiveTail> live_ = LiveTail::create();
  Services services_ = fixture_.services();
  Router router_{Context{.services = services_,
                         .auth = auth_,
                         .stats = stats_,
                         .live = *live_,
                         .log = log_,
                         .started_at = {}},
                 Endpoint::from_text("127.0.0.1:8080").value()};
};

TEST_F(TaxiiTest, FromTheDiscoveryToACollection) {
  EXPECT_EQ(get("/taxii2/").body, R"({"title":"Postern","description":"What this resolver blocks",)"
                                  R"("default":"/taxii2/api/","api_roots":["/taxii2/api/"]})");
  EXPECT_EQ(get("/taxii2/api/").body,
            R"({"title":"Policies","versions":["application/taxii+json;version=2.1"],)"
            R"("max_content_length":65536})");
  const std::string one = R"({"id":"c1","title":"Names","can_read":true,"can_write":false,)"
                          R"("media_types":["application/stix+json;version=2.1"]})";
  EXPECT_EQ(get("/taxii2/api/collections/").body, "{\"collections\":[" + one + "]}");
  EXPECT_EQ(get("/taxii2/api/collections/c1/").body, one);
  EXPECT_EQ(get("/taxii2/").content_type, "application/taxii+json;version=2.1");
}

TEST_F(TaxiiTest, EachCollectionHasItsOwnReaders) {
  EXPECT_EQ(get("/taxii2/api/collections/c2/").status, 404U);
  EXPECT_EQ(get("/taxii2/api/collections/c2/objects/").status, 404U);
  EXPECT_EQ(get("/taxii2/api/collections/c2/", "Bearer two").status, 200U);
  // "two:pass:word".
  EXPECT_EQ(get("/taxii2/api/collections/c2/", "Basic dHdvOnBhc3M6d29yZA==").status, 200U);
  EXPECT_EQ(get("/taxii2/api/collections/c1/", "basic dHdvOnBhc3M6d29yZA==").status, 404U);
  // The console's token is not theirs, nor are theirs the console's.
  EXPECT_EQ(get("/taxii2/", "Bearer right").status, 401U);
  EXPECT_EQ(get("/api/v1/status", "Bearer one").status, 401U);
}

TEST_F(TaxiiTest, WhoIsNobodyLearnsNothing) {
  const Response nobody = get("/taxii2/", "");
  EXPECT_EQ(nobody.status, 401U);
  EXPECT_NE(header(nobody, "WWW-Authenticate").find("Basic"), std::string::npos);
  EXPECT_EQ(nobody.content_type, "application/taxii+json;version=2.1");
  EXPECT_NE(nobody.body.find(R"("http_status":"401")"), std::string::npos);
  for (const std::string_view wrong :
       {"Basic", "Basic !!!!", "Basic b25l", "Basic dHdvOg==", "Bearer", "Digest x"}) {
    EXPECT_EQ(get(kObjects, wrong).status, 401U) << wrong;
  }
  for (int i = 0; i < 20; ++i) get(kObjects, "Bearer wrong");
  const Response late = get(kObjects, "Bearer wrong");
  EXPECT_EQ(late.status, 429U);
  EXPECT_NE(header(late, "Retry-After"), "");
  EXPECT_EQ(get(kObjects).status, 200U);  // Who knows the token is not kept out by others.
  // A password might be guessed.
  EXPECT_EQ(get("/taxii2/api/collections/c2/", "Basic dHdvOnBhc3M6d29yZA==").status, 429U);
  collections_.clear();
  EXPECT_EQ(get("/taxii2/").status, 404U);
}

TEST_F(TaxiiTest, TheMediaTypeIsAgreedOn) {
  struct Case {
    std::string_view accept;
    unsigned want;
  };
  const Case cases[] = {
      {"", 200},
      {"*/*", 200},
      {"application/*;q=0.5", 200},
      {"application/taxii+json", 200},
      {"Application/TAXII+json; version=2.1", 200},
      {"text/html, application/taxii+json;version=\"2.1\"", 200},
      {"application/taxii+json;version=2.0", 406},
      {"application/vnd.oasis.taxii+json; version=2.0", 406},
      {"text/html", 406},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.accept);
    Request asked = request("/taxii2/");
    asked.accept = c.accept;
    EXPECT_EQ(router_.answer(std::move(asked)).status, c.want);
  }
}

TEST_F(TaxiiTest, ObjectsComeInPages) {
  const Response first = objects("limit=2");
  EXPECT_EQ(count(first.body, R"("type":"indicator")"), 2U);
  const std::size_t at = first.body.find(R"("more":true,"next":")");
  ASSERT_NE(at, std::string::npos) << first.body;
  const std::string next = first.body.substr(at + 20, first.body.find('"', at + 20) - at - 20);
  EXPECT_EQ(header(first, "X-TAXII-Date-Added-First"), "2027-01-15T08:00:00.000000Z");
  EXPECT_EQ(header(first, "X-TAXII-Date-Added-Last"), "2027-01-15T08:00:00.000001Z");
  const Response rest = objects("limit=3&next=" + next);
  EXPECT_EQ(count(rest.body, R"("type":"indicator")"), 3U);
  EXPECT_EQ(count(rest.body, "more"), 0U);
  const Response after = objects("added_after=2027-01-15T08:00:00.000003Z");
  EXPECT_EQ(count(after.body, R"("type":"indicator")"), 1U);
  EXPECT_EQ(objects("added_after=2028-01-01T00:00:00Z").body, "{}");
}

TEST_F(TaxiiTest, FiltersAndSingleObjects) {
  const auto& entry = collections_[0].indicators->entries()[3];
  const std::string id = intel::indicator_id(entry);
  EXPECT_EQ(count(objects("match%5Bid%5D=" + id).body, "pattern\""), 1U);
  EXPECT_EQ(objects("match[type]=malware").body, "{}");
  EXPECT_EQ(get(std::string(kObjects) + id + "/").body,
            "{\"objects\":[" + intel::indicator_json(entry) + "]}");
  EXPECT_EQ(get(std::string(kObjects) + id + "/versions/").body,
            "{\"versions\":[\"" + intel::stix_time(entry.added_us) + "\"]}");
  EXPECT_EQ(get(std::string(kObjects) + "indicator--none/").status, 404U);
  EXPECT_EQ(get("/taxii2/api/collections/c1/manifest/?match[id]=" + id).body,
            "{\"objects\":[" + intel::manifest_json(entry) + "]}");
}

TEST_F(TaxiiTest, WhatCannotBeAskedIsRefused) {
  for (const std::string_view query :
       {"limit=0", "limit=-1", "limit=x", "next=x", "next=-5", "added_after=yesterday",
        "colour=red", "next=99999999999999999999999999"}) {
    SCOPED_TRACE(query);
    const Response response = objects(query);
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(response.content_type, "application/taxii+json;version=2.1");
  }
  Request post = request(kObjects);
  post.method = Method::post;
  EXPECT_EQ(router_.answer(std::move(post)).status, 405U);
  collections_[0].indicators = nullptr;
  EXPECT_EQ(get(kObjects).status, 503U);
}

}  // namespace
}  // namespace postern::api
