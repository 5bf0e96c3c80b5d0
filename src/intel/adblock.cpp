// Adblock syntax, as far as it speaks of names: "||x^", "@@||x^", "|x^", "x", and the
// modifiers that a resolver can carry out. A rule with any other modifier is passed over whole:
// half a rule would block what its author did not want blocked.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

#include "base/ip.h"
#include "intel/readers.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

using policy::Action;
using policy::Rank;
using policy::Scope;

/// One rule, taken apart; views into its line.
struct AdblockRule {
  bool exception = false;
  Scope scope = Scope::exact;
  std::string_view name;
  bool important = false;
  bool badfilter = false;
  std::optional<std::string_view> rewrite;  // The value of $dnsrewrite.
};

/// Why a line is no rule for us; `text` empty: nothing is wrong with it (a cosmetic rule).
struct Refusal {
  std::string_view about;
  std::string_view text;
};

// "##", "#@#", "#?#", "#$#", "#%#", "#@?#" …, and "$$" of HTML filtering: rules on what pages
// show, which no resolver sees.
bool is_cosmetic(std::string_view line) {
  for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    const std::size_t next = line.find_first_not_of("@?$%", at + 1);
    if (next != std::string_view::npos && line[next] == '#') return true;
  }
  return line.find("$$") != std::string_view::npos;
}

bool is_comment(std::string_view line) {
  if (line.front() == '!') return true;
  if (line.front() == '[') return true;  // "[Adblock Plus 2.0]".
  return line.front() == '#';            // Called after is_cosmetic.
}

// "0.0.0.0 name": such a line may have "##" in its comment, and is no cosmetic rule for that.
bool begins_with_address(std::string_view line) {
  const std::string_view first = take_word(line);
  const std::string_view second = take_word(line);
  return !second.empty() && second.front() != '#' && IpAddress::from_text(first).has_value();
}

bool is_hosts_line(std::string_view line) {
  return line.front() != '|' && line.front() != '@' && line.find('$') == std::string_view::npos &&
         line.find_first_of(" \t") != std::string_view::npos;
}

// Takes the next of the modifiers "a,b=c" off `text`; a comma after "\" belongs to a value.
std::string_view take_modifier(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && text[end] != ',') end += text[end] == '\\' ? 2 : 1;
  end = std::min(end, text.size());
  const std::string_view modifier = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return modifier;
}

std::optional<Refusal> read_modifiers(std::string_view text, AdblockRule& out) {
  while (!text.empty()) {
    const std::string_view modifier = take_modifier(text);
    const std::size_t equals = modifier.find('=');
    const std::string_view key = modifier.substr(0, equals);
    if (modifier == "important") {
      out.important = true;
    } else if (modifier == "badfilter") {
      out.badfilter = true;
    } else if (key == "dnsrewrite") {
      out.rewrite = equals == std::string_view::npos ? "" : modifier.substr(equals + 1);
    } else {
      return Refusal{key, "is a modifier that is not supported; the rule is ignored whole"};
    }
  }
  return std::nullopt;
}

// The pattern without "@@" and modifiers.
std::optional<Refusal> read_pattern(std::string_view pattern, AdblockRule& out) {
  const std::string_view whole = pattern;
  const bool anchored = pattern.starts_with('|');
  if (pattern.starts_with("||")) {
    out.scope = Scope::at_and_below;
    pattern.remove_prefix(2);
    if (pattern.starts_with("*.")) {
      out.scope = Scope::below;
      pattern.remove_prefix(2);
    }
  } else if (anchored) {
    pattern.remove_prefix(1);
  }
  if (pattern.find('/') != std::string_view::npos) {
    return Refusal{whole, "is a rule for URLs, which a resolver does not see"};
  }
  const bool closed = pattern.ends_with('^') || pattern.ends_with('|');
  if (pattern.ends_with('|')) pattern.remove_suffix(1);
  if (pattern.ends_with('^')) pattern.remove_suffix(1);
  if (closed && !anchored) {
    return Refusal{whole, "matches parts of names, which is not supported; write ||name^"};
  }
  out.name = pattern;
  return std::nullopt;
}

// Takes a line apart. nullopt: `out` is a rule.
std::optional<Refusal> parse(std::string_view line, AdblockRule& out) {
  std::string_view rest = line;
  if (rest.starts_with("@@")) {
    out.exception = true;
    rest.remove_prefix(2);
  }
  if (rest.starts_with('/')) {
    return Refusal{line, "is a regex rule; regex rules are not supported"};
  }
  const std::size_t dollar = rest.find('$');
  if (dollar != std::string_view::npos) {
    if (auto refusal = read_modifiers(rest.substr(dollar + 1), out)) return refusal;
    rest = trimmed(rest.substr(0, dollar));
  }
  return read_pattern(rest, out);
}

// Rules are the same if all but "$badfilter" is.
std::string identity(const AdblockRule& rule) {
  std::string key = fmt::format("{}{}{}|{}|{}", rule.exception ? '@' : '-',
                                rule.important ? '!' : '-', static_cast<int>(rule.scope), rule.name,
                                rule.rewrite ? fmt::format("={}", *rule.rewrite) : "");
  std::ranges::transform(key, key.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return key;
}

std::unordered_set<std::string> badfilters(std::string_view text) {
  std::unordered_set<std::string> keys;
  if (text.find("badfilter") == std::string_view::npos) return keys;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.size() > kMaxLineOctets || line.find("badfilter") == std::string_view::npos) continue;
    AdblockRule rule;
    if (!parse(line, rule) && rule.badfilter) keys.insert(identity(rule));
  }
  return keys;
}

struct Rewrite {
  std::string_view rcode;
  std::string_view type;
  std::string_view value;
};

// "NOERROR;A;192.0.2.1" or a short form: a code, an address or a name.
Rewrite split_rewrite(std::string_view text) {
  const std::size_t first = text.find(';');
  if (first != std::string_view::npos) {
    const std::size_t second = text.find(';', first + 1);
    if (second == std::string_view::npos)
      return {text.substr(0, first), text.substr(first + 1), {}};
    return {text.substr(0, first), text.substr(first + 1, second - first - 1),
            text.substr(second + 1)};
  }
  if (const auto address = IpAddress::from_text(text)) {
    return {"NOERROR", address->is_v4() ? "A" : "AAAA", text};
  }
  const bool is_code = std::ranges::none_of(text, [](char c) { return c < 'A' || c > 'Z'; });
  return is_code ? Rewrite{text, {}, {}} : Rewrite{"NOERROR", "CNAME", text};
}

void add_rewrite(const dns::Name& name, const AdblockRule& rule, Rank rank, FeedSink& sink) {
  if (rule.exception) {
    return sink.skip("dnsrewrite", "in an exception is not supported; the rule is ignored whole");
  }
  const Rewrite rewrite = split_rewrite(trimmed(*rule.rewrite));
  if (rewrite.rcode == "NOERROR" && !rewrite.type.empty()) {
    sink.add_record_text(name, {.scope = rule.scope, .rank = rank}, rewrite.type, rewrite.value);
    return;
  }
  if (rewrite.rcode == "NXDOMAIN")
    return sink.add(name, {.scope = rule.scope, .action = Action::nxdomain, .rank = rank});
  if (rewrite.rcode == "NOERROR")
    return sink.add(name, {.scope = rule.scope, .action = Action::nodata, .rank = rank});
  if (rewrite.rcode == "REFUSED")
    return sink.add(name, {.scope = rule.scope, .action = Action::refuse, .rank = rank});
  sink.skip(*rule.rewrite,
            "is no answer that $dnsrewrite can give; use NXDOMAIN, REFUSED, "
            "NOERROR, an address, a name or NOERROR;TYPE;VALUE");
}

Rank rank_of(const AdblockRule& rule) {
  if (rule.exception) return rule.important ? Rank::important_pass : Rank::pass;
  return rule.important ? Rank::important_block : Rank::normal;
}

void add_rule(const AdblockRule& rule, FeedSink& sink) {
  if (rule.name.empty()) return sink.skip({}, "a rule without a name; write ||name^");
  dns::Name name;
  if (!sink.read_name(rule.name, name)) return;
  if (rule.rewrite) return add_rewrite(name, rule, rank_of(rule), sink);
  sink.add(name, {.scope = rule.scope,
                  .action = rule.exception ? Action::pass : Action::block,
                  .rank = rank_of(rule)});
}

}  // namespace

void read_adblock(std::string_view text, FeedSink& sink) {
  const std::unordered_set<std::string> disabled = badfilters(text);
  for_each_line(text, sink, [&](std::string_view line) {
    if (begins_with_address(line)) return read_hosts_line(line, sink);
    if (is_cosmetic(line) || is_comment(line)) return sink.ignore();
    if (is_hosts_line(line)) return read_hosts_line(line, sink);
    AdblockRule rule;
    if (const auto refusal = parse(line, rule)) return sink.skip(refusal->about, refusal->text);
    if (rule.badfilter) return sink.ignore();
    if (!disabled.empty() && disabled.contains(identity(rule))) return sink.ignore();
    add_rule(rule, sink);
  });
}

}  // namespace postern::intel
