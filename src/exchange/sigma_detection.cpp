#include "exchange/sigma_detection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "exchange/sigma_value.h"

namespace postern::exchange {
namespace {

Unexpected<Error> refusal(const YamlNode& node, std::string_view what) {
  return fail(Errc::invalid_input, fmt::format("line {}: {}", node.line, what));
}

enum class Spread : std::uint8_t { none, base64, base64_anywhere };
enum class Wide : std::uint8_t { none, little, big };

/// What stands behind a field's name.
struct Modifiers {
  std::optional<Op> op;  ///< Nothing: the value itself, with its wildcards.
  bool all = false;
  bool cased = false;
  bool dashes = false;
  bool exists = false;
  Spread spread{};
  Wide wide{};
  std::optional<Case> regex;  ///< The values are regular expressions.
};

struct OpName {
  std::string_view name;
  Op op;
};
constexpr std::array kOps = {
    OpName{"contains", Op::contains}, OpName{"startswith", Op::starts},
    OpName{"endswith", Op::ends},     OpName{"cidr", Op::within},
    OpName{"lt", Op::less},           OpName{"lte", Op::at_most},
    OpName{"gt", Op::greater},        OpName{"gte", Op::at_least},
};

bool take_modifier(std::string_view name, Modifiers& out) {
  const auto* op = std::ranges::find(kOps, name, &OpName::name);
  if (op != kOps.end()) {
    if (out.op) return false;
    out.op = op->op;
  } else if (name == "all") {
    out.all = true;
  } else if (name == "cased") {
    out.cased = true;
  } else if (name == "windash") {
    out.dashes = true;
  } else if (name == "exists") {
    out.exists = true;
  } else if (name == "base64") {
    out.spread = Spread::base64;
  } else if (name == "base64offset") {
    out.spread = Spread::base64_anywhere;
  } else if (name == "wide" || name == "utf16le" || name == "utf16") {
    out.wide = Wide::little;
  } else if (name == "utf16be") {
    out.wide = Wide::big;
  } else if (name == "re") {
    out.regex = Case::matters;
  } else if (name == "i" && out.regex) {
    out.regex = Case::ignored;
  } else {
    return false;
  }
  return true;
}

Result<Modifiers> modifiers_of(const YamlNode& node, std::string_view& field) {
  Modifiers out;
  std::string_view rest = node.key;
  const std::size_t bar = rest.find('|');
  field = rest.substr(0, bar);
  rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('|'), rest.size());
    const std::string_view name = rest.substr(0, end);
    if (!take_modifier(name, out)) {
      return refusal(node, fmt::format("the modifier \"{}\" is not known here", name));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

/// The values of a field as one or more tests.
class FieldReader {
 public:
  FieldReader(const SigmaContext& context, std::string_view field, Modifiers modifiers)
      : context_(context), field_(field), modifiers_(modifiers) {}

  Result<Condition> read(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::map) return refusal(node, "a value is a map");
    if (modifiers_.exists) return exists(node);
    std::vector<Condition> parts;
    if (node.kind != YamlNode::Kind::list) {
      parts.push_back(POSTERN_TRY(one(node)));
    } else {
      for (const YamlNode& value : node.children) parts.push_back(POSTERN_TRY(one(value)));
      if (parts.empty()) return refusal(node, "a list is empty");
    }
    join_equal(parts);
    return modifiers_.all ? all_of(std::move(parts)) : any_of(std::move(parts));
  }

 private:
  Result<FieldIndex> index(const YamlNode& node, bool is_null) {
    const auto index = field_.empty() ? context_.fields.add("text", false)
                                      : sigma_field(field_, is_null, context_.source,
                                                    context_.options, context_.fields);
    if (!index) return refusal(node, "too many fields");
    return *index;
  }

  Result<Condition> exists(const YamlNode& node) {
    Test test;
    test.field = POSTERN_TRY(index(node, true));
    test.op = Op::is_there;
    Condition condition = condition_of(std::move(test));
    if (node.text == "true" || node.text == "yes") return condition;
    return none_of(std::move(condition));
  }

  Result<Condition> empty(const YamlNode& node) {
    Test test;
    test.field = POSTERN_TRY(index(node, true));
    test.op = Op::is_empty;
    return condition_of(std::move(test));
  }

  Result<Condition> one(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::null) return empty(node);
    if (node.kind != YamlNode::Kind::scalar) return refusal(node, "a value is not a text");
    if (modifiers_.regex) return regex(node);
    if (modifiers_.op == Op::within) return network(node);
    if (modifiers_.op && *modifiers_.op >= Op::less && *modifiers_.op <= Op::at_least) {
      return number(node);
    }
    return text(node);
  }

  Result<Condition> regex(const YamlNode& node) {
    auto regex = Regex::compile(node.text, *modifiers_.regex);
    if (!regex) return refusal(node, regex.error().text);
    Test test;
    test.field = POSTERN_TRY(index(node, false));
    test.op = Op::matches;
    test.regexes.push_back(*std::move(regex));
    return condition_of(std::move(test));
  }

  Result<Condition> network(const YamlNode& node) {
    const auto prefix = IpPrefix::from_text(node.text);
    if (!prefix) return refusal(node, prefix.error().text);
    Test test;
    test.field = POSTERN_TRY(index(node, false));
    test.op = Op::within;
    test.prefixes.push_back(*prefix);
    return condition_of(std::move(test));
  }

  Result<Condition> number(const YamlNode& node) {
    Test test;
    test.field = POSTERN_TRY(index(node, false));
    test.op = *modifiers_.op;
    const char* end = node.text.data() + node.text.size();
    const auto [at, code] = std::from_chars(node.text.data(), end, test.number);
    if (code != std::errc() || at != end) return refusal(node, "a number is expected");
    return condition_of(std::move(test));
  }

  std::vector<SigmaText> texts(std::string_view value) const {
    std::vector<std::string> values =
        modifiers_.dashes ? with_all_dashes(value) : std::vector{std::string(value)};
    std::vector<SigmaText> out;
    for (std::string& one : values) {
      if (modifiers_.wide != Wide::none) one = widened(one, modifiers_.wide == Wide::big);
      if (modifiers_.spread == Spread::base64) {
        out.push_back(literal_text(base64_of(one)));
      } else if (modifiers_.spread == Spread::base64_anywhere) {
        for (const std::string& part : base64_anywhere(one)) out.push_back(literal_text(part));
      } else {
        out.push_back(sigma_text(one));
      }
    }
    return out;
  }

  Result<Condition> text(const YamlNode& node) {
    if (node.text.empty()) return empty(node);
    // Base64 tells letters apart, but a log does not always keep them.
    const Case letters = modifiers_.cased ? Case::matters : Case::ignored;
    std::vector<Condition> any;
    for (SigmaText& value : texts(sigma_value_in_rows(field_, node.text))) {
      const bool anywhere = field_.empty() || modifiers_.op == Op::contains;
      if (anywhere || modifiers_.op == Op::ends) value.parts.insert(value.parts.begin(), {'*', {}});
      if (anywhere || modifiers_.op == Op::starts) value.parts.push_back({'*', {}});
      any.push_back(POSTERN_TRY(test(node, test_of(value), letters)));
    }
    join_equal(any);
    return any_of(std::move(any));
  }

  Result<Condition> test(const YamlNode& node, SigmaTest asked, Case letters) {
    const FieldIndex at = POSTERN_TRY(index(node, false));
    if (asked.op == Op::is_empty) {
      Test empty;
      empty.field = at;
      empty.op = Op::is_empty;
      return none_of(condition_of(std::move(empty)));
    }
    if (asked.op == Op::matches) {
      auto regex = Regex::compile(asked.text, letters);
      if (!regex) return refusal(node, regex.error().text);
      Test matches;
      matches.field = at;
      matches.op = Op::matches;
      matches.regexes.push_back(*std::move(regex));
      return condition_of(std::move(matches));
    }
    return condition_of(text_test(context_.fields, at, asked.op, {std::move(asked.text)}, letters));
  }

  // Tests of the same kind become one with several values.
  void join_equal(std::vector<Condition>& parts) const {
    std::vector<Condition> out;
    for (Condition& part : parts) {
      const auto same = std::ranges::find_if(out, [&](const Condition& other) {
        return part.kind == Condition::Kind::test && other.kind == Condition::Kind::test &&
               !part.test.values.empty() && !other.test.values.empty() &&
               part.test.op == other.test.op && part.test.field == other.test.field &&
               part.test.fold == other.test.fold;
      });
      if (modifiers_.all || same == out.end()) {
        out.push_back(std::move(part));
        continue;
      }
      for (std::string& value : part.test.values) same->test.values.push_back(std::move(value));
      if (same->test.op == Op::equals) std::ranges::sort(same->test.values);
    }
    parts = std::move(out);
  }

  const SigmaContext& context_;
  std::string_view field_;
  Modifiers modifiers_;
};

Result<Condition> map_selection(const YamlNode& node, const SigmaContext& context) {
  std::vector<Condition> all;
  for (const YamlNode& child : node.children) {
    std::string_view field;
    const Modifiers modifiers = POSTERN_TRY(modifiers_of(child, field));
    all.push_back(POSTERN_TRY(FieldReader(context, field, modifiers).read(child)));
  }
  if (all.empty()) return refusal(node, "a selection is empty");
  return all_of(std::move(all));
}

/// Glob of a selection's name: '*' stands for any text.
bool fits(std::string_view name, std::string_view glob) {
  const std::size_t star = glob.find('*');
  if (star == std::string_view::npos) return name == glob;
  if (!name.starts_with(glob.substr(0, star))) return false;
  name.remove_prefix(star);
  glob.remove_prefix(star + 1);
  for (std::size_t at = 0; at <= name.size(); ++at) {
    if (fits(name.substr(at), glob)) return true;
    if (glob.empty()) return true;
  }
  return false;
}

std::size_t nodes_of(const Condition& condition) {
  std::size_t nodes = 1;
  for (const Condition& child : condition.children) nodes += nodes_of(child);
  return nodes;
}

class ConditionReader {
 public:
  ConditionReader(std::string_view text, const SigmaSelections& selections)
      : rest_(text), selections_(selections) {
    next();
  }

  Result<Condition> read() {
    Condition out = POSTERN_TRY(read_any(0));
    if (!word_.empty()) {
      return fail(Errc::invalid_input,
                  fmt::format("the condition has \"{}\" where nothing is expected", word_));
    }
    return out;
  }

 private:
  void next() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    const bool is_sign = !rest_.empty() && (rest_.front() == '(' || rest_.front() == ')');
    const std::size_t end = is_sign ? 1 : std::min(rest_.find_first_of(" \t\r\n()"), rest_.size());
    word_ = rest_.substr(0, end);
    rest_.remove_prefix(end);
  }

  bool take_if(std::string_view word) {
    if (!same_letters(word_, word)) return false;
    next();
    return true;
  }

  Result<Condition> read_any(std::size_t depth) {
    if (depth > Condition::kMaxDepth) {
      return fail(Errc::invalid_input, "the condition is nested too deeply");
    }
    std::vector<Condition> parts;
    do {
      parts.push_back(POSTERN_TRY(read_all(depth + 1)));
    } while (take_if("or"));
    return any_of(std::move(parts));
  }

  Result<Condition> read_all(std::size_t depth) {
    std::vector<Condition> parts;
    do {
      parts.push_back(POSTERN_TRY(read_one(depth)));
    } while (take_if("and"));
    return all_of(std::move(parts));
  }

  Result<Condition> read_one(std::size_t depth) {
    if (depth > Condition::kMaxDepth) {
      return fail(Errc::invalid_input, "the condition is nested too deeply");
    }
    if (take_if("not")) return none_of(POSTERN_TRY(read_one(depth + 1)));
    if (take_if("(")) {
      Condition inner = POSTERN_TRY(read_any(depth + 1));
      if (!take_if(")")) return fail(Errc::invalid_input, "the condition lacks a \")\"");
      return inner;
    }
    const bool all = same_letters(word_, "all");
    if (all || word_ == "1" || same_letters(word_, "any")) {
      const std::string_view first = word_;
      next();
      if (take_if("of")) return read_of(all);
      return fail(Errc::invalid_input, fmt::format("\"of\" is missing behind \"{}\"", first));
    }
    return read_named();
  }

  Result<Condition> read_named() {
    const auto at = selections_.find(word_);
    if (at == selections_.end()) {
      return fail(Errc::invalid_input, word_.empty()
                                           ? std::string("the condition breaks off")
                                           : fmt::format("there is no selection \"{}\"", word_));
    }
    POSTERN_CHECK(count(at->second));
    next();
    return at->second;
  }

  Result<Condition> read_of(bool all) {
    const bool them = same_letters(word_, "them");
    std::vector<Condition> parts;
    for (const auto& [name, condition] : selections_) {
      if (them ? name.starts_with('_') : !fits(name, word_)) continue;
      POSTERN_CHECK(count(condition));
      parts.push_back(condition);
    }
    if (parts.empty()) {
      return fail(Errc::invalid_input, fmt::format("there is no selection \"{}\"", word_));
    }
    next();
    return all ? all_of(std::move(parts)) : any_of(std::move(parts));
  }

  Result<void> count(const Condition& condition) {
    nodes_ += nodes_of(condition);
    if (nodes_ > kMaxSigmaNodes) return fail(Errc::limit_exceeded, "the condition is too large");
    return {};
  }

  std::string_view rest_;
  std::string_view word_;
  const SigmaSelections& selections_;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<Condition> sigma_selection(const YamlNode& node, const SigmaContext& context) {
  if (node.kind == YamlNode::Kind::map) return map_selection(node, context);
  if (node.kind == YamlNode::Kind::scalar) return FieldReader(context, "", {}).read(node);
  if (node.kind != YamlNode::Kind::list || node.children.empty()) {
    return refusal(node, "a selection is empty");
  }
  // Maps, any of which; or words to look for anywhere.
  std::vector<Condition> any;
  for (const YamlNode& child : node.children) {
    if (child.kind == YamlNode::Kind::map)
      any.push_back(POSTERN_TRY(map_selection(child, context)));
  }
  if (any.empty()) return FieldReader(context, "", {}).read(node);
  if (any.size() != node.children.size()) return refusal(node, "a list has maps and words");
  return any_of(std::move(any));
}

Result<Condition> sigma_condition(std::string_view text, const SigmaSelections& selections) {
  if (text.find('|') != std::string_view::npos) {
    return fail(Errc::invalid_input, "the condition counts or joins events (\"|\")");
  }
  return ConditionReader(text, selections).read();
}

}  // namespace postern::exchange
