#include "exchange/sigma.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "exchange/sigma_detection.h"
#include "exchange/sigma_source.h"
#include "exchange/yaml_tree.h"

namespace postern::exchange {
namespace {

/// What a rule's level is to us. None is "exploited": a rule of somebody else's for any network
/// says that something looks like an attack, not that it succeeded at this server.
struct Level {
  std::string_view name;
  Tier tier;
  int confidence;
};
constexpr std::array kLevels = {
    Level{"critical", Tier::attempt, 75},   Level{"high", Tier::attempt, 60},
    Level{"medium", Tier::hunt, 45},        Level{"low", Tier::hunt, 30},
    Level{"informational", Tier::hunt, 15},
};
constexpr Level kNoLevel{"", Tier::hunt, 40};

constexpr std::array<std::string_view, 6> kShownOfWeb = {"method", "stem", "query",
                                                         "agent",  "user", "status"};
constexpr std::array<std::string_view, 9> kShownOfEvents = {
    "Image",         "CommandLine", "ParentImage", "TargetFilename", "ObjectName",
    "Configuration", "NewValue",    "Data[0]",     "Data[1]"};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// "attack.t1505.003", "cve.2021-26855", "cve.2021.26855"; others say nothing to us.
void take_tag(std::string_view tag, RowRule& rule) {
  const bool of_attack = tag.starts_with("attack.t") || tag.starts_with("attack.g");
  if (of_attack && tag.size() > 8 && is_digit(tag[8])) {
    rule.attack.push_back(upper(tag.substr(7)));
  } else if (tag.starts_with("cve.") && tag.size() > 9 && is_digit(tag[4])) {
    std::string id = "CVE-" + std::string(tag.substr(4));
    if (id[8] == '.') id[8] = '-';
    rule.cve.push_back(std::move(id));
  }
}

Unexpected<Error> refusal(std::size_t line, std::string_view what) {
  return fail(Errc::invalid_input, fmt::format("line {}: {}", line, what));
}

Result<Condition> read_detection(const YamlNode& detection, const SigmaContext& context) {
  const YamlNode* const condition = detection.find("condition");
  if (condition == nullptr) return refusal(detection.line, "the detection has no condition");
  if (detection.find("timeframe") != nullptr) {
    return refusal(detection.line, "a timeframe joins events");
  }
  SigmaSelections selections;
  for (const YamlNode& child : detection.children) {
    if (&child == condition) continue;
    selections.emplace(child.key, POSTERN_TRY(sigma_selection(child, context)));
  }
  std::vector<std::string_view> texts;
  if (condition->kind == YamlNode::Kind::scalar) texts.push_back(condition->text);
  for (const YamlNode& child : condition->children) texts.push_back(child.text);
  std::vector<Condition> any;
  for (const std::string_view text : texts) {
    auto one = sigma_condition(text, selections);
    if (!one) return refusal(condition->line, one.error().text);
    any.push_back(*std::move(one));
  }
  if (any.empty()) return refusal(condition->line, "the condition is empty");
  return any_of(std::move(any));
}

Result<void> show_fields(const SigmaSource& source, Fields& fields, RowRule& rule) {
  const auto add = [&](std::string_view name) -> Result<void> {
    const auto field = fields.add(name, false);
    if (!field) return refusal(0, "too many fields");
    rule.shown.push_back({std::string(name), *field, std::nullopt});
    return {};
  };
  if (source.is_web) {
    for (const std::string_view name : kShownOfWeb) POSTERN_CHECK(add(name));
    rule.actor = fields.add("client", false);
  } else {
    for (const std::string_view name : kShownOfEvents) POSTERN_CHECK(add(name));
    rule.actor = fields.add("User", false);
  }
  return {};
}

Result<RowRule> read_rule(const YamlNode& root, const SigmaOptions& options, RuleBook& book) {
  const YamlNode* const logsource = root.find("logsource");
  const YamlNode* const detection = root.find("detection");
  if (root.find("correlation") != nullptr) return refusal(root.line, "a correlation of rules");
  if (root.text_of("title").empty() || logsource == nullptr || detection == nullptr) {
    return refusal(1, "this is no rule: it has no title, logsource or detection");
  }
  RowRule rule;
  rule.id = root.text_of("id").empty() ? root.text_of("title") : root.text_of("id");
  rule.title = root.text_of("title");
  rule.author = root.text_of("author");
  if (std::ranges::find(book.rules, rule.id, &RowRule::id) != book.rules.end()) {
    return refusal(root.line, fmt::format("rule {} is there already", rule.id));
  }
  auto source = sigma_source(*logsource, book.fields);
  if (!source) return refusal(logsource->line, source.error().text);
  Condition detected =
      POSTERN_TRY(read_detection(*detection, SigmaContext{*source, options, book.fields}));
  rule.sources = source->sources;
  std::vector<Condition> both;
  if (!source->is_web) both.push_back(std::move(source->when));
  both.push_back(std::move(detected));
  rule.when = all_of(std::move(both));
  const auto* level = std::ranges::find(kLevels, root.text_of("level"), &Level::name);
  const Level& graded = level == kLevels.end() ? kNoLevel : *level;
  rule.grades.push_back({graded.tier, graded.confidence, std::nullopt});
  if (const YamlNode* const tags = root.find("tags")) {
    for (const YamlNode& tag : tags->children) take_tag(tag.text, rule);
  }
  POSTERN_CHECK(show_fields(*source, book.fields, rule));
  return rule;
}

}  // namespace

Result<void> read_sigma(std::string_view text, std::string_view name, const SigmaOptions& options,
                        RuleBook& book) {
  const auto at = [&](const Error& error) {
    // "line 7: what" becomes "name:7: what".
    std::string_view what = error.text;
    if (what.starts_with("line ")) what.remove_prefix(5);
    return Unexpected<Error>(Error{error.code, fmt::format("{}:{}", name, what)});
  };
  if (book.rules.size() >= RuleBook::kMaxRules) {
    return at({Errc::limit_exceeded, "line 1: too many rules"});
  }
  const auto root = read_yaml_tree(text);
  if (!root) return at(root.error());
  auto rule = read_rule(*root, options, book);
  if (!rule) return at(rule.error());
  book.rules.push_back(*std::move(rule));
  return {};
}

}  // namespace postern::exchange
