#include "app/json.h"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

namespace postern::app {

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
        set_number(out, static_cast<double>(std::int64_t(element)),
                   std::to_string(std::int64_t(element)));
        break;
      case simdjson::dom::element_type::UINT64:
        set_number(out, static_cast<double>(std::uint64_t(element)),
                   std::to_string(std::uint64_t(element)));
        break;
      case simdjson::dom::element_type::DOUBLE:
        set_number(out, double(element), fmt::format("{}", double(element)));
        break;
      case simdjson::dom::element_type::STRING:
        out.kind_ = Json::Kind::text;
        out.text_ = std::string(std::string_view(element));
        break;
      case simdjson::dom::element_type::BOOL:
        out.kind_ = Json::Kind::boolean;
        out.number_ = bool(element) ? 1 : 0;
        out.text_ = bool(element) ? "true" : "false";
        break;
      case simdjson::dom::element_type::NULL_VALUE:
        break;
    }
    return out;
  }

 private:
  static void set_number(Json& out, double value, std::string text) {
    out.kind_ = Json::Kind::number;
    out.number_ = value;
    out.text_ = std::move(text);
  }
};

namespace {

Result<simdjson::dom::element> parse_with(simdjson::dom::parser& parser, std::string_view text) {
  if (text.size() > Json::kMaxOctets) {
    return fail(Errc::limit_exceeded, "the JSON text is too long");
  }
  simdjson::dom::element root;
  const simdjson::padded_string padded(text);
  auto error = parser.allocate(std::max<std::size_t>(text.size(), 32), Json::kMaxDepth);
  if (!error) error = parser.parse(padded).get(root);
  if (error) {
    return fail(Errc::corrupt, fmt::format("not JSON: {}", simdjson::error_message(error)));
  }
  return root;
}

}  // namespace

Result<Json> Json::parse(std::string_view text) {
  simdjson::dom::parser parser(kMaxOctets);
  return JsonReader::read(POSTERN_TRY(parse_with(parser, text)));
}

Result<std::string> items_text(std::string_view text, std::string_view key) {
  simdjson::dom::parser parser(Json::kMaxOctets);
  const simdjson::dom::element root = POSTERN_TRY(parse_with(parser, text));
  simdjson::dom::array items;
  if (root[key].get(items) != simdjson::SUCCESS) return std::string();
  std::string out;
  for (const simdjson::dom::element item : items) {
    out += fmt::format("{}{}", out.empty() ? "" : ",", simdjson::minify(item));
  }
  return out;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNothing;
  const auto at = std::ranges::find(keys_, key);
  return at == keys_.end() ? kNothing : items_[static_cast<std::size_t>(at - keys_.begin())];
}

}  // namespace postern::app
