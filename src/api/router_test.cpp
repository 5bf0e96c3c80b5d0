#include "api/router.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "api/limits.h"
#include "api/testing.h"

namespace postern::api {
namespace {

/// Remembers what was logged.
class MemoryLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view text) override {
    text_ += std::string(text) + "\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

const WallTime kNow =
    std::chrono::sys_days(std::chrono::year(2026) / 3 / 2) + std::chrono::hours(8);

/// A router on fakes, and short ways to ask it.
class RouterTest : public ::testing::Test {
 protected:
  Request request(Method method, std::string target) const {
    Request request;
    request.method = method;
    request.target = std::move(target);
    request.host = "127.0.0.1:8080";
    request.authorization = "Bearer right";
    request.peer.address = IpAddress::v4(127, 0, 0, 1);
    request.now = kNow;
    request.mono = MonoTime(seconds(1000));
    return request;
  }
  Response get(const std::string& target) const {
    return router_.answer(request(Method::get, target));
  }
  Response post(const std::string& target) const {
    return router_.answer(request(Method::post, target));
  }
  std::string header(const Response& response, std::string_view name) const {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  Request sign_in_request(const std::string& body) const {
    Request asked = request(Method::post, "/api/v1/session");
    asked.authorization.clear();
    asked.content_type = "application/json";
    asked.body = body;
    return asked;
  }

  testing::Fixture fixture_;
  MemoryLog log_;
  std::string token_file_ = ::testing::TempDir() + "postern-router-test-token";
  Auth auth_{Token{sha256_hex("right"), std::nullopt}, token_file_};
  Stats stats_;
  std::unique_ptr<LiveTail> live_ = LiveTail::create();
  Services services_ = fixture_.services();
  Router router_{Context{.services = services_,
                         .auth = auth_,
                         .stats = stats_,
                         .live = *live_,
                         .log = log_,
                         .started_at = kNow - seconds(90)},
                 Endpoint::from_text("127.0.0.1:8080").value()};
};

TEST(Routes, NoTwoAreTheSame) {
  std::set<std::string> seen;
  for (const Route& route : routes()) {
    EXPECT_TRUE(
        seen.insert(std::string(to_string(route.method)) + std::string(route.pattern)).second)
        << route.pattern;
  }
}

TEST(Routes, OnlyThePageAndSigningInAreOpen) {
  for (const Route& route : routes()) {
    if (route.access != Access::open) continue;
    const bool fine = !route.pattern.starts_with("/api/") || route.pattern == "/api/v1/session" ||
                      route.pattern == "/api/v1/openapi.yaml";
    EXPECT_TRUE(fine) << route.pattern;
  }
}

TEST(Routes, PathFits) {
  std::string capture;
  std::string second;
  EXPECT_TRUE(path_fits("/a", "/a", capture, second).value());
  EXPECT_FALSE(path_fits("/a", "/a/", capture, second).value());
  EXPECT_TRUE(path_fits("/f/{name}/update", "/f/ur%6Chaus+/update", capture, second).value());
  EXPECT_EQ(capture, "urlhaus+");
  EXPECT_TRUE(path_fits("/f/{name}/update", "/f/a%2Fb/update", capture, second).value());
  EXPECT_EQ(capture, "a/b");
  EXPECT_FALSE(path_fits("/f/{name}/update", "/f/a/b/update", capture, second).value());
  EXPECT_FALSE(path_fits("/f/{name}/update", "/f/update", capture, second).value());
  EXPECT_TRUE(path_fits("/f/{a}/o/{b}/", "/f/x/o/y%2D/", capture, second).value());
  EXPECT_EQ(capture + " " + second, "x y-");
  EXPECT_FALSE(path_fits("/f/{a}/o/{b}/", "/f/x/o/y/z/", capture, second).value());
  EXPECT_FALSE(path_fits("/f/{name}/update", "/f/%zz/update", capture, second).has_value());
}

TEST_F(RouterTest, RefusalsInTheirOrder) {
  struct Case {
    std::string what;
    std::function<void(Request&)> change;
    unsigned want;
  };
  const Case cases[] = {
      {"as it is", [](Request&) {}, 200},
      {"another host", [](Request& r) { r.host = "evil.example"; }, 421},
      {"no host", [](Request& r) { r.host.clear(); }, 421},
      {"another path", [](Request& r) { r.target = "/api/v1/statuses"; }, 404},
      {"a path below", [](Request& r) { r.target = "/api/v1/status/x"; }, 404},
      {"a way up", [](Request& r) { r.target = "/../etc/passwd"; }, 404},
      {"no path", [](Request& r) { r.target = "http://127.0.0.1/api/v1/status"; }, 400},
      {"another method", [](Request& r) { r.method = Method::post; }, 405},
      {"an unknown method", [](Request& r) { r.method = Method::other; }, 405},
      {"no token", [](Request& r) { r.authorization.clear(); }, 401},
      {"a wrong token", [](Request& r) { r.authorization = "Bearer wrong"; }, 401},
      {"another scheme", [](Request& r) { r.authorization = "Basic cmlnaHQ="; }, 401},
      {"an unknown session",
       [](Request& r) {
         r.authorization.clear();
         r.cookie = "postern_session=00";
       },
       401},
      {"a bad escape", [](Request& r) { r.target += "?a=%zz"; }, 400},
      {"the control socket, our own user",
       [](Request& r) {
         r.peer = {.control_socket = true, .trusted = true, .address = {}};
         r.host.clear();
         r.authorization.clear();
       },
       200},
      {"the control socket, somebody else, even with the token",
       [](Request& r) { r.peer = {.control_socket = true, .trusted = false, .address = {}}; }, 403},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    Request asked = request(Method::get, "/api/v1/status");
    c.change(asked);
    const Response response = router_.answer(asked);
    EXPECT_EQ(response.status, c.want) << response.body;
    if (c.want >= 400) {
      EXPECT_EQ(response.content_type, "application/problem+json");
    }
  }
}

TEST_F(RouterTest, AnotherSitesPageChangesNothing) {
  Request asked = request(Method::post, "/api/v1/reload");
  asked.origin = "http://evil.example";
  EXPECT_EQ(router_.answer(asked).status, 403U);
  asked.origin.clear();
  asked.fetch_site = "cross-site";
  EXPECT_EQ(router_.answer(asked).status, 403U);
  EXPECT_EQ(fixture_.reloads, 0);
  asked.fetch_site = "same-origin";
  asked.origin = "http://127.0.0.1:8080";
  EXPECT_EQ(router_.answer(asked).status, 200U);
  EXPECT_EQ(fixture_.reloads, 1);
}

TEST_F(RouterTest, MethodsThatAreAllowedAreNamed) {
  EXPECT_EQ(header(post("/api/v1/status"), "Allow"), "GET, HEAD");
  EXPECT_EQ(header(router_.answer(request(Method::other, "/api/v1/session")), "Allow"),
            "GET, HEAD, POST, DELETE");
}

TEST_F(RouterTest, SignInOpensASessionThatSignOutEnds) {
  const Response signed_in = router_.answer(sign_in_request(R"({"token": "right"})"));
  ASSERT_EQ(signed_in.status, 200U) << signed_in.body;
  const std::string cookie = header(signed_in, "Set-Cookie");
  EXPECT_NE(cookie.find("; HttpOnly; SameSite=Strict;"), std::string::npos) << cookie;
  EXPECT_EQ(signed_in.body.find("right"), std::string::npos);

  Request asked = request(Method::get, "/api/v1/status");
  asked.authorization.clear();
  asked.cookie = cookie.substr(0, cookie.find(';'));
  EXPECT_EQ(router_.answer(asked).status, 200U);

  Request out = asked;
  out.method = Method::del;
  out.target = "/api/v1/session";
  EXPECT_EQ(router_.answer(out).status, 204U);
  EXPECT_EQ(router_.answer(asked).status, 401U);
}

TEST_F(RouterTest, AStreamIsItsReadersForAsLongAsWhatLetItIn) {
  Sessions& sessions = auth_.sessions();
  const std::string id = sessions.open(MonoTime(seconds(1000)));
  Request asked = request(Method::get, "/api/v1/live");
  const auto credential_of = [&](const Request& r) {
    return std::get<Admitted>(router_.admit(r)).credential;
  };
  const Credential by_token = credential_of(asked);
  asked.cookie = "postern_session=" + id;
  asked.authorization = "Basic Zm9vOmJhcg==";  // As a proxy in front may have asked for.
  const Credential by_session = credential_of(asked);
  asked.peer = {.control_socket = true, .trusted = true, .address = {}};
  const Credential by_socket = credential_of(asked);
  for (const Credential& each : {by_token, by_session, by_socket}) {
    EXPECT_TRUE(router_.still_admitted(each, asked.mono));
  }
  sessions.close(id);
  EXPECT_TRUE(router_.still_admitted(by_token, asked.mono));
  EXPECT_FALSE(router_.still_admitted(by_session, asked.mono));
  EXPECT_TRUE(router_.still_admitted(by_socket, asked.mono));
}

TEST_F(RouterTest, TheCookieLivesAsLongAsTheSession) {
  for (const std::string path : {"/api/v1/status", "/api/v1/queries", "/api/v1/session"}) {
    SCOPED_TRACE(path);
    const std::string id = auth_.sessions().open(MonoTime(seconds(1000)));
    Request asked = request(Method::get, path);
    asked.authorization.clear();
    asked.cookie = "postern_session=" + id;
    EXPECT_EQ(header(router_.answer(asked), "Set-Cookie"), "");
    asked.mono += kSessionLife / 2;
    EXPECT_EQ(header(router_.answer(asked), "Set-Cookie"), set_session_cookie(id, kSessionLife));
    EXPECT_EQ(header(router_.answer(asked), "Set-Cookie"), "");
  }
}

TEST_F(RouterTest, SignInThatIsNotOne) {
  for (const std::string body : {"", "{", "[]", "{}", "\"right\"", R"({"token": 1})",
                                 R"({"token": null})", R"({"Token": "right"})"}) {
    SCOPED_TRACE(body);
    EXPECT_EQ(router_.answer(sign_in_request(body)).status, 400U);
  }
  Request form = sign_in_request(R"({"token": "right"})");
  form.content_type = "text/plain";  // What a form of another site may send unasked.
  EXPECT_EQ(router_.answer(form).status, 415U);
}

TEST_F(RouterTest, WrongTokensAreSlowedLoggedAndCountedAndTheRightOneIsNot) {
  const Request wrong = sign_in_request(R"({"token": "wrong"})");
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(router_.answer(wrong).status, 401U);
  const Response slowed = router_.answer(wrong);
  EXPECT_EQ(slowed.status, 429U);
  EXPECT_EQ(header(slowed, "Retry-After"), "1");
  Request bearer = request(Method::get, "/api/v1/status");
  bearer.authorization = "Bearer wrong";
  EXPECT_EQ(router_.answer(bearer).status, 429U);  // The bearer's way is no way around.
  EXPECT_EQ(stats_.sign_ins_failed.value(), 7U);
  EXPECT_NE(log_.text().find("wrong token from 127.0.0.1"), std::string::npos);
  EXPECT_EQ(log_.text().find("right"), std::string::npos);
  EXPECT_EQ(router_.answer(sign_in_request(R"({"token": "right"})")).status, 200U);
  EXPECT_EQ(get("/api/v1/status").status, 200U);
}

TEST_F(RouterTest, MetricsNeedATokenOnlyBeyondLoopback) {
  Request scrape = request(Method::get, "/metrics");
  scrape.authorization.clear();
  const Response open = router_.answer(scrape);
  EXPECT_EQ(open.status, 200U);
  EXPECT_EQ(open.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(open.body.find("postern_queries_total{transport=\"udp\"} 42\n"), std::string::npos);
  EXPECT_NE(open.body.find("# TYPE postern_api_requests_total counter\n"), std::string::npos);
  router_.set_listen(Endpoint::from_text("192.0.2.53:8080").value());
  scrape.host = "192.0.2.53:8080";
  EXPECT_EQ(router_.answer(scrape).status, 401U);
  scrape.authorization = "Bearer right";
  EXPECT_EQ(router_.answer(scrape).status, 200U);
}

TEST_F(RouterTest, MetricsPutAHistogramUnderOneHeader) {
  services_.metrics = [] {
    const auto part = [](std::string_view name, std::string labels, double value) {
      return Metric{name, MetricKind::histogram, "How long.", std::move(labels), value};
    };
    return Metrics{part("wait_seconds_count", "", 3),
                   {"wait_seconds_bucketful", MetricKind::gauge, "Sorts between.", "", 7},
                   part("wait_seconds_bucket", "le=\"0.5\"", 1),
                   part("wait_seconds_bucket", "le=\"10\"", 2),
                   part("wait_seconds_bucket", "le=\"+Inf\"", 3),
                   {"wait_total", MetricKind::counter, "After.", "", 4},
                   part("wait_seconds_sum", "", 12.5)};
  };
  const std::string body = get("/metrics").body;
  const std::size_t at = body.find("# HELP wait_seconds ");
  ASSERT_NE(at, body.npos) << body;
  EXPECT_EQ(body.substr(at),
            "# HELP wait_seconds How long.\n# TYPE wait_seconds histogram\n"
            "wait_seconds_bucket{le=\"0.5\"} 1\n"
            "wait_seconds_bucket{le=\"10\"} 2\n"
            "wait_seconds_bucket{le=\"+Inf\"} 3\n"
            "wait_seconds_sum 12.5\n"
            "wait_seconds_count 3\n"
            "# HELP wait_seconds_bucketful Sorts between.\n# TYPE wait_seconds_bucketful gauge\n"
            "wait_seconds_bucketful 7\n"
            "# HELP wait_total After.\n# TYPE wait_total counter\n"
            "wait_total 4\n");
}

TEST_F(RouterTest, ReachedByANameOfItsOwn) {
  const Router behind_proxy{Context{.services = services_,
                                    .auth = auth_,
                                    .stats = stats_,
                                    .live = *live_,
                                    .log = log_,
                                    .started_at = kNow},
                            Endpoint::from_text("127.0.0.1:8080").value(),
                            {"dns.example"}};
  Request asked = request(Method::get, "/api/v1/status");
  asked.host = "dns.example";
  EXPECT_EQ(router_.answer(asked).status, 421U);
  EXPECT_NE(router_.answer(asked).body.find("console.hosts"), std::string::npos);
  EXPECT_EQ(behind_proxy.answer(asked).status, 200U);
  asked.host = "evil.example";
  EXPECT_EQ(behind_proxy.answer(asked).status, 421U);

  Request signing_in = sign_in_request(R"({"token": "right"})");
  signing_in.origin = "https://dns.example";  // While the Host is the address that the proxy asks.
  EXPECT_EQ(router_.answer(signing_in).status, 403U);
  EXPECT_EQ(behind_proxy.answer(signing_in).status, 200U);
  signing_in.origin = "https://evil.example";
  EXPECT_EQ(behind_proxy.answer(signing_in).status, 403U);

  // Whoever comes through the proxy comes from loopback.
  Request scrape = request(Method::get, "/metrics");
  EXPECT_EQ(behind_proxy.answer(scrape).status, 200U);
  scrape.authorization.clear();
  EXPECT_EQ(behind_proxy.answer(scrape).status, 401U);
  EXPECT_EQ(router_.answer(scrape).status, 200U);
}

TEST_F(RouterTest, PublishedListsComeInPartsAndOnlyWhereTheyAreNews) {
  const Response list = get("/api/v1/publish/office/domains.txt");
  EXPECT_EQ(list.status, 200U);
  EXPECT_EQ(list.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(header(list, "ETag"), "\"d1\"");
  ASSERT_TRUE(list.parts);
  std::string part;
  EXPECT_TRUE(list.parts(part));
  EXPECT_EQ(part, "part3.example\n");
  Request again = request(Method::get, "/api/v1/publish/office/domains.txt");
  again.if_none_match = header(list, "ETag");
  const Response same = router_.answer(again);
  EXPECT_EQ(same.status, 304U);
  EXPECT_FALSE(same.parts);
  EXPECT_EQ(get("/api/v1/publish/other/domains.txt").status, 404U);
  EXPECT_EQ(get("/api/v1/publish/slow/domains.txt").status, 503U);
}

TEST_F(RouterTest, FilesAreSentOnceAndThenAskedAbout) {
  const Response page = get("/?from=a-bookmark");
  EXPECT_EQ(page.status, 200U);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("/app.js"), std::string::npos);
  EXPECT_EQ(page.body.find("<style"), std::string::npos);  // The policy forbids what is inline.
  EXPECT_EQ(page.body.find(" style="), std::string::npos);
  Request again = request(Method::get, "/");
  again.if_none_match = header(page, "ETag");
  const Response same = router_.answer(again);
  EXPECT_EQ(same.status, 304U);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(get("/app.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/app.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(get("/favicon.svg").content_type, "image/svg+xml");
  EXPECT_EQ(get("/index.html").status, 404U);
}

TEST_F(RouterTest, AnotherTokenIsForTheControlSocketAlone) {
  Request asked = request(Method::post, "/api/v1/token");
  EXPECT_EQ(router_.answer(asked).status, 403U);
  asked.authorization.clear();
  EXPECT_EQ(router_.answer(asked).status, 403U);
  asked.peer = {.control_socket = true, .trusted = true, .address = {}};
  const Response made = router_.answer(asked);
  ASSERT_EQ(made.status, 200U) << made.body;
  EXPECT_TRUE(made.body.starts_with("{\"token\":\"pst_")) << made.body;
  EXPECT_EQ(made.cache_control, "no-store");
  EXPECT_EQ(get("/api/v1/status").status, 401U);  // The token of before.
  Request signed_in = request(Method::get, "/api/v1/status");
  signed_in.authorization = "Bearer " + made.body.substr(10, made.body.size() - 12);
  EXPECT_EQ(router_.answer(signed_in).status, 200U);
  EXPECT_EQ(log_.text().find("pst_"), std::string::npos);
}

TEST_F(RouterTest, FeedsAreUpdatedByName) {
  EXPECT_EQ(post("/api/v1/feeds/hafnium/update").status, 202U);
  EXPECT_EQ(post("/api/v1/feeds/%68afnium/update").status, 202U);
  EXPECT_EQ(post("/api/v1/feeds/update").status, 202U);
  EXPECT_EQ(post("/api/v1/feeds/nothing/update").status, 404U);
  EXPECT_EQ(post("/api/v1/feeds//update").status, 404U);
  EXPECT_EQ(fixture_.updated.copy(), (std::vector<std::string>{"hafnium", "hafnium", ""}));
}

TEST_F(RouterTest, ACopyOfAnySizeIsAcceptedOfOneFeedAndOnlyWhenAskedFor) {
  EXPECT_EQ(post("/api/v1/feeds/hafnium/update?accept=true").status, 202U);
  EXPECT_NE(log_.text().find("accepted at any size"), std::string::npos);
  EXPECT_TRUE(get("/api/v1/audit").body.contains("next update accepted at any size"));
  EXPECT_EQ(post("/api/v1/feeds/hafnium/update?accept=false").status, 202U);
  EXPECT_EQ(post("/api/v1/feeds/hafnium/update?accept=").status, 202U);
  EXPECT_EQ(fixture_.updated.copy(), (std::vector<std::string>{"hafnium!", "hafnium", "hafnium"}));
  // A word that is misspelt must not be taken for either.
  EXPECT_EQ(post("/api/v1/feeds/hafnium/update?accept=yes").status, 400U);
  EXPECT_EQ(post("/api/v1/feeds/hafnium/update?acept=true").status, 400U);
  EXPECT_EQ(post("/api/v1/feeds/update?accept=true").status, 400U);
  EXPECT_EQ(fixture_.updated.copy().size(), 3U);
}

TEST_F(RouterTest, AReloadNamesTheFeedsThatCannotBeRead) {
  const Response response = post("/api/v1/reload");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body,
            R"({"reloaded":true,"reading_feeds":false,"unreadable_feeds":[{"name":"partners",)"
            R"("error":"open /etc/postern/partners.txt: No such file or directory"}],)"
            R"("needs_restart":["server.listen"]})");
}

TEST_F(RouterTest, AReloadThatFailsSaysWhy) {
  fixture_.reload_fails = true;
  const Response response = post("/api/v1/reload");
  EXPECT_EQ(response.status, 409U);
  EXPECT_NE(response.body.find("postern.yaml:3"), std::string::npos);
}

TEST_F(RouterTest, QueriesPageThroughTheJournal) {
  for (std::uint64_t i = 0; i < 25; ++i) {
    fixture_.journal.record(testing::made_up_query(i, kNow - seconds(25 - static_cast<int>(i))));
  }
  const Response first = get("/api/v1/queries?limit=10");
  ASSERT_EQ(first.status, 200U) << first.body;
  EXPECT_TRUE(first.body.starts_with("{\"rows\":[{\"id\":25,"));
  EXPECT_TRUE(first.body.ends_with("\"next\":16}")) << first.body.substr(first.body.size() - 40);
  const Response last = get("/api/v1/queries?limit=10&before=6");
  EXPECT_TRUE(last.body.starts_with("{\"rows\":[{\"id\":5,"));
  EXPECT_TRUE(last.body.ends_with("\"next\":null}"));
  EXPECT_EQ(get("/api/v1/queries?before=x").status, 400U);
  EXPECT_EQ(get("/api/v1/queries?limit=1001").status, 400U);
  EXPECT_EQ(get("/api/v1/queries?lmit=10").status, 400U);
}

TEST_F(RouterTest, TimelineHoldsEveryInterval) {
  fixture_.journal.record(testing::made_up_query(2, kNow - seconds(70)));
  const Response response = get("/api/v1/timeline?since=-3m&interval_s=60");
  EXPECT_EQ(response.body, R"({"interval_s":60,"points":[)"
                           R"({"at":"2026-03-02T07:57:00.000000Z","total":0,"blocked":0},)"
                           R"({"at":"2026-03-02T07:58:00.000000Z","total":1,"blocked":0},)"
                           R"({"at":"2026-03-02T07:59:00.000000Z","total":0,"blocked":0}]})");
  EXPECT_EQ(get("/api/v1/timeline?since=-7d&interval_s=1").status, 400U);
  EXPECT_EQ(get("/api/v1/timeline?since=-1h&until=-2h").status, 400U);
  EXPECT_EQ(get("/api/v1/timeline?since=0001-01-01").status, 400U);
  EXPECT_EQ(get("/api/v1/timeline?interval_s=0").status, 400U);
}

TEST_F(RouterTest, TopCountsByWhatIsAsked) {
  for (int i = 0; i < 3; ++i) {
    event::Query query;
    query.at = kNow;
    query.qname = testing::name(i == 0 ? "a.example" : "b.example");
    query.client = IpAddress::v4(192, 0, 2, 1);
    fixture_.journal.record(query);
  }
  EXPECT_EQ(get("/api/v1/top").body, R"({"by":"name","entries":[{"key":"b.example","count":2},)"
                                     R"({"key":"a.example","count":1}]})");
  EXPECT_EQ(get("/api/v1/top?by=client&name=b").body,
            R"({"by":"client","entries":[{"key":"192.0.2.1","count":2}]})");
  EXPECT_EQ(get("/api/v1/top?by=zone").body, R"({"by":"zone","entries":[]})");
  EXPECT_EQ(get("/api/v1/top?by=colour").status, 400U);
}

TEST_F(RouterTest, AJournalThatFailsOrIsOffIsNoCrash) {
  fixture_.journal.fails = true;
  for (const std::string path : {"queries", "top", "timeline"}) {
    EXPECT_EQ(get("/api/v1/" + path).status, 503U) << path;
  }
  services_.journal = nullptr;
  for (const std::string path : {"queries", "top", "timeline"}) {
    const Response response = get("/api/v1/" + path);
    EXPECT_EQ(response.status, 503U) << path;
    EXPECT_NE(response.body.find("switched off"), std::string::npos);
  }
  EXPECT_NE(get("/api/v1/status").body.find("\"journal\":false"), std::string::npos);
}

TEST_F(RouterTest, LiveTakesTheFiltersButNoTimes) {
  const Response response = get("/api/v1/live?disposition=blocked");
  ASSERT_TRUE(response.live.has_value());
  EXPECT_EQ(response.live->disposition, event::Disposition::blocked);
  EXPECT_EQ(get("/api/v1/live?since=-1h").status, 400U);
  EXPECT_EQ(get("/api/v1/live?limit=3").status, 400U);
}

TEST_F(RouterTest, ExplainSaysWhatIsWrongWithTheQuestion) {
  EXPECT_EQ(get("/api/v1/explain?name=p.estonine.com").status, 200U);
  for (const std::string query : {"", "?name=", "?name=a..b", "?name=a&client=x",
                                  "?name=a&client=192.0.2.0/24", "?name=a&type=x!", "?nmae=a"}) {
    SCOPED_TRACE(query);
    EXPECT_EQ(get("/api/v1/explain" + query).status, 400U);
  }
}

TEST_F(RouterTest, ExplainLooksForTheNamesOwnNewestRecordInTheJournal) {
  event::Query query = testing::made_up_query(2, kNow);
  query.qtype = dns::RRType::a;
  query.group.assign("default");
  query.trace_id = 1;
  for (const std::string_view text : {"a.example", "b.a.example", "a.example", "c.a.example"}) {
    query.qname = testing::name(text);
    fixture_.journal.record(query);
    ++query.trace_id;
  }
  const std::string found = get("/api/v1/explain?name=a.example").body;
  EXPECT_NE(found.find("Last asked at 2026-03-02 08:00:00 UTC"), std::string::npos) << found;
  EXPECT_NE(found.find("(trace 00000003)"), std::string::npos) << found;
  for (const std::string_view other :
       {"x.example", "a.example&type=MX", "a.example&client=192.0.2.1"}) {
    const std::string body = get("/api/v1/explain?name=" + std::string(other)).body;
    EXPECT_NE(body.find("Nobody of this group has asked"), std::string::npos) << other;
    EXPECT_NE(body.find("\"record\":null"), std::string::npos) << other;
  }
  fixture_.journal.fails = true;
  EXPECT_NE(get("/api/v1/explain?name=a.example").body.find("file is locked"), std::string::npos);
  services_.journal = nullptr;
  EXPECT_NE(get("/api/v1/explain?name=a.example").body.find("The journal is off"),
            std::string::npos);
}

TEST_F(RouterTest, ExplainTakesATrace) {
  event::Query query = testing::made_up_query(2, kNow);
  query.trace_id = 7;
  fixture_.journal.record(query);
  const Response told = get("/api/v1/explain/00000007");
  EXPECT_EQ(told.status, 200U);
  EXPECT_TRUE(told.body.starts_with("{\"name\":\"" + query.qname.to_display())) << told.body;
  EXPECT_NE(told.body.find("\"trace\":\"00000007\""), std::string::npos);
  EXPECT_NE(told.body.find("\"client\":\"" + query.client.to_text()), std::string::npos);
  EXPECT_EQ(get("/api/v1/explain/00000008").status, 404U);
  EXPECT_EQ(get("/api/v1/explain/nonsense!").status, 400U);
  EXPECT_EQ(get("/api/v1/explain/00000007?name=a").status, 400U);
  services_.journal = nullptr;
  EXPECT_EQ(get("/api/v1/explain/00000007").status, 503U);
}

TEST_F(RouterTest, WhatAStrangerSentIsQuotedSafely) {
  const Response response = get("/api/v1/explain?name=%22%3Cscript%3E..");
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_NE(response.body.find(R"(\"<script>..)"), std::string::npos) << response.body;
}

TEST_F(RouterTest, StatusTellsHowLongItHasRun) {
  EXPECT_NE(get("/api/v1/status").body.find("\"uptime_s\":90,"), std::string::npos);
}

}  // namespace
}  // namespace postern::api
