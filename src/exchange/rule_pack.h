// Rule packs: our own rules on rows, written by hand. docs/reference/rule-packs.md has the format.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/log_reader.h"
#include "exchange/rule.h"

namespace postern::exchange {

/// A longer pack is refused.
inline constexpr std::size_t kMaxPackOctets = 4U << 20;

struct PackHeader {
  std::string name;
  std::string date;  ///< "2026-11-22"
};

/// Reads a pack into `book`, beside the rules that it has; `name` is for errors, which say
/// "NAME:LINE:COLUMN: what". At an error `book` has some of the pack's rules.
Result<PackHeader> read_rule_pack(std::string_view text, std::string_view name, RuleBook& book);

/// The pack that is built into the program.
std::string_view built_in_rule_pack();

/// The log or the values that an example is, so that it goes the way that real ones go: the text
/// of a log for `kind`, header first. Not for events.
struct ExampleLog {
  LogKind kind;
  std::string text;
};
ExampleLog log_of(const Example& example);

/// The names and values of an example that is an event, in the order in which they were written.
Schema schema_of(const Example& example);

}  // namespace postern::exchange
