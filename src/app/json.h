// Json: an answer of the API, read into plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace postern::app {

/// One JSON value. Asking for what is not there gives an empty value, so that a view need not
/// check every step: the API's contract is held by its own tests.
class Json {
 public:
  enum class Kind : std::uint8_t { null, boolean, number, text, list, object };

  static constexpr std::size_t kMaxOctets = 64U << 20;
  static constexpr std::size_t kMaxDepth = 64;

  static Result<Json> parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  /// The member of an object; null for all else.
  const Json& operator[](std::string_view key) const;
  const std::vector<Json>& items() const { return items_; }

  /// A string's text, a number as it reads, "true" or "false"; "" for null, lists and objects.
  const std::string& text() const { return text_; }
  double number() const { return number_; }
  std::uint64_t count() const { return number_ < 0 ? 0 : static_cast<std::uint64_t>(number_); }
  bool is_true() const { return kind_ == Kind::boolean && number_ != 0; }

 private:
  friend class JsonReader;

  Kind kind_ = Kind::null;
  double number_ = 0;
  std::string text_;
  std::vector<std::string> keys_;  // Of an object: keys_[i] names items_[i].
  std::vector<Json> items_;
};

/// The items of the list `key` of the object `text`, as JSON with commas between them; "" where it
/// has none. Errors as those of Json::parse.
Result<std::string> items_text(std::string_view text, std::string_view key);

}  // namespace postern::app
