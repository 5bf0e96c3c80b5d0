// One JSON value, taken apart. The only header between the readers and the JSON library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::intel {

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

/// A value and all below it stand in one row, so that a value is followed by its first child.
struct JsonNode {
  std::string_view key;     ///< Of a member of an object.
  std::string_view text;    ///< Of a string, without escapes.
  std::int64_t number = 0;  ///< Of a whole number that fits; of true 1.
  std::uint32_t end = 0;    ///< Index behind the value and all below it.
  JsonKind kind = JsonKind::null;
  bool is_whole = false;  ///< A number that `number` holds.
};

/// A view of a value: valid until its parser reads another one.
class JsonValue {
 public:
  JsonValue(const JsonNode* nodes, std::uint32_t index) : nodes_(nodes), index_(index) {}

  JsonKind kind() const { return node().kind; }
  bool is_string() const { return kind() == JsonKind::string; }
  /// Of a string; empty of all else.
  std::string_view text() const { return node().text; }
  /// Of a whole number within 64 bits.
  std::optional<std::int64_t> integer() const {
    return node().is_whole ? std::optional(node().number) : std::nullopt;
  }
  /// True, 1, "1" or "true", as the writers of JSON have it.
  bool is_true() const;

  /// The first member of an object with this key. Costs a step a member.
  std::optional<JsonValue> find(std::string_view key) const;
  /// The text of the string member with this key; empty where there is none.
  std::string_view text_at(std::string_view key) const;
  /// Calls `visit(JsonValue)` for each element of an array; does nothing for all else.
  template <class Visit>
  void for_each(Visit&& visit) const {
    if (kind() != JsonKind::array) return;
    for (std::uint32_t i = index_ + 1; i < node().end; i = nodes_[i].end)
      visit(JsonValue(nodes_, i));
  }
  /// The same with `visit(key, JsonValue)` for each member of an object.
  template <class Visit>
  void for_each_member(Visit&& visit) const {
    if (kind() != JsonKind::object) return;
    for (std::uint32_t i = index_ + 1; i < node().end; i = nodes_[i].end)
      visit(nodes_[i].key, JsonValue(nodes_, i));
  }

 private:
  const JsonNode& node() const { return nodes_[index_]; }

  const JsonNode* nodes_;
  std::uint32_t index_;
};

/// Reads one value after the other, reusing its memory. One thread.
class JsonParser {
 public:
  static constexpr std::size_t kMaxOctets = std::size_t{1} << 20;  ///< No indicator needs more.
  static constexpr std::size_t kMaxDepth = 64;                     ///< So that recursion ends.

  /// `max_octets`: of a text.
  explicit JsonParser(std::size_t max_octets = kMaxOctets);
  ~JsonParser();
  JsonParser(const JsonParser&) = delete;
  JsonParser& operator=(const JsonParser&) = delete;

  /// Reads a text that is one value (RFC 8259) in UTF-8, of at most so many octets and
  /// kMaxDepth. The error says what is wrong, static text.
  Result<JsonValue, std::string_view> parse(std::string_view text);

 private:
  struct Library;
  const std::size_t max_octets_;
  std::unique_ptr<Library> library_;
  std::vector<JsonNode> nodes_;
};

}  // namespace postern::intel
