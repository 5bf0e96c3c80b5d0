#include "intel/json_value.h"

#include <algorithm>

#include <simdjson.h>

namespace postern::intel {
namespace {

namespace dom = simdjson::dom;

void add(const dom::element& element, std::string_view key, std::vector<JsonNode>& nodes) {
  const std::size_t index = nodes.size();
  JsonNode node;
  node.key = key;
  switch (element.type()) {
    case dom::element_type::STRING:
      node.kind = JsonKind::string;
      node.text = element.get_string().value_unsafe();
      break;
    case dom::element_type::INT64:
      node.kind = JsonKind::number;
      node.number = element.get_int64().value_unsafe();
      node.is_whole = true;
      break;
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      node.kind = JsonKind::number;
      break;
    case dom::element_type::BOOL:
      node.kind = JsonKind::boolean;
      node.number = element.get_bool().value_unsafe() ? 1 : 0;
      break;
    case dom::element_type::ARRAY:
      node.kind = JsonKind::array;
      break;
    case dom::element_type::OBJECT:
      node.kind = JsonKind::object;
      break;
    case dom::element_type::NULL_VALUE:
      break;
  }
  nodes.push_back(node);
  // The containers are named, as a temporary would end before the loop over it does.
  if (node.kind == JsonKind::array) {
    const dom::array children = element.get_array().value_unsafe();
    for (const dom::element child : children) add(child, {}, nodes);
  } else if (node.kind == JsonKind::object) {
    const dom::object children = element.get_object().value_unsafe();
    for (const dom::key_value_pair child : children) add(child.value, child.key, nodes);
  }
  nodes[index].end = static_cast<std::uint32_t>(nodes.size());
}

std::string_view fault_of(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return "is no UTF-8; convert it";
    case simdjson::CAPACITY:
      return "is over 1 MiB; no indicator is so long, check the source";
    case simdjson::DEPTH_ERROR:
      return "is nested over 64 deep; check the source";
    case simdjson::STRING_ERROR:
    case simdjson::UNCLOSED_STRING:
    case simdjson::UNESCAPED_CHARS:
      return "has a string with a bad escape or a line end in it; correct it";
    case simdjson::NUMBER_ERROR:
      return "has a number that JSON does not know; correct it";
    default:
      return "is no JSON: a comma, colon, quotation mark or bracket is missing or too many";
  }
}

}  // namespace

struct JsonParser::Library {
  explicit Library(std::size_t max_octets) : parser(max_octets) {}
  dom::parser parser;
};

bool JsonValue::is_true() const {
  switch (kind()) {
    case JsonKind::boolean:
    case JsonKind::number:
      return node().number == 1;
    case JsonKind::string:
      return text() == "1" || text() == "true";
    default:
      return false;
  }
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  if (kind() != JsonKind::object) return std::nullopt;
  for (std::uint32_t i = index_ + 1; i < node().end; i = nodes_[i].end) {
    if (nodes_[i].key == key) return JsonValue(nodes_, i);
  }
  return std::nullopt;
}

std::string_view JsonValue::text_at(std::string_view key) const {
  const auto value = find(key);
  return value ? value->text() : std::string_view();
}

JsonParser::JsonParser(std::size_t max_octets)
    : max_octets_(max_octets), library_(std::make_unique<Library>(max_octets)) {}

JsonParser::~JsonParser() = default;

Result<JsonValue, std::string_view> JsonParser::parse(std::string_view text) {
  if (text.size() > max_octets_) return Unexpected(fault_of(simdjson::CAPACITY));
  if (text.empty()) return Unexpected(fault_of(simdjson::EMPTY));  // Perhaps it points nowhere.
  dom::parser& parser = library_->parser;
  // Memory grows with the longest text so far; the depth is fixed with it.
  if (parser.capacity() < text.size() || parser.max_depth() != kMaxDepth) {
    const auto code = parser.allocate(std::max<std::size_t>(text.size(), 4096), kMaxDepth);
    if (code != simdjson::SUCCESS) return Unexpected(fault_of(code));
  }
  dom::element root;
  // The library reads some octets past the end: it makes a copy that has them.
  if (const auto code = parser.parse(text.data(), text.size(), true).get(root)) {
    return Unexpected(fault_of(code));
  }
  nodes_.clear();
  add(root, {}, nodes_);
  return JsonValue(nodes_.data(), 0);
}

}  // namespace postern::intel
