// JSON as packs, plans and journals hold it: written in ASCII, read into plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace postern::evidence {

/// `text` as a JSON string in ASCII: what is not printable ASCII is escaped, so that nothing in a
/// path steers a terminal; an octet that is no part of well-formed UTF-8 becomes U+FFFD.
std::string json_text(std::string_view text);

/// Builds an object, a member at a time; `done` gives it.
class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value);
  /// Exact octets: as `text`, and where they are not well-formed UTF-8, also `key`_hex, which then
  /// is what counts.
  JsonObject& octets(std::string_view key, std::string_view value);
  JsonObject& number(std::string_view key, std::uint64_t value);
  JsonObject& boolean(std::string_view key, bool value);
  /// `json` is JSON already.
  JsonObject& raw(std::string_view key, std::string_view json);
  std::string done() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

/// "[a,b]" of values that are JSON already.
std::string json_list(const std::vector<std::string>& items);
/// "["a","b"]" of texts.
std::string json_texts(const std::vector<std::string>& texts);

/// One value that was read. What is not there, or is of another kind, reads as empty.
class Json {
 public:
  static constexpr std::size_t kMaxDepth = 16;

  /// `limit_exceeded` over `max_octets`, `corrupt` where it is no JSON.
  static Result<Json> parse(std::string_view text, std::size_t max_octets);

  bool is_object() const { return kind_ == Kind::object; }
  bool has(std::string_view key) const { return !(*this)[key].is_null(); }
  bool is_null() const { return kind_ == Kind::null; }
  /// The member of an object; null for all else.
  const Json& operator[](std::string_view key) const;
  const std::vector<Json>& items() const { return items_; }
  /// Of a string.
  const std::string& text() const { return text_; }
  /// Of a whole number from 0 on.
  std::optional<std::uint64_t> number() const;
  bool is_true() const { return kind_ == Kind::boolean && number_ == 1; }
  /// What JsonObject::octets wrote; nothing where it is not there or not whole.
  std::optional<std::string> octets(std::string_view key) const;

 private:
  friend class JsonReader;
  enum class Kind : std::uint8_t { null, boolean, number, text, list, object };

  Kind kind_ = Kind::null;
  std::uint64_t number_ = 0;
  std::string text_;
  std::vector<std::string> keys_;  // Of an object: keys_[i] names items_[i].
  std::vector<Json> items_;
};

}  // namespace postern::evidence
