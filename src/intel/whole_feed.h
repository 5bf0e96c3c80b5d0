// What can be told of a feed as a whole: that it is none, and which format it may have.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "intel/format.h"

namespace postern::intel {

/// Larger texts are refused: the largest lists in use are a tenth of it.
inline constexpr std::size_t kMaxFeedOctets = std::size_t{2} << 30;

/// Without a byte order mark.
std::string_view without_bom(std::string_view text);

/// Refuses what is no list of any format: nothing at all, a web page, UTF-16, compressed or other
/// binary data; and JSON, unless the format is one of JSON. The error says what was found and what
/// to do.
Result<void> check_is_text(std::string_view text, Format format);

/// True for the formats that are JSON.
bool is_json_format(Format format);
/// True if the text begins as an object or an array does.
bool looks_like_json(std::string_view text);

/// The error for a text that has no rule: `not_found` where it has comments only, as a feed
/// may have on a quiet day, `invalid_input` with a guess at the true format where lines were
/// skipped.
Error no_rules_error(std::string_view text, const FeedContent& content, Format format);

}  // namespace postern::intel
