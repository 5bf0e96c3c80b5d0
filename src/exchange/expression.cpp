#include "exchange/expression.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

using Kind = Token::Kind;

Unexpected<Fault> fault(const Token& token, std::string what) {
  return Unexpected<Fault>(Fault{token.offset, std::move(what)});
}

std::string shown(const Token& token) {
  switch (token.kind) {
    case Kind::end:
      return "the end";
    case Kind::broken:
      return "a quotation that has no end";
    default:
      return fmt::format("\"{}\"", token.text.substr(0, 60));
  }
}

Unexpected<Fault> expected(const Token& token, std::string_view what) {
  return fault(token, fmt::format("{} is expected here, not {}", what, shown(token)));
}

struct TextOp {
  std::string_view word;
  Op op;
};
constexpr std::array kTextOps = {TextOp{"contains", Op::contains}, TextOp{"startswith", Op::starts},
                                 TextOp{"endswith", Op::ends}, TextOp{"matches", Op::matches}};
constexpr std::array kNumberOps = {TextOp{"<", Op::less}, TextOp{"<=", Op::at_most},
                                   TextOp{">", Op::greater}, TextOp{">=", Op::at_least}};

std::size_t nodes_of(const Condition& condition) {
  std::size_t nodes = 1;
  for (const Condition& child : condition.children) nodes += nodes_of(child);
  return nodes;
}

class ExpressionReader {
 public:
  ExpressionReader(Lexer& lexer, const Names& names, Fields& fields)
      : lexer_(lexer), names_(names), fields_(fields) {}

  Result<Condition, Fault> read_any(std::size_t depth) {
    if (depth > Condition::kMaxDepth) return fault(lexer_.peek(), "this is nested too deeply");
    std::vector<Condition> parts;
    do {
      parts.push_back(POSTERN_TRY(read_all(depth + 1)));
    } while (lexer_.take_if("or"));
    return any_of(std::move(parts));
  }

 private:
  Result<Condition, Fault> read_all(std::size_t depth) {
    std::vector<Condition> parts;
    do {
      parts.push_back(POSTERN_TRY(read_one(depth)));
    } while (lexer_.take_if("and"));
    return all_of(std::move(parts));
  }

  Result<Condition, Fault> read_one(std::size_t depth) {
    if (depth > Condition::kMaxDepth) return fault(lexer_.peek(), "this is nested too deeply");
    if (lexer_.take_if("not")) return none_of(POSTERN_TRY(read_one(depth + 1)));
    if (lexer_.take_if("(")) {
      Condition inner = POSTERN_TRY(read_any(depth + 1));
      if (!lexer_.take_if(")")) return expected(lexer_.peek(), "\")\"");
      return inner;
    }
    const Token& next = lexer_.peek();
    if (next.kind == Kind::word && next.text.starts_with('@')) return read_named();
    return read_test();
  }

  Result<Condition, Fault> read_named() {
    const Token token = lexer_.take();
    const auto at = names_.conditions.find(std::string_view(token.text).substr(1));
    if (at == names_.conditions.end()) {
      return fault(token, fmt::format("no condition is defined as \"{}\"", token.text));
    }
    nodes_ += nodes_of(at->second);
    if (nodes_ > kMaxConditionNodes) return fault(token, "the condition is too large");
    return at->second;
  }

  Result<Condition, Fault> read_test() {
    const FieldIndex field = POSTERN_TRY(read_field(lexer_, fields_));
    if (lexer_.take_if("is")) return read_is(field);
    const bool negated = lexer_.take_if("not");
    Condition test = POSTERN_TRY(read_predicate(field));
    return negated ? none_of(std::move(test)) : test;
  }

  Result<Condition, Fault> read_is(FieldIndex field) {
    const bool negated = lexer_.take_if("not");
    Test test;
    test.field = field;
    if (lexer_.take_if("empty")) {
      test.op = Op::is_empty;
    } else if (lexer_.take_if("there")) {
      test.op = Op::is_there;
    } else if (lexer_.take_if("own")) {
      test.op = Op::is_own;
    } else if (lexer_.take_if("page")) {
      test.op = Op::is_page;
    } else {
      lexer_.take_if("in");
      auto values = POSTERN_TRY(read_values(lexer_, names_));
      test = text_test(fields_, field, Op::equals, std::move(values));
    }
    Condition condition = condition_of(std::move(test));
    return negated ? none_of(std::move(condition)) : condition;
  }

  Result<Condition, Fault> read_predicate(FieldIndex field) {
    const Token token = lexer_.take();
    if (token.text == "in") {
      auto values = POSTERN_TRY(read_values(lexer_, names_));
      return condition_of(text_test(fields_, field, Op::equals, std::move(values)));
    }
    if (token.text == "within") return read_prefixes(field);
    const auto* text_op = std::ranges::find(kTextOps, token.text, &TextOp::word);
    if (text_op != kTextOps.end() && token.kind == Kind::word) {
      return read_text_test(field, text_op->op);
    }
    const auto* number_op = std::ranges::find(kNumberOps, token.text, &TextOp::word);
    if (number_op != kNumberOps.end() && token.kind == Kind::symbol) {
      return read_number_test(field, number_op->op);
    }
    return expected(token, "is, in, contains, startswith, endswith, matches, within or <, >");
  }

  Result<Condition, Fault> read_text_test(FieldIndex field, Op op) {
    const bool all = lexer_.take_if("all");
    const Case letters = lexer_.take_if("cased") ? Case::matters : Case::ignored;
    const Token place = lexer_.peek();
    auto values = POSTERN_TRY(read_values(lexer_, names_));
    if (op != Op::matches) {
      Test test = text_test(fields_, field, op, std::move(values), letters);
      test.all = all;
      return condition_of(std::move(test));
    }
    Test test;
    test.field = field;
    test.op = op;
    test.all = all;
    for (const std::string& value : values) {
      auto regex = Regex::compile(value, letters);
      if (!regex) return fault(place, regex.error().text);
      test.regexes.push_back(*std::move(regex));
    }
    return condition_of(std::move(test));
  }

  Result<Condition, Fault> read_prefixes(FieldIndex field) {
    const Token place = lexer_.peek();
    const auto values = POSTERN_TRY(read_values(lexer_, names_));
    Test test;
    test.field = field;
    test.op = Op::within;
    for (const std::string& value : values) {
      const auto prefix = IpPrefix::from_text(value);
      if (!prefix) return fault(place, prefix.error().text);
      test.prefixes.push_back(*prefix);
    }
    return condition_of(std::move(test));
  }

  Result<Condition, Fault> read_number_test(FieldIndex field, Op op) {
    const Token token = lexer_.take();
    Test test;
    test.field = field;
    test.op = op;
    const char* end = token.text.data() + token.text.size();
    const auto [at, code] = std::from_chars(token.text.data(), end, test.number);
    if (code != std::errc() || at != end) return expected(token, "a number");
    return condition_of(std::move(test));
  }

  Lexer& lexer_;
  const Names& names_;
  Fields& fields_;
  std::size_t nodes_ = 0;
};

bool is_value(const Token& token) {
  return token.kind == Kind::text || token.kind == Kind::word;
}

Result<void, Fault> add_value(const Token& token, const Names& names,
                              std::vector<std::string>& values) {
  if (!is_value(token)) return expected(token, "a value");
  if (token.kind == Kind::word && token.text.starts_with('@')) {
    const auto list = names.lists.find(std::string_view(token.text).substr(1));
    if (list == names.lists.end()) {
      return fault(token, fmt::format("there is no list \"{}\"", token.text));
    }
    values.insert(values.end(), list->second.begin(), list->second.end());
  } else {
    values.push_back(token.text);
  }
  if (values.size() > kMaxValues) return fault(token, "more than 10000 values");
  return {};
}

}  // namespace

Result<Condition, Fault> read_expression(Lexer& lexer, const Names& names, Fields& fields) {
  return ExpressionReader(lexer, names, fields).read_any(0);
}

Result<std::vector<std::string>, Fault> read_values(Lexer& lexer, const Names& names) {
  std::vector<std::string> values;
  if (!lexer.take_if("[")) {
    POSTERN_CHECK(add_value(lexer.take(), names, values));
    return values;
  }
  do {
    POSTERN_CHECK(add_value(lexer.take(), names, values));
  } while (lexer.take_if(","));
  if (!lexer.take_if("]")) return expected(lexer.peek(), "\",\" or \"]\"");
  return values;
}

Result<FieldIndex, Fault> read_field(Lexer& lexer, Fields& fields) {
  const bool decoded = lexer.take_if("decoded");
  const Token token = lexer.take();
  if (token.kind != Kind::word && token.kind != Kind::name) return expected(token, "a field");
  const auto index = fields.add(token.text, decoded);
  if (!index) return fault(token, "too many fields");
  return *index;
}

}  // namespace postern::exchange
