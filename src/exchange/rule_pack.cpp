#include "exchange/rule_pack.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/octets.h"
#include "exchange/expression.h"

// packs/exchange/rows.rules, put there by postern_embed.
extern "C" {
extern const unsigned char postern_exchange_rows[];
extern const unsigned long postern_exchange_rows_size;
}

namespace postern::exchange {
namespace {

/// A statement: its first line and those that are indented further.
struct Statement {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool indented = false;  ///< It belongs to the rule above.
};

std::size_t indent_of(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t");
  return at == std::string_view::npos ? line.size() : at;
}

bool says_nothing(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t\r");
  return at == std::string_view::npos || line[at] == '#';
}

std::vector<Statement> statements_of(std::string_view text) {
  std::vector<Statement> out;
  std::size_t indent = 0;
  bool in_rule = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (!says_nothing(line)) {
      const std::size_t deep = indent_of(line);
      // Of a rule what is indented are its keys, and what is indented further goes on; of anything
      // else all of it goes on.
      const bool goes_on =
          !out.empty() && deep > 0 && (!in_rule || (out.back().indented && deep > indent));
      if (goes_on) {
        out.back().end = end;
      } else {
        out.push_back({at + deep, end, deep > 0});
        indent = deep;
        if (deep == 0) in_rule = line.starts_with("rule");
      }
    }
    at = end + 1;
  }
  return out;
}

Unexpected<Fault> fault(const Token& token, std::string what) {
  return Unexpected<Fault>(Fault{token.offset, std::move(what)});
}

Result<std::string, Fault> take_text(Lexer& lexer, std::string_view what) {
  Token token = lexer.take();
  if (token.kind != Token::Kind::word && token.kind != Token::Kind::text) {
    return fault(token, fmt::format("{} is expected here", what));
  }
  return std::move(token.text);
}

Result<int, Fault> take_confidence(Lexer& lexer) {
  const Token token = lexer.take();
  int value = 0;
  const char* end = token.text.data() + token.text.size();
  const auto [at, code] = std::from_chars(token.text.data(), end, value);
  if (code != std::errc() || at != end || value < 0 || value > 100) {
    return fault(token, "a number from 0 to 100 is expected here");
  }
  return value;
}

Result<std::vector<std::string>, Fault> take_words(Lexer& lexer) {
  std::vector<std::string> words;
  do {
    words.push_back(POSTERN_TRY(take_text(lexer, "a word")));
  } while (lexer.take_if(","));
  return words;
}

class PackReader {
 public:
  PackReader(std::string_view text, RuleBook& book) : text_(text), book_(book) {
    for (const RowRule& rule : book.rules) ids_.insert(rule.id);
  }

  Result<PackHeader, Fault> read() {
    for (const Statement& statement : statements_of(text_)) {
      Lexer lexer(text_, statement.begin, statement.end);
      const Token key = lexer.take();
      POSTERN_CHECK(statement.indented ? read_key(key, lexer) : read_top(key, lexer));
      if (!lexer.at_end()) {
        return fault(lexer.peek(), fmt::format("\"{}\" is too much here", lexer.peek().text));
      }
    }
    POSTERN_CHECK(end_rule());
    if (header_.name.empty()) {
      return Unexpected<Fault>(Fault{0, "a pack begins with: pack NAME DATE"});
    }
    return std::move(header_);
  }

 private:
  Result<void, Fault> read_top(const Token& key, Lexer& lexer) {
    POSTERN_CHECK(end_rule());
    if (key.text == "pack") {
      header_.name = POSTERN_TRY(take_text(lexer, "the pack's name"));
      header_.date = POSTERN_TRY(take_text(lexer, "the pack's date"));
      return {};
    }
    if (key.text == "rule") return begin_rule(key, lexer);
    if (key.text == "list") {
      const std::string name = POSTERN_TRY(take_name(lexer));
      names_.lists[name] = POSTERN_TRY(read_values(lexer, names_));
      return {};
    }
    if (key.text == "define") {
      const std::string name = POSTERN_TRY(take_name(lexer));
      names_.conditions[name] = POSTERN_TRY(read_expression(lexer, names_, book_.fields));
      return {};
    }
    return fault(key, "pack, list, define or rule is expected at the beginning of a line");
  }

  // "NAME =", a name that is new.
  Result<std::string, Fault> take_name(Lexer& lexer) {
    const Token place = lexer.peek();
    std::string name = POSTERN_TRY(take_text(lexer, "a name"));
    if (names_.lists.contains(name) || names_.conditions.contains(name)) {
      return fault(place, fmt::format("\"{}\" is there twice", name));
    }
    if (!lexer.take_if("=")) return fault(lexer.peek(), "\"=\" is expected here");
    return name;
  }

  Result<void, Fault> begin_rule(const Token& key, Lexer& lexer) {
    const Token place = lexer.peek();
    RowRule rule;
    rule.id = POSTERN_TRY(take_text(lexer, "the rule's id"));
    rule.title = POSTERN_TRY(take_text(lexer, "the rule's title"));
    if (!ids_.insert(rule.id).second) {
      return fault(place, fmt::format("rule \"{}\" is there twice", rule.id));
    }
    if (book_.rules.size() >= RuleBook::kMaxRules) return fault(place, "too many rules");
    rule_ = std::move(rule);
    rule_place_ = key;
    has_when_ = false;
    return {};
  }

  Result<void, Fault> end_rule() {
    if (!rule_) return {};
    if (rule_->sources == 0) return fault(rule_place_, "the rule says not on which rows it is");
    if (!has_when_) return fault(rule_place_, "the rule has no condition");
    if (rule_->grades.empty()) return fault(rule_place_, "the rule has no grade");
    book_.rules.push_back(*std::move(rule_));
    rule_.reset();
    return {};
  }

  Result<void, Fault> read_key(const Token& key, Lexer& lexer) {
    if (!rule_) return fault(key, "this belongs to no rule");
    if (key.text == "on") return read_sources(lexer);
    if (key.text == "when") {
      if (has_when_) return fault(key, "the rule has a condition already");
      rule_->when = POSTERN_TRY(read_expression(lexer, names_, book_.fields));
      has_when_ = true;
      return {};
    }
    if (key.text == "grade") return read_grade(lexer);
    if (key.text == "add") return read_addition(lexer);
    if (key.text == "show") return read_shown(lexer);
    if (key.text == "hit" || key.text == "miss") return read_example(key, lexer);
    if (key.text == "actor") return read_actor(lexer);
    if (key.text == "attack") {
      rule_->attack = POSTERN_TRY(take_words(lexer));
      return {};
    }
    if (key.text == "cve") {
      rule_->cve = POSTERN_TRY(take_words(lexer));
      return {};
    }
    return fault(key, fmt::format("a rule has no \"{}\"", key.text));
  }

  /// A field, or columns of which the first that a row has counts: "A or B".
  Result<void, Fault> read_actor(Lexer& lexer) {
    const Token place = lexer.peek();
    rule_->actor = POSTERN_TRY(read_field(lexer, book_.fields));
    Field either;
    either.names = {place.text};
    while (lexer.take_if("or")) {
      const Token name = lexer.take();
      if (name.text.empty()) return fault(name, "\"or\" and no column");
      either.names.push_back(name.text);
    }
    if (either.names.size() == 1) return {};
    const auto index = book_.fields.add(std::move(either));
    if (!index) return fault(place, "too many fields");
    rule_->actor = *index;
    return {};
  }

  Result<void, Fault> read_sources(Lexer& lexer) {
    const Token place = lexer.peek();
    for (const std::string& word : POSTERN_TRY(take_words(lexer))) {
      const auto source = source_of(word);
      if (!source) return fault(place, fmt::format("there are no rows of \"{}\"", word));
      rule_->sources |= set_of(*source);
    }
    return {};
  }

  Result<Tier, Fault> take_tier(Lexer& lexer) {
    const Token token = lexer.take();
    const auto tier = tier_of(token.text);
    if (!tier) {
      return fault(token, "hunt, probe, exposed, attempt or exploited is expected here");
    }
    return *tier;
  }

  Result<void, Fault> read_grade(Lexer& lexer) {
    Grade grade;
    grade.tier = POSTERN_TRY(take_tier(lexer));
    grade.confidence = POSTERN_TRY(take_confidence(lexer));
    if (lexer.take_if("when")) {
      grade.when = POSTERN_TRY(read_expression(lexer, names_, book_.fields));
    }
    rule_->grades.push_back(std::move(grade));
    return {};
  }

  Result<void, Fault> read_addition(Lexer& lexer) {
    Addition addition;
    addition.confidence = POSTERN_TRY(take_confidence(lexer));
    if (!lexer.take_if("when")) return fault(lexer.peek(), "\"when\" is expected here");
    addition.when = POSTERN_TRY(read_expression(lexer, names_, book_.fields));
    rule_->additions.push_back(std::move(addition));
    return {};
  }

  // NAME [from FIELD] [matching "REGEX"], …
  Result<void, Fault> read_shown(Lexer& lexer) {
    do {
      const Token place = lexer.peek();
      Shown shown;
      shown.name = POSTERN_TRY(take_text(lexer, "a name"));
      if (lexer.take_if("from")) {
        shown.field = POSTERN_TRY(read_field(lexer, book_.fields));
      } else {
        const auto field = book_.fields.add(shown.name, false);
        if (!field) return fault(place, "too many fields");
        shown.field = *field;
      }
      if (lexer.take_if("matching")) {
        const Token pattern = lexer.take();
        auto regex = Regex::compile(pattern.text, Case::ignored);
        if (!regex) return fault(pattern, regex.error().text);
        shown.part = *std::move(regex);
      }
      rule_->shown.push_back(std::move(shown));
    } while (lexer.take_if(","));
    return {};
  }

  // hit SOURCE [TIER] NAME=VALUE …
  Result<void, Fault> read_example(const Token& key, Lexer& lexer) {
    Example example;
    example.hit = key.text == "hit";
    example.line =
        1 + static_cast<std::size_t>(std::ranges::count(text_.substr(0, key.offset), '\n'));
    const Token place = lexer.take();
    const auto source = source_of(place.text);
    if (!source) return fault(place, "the kind of the example's row is expected here");
    example.source = *source;
    if (lexer.peek().kind == Token::Kind::word) {
      example.tier = tier_of(lexer.peek().text);
      if (example.tier) lexer.take();
    }
    while (!lexer.at_end()) {
      const Token name = lexer.take();
      if (name.kind != Token::Kind::word && name.kind != Token::Kind::name) {
        return fault(name, "NAME=VALUE is expected here");
      }
      if (!lexer.take_if("=")) return fault(lexer.peek(), "\"=\" is expected here");
      example.values.push_back({name.text, POSTERN_TRY(take_text(lexer, "a value"))});
    }
    rule_->examples.push_back(std::move(example));
    return {};
  }

  std::string_view text_;
  RuleBook& book_;
  PackHeader header_;
  Names names_;
  std::set<std::string, std::less<>> ids_;
  std::optional<RowRule> rule_;
  Token rule_place_;
  bool has_when_ = false;
};

std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"') out += c;
    out += c;
  }
  return out + "\"";
}

std::string native_name(const Detail& value, Source source) {
  if (value.name == "query") return std::string(native_name_of(Common::query, source));
  const auto common = common_of(value.name);
  if (!common) return value.name;
  const std::string_view native = native_name_of(*common, source);
  return native.empty() ? value.name : std::string(native);
}

}  // namespace

Result<PackHeader> read_rule_pack(std::string_view text, std::string_view name, RuleBook& book) {
  if (text.size() > kMaxPackOctets) {
    return fail(Errc::limit_exceeded, fmt::format("{}: over 4 MiB", name));
  }
  auto header = PackReader(text, book).read();
  if (header) return *std::move(header);
  return Unexpected<Error>(error_at(name, text, header.error().offset, header.error().what));
}

std::string_view built_in_rule_pack() {
  return text_of({postern_exchange_rows, postern_exchange_rows_size});
}

ExampleLog log_of(const Example& example) {
  ExampleLog out;
  std::string names;
  std::string line;
  const bool is_w3c = example.source == Source::iis;
  for (const Detail& value : example.values) {
    if (!names.empty()) {
      names += is_w3c ? ' ' : ',';
      line += is_w3c ? ' ' : ',';
    }
    names += native_name(value, example.source);
    if (!is_w3c) {
      line += quoted(value.value);
      continue;
    }
    // As IIS writes it.
    std::string plain = value.value.empty() ? "-" : value.value;
    std::ranges::replace(plain, ' ', '+');
    line += plain;
  }
  if (example.source == Source::oab) {
    out.kind = {LogFormat::text, Source::oab};
    out.text = example.values.empty() ? "" : example.values.front().value + "\n";
    return out;
  }
  out.kind = {is_w3c ? LogFormat::w3c : LogFormat::csv, example.source};
  out.text = "#Fields: " + names + "\n" + line + "\n";
  return out;
}

Schema schema_of(const Example& example) {
  std::vector<std::string> names;
  names.reserve(example.values.size());
  for (const Detail& value : example.values) names.push_back(native_name(value, example.source));
  return Schema(example.source, std::move(names));
}

}  // namespace postern::exchange
