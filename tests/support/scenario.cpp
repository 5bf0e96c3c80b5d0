#include "scenario.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <system_error>
#include <utility>

#include "dns/rdata.h"

namespace postern::scenario {

namespace {

using policy::Action;
using policy::BlockAnswer;
using policy::Scope;

/// A word of a line; `ends_item` where a comma stood behind it.
struct Word {
  std::string_view text;
  bool ends_item = false;
};
using Words = std::span<const Word>;

template <class T>
using Parsed = Result<T, std::string>;

Unexpected<std::string> wrong(std::string text) {
  return Unexpected<std::string>(std::move(text));
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

std::vector<Word> words_of(std::string_view line) {
  std::vector<Word> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(" \t\r", at)) != line.npos;) {
    const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
    std::string_view text = line.substr(at, end - at);
    at = end;
    if (text.starts_with('#')) break;
    const bool comma = text.size() > 1 && text.ends_with(',');
    if (comma) text.remove_suffix(1);
    words.push_back({text, comma});
  }
  return words;
}

/// Takes the first word off, if it is `text`.
bool take(Words& words, std::string_view text) {
  if (words.empty() || words[0].text != text) return false;
  words = words.subspan(1);
  return true;
}

bool take_all(Words& words, std::initializer_list<std::string_view> texts) {
  if (words.size() < texts.size()) return false;
  std::size_t at = 0;
  for (const std::string_view text : texts) {
    if (words[at++].text != text) return false;
  }
  words = words.subspan(texts.size());
  return true;
}

/// Takes the first word off; "" where there is none, which nothing below reads as anything.
std::string_view next(Words& words) {
  if (words.empty()) return {};
  const std::string_view text = words[0].text;
  words = words.subspan(1);
  return text;
}

Parsed<void> end_of(Words words) {
  if (words.empty()) return {};
  return wrong("did not expect " + quoted(words[0].text));
}

Parsed<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return wrong(quoted(text) + " is not a number");
  }
  return number;
}

Parsed<milliseconds> duration_of(std::string_view text) {
  struct Unit {
    std::string_view text;
    std::int64_t ms;
  };
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.text)) continue;
    const auto number = number_of(text.substr(0, text.size() - unit.text.size()));
    if (number) return milliseconds(*number * unit.ms);
  }
  return wrong(quoted(text) + " is not a time such as 1800ms, 4s, 5m or 2h");
}

Parsed<dns::Name> name_of(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  if (name) return *name;
  return wrong(quoted(text) + " is not a name: " + std::string(to_string(name.error())));
}

Parsed<dns::RRType> type_of(std::string_view text) {
  if (const auto type = dns::rr_type_from_text(text)) return *type;
  return wrong(quoted(text) + " is not a type");
}

Parsed<dns::Question> question_of(Words& words) {
  dns::Question question;
  question.qname = POSTERN_TRY(name_of(next(words)));
  question.qtype = POSTERN_TRY(type_of(next(words)));
  return question;
}

Parsed<IpPrefix> prefix_of(std::string_view text) {
  const auto prefix = IpPrefix::from_text(text);
  if (prefix) return *prefix;
  return wrong(prefix.error().text);
}

Parsed<IpAddress> address_of(std::string_view text) {
  const auto address = IpAddress::from_text(text);
  if (address) return *address;
  return wrong(address.error().text);
}

Parsed<BlockAnswer> block_answer_of(std::string_view text) {
  for (const BlockAnswer answer :
       {BlockAnswer::nxdomain, BlockAnswer::nodata, BlockAnswer::null_address,
        BlockAnswer::sinkhole, BlockAnswer::refused}) {
    if (to_string(answer) == text) return answer;
  }
  return wrong(quoted(text) +
               " is not an answer: nxdomain, nodata, null_address, sinkhole or refused");
}

Parsed<policy::Rule> rule_of(Words words) {
  struct Verb {
    std::string_view text;
    Action action;
  };
  constexpr Verb kVerbs[] = {{"pass", Action::pass},         {"block", Action::block},
                             {"nxdomain", Action::nxdomain}, {"nodata", Action::nodata},
                             {"refuse", Action::refuse},     {"drop", Action::drop},
                             {"tcp-only", Action::tcp_only}};
  const std::string_view text = next(words);
  const auto* const verb = std::ranges::find(kVerbs, text, &Verb::text);
  if (verb == std::end(kVerbs)) {
    return wrong(quoted(text) +
                 " is not a rule: pass, block, nxdomain, nodata, refuse, drop or tcp-only");
  }
  policy::Rule rule;
  rule.action = verb->action;
  rule.name = POSTERN_TRY(name_of(next(words)));
  if (take_all(words, {"and", "below"})) {
    rule.scope = Scope::at_and_below;
  } else if (take(words, "below")) {
    rule.scope = Scope::below;
  }
  POSTERN_CHECK(end_of(words));
  return rule;
}

/// "ttl 30 slow 3s signed" at the end of what upstream says.
Parsed<void> take_properties(Words& words, Entry& entry) {
  while (!words.empty()) {
    const std::string_view last = words.back().text;
    const std::string_view before = words.size() > 1 ? words[words.size() - 2].text : "";
    if (last == "signed" || last == "bogus") {
      entry.security = last == "signed" ? resolve::Security::secure : resolve::Security::bogus;
      words = words.first(words.size() - 1);
      continue;
    }
    if (before == "ttl") {
      entry.ttl_s = POSTERN_TRY(number_of(last));
    } else if (before == "slow") {
      entry.slow = POSTERN_TRY(duration_of(last));
    } else {
      break;
    }
    words = words.first(words.size() - 2);
  }
  return {};
}

/// The records, one per comma.
Parsed<void> read_data(Words words, Entry& entry) {
  std::string item;
  for (std::size_t i = 0; i < words.size(); ++i) {
    item += (item.empty() ? "" : " ") + std::string(words[i].text);
    if (!words[i].ends_item && i + 1 < words.size()) continue;
    const auto rdata = dns::rdata_from_text(entry.question.qtype, item, dns::Name());
    if (!rdata) return wrong(quoted(item) + ": " + rdata.error().text);
    entry.data.push_back(std::exchange(item, {}));
  }
  return {};
}

Parsed<Entry> entry_of(Words words, std::string_view upstream) {
  Entry entry;
  entry.upstream = upstream;
  entry.question = POSTERN_TRY(question_of(words));
  if (!take(words, "->")) return wrong("upstream says NAME TYPE -> what is answered");
  if (words.empty()) return wrong("nothing behind ->");
  POSTERN_CHECK(take_properties(words, entry));
  if (words.empty()) {
    if (entry.security != resolve::Security::bogus) return wrong("nothing behind ->");
    entry.rcode = dns::Rcode::servfail;
  } else if (take(words, "CNAME")) {
    entry.cname = POSTERN_TRY(name_of(next(words)));
    POSTERN_CHECK(end_of(words));
  } else if (take(words, "nxdomain")) {
    entry.rcode = dns::Rcode::nxdomain;
    POSTERN_CHECK(end_of(words));
  } else if (take(words, "servfail")) {
    entry.rcode = dns::Rcode::servfail;
    POSTERN_CHECK(end_of(words));
  } else if (take(words, "nodata")) {
    POSTERN_CHECK(end_of(words));
  } else {
    POSTERN_CHECK(read_data(words, entry));
  }
  return entry;
}

/// Facts of one word, and those with an argument: as the player words them.
constexpr std::string_view kPlainFacts[] = {
    "noerror", "nodata", "nxdomain", "servfail", "refused", "formerr", "notimp",  "truncated",
    "nothing", "ad",     "stale",    "answered", "allowed", "blocked", "observed"};
constexpr std::string_view kNegatableFacts[] = {"ad", "ede", "list", "edns", "stale"};

Parsed<void> read_fact(Words& words, Expectation& expectation) {
  const std::string_view word = next(words);
  if (word == "within") {
    expectation.within = POSTERN_TRY(duration_of(next(words)));
    return {};
  }
  if (word == "after") {
    expectation.after = POSTERN_TRY(duration_of(next(words)));
    return {};
  }
  std::string fact(word);
  if (word == "no" || word == "from" || word == "group" || word == "list") {
    const std::string_view what = next(words);
    constexpr std::string_view kSources[] = {"cache", "upstream", "policy", "stale", "local"};
    if (word == "no" && std::ranges::find(kNegatableFacts, what) == std::end(kNegatableFacts)) {
      return wrong("no " + quoted(what) + " is nothing to expect");
    }
    if (word == "from" && std::ranges::find(kSources, what) == std::end(kSources)) {
      return wrong("answers come from cache, upstream, policy, stale or local, not " +
                   quoted(what));
    }
    fact += " " + std::string(what);
  } else if (word == "ttl" || word == "ede") {
    fact += " " + std::to_string(POSTERN_TRY(number_of(next(words))));
  } else if (word == "cname") {
    fact += " " + POSTERN_TRY(name_of(next(words))).to_display();
  } else if (const auto address = IpAddress::from_text(word)) {
    fact = address->to_text();
  } else if (std::ranges::find(kPlainFacts, word) == std::end(kPlainFacts)) {
    return wrong(quoted(word) + " is nothing that a client gets");
  }
  expectation.facts.push_back(std::move(fact));
  return {};
}

/// Reads line after line; `block_` says whose the indented ones are.
class Parser {
 public:
  Parsed<void> read_line(std::string_view line, std::size_t number) {
    line_ = number;
    const std::vector<Word> words = words_of(line);
    if (words.empty()) return {};
    if (line[0] == ' ' || line[0] == '\t') return read_indented(words);
    POSTERN_CHECK(close_block());
    return read_statement(words);
  }

  Parsed<Scenario> finish() {
    POSTERN_CHECK(close_block());
    if (scenario_.steps.empty()) return wrong("nothing happens: no line begins with \"at\"");
    if (scenario_.groups.empty() || scenario_.groups[0].name != "default") {
      policy::Group everybody{.name = "default"};
      for (std::size_t i = 0; i < scenario_.lists.size(); ++i) {
        everybody.zones.push_back(static_cast<std::uint16_t>(i));
      }
      scenario_.groups.insert(scenario_.groups.begin(), std::move(everybody));
    }
    if (scenario_.clients.empty()) {
      scenario_.clients = {*IpPrefix::from_text("0.0.0.0/0"), *IpPrefix::from_text("::/0")};
    }
    return std::move(scenario_);
  }

  /// Where the last mistake was found.
  std::size_t line() const { return line_; }

 private:
  enum class Block : std::uint8_t { none, list, upstream, ask, list_step, say_step };

  Parsed<void> read_statement(Words words) {
    const std::string_view word = next(words);
    if (word == "list") return read_list(words);
    if (word == "group") return read_group(words);
    if (word == "clients") return read_clients(words);
    if (word == "upstream") return read_upstream(words);
    if (word == "at") return read_step(words);
    if (word == "deadline" || (word == "stale" && take(words, "after"))) {
      (word == "deadline" ? scenario_.deadline : scenario_.stale_after) =
          POSTERN_TRY(duration_of(next(words)));
      return end_of(words);
    }
    return wrong(
        "a line begins with list, group, clients, upstream, deadline, stale after or at, "
        "not with " +
        quoted(word));
  }

  Parsed<void> read_indented(Words words) {
    switch (block_) {
      case Block::list:
        return add_rule(words, scenario_.lists.back().rules);
      case Block::list_step:
        return add_rule(words, std::get<ListStep>(scenario_.steps.back().what).rules);
      case Block::upstream:
        scenario_.entries.push_back(POSTERN_TRY(entry_of(words, upstream_)));
        return {};
      case Block::say_step:
        std::get<SayStep>(scenario_.steps.back().what)
            .entries.push_back(POSTERN_TRY(entry_of(words, upstream_)));
        return {};
      case Block::ask:
        return read_expectation(words);
      case Block::none:
        break;
    }
    return wrong("an indented line that belongs to nothing");
  }

  /// A question of which nothing is expected shows nothing.
  Parsed<void> close_block() {
    const Block block = std::exchange(block_, Block::none);
    if (block != Block::ask) return {};
    const Step& step = scenario_.steps.back();
    if (std::get<AskStep>(step.what).expectation.line != 0) return {};
    line_ = step.line;
    return wrong("a question without a \"gets\" line below it");
  }

  Parsed<void> add_rule(Words words, std::vector<policy::Rule>& rules) {
    policy::Rule rule = POSTERN_TRY(rule_of(words));
    rule.line = static_cast<std::uint32_t>(line_);
    rules.push_back(rule);
    return {};
  }

  Parsed<std::size_t> list_named(std::string_view name) const {
    for (std::size_t i = 0; i < scenario_.lists.size(); ++i) {
      if (scenario_.lists[i].options.name == name) return i;
    }
    return wrong("no list is called " + quoted(name));
  }

  Parsed<void> read_list(Words words) {
    List list;
    std::string_view name = next(words);
    if (name.ends_with(':')) name.remove_suffix(1);
    if (name.empty()) return wrong("a list needs a name");
    if (list_named(name)) return wrong("a second list " + quoted(name));
    list.options.name = name;
    while (!words.empty()) POSTERN_CHECK(read_list_option(words, list.options));
    scenario_.lists.push_back(std::move(list));
    block_ = Block::list;
    return {};
  }

  static Parsed<void> read_list_option(Words& words, policy::ZoneOptions& options) {
    const std::string_view option = next(words);
    if (option == "log-only") {
      options.log_only = true;
    } else if (option == "answer") {
      options.answer = POSTERN_TRY(block_answer_of(next(words)));
    } else if (option == "sinkhole") {
      const IpAddress address = POSTERN_TRY(address_of(next(words)));
      (address.is_v4() ? options.sinkhole_v4 : options.sinkhole_v6) = address;
    } else if (option == "ttl") {
      options.ttl_s = POSTERN_TRY(number_of(next(words)));
    } else if (option == "ede") {
      const std::string_view code = next(words);
      if (code != "blocked" && code != "censored" && code != "filtered") {
        return wrong("ede is blocked, censored or filtered, not " + quoted(code));
      }
      options.ede = code == "blocked"    ? dns::EdeCode::blocked
                    : code == "censored" ? dns::EdeCode::censored
                                         : dns::EdeCode::filtered;
    } else {
      return wrong("a list's options are log-only, answer, sinkhole, ttl and ede, not " +
                   quoted(option));
    }
    return {};
  }

  Parsed<void> read_group(Words words) {
    policy::Group group;
    group.name = next(words);
    if (take(words, "clients")) {
      while (!words.empty() && words[0].text != "lists" && words[0].text != "answer") {
        group.clients.push_back(POSTERN_TRY(prefix_of(next(words))));
      }
    }
    if (take(words, "lists")) {
      while (!words.empty() && words[0].text != "answer") {
        const std::size_t list = POSTERN_TRY(list_named(next(words)));
        group.zones.push_back(static_cast<std::uint16_t>(list));
      }
    }
    if (take(words, "answer")) group.answer = POSTERN_TRY(block_answer_of(next(words)));
    POSTERN_CHECK(end_of(words));
    if (group.name == "default") {
      scenario_.groups.insert(scenario_.groups.begin(), std::move(group));
    } else {
      scenario_.groups.push_back(std::move(group));
    }
    return {};
  }

  Parsed<void> read_clients(Words words) {
    while (!words.empty()) scenario_.clients.push_back(POSTERN_TRY(prefix_of(next(words))));
    return {};
  }

  Parsed<void> read_upstream(Words words) {
    upstream_ = next(words);
    POSTERN_CHECK(end_of(words));
    upstreams_.push_back(upstream_);
    block_ = Block::upstream;
    return {};
  }

  Parsed<void> read_step(Words words) {
    Step step{.line = line_, .at = POSTERN_TRY(duration_of(next(words))), .what = {}};
    if (!scenario_.steps.empty() && step.at < scenario_.steps.back().at) {
      return wrong("time runs backwards: " + to_text(step.at) + " after " +
                   to_text(scenario_.steps.back().at));
    }
    Block block = Block::none;
    if (take(words, "upstream")) {
      POSTERN_CHECK(read_upstream_step(words, step));
      if (std::holds_alternative<SayStep>(step.what)) block = Block::say_step;
    } else if (take(words, "list")) {
      step.what = ListStep{.list = POSTERN_TRY(list_named(next(words))), .rules = {}};
      if (!take(words, "becomes")) return wrong("a list \"becomes\" another");
      POSTERN_CHECK(end_of(words));
      block = Block::list_step;
    } else {
      step.what = POSTERN_TRY(read_ask(words));
      block = Block::ask;
    }
    scenario_.steps.push_back(std::move(step));
    block_ = block;
    return {};
  }

  Parsed<void> read_upstream_step(Words words, Step& step) {
    std::string_view upstream;
    if (!words.empty() && std::ranges::find(upstreams_, words[0].text) != upstreams_.end()) {
      upstream = next(words);
    }
    if (take_all(words, {"was", "asked"})) {
      AskedStep asked{.question = POSTERN_TRY(question_of(words))};
      if (take(words, "once")) {
        asked.times = 1;
      } else if (!take(words, "never")) {
        asked.times = POSTERN_TRY(number_of(next(words)));
        if (!take(words, "times")) return wrong("asked once, never, or N times");
      }
      step.what = asked;
    } else if (take_all(words, {"now", "says"})) {
      upstream_ = upstream;
      step.what = SayStep{};
    } else if (take_all(words, {"goes", "down"})) {
      step.what = SwitchStep{std::string(upstream), UpstreamState::down};
    } else if (take_all(words, {"goes", "silent"})) {
      step.what = SwitchStep{std::string(upstream), UpstreamState::silent};
    } else if (take_all(words, {"comes", "up"})) {
      step.what = SwitchStep{std::string(upstream), UpstreamState::up};
    } else {
      return wrong("upstream goes down, goes silent, comes up, now says or was asked");
    }
    return end_of(words);
  }

  static Parsed<AskStep> read_ask(Words words) {
    AskStep ask;
    ask.client = POSTERN_TRY(address_of(next(words)));
    if (!take_all(words, {"asks", "over"})) return wrong("a client \"asks over\" something");
    const std::string_view transport = next(words);
    const auto known = event::transport_from_text(transport);
    if (!known) return wrong(quoted(transport) + " is not udp, tcp, dot, doh or doq");
    ask.transport = *known;
    ask.name = words.empty() ? "" : words[0].text;
    ask.type = POSTERN_TRY(question_of(words)).qtype;
    while (!words.empty()) {
      if (take_all(words, {"without", "edns"})) {
        ask.edns = false;
      } else if (take_all(words, {"without", "rd"})) {
        ask.rd = false;
      } else if (take(words, "do")) {
        ask.dnssec_ok = true;
      } else if (take(words, "ad")) {
        ask.ad = true;
      } else if (take(words, "cd")) {
        ask.cd = true;
      } else {
        return wrong("a question is asked with do, ad, cd, without edns or without rd, not " +
                     quoted(words[0].text));
      }
    }
    return ask;
  }

  Parsed<void> read_expectation(Words words) {
    Expectation& expectation = std::get<AskStep>(scenario_.steps.back().what).expectation;
    if (!take(words, "gets")) return wrong("below a question stands what the client \"gets\"");
    if (expectation.line != 0) return wrong("a second \"gets\" for one question");
    if (words.empty()) return wrong("nothing behind \"gets\"");
    expectation.line = line_;
    while (!words.empty()) {
      if (words[0].text == "list" && words.size() > 1) POSTERN_CHECK(list_named(words[1].text));
      POSTERN_CHECK(read_fact(words, expectation));
    }
    return {};
  }

  Scenario scenario_;
  Block block_ = Block::none;
  std::string upstream_;
  std::vector<std::string> upstreams_;
  std::size_t line_ = 0;
};

}  // namespace

Result<Scenario, ParseError> parse(std::string_view text) {
  Parser parser;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto read = parser.read_line(text.substr(0, end), ++number);
    if (!read) return Unexpected<ParseError>(ParseError{parser.line(), read.error()});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  auto scenario = parser.finish();
  if (!scenario) return Unexpected<ParseError>(ParseError{parser.line(), scenario.error()});
  return *std::move(scenario);
}

std::string to_text(milliseconds duration) {
  const auto ms = duration.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

}  // namespace postern::scenario
