// JsonWriter: writes JSON text (RFC 8259), for records, the API and `--json`.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::event {

/// Appends `text` in quotes. Control characters, quotes and backslashes are escaped; octets
/// that are not UTF-8 (RFC 3629: no surrogates, nothing overlong) become U+FFFD, one each, so
/// that whatever a stranger sent, the result is valid JSON.
void append_json_string(std::string& out, std::string_view text);

/// Puts the commas in. The caller keeps objects and arrays balanced and gives every value in an
/// object its key; nothing here checks that. A value of one thread.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  /// The name of the next value of an object.
  JsonWriter& key(std::string_view name);

  JsonWriter& string(std::string_view text);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  /// Whole numbers are exact in the text; readers that keep doubles are exact up to 2^53.
  template <std::integral T>
  JsonWriter& number(T value) {
    comma();
    text_ += std::to_string(value);
    return *this;
  }
  /// Shortest text that gives the value back; `null` for what JSON cannot say (NaN, infinity).
  JsonWriter& real(double value);
  /// Text that already is one JSON value.
  JsonWriter& raw(std::string_view json);

  /// key and value in one.
  JsonWriter& field(std::string_view name, std::string_view text) { return key(name).string(text); }
  template <std::integral T>
  JsonWriter& field(std::string_view name, T value) {
    if constexpr (std::same_as<T, bool>) {
      return key(name).boolean(value);
    } else {
      return key(name).number(value);
    }
  }

  /// What was written so far. Valid until the next call.
  const std::string& text() const { return text_; }
  std::string take() && { return std::move(text_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void comma();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace postern::event
