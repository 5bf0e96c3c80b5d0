#include "evidence/json.h"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "evidence/hex.h"
#include "evidence/utf8.h"

namespace postern::evidence {

/// Copies simdjson's document into a Json.
class JsonReader {
 public:
  static Json read(simdjson::dom::element element) {
    Json out;
    switch (element.type()) {
      case simdjson::dom::element_type::ARRAY:
        out.kind_ = Json::Kind::list;
        for (const auto item : simdjson::dom::array(element)) out.items_.push_back(read(item));
        break;
      case simdjson::dom::element_type::OBJECT:
        out.kind_ = Json::Kind::object;
        for (const auto& [key, value] : simdjson::dom::object(element)) {
          out.keys_.emplace_back(key);
          out.items_.push_back(read(value));
        }
        break;
      case simdjson::dom::element_type::INT64:
        read_number(out, element);
        break;
      case simdjson::dom::element_type::UINT64:
        out.kind_ = Json::Kind::number;
        out.number_ = std::uint64_t(element);
        break;
      case simdjson::dom::element_type::STRING:
        out.kind_ = Json::Kind::text;
        out.text_ = std::string(std::string_view(element));
        break;
      case simdjson::dom::element_type::BOOL:
        out.kind_ = Json::Kind::boolean;
        out.number_ = bool(element) ? 1 : 0;
        break;
      case simdjson::dom::element_type::DOUBLE:  // Nothing of ours is one.
      case simdjson::dom::element_type::NULL_VALUE:
        break;
    }
    return out;
  }

 private:
  static void read_number(Json& out, simdjson::dom::element element) {
    const auto value = std::int64_t(element);
    if (value < 0) return;
    out.kind_ = Json::Kind::number;
    out.number_ = static_cast<std::uint64_t>(value);
  }
};

std::string json_text(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    const std::uint32_t code = point.is_well_formed ? point.code : kReplacement;
    if (code == '"' || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code >= 0x20 && code < 0x7F) {
      out += static_cast<char>(code);
    } else if (code < 0x10000) {
      out += fmt::format("\\u{:04x}", code);
    } else {
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10),
                         0xDC00 + ((code - 0x10000) & 0x3FF));
    }
    text.remove_prefix(point.octets);
  }
  return out + "\"";
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
  if (text_.size() > 1) text_ += ',';
  text_.append(json_text(key)).append(":").append(json);
  return *this;
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
  return raw(key, json_text(value));
}

JsonObject& JsonObject::octets(std::string_view key, std::string_view value) {
  text(key, value);
  if (!is_utf8(value)) text(std::string(key) + "_hex", to_hex(octets_of(value)));
  return *this;
}

JsonObject& JsonObject::number(std::string_view key, std::uint64_t value) {
  return raw(key, std::to_string(value));
}

JsonObject& JsonObject::boolean(std::string_view key, bool value) {
  return raw(key, value ? "true" : "false");
}

std::string json_list(const std::vector<std::string>& items) {
  return fmt::format("[{}]", fmt::join(items, ","));
}

std::string json_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  items.reserve(texts.size());
  for (const std::string& text : texts) items.push_back(json_text(text));
  return json_list(items);
}

Result<Json> Json::parse(std::string_view text, std::size_t max_octets) {
  if (text.size() > max_octets) {
    return fail(Errc::limit_exceeded,
                "the JSON text is over " + std::to_string(max_octets) + " octets");
  }
  constexpr std::size_t kLeastCapacity = 64;
  simdjson::dom::parser parser(std::max(max_octets, kLeastCapacity));
  simdjson::dom::element root;
  const simdjson::padded_string padded(text);
  auto error = parser.allocate(std::max(text.size(), kLeastCapacity), kMaxDepth);
  if (!error) error = parser.parse(padded).get(root);
  if (error) {
    return fail(Errc::corrupt, fmt::format("not JSON: {}", simdjson::error_message(error)));
  }
  return JsonReader::read(root);
}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNull;
  const auto at = std::ranges::find(keys_, key);
  return at == keys_.end() ? kNull : items_[static_cast<std::size_t>(at - keys_.begin())];
}

std::optional<std::uint64_t> Json::number() const {
  if (kind_ != Kind::number) return std::nullopt;
  return number_;
}

std::optional<std::string> Json::octets(std::string_view key) const {
  const Json& hex = (*this)[std::string(key) + "_hex"];
  if (!hex.is_null()) return from_hex(hex.text_);
  const Json& value = (*this)[key];
  if (value.kind_ != Kind::text) return std::nullopt;
  return value.text_;
}

}  // namespace postern::evidence
