// YAML text as a tree of plain values with places; all that is known of YAML stays behind it.
//
// Bounded: kMaxFileOctets of text, kMaxDepth levels, no aliases (an alias can stand for
// exponentially much). Mistakes are collected, not thrown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace postern::config {

inline constexpr std::size_t kMaxFileOctets = 1U << 20;  ///< A large real file has some 100 KiB.
inline constexpr std::size_t kMaxDepth = 8;              ///< The deepest option stands at 4.
inline constexpr std::size_t kMaxProblems = 100;         ///< More help nobody.

/// One value of the document. Children of a map carry their key.
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  std::string text;  ///< Of a scalar.
  Place place;
  std::string key;  ///< Where the parent is a map.
  Place key_place;
  std::vector<Node> children;

  /// The child with this key; null where there is none.
  const Node* find(std::string_view key) const;
};

/// "a value", "a list", …: for sentences.
std::string_view to_string(Node::Kind kind);

/// Mistakes in the order found, at most kMaxProblems of them.
class Problems {
 public:
  void add(Place place, std::string path, std::string text, std::string advice);
  /// Sorts by place and hands them over.
  std::vector<Problem> take();
  bool empty() const { return all_.empty(); }

 private:
  std::vector<Problem> all_;
  std::size_t left_out_ = 0;
};

/// The document's root: null for an empty text. What cannot be read is a problem, and what
/// was read before it is still given.
Node read_yaml(std::string_view text, Problems& problems);

}  // namespace postern::config
