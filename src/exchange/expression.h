// The condition language of rule packs. Its grammar is in docs/reference/rule-packs.md.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/condition.h"
#include "exchange/lexer.h"

namespace postern::exchange {

/// Names that expressions may use.
struct Names {
  std::map<std::string, std::vector<std::string>, std::less<>> lists;  ///< `@list`
  std::map<std::string, Condition, std::less<>> conditions;            ///< `@condition`
};

/// What went wrong, and where in the text.
struct Fault {
  std::size_t offset = 0;
  std::string what;
};

/// Values of one test, or of one list; more are refused.
inline constexpr std::size_t kMaxValues = 10'000;
/// What the named conditions that an expression uses may add up to.
inline constexpr std::size_t kMaxConditionNodes = 20'000;

/// Reads one expression off the lexer, as far as it goes. New fields are added to `fields`.
Result<Condition, Fault> read_expression(Lexer& lexer, const Names& names, Fields& fields);

/// Reads "value", [a, "b"], @list or [@list, c].
Result<std::vector<std::string>, Fault> read_values(Lexer& lexer, const Names& names);

/// Reads a field: a word, a name in backticks, `decoded` before either.
Result<FieldIndex, Fault> read_field(Lexer& lexer, Fields& fields);

}  // namespace postern::exchange
