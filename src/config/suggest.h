// "Did you mean …?": the known word nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace postern::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; words
/// over 64 octets are taken as wholly different.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest of `known`, if it is near enough to be a slip: at most a third of the word, at
/// least one octet. The first one where several are as near. '-' and '_' count as the same.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known);

}  // namespace postern::config
