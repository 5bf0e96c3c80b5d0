// The runner itself: what it says of a scenario that is wrong, and of one that does not read.
#include "scenario.h"

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "scenario_player.h"

namespace postern::scenario {
namespace {

/// "LINE: text" for each failure or for the mistake.
std::vector<std::string> outcome_of(const std::string& text) {
  const auto scenario = parse(text);
  if (!scenario) return {std::to_string(scenario.error().line) + ": " + scenario.error().text};
  std::vector<std::string> lines;
  for (const Failure& failure : play(*scenario)) {
    lines.push_back(std::to_string(failure.line) + ": " + failure.text);
  }
  return lines;
}

using Lines = std::vector<std::string>;

constexpr const char* kWorld =
    "list block\n"
    "  nxdomain bad.example and below\n"
    "  drop gone.example\n"
    "upstream 192.0.2.1\n"
    "  www.example A -> 198.51.100.7, 198.51.100.8 ttl 300\n";

// Each wrong expectation alone, so that none hides behind another.
TEST(ScenarioPlayer, AWrongExpectationIsNamedWithWhatCameInstead) {
  const std::string good = "198.51.100.7, 198.51.100.8, ttl 300, edns, from upstream, after 10ms";
  const std::string bad = "nxdomain, ttl 10, edns, ede 15, list block, from policy, after 0s";
  struct Case {
    std::string name;
    std::string gets;
    std::string want;
  };
  const Case cases[] = {
      {"www.example", "198.51.100.7 198.51.100.8 ttl 300, no ede, no list, answered", ""},
      {"bad.example", "nxdomain, list block, ede 15, blocked, within 0s, group default", ""},
      {"gone.example", "nothing, list block", ""},
      {"www.example", "nxdomain", "wanted nxdomain; came " + good},
      {"www.example", "198.51.100.7", "wanted no other address; came " + good},
      {"www.example", "198.51.100.9", "wanted 198.51.100.9; came " + good},
      {"www.example", "ttl 299", "wanted ttl 299; came " + good},
      {"www.example", "nothing", "wanted nothing; came " + good},
      {"www.example", "ad", "wanted ad; came " + good},
      {"www.example", "stale", "wanted stale; came " + good},
      {"www.example", "list block", "wanted list block; came " + good},
      {"www.example", "noerror, within 9ms", "wanted within 9ms; came " + good},
      {"www.example", "noerror, after 11ms", "wanted after 11ms; came " + good},
      {"bad.example", "servfail, ede 17", "wanted servfail, ede 17; came " + bad},
      {"bad.example", "no ede", "wanted no ede; came " + bad},
      {"bad.example", "no list", "wanted no list; came " + bad},
      {"bad.example", "nodata", "wanted nodata; came " + bad},
      {"bad.example", "observed", "wanted observed; came " + bad},
      {"gone.example", "nxdomain", "wanted nxdomain; came nothing, list block, from policy"},
      {"gone.example", "nothing, within 4s",
       "wanted within 4s; came nothing, list block, from policy"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name + " gets " + c.gets);
    const auto lines = outcome_of(kWorld + ("at 0s 192.0.2.10 asks over udp " + c.name) +
                                  " A\n   gets " + c.gets + "\n");
    EXPECT_EQ(lines, c.want.empty() ? Lines{} : Lines{"7: " + c.want});
  }
}

TEST(ScenarioPlayer, EveryFailureIsToldInOrderOfLines) {
  EXPECT_EQ(outcome_of(kWorld + std::string("at 0s 192.0.2.10 asks over udp www.example A\n"
                                            "  gets nxdomain\n"
                                            "at 1s upstream was asked www.example A never\n"
                                            "at 2s 192.0.2.10 asks over udp www.example A\n"
                                            "  gets ttl 297\n")),
            (Lines{"7: wanted nxdomain; came 198.51.100.7, 198.51.100.8, ttl 300, edns, from "
                   "upstream, after 10ms",
                   "8: wanted upstream asked 0 times; it was asked 1 times",
                   "10: wanted ttl 297; came 198.51.100.7, 198.51.100.8, ttl 299, edns, from "
                   "cache, after 0s"}));
}

// A misspelt name must not look like one that does not exist.
TEST(ScenarioPlayer, UpstreamFailsWhatTheScenarioDoesNotKnow) {
  EXPECT_EQ(outcome_of("at 0s 192.0.2.10 asks over udp nobody.example A\n  gets nxdomain\n"),
            Lines{"2: wanted nxdomain; came servfail, edns, ede 22, from upstream, after 10ms"});
}

TEST(ScenarioPlayer, AliasesThatLoopEnd) {
  EXPECT_EQ(outcome_of("upstream\n  a.example A -> CNAME a.example\n"
                       "at 0s 192.0.2.10 asks over udp a.example A\n  gets servfail\n"),
            Lines{});
}

TEST(ScenarioParser, AMistakeIsNamedWithItsLine) {
  struct Case {
    std::string text;
    std::string want;
  };
  const std::string ask = "at 0s 192.0.2.10 asks over udp www.example A\n";
  const Case cases[] = {
      {"", "0: nothing happens: no line begins with \"at\""},
      {"# only words\n\n", "2: nothing happens: no line begins with \"at\""},
      {"lists a\n",
       "1: a line begins with list, group, clients, upstream, deadline, stale after or at, not "
       "with \"lists\""},
      {"  pass a.example\n", "1: an indented line that belongs to nothing"},
      {"list\n", "1: a list needs a name"},
      {"list a\nlist a\n", "2: a second list \"a\""},
      {"list a: loud\n",
       "1: a list's options are log-only, answer, sinkhole, ttl and ede, not \"loud\""},
      {"list a: ede 15\n", "1: ede is blocked, censored or filtered, not \"15\""},
      {"list a: ttl soon\n", "1: \"soon\" is not a number"},
      {"list a: answer no\n",
       "1: \"no\" is not an answer: nxdomain, nodata, null_address, sinkhole or refused"},
      {"list a\n  deny b.example\n",
       "2: \"deny\" is not a rule: pass, block, nxdomain, nodata, refuse, drop or tcp-only"},
      {"list a\n  pass b..example\n", "2: \"b..example\" is not a name: empty label"},
      {"list a\n  pass b.example and above\n", "2: did not expect \"and\""},
      {"group g clients 192.0.2.0/24 lists a\n", "1: no list is called \"a\""},
      {"upstream\n  a.example A 192.0.2.1\n", "2: upstream says NAME TYPE -> what is answered"},
      {"upstream\n  a.example A ->\n", "2: nothing behind ->"},
      {"upstream\n  a.example A -> ttl 3\n", "2: nothing behind ->"},
      {"upstream\n  a.example X -> 192.0.2.1\n", "2: \"X\" is not a type"},
      {"upstream\n  a.example A -> nxdomain now\n", "2: did not expect \"now\""},
      {"at noon 192.0.2.10 asks\n", "1: \"noon\" is not a time such as 1800ms, 4s, 5m or 2h"},
      {"at 0s 192.0.2.10 says\n", "1: a client \"asks over\" something"},
      {"at 0s 192.0.2.10 asks over fax a.example A\n",
       "1: \"fax\" is not udp, tcp, dot, doh or doq"},
      {"at 0s 192.0.2.10 asks over udp a.example A loudly\n",
       "1: a question is asked with do, ad, cd, without edns or without rd, not \"loudly\""},
      {ask, "1: a question without a \"gets\" line below it"},
      {ask + ask, "1: a question without a \"gets\" line below it"},
      {ask + "  gets\n", "2: nothing behind \"gets\""},
      {ask + "  sees nodata\n", "2: below a question stands what the client \"gets\""},
      {ask + "  gets nodata\n  gets nodata\n", "3: a second \"gets\" for one question"},
      {ask + "  gets happy\n", "2: \"happy\" is nothing that a client gets"},
      {ask + "  gets no joy\n", "2: no \"joy\" is nothing to expect"},
      {ask + "  gets ede\n", "2: \"\" is not a number"},
      {ask + "  gets list a\n", "2: no list is called \"a\""},
      {ask + "  gets from space\n",
       "2: answers come from cache, upstream, policy, stale or local, not \"space\""},
      {"at 2s upstream goes down\nat 1s upstream comes up\n",
       "2: time runs backwards: 1s after 2s"},
      {"at 2s upstream explodes\n",
       "1: upstream goes down, goes silent, comes up, now says or was asked"},
      {"at 2s upstream was asked a.example A often\n", "1: \"often\" is not a number"},
      {"at 2s list a becomes\n", "1: no list is called \"a\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(outcome_of(c.text), Lines{c.want});
  }
}

struct Ended {
  int status = -1;
  std::string output;
};

/// The runner as a person would call it, in the folder of its test files.
Ended run(const std::string& arguments) {
  const std::string command =
      "cd " POSTERN_SUPPORT_DIR " && " POSTERN_SCENARIO_RUNNER " " + arguments + " 2>&1";
  Ended ended;
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return ended;
  std::array<char, 512> buffer{};
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    ended.output.append(buffer.data(), count);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ended.status = WEXITSTATUS(status);
  return ended;
}

void expect_ended(const Ended& ended, int status, std::string_view output) {
  EXPECT_EQ(ended.status, status);
  EXPECT_EQ(ended.output, output);
}

TEST(ScenarioRunner, SaysFileLineAndWhatCame) {
  expect_ended(
      run("scenario_wrong.scn"), 1,
      "scenario_wrong.scn:9: wanted 198.51.100.7; came nxdomain, ttl 10, edns, ede 15, list "
      "block, from policy, after 0s\n"
      "scenario_wrong.scn:10: wanted upstream asked 1 times; it was asked 0 times\n");
}

TEST(ScenarioRunner, TheWorstOfSeveralFilesIsTheStatus) {
  expect_ended(
      run("scenario_unreadable.scn ../scenario/drop.scn nowhere.scn"), 2,
      "scenario_unreadable.scn:4: \"forbid\" is not a rule: pass, block, nxdomain, nodata, "
      "refuse, drop or tcp-only\n"
      "nowhere.scn: cannot be read\n");
  EXPECT_EQ(run("../scenario/drop.scn").status, 0);
  EXPECT_EQ(run("").status, 2);
}

}  // namespace
}  // namespace postern::scenario
