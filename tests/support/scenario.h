// Scenarios: whole conversations with the server, written as text, and read here into steps.
//
// Pure: text in, a Scenario or the first mistake out. What each line may say is written down in
// tests/scenario/README.md; scenario_player.h plays what was read.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "dns/message.h"
#include "dns/types.h"
#include "event/query.h"
#include "policy/generation.h"
#include "resolve/resolver.h"

namespace postern::scenario {

/// The first mistake of a text.
struct ParseError {
  std::size_t line = 0;  ///< From 1.
  std::string text;
};

/// A list of rules as it is at the start.
struct List {
  policy::ZoneOptions options;
  std::vector<policy::Rule> rules;
};

/// What upstream says to one question.
struct Entry {
  std::string upstream;  ///< Which one; empty where there is but one.
  dns::Question question;
  dns::Rcode rcode = dns::Rcode::noerror;
  std::vector<std::string> data;     ///< RDATA in text, each a record of the question's type.
  std::optional<dns::Name> cname;    ///< The name is an alias instead; its target is followed.
  std::uint32_t ttl_s = 300;         ///< Of the records, or of a negative answer.
  std::optional<milliseconds> slow;  ///< Instead of the usual delay.
  resolve::Security security = resolve::Security::insecure;
};

enum class UpstreamState : std::uint8_t {
  up,
  down,    ///< Found to be away after some seconds: SERVFAIL.
  silent,  ///< Nothing comes before the asker's deadline.
};

/// What must come of a question. `facts` are in the words that the player uses too.
struct Expectation {
  std::size_t line = 0;
  std::vector<std::string> facts;
  std::optional<milliseconds> within;  ///< No later than this after the question.
  std::optional<milliseconds> after;   ///< No earlier.
};

struct AskStep {
  IpAddress client;
  event::Transport transport = event::Transport::udp;
  std::string name;  ///< As written: letters keep their case.
  dns::RRType type{};
  bool edns = true;
  bool dnssec_ok = false;
  bool ad = false;
  bool cd = false;
  bool rd = true;
  Expectation expectation;
};

struct SwitchStep {
  std::string upstream;  ///< Empty: all.
  UpstreamState state{};
};

struct ListStep {
  std::size_t list = 0;
  std::vector<policy::Rule> rules;
};

struct SayStep {
  std::vector<Entry> entries;  ///< Each replaces what was said to its question.
};

/// How often upstream has been asked a question so far.
struct AskedStep {
  dns::Question question;
  std::size_t times = 0;
};

struct Step {
  std::size_t line = 0;
  milliseconds at{};
  std::variant<AskStep, SwitchStep, ListStep, SayStep, AskedStep> what;
};

struct Scenario {
  std::vector<List> lists;
  std::vector<policy::Group> groups;  ///< [0] is the default; zones are indices into `lists`.
  std::vector<IpPrefix> clients;      ///< Who may ask.
  std::vector<Entry> entries;
  milliseconds deadline{5000};
  milliseconds stale_after{1800};
  std::vector<Step> steps;  ///< In order of time.
};

Result<Scenario, ParseError> parse(std::string_view text);

/// "3s" or "1800ms".
std::string to_text(milliseconds duration);

}  // namespace postern::scenario
