// Sigma: rules of https://sigmahq.io as rules on rows. What is read of them is in
// docs/reference/sigma.md.
#pragma once

#include <string_view>

#include "base/result.h"
#include "exchange/rule.h"

namespace postern::exchange {

struct SigmaOptions {
  /// Rules for web servers put the path into cs-uri-query: it is the stem, '?' and the query then,
  /// not the column of that name.
  bool query_is_url = true;
};

/// Reads the rule in `text` and adds it to `book`. An error says why it is not one that can be
/// tried: "NAME:LINE: what"; `book` has the same rules then.
Result<void> read_sigma(std::string_view text, std::string_view name, const SigmaOptions& options,
                        RuleBook& book);

}  // namespace postern::exchange
