// YAML text as a tree of plain values with their lines; all that is known of YAML stays behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::exchange {

inline constexpr std::size_t kMaxYamlOctets = 1U << 20;
inline constexpr std::size_t kMaxYamlDepth = 24;
inline constexpr std::size_t kMaxYamlNodes = 100'000;

/// One value. Children of a map carry their key.
struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  std::string text;      ///< Of a scalar.
  std::string key;       ///< Where the parent is a map.
  std::size_t line = 0;  ///< From 1.
  std::vector<YamlNode> children;

  /// The child with this key; null where there is none.
  const YamlNode* find(std::string_view key) const;
  /// The text of the scalar with this key; empty where there is none.
  std::string_view text_of(std::string_view key) const;
};

/// The first document of `text`. No aliases, no keys but texts. An error says "line N: what".
Result<YamlNode> read_yaml_tree(std::string_view text);

}  // namespace postern::exchange
