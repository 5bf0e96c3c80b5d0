#include <gtest/gtest.h>

#include "app/json.h"
#include "app/places.h"
#include "app/table.h"
#include "app/views.h"

namespace postern::app {
namespace {

Json json(std::string_view text) {
  auto read = Json::parse(text);
  EXPECT_TRUE(read.has_value()) << text;
  return read ? *read : Json();
}

TEST(Json, ReadsEveryKind) {
  const Json all =
      json(R"({"t":"x\"y","n":-3,"u":18446744073709551615,"d":1.5,"b":true,"z":null,"l":[1,[2]]})");
  EXPECT_EQ(all["t"].text(), "x\"y");
  EXPECT_EQ(all["n"].text(), "-3");
  EXPECT_EQ(all["n"].count(), 0U);
  EXPECT_EQ(all["u"].text(), "18446744073709551615");
  EXPECT_EQ(all["d"].number(), 1.5);
  EXPECT_TRUE(all["b"].is_true());
  EXPECT_TRUE(all["z"].is_null());
  EXPECT_EQ(all["l"].items()[1].items()[0].count(), 2U);
  // What is not there is null, all the way down.
  EXPECT_TRUE(all["no"]["such"]["thing"].is_null());
  EXPECT_EQ(all["t"].items().size(), 0U);
}

TEST(View, AReloadNamesTheFeedsThatCannotBeRead) {
  struct Case {
    std::string_view answer;
    std::string_view more;
    bool is_whole;
  };
  const Case cases[] = {
      {R"({"reloaded":true,"reading_feeds":false,"unreadable_feeds":[]})", "", true},
      {R"({"reloaded":true,"reading_feeds":false,"unreadable_feeds":[{"name":"a",)"
       R"("error":"open /a: gone"}]})",
       "feed a cannot be read: open /a: gone\n", false},
      {R"({"reloaded":true,"reading_feeds":true,"unreadable_feeds":[]})",
       "Its feeds are still being read; \"postern feed list\" shows how they are.\n", false},
      {R"({"reloaded":true,"reading_feeds":false,"unreadable_feeds":[],)"
       R"("needs_restart":["server.listen","server.workers"]})",
       "These changes act after a restart: server.listen, server.workers\n", true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.answer);
    EXPECT_EQ(view_reload(json(c.answer)),
              "The configuration was read again and is in force.\n" + std::string(c.more));
    EXPECT_EQ(is_reloaded_whole(json(c.answer)), c.is_whole);
  }
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("<html>"), std::string("{}x"),
        std::string("\"\xff\""), std::string(100'000, '['), std::string("{\"a\":1,}")}) {
    SCOPED_TRACE(text.substr(0, 20));
    EXPECT_FALSE(Json::parse(text).has_value());
  }
}

TEST(Json, ItemsAsText) {
  EXPECT_EQ(
      items_text(R"({"rows": [ {"id": 12345678901234567, "n": "a\"b"}, [1] ], "next": 3})", "rows"),
      R"({"id":12345678901234567,"n":"a\"b"},[1])");
  EXPECT_EQ(items_text(R"({"rows":[]})", "rows"), "");
  EXPECT_EQ(items_text(R"({"rows":3})", "rows"), "");
  EXPECT_FALSE(items_text("[", "rows").has_value());
}

TEST(Table, ColumnsAreAligned) {
  Table table({"NAME", "N", "LAST"});
  table.align(1, Table::Align::right);
  table.add({"a", "1", "x"});
  table.add({"bücher", "1000", ""});
  EXPECT_EQ(table.text(),
            "NAME       N  LAST\n"
            "a          1  x\n"
            "bücher  1000\n");
}

TEST(Table, ShortFigures) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(short_duration(seconds(-5)), "0 s");
  EXPECT_EQ(short_duration(seconds(119)), "119 s");
  EXPECT_EQ(short_duration(seconds(120)), "2 min");
  EXPECT_EQ(short_duration(seconds(7200)), "2 h");
  EXPECT_EQ(short_duration(seconds(200'000)), "2 d");
  EXPECT_EQ(short_latency(999), "999 us");
  EXPECT_EQ(short_latency(12'340), "12.3 ms");
  EXPECT_EQ(short_latency(2'500'000), "2.5 s");
  EXPECT_EQ(printable("a\x1b[31mb\n"), "a?[31mb?");
}

TEST(Table, WhatCouldSteerATerminalIsNotPrinted) {
  struct Case {
    std::string text;
    std::string want;
  };
  const Case cases[] = {
      {"a\x1b[31mb\n\x7f", "a?[31mb??"},
      // C1 in UTF-8 (U+009B is CSI), and the characters beside it.
      {"\xc2\x9b"
       "2J\xc2\x80\xc2\x9f",
       "?2J??"},
      {"\xc2\xa0", "\xc2\xa0"},
      // What turns the direction of writing: U+061C, 200E, 200F, 202A to 202E, 2066 to 2069.
      {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "???"},
      {"\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9", "????"},
      {"\xe2\x80\xa9\xe2\x80\xaf", "\xe2\x80\xa9\xe2\x80\xaf"},
      // Letters of any script stay.
      {"b\xc3\xbc"
       "cher \xe2\x80\xa6 \xf0\x9f\x98\x80 \xd7\xa9",
       "b\xc3\xbc"
       "cher \xe2\x80\xa6 \xf0\x9f\x98\x80 \xd7\xa9"},
      // Ill-formed: C1 as one octet, overlong, a surrogate, past U+10FFFF, cut off.
      {"\x9b"
       "2J",
       "?2J"},
      {"\xc0\xaf\xe0\x80\xaf", "?????"},
      {"\xed\xa0\x80", "???"},
      {"\xf4\x90\x80\x80\xf5", "?????"},
      {"\xe2\x80", "??"},
      {"\xc3"
       "a",
       "?a"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    EXPECT_EQ(printable(c.text), c.want);
    EXPECT_EQ(printable(c.want), c.want);
  }
}

TEST(Views, TimesAreRead) {
  EXPECT_EQ(time_from_rfc3339("1970-01-01T00:00:01Z")->time_since_epoch().count(), 1'000'000);
  EXPECT_EQ(time_from_rfc3339("2026-03-02T08:00:00.000001Z")->time_since_epoch().count(),
            1'772'438'400'000'000);
  for (const std::string_view bad :
       {"", "yesterday", "2026-13-02T08:00:00Z", "2026-03-02T08:00:00+01:00",
        "2026-03-02 08:00:00Z", "2026-3-02T08:00:00ZZZ"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(time_from_rfc3339(bad).has_value());
  }
}

TEST(Views, Feeds) {
  const Json feeds = json(R"({"feeds":[
    {"name":"hafnium","format":"csv","source":"built in","health":"good",
     "last_success":"2026-03-02T08:00:00Z",
     "next_try":null,"rules":13,"lines_skipped":0,"first_skipped":null,"last_error":null},
    {"name":"remote","format":"hosts","source":"https://h/x","health":"stale","last_success":null,
     "next_try":"2026-03-02T09:00:00.5Z","rules":1234567,"lines_skipped":2,
     "first_skipped":"line 17: \u001b[2Jnot a name","last_error":"HTTP 500"}]})");
  EXPECT_EQ(view_feeds(feeds, *time_from_rfc3339("2026-03-02T08:05:00Z")),
            "FEED     HEALTH      RULES  SKIPPED  READ       NEXT       FORMAT  SOURCE\n"
            "hafnium  good           13        0  5 min ago  -          csv     built in\n"
            "remote   stale   1,234,567        2  never      in 55 min  hosts   https://h/x\n"
            "\n"
            "remote: HTTP 500\n"
            "remote: line 17: ?[2Jnot a name\n");
  EXPECT_EQ(view_feeds(json(R"({"feeds":[]})"), WallTime{}), "No feeds.\n");
}

TEST(Views, QueriesReadAsALogOldestFirst) {
  const Json page = json(R"({"rows":[
    {"at":"2026-03-02T08:00:01.5Z","trace":"bbbbbbbb","client":"192.0.2.1",
     "name":"www.bad.example","type":"A",
     "disposition":"blocked","rcode":"NXDOMAIN","latency_us":40,"zone":"hafnium",
     "rule":"*.bad.example",
     "rule_line":17,"in_chain":true,"ede":15},
    {"at":"2026-03-02T08:00:00Z","trace":"aaaaaaaa","client":"192.0.2.1","name":"good.example",
     "type":"AAAA",
     "disposition":"answered","rcode":"NOERROR","latency_us":12345,"zone":null,"rule":null,
     "rule_line":null,
     "in_chain":false,"ede":null}],"next":null})");
  QueriesView view;
  EXPECT_EQ(view.text(), "No query in the journal fits.\n");
  view.add(page);
  EXPECT_EQ(view.text(),
            "TIME (UTC)           TRACE     CLIENT     NAME             TYPE  VERDICT   RCODE      "
            "  TOOK  WHY\n"
            "2026-03-02 08:00:00  aaaaaaaa  192.0.2.1  good.example     AAAA  answered  NOERROR   "
            "12.3 ms\n"
            "2026-03-02 08:00:01  bbbbbbbb  192.0.2.1  www.bad.example  A     blocked   NXDOMAIN   "
            " 40 us  "
            "hafnium line 17: *.bad.example (in the answer)\n");
  view.add(json(R"({"rows":[{"at":"2026-03-02T07:00:00Z","name":"older.example"}],"next":null})"));
  EXPECT_LT(view.text().find("older.example"), view.text().find("good.example"));
  EXPECT_EQ(
      view_query(page["rows"].items()[1]),
      "2026-03-02 08:00:00  aaaaaaaa  192.0.2.1  good.example  AAAA  answered  NOERROR  12.3 ms\n");
}

TEST(Views, ExplanationAndStatus) {
  const Json explanation =
      json(R"({"name":"www.bad.example","type":"A","group":"default","generation":3,
    "verdict":{"disposition":"blocked","zone":"hafnium","rule":"bad.example","line":9},
    "steps":[{"kind":"group","outcome":"chosen","text":"No client was named."},
             {"kind":"result","outcome":"blocked","text":"Blocked: answered with nxdomain."}],
    "matches":[{"zone":"hafnium","rule":"bad.example and below","line":9,"action":"block",
     "in_group":true,"winner":true},
               {"zone":"other","rule":"bad.example","line":null,"action":"pass","in_group":false,
     "winner":false}]})");
  EXPECT_EQ(view_explanation(explanation),
            "www.bad.example A: blocked by hafnium\n\n"
            "  1. No client was named.\n"
            "  2. Blocked: answered with nxdomain.\n"
            "\nEvery rule that matches (* decides):\n"
            "     ZONE     LINE  RULE                   ACTION  IN FORCE\n"
            "  *  hafnium     9  bad.example and below  block   yes\n"
            "     other       -  bad.example            pass    not for this group\n");
  const Json trace =
      json(R"({"name":"alias.example","type":"A","client":"127.0.0.1","trace":"bbbbbbbb",
    "verdict":{"disposition":"blocked","in_chain":true,"zone":"block"},
    "steps":[{"text":"Asked."}],"matches":[],
    "record":{"at":"2026-03-02T08:00:01.5Z","disposition":"blocked","zone":"block",
     "rule":"*.bad.example","rule_line":1,"in_chain":true}})");
  EXPECT_EQ(view_explanation(trace),
            "alias.example A for 127.0.0.1 at 2026-03-02 08:00:01 UTC: blocked by block line 1: "
            "*.bad.example (in the answer)\n"
            "With today's policy: blocked through its answer by block\n\n"
            "  1. Asked.\n");
  const Json status =
      json(R"({"version":"0.1.0","uptime_s":300,"endpoints":["127.0.0.1:5300"],"journal":true,
    "policy":{"generation":2,"zones":3,"rules":1313,"memory_octets":2097152},"feeds":{"good":2,
     "stale":1,"failed":0,"never":0}})");
  EXPECT_EQ(view_status(status),
            "postern 0.1.0, up 5 min\n"
            "  answers on  127.0.0.1:5300\n"
            "  policy      generation 2: 1,313 rules in 3 zones, 2 MiB\n"
            "  feeds       2 good, 1 stale\n"
            "  journal     on\n");
}

TEST(Places, StateGoesWhereItMayBeWritten) {
  const std::string system = "/var/lib/postern";
  struct Case {
    std::optional<std::string> flag;
    std::string configured;
    Surroundings around;
    std::string want;
  };
  const Case cases[] = {
      {"here", system, {.xdg_state_home = {}, .home = {}}, "here"},
      {std::nullopt, "/srv/state", {.xdg_state_home = "/x", .home = "/h"}, "/srv/state"},
      {std::nullopt, system, {.is_root = true, .xdg_state_home = "/x", .home = "/h"}, system},
      {std::nullopt,
       system,
       {.can_write_default = true, .xdg_state_home = "/x", .home = "/h"},
       system},
      {std::nullopt, system, {.xdg_state_home = "/x", .home = "/h"}, "/x/postern"},
      {std::nullopt,
       system,
       {.xdg_state_home = "relative", .home = "/h"},
       "/h/.local/state/postern"},
      {std::nullopt, system, {.xdg_state_home = "", .home = ""}, system},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.want);
    EXPECT_EQ(choose_state_dir(c.flag, c.configured, c.around), c.want);
  }
}

}  // namespace
}  // namespace postern::app
