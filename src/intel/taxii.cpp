#include "intel/taxii.h"

#include <fmt/format.h>

#include "intel/json_items.h"
#include "intel/json_value.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

class EnvelopePlaces : public JsonItemPlaces {
 public:
  bool is_item_array(JsonKeys keys) const override {
    return keys.size() == 1 && keys.front() == "objects";
  }
};

Unexpected<Error> wrong(std::string_view what, std::string_view why) {
  return fail(Errc::invalid_input, fmt::format("the answer is no {}: {}", what, why));
}

Result<JsonValue> object_of(JsonParser& parser, std::string_view json, std::string_view what) {
  const auto value = parser.parse(json);
  if (!value) return wrong(what, fmt::format("it {}", value.error()));
  if (value->kind() != JsonKind::object) return wrong(what, "it is no JSON object");
  return *value;
}

// The envelope without its objects, which are read one by one: small, however large the page.
std::string frame_of(std::string_view json, const std::vector<std::string_view>& objects) {
  if (objects.empty()) return std::string(json);
  const auto begin = static_cast<std::size_t>(objects.front().data() - json.data());
  const auto end =
      static_cast<std::size_t>(objects.back().data() - json.data()) + objects.back().size();
  return std::string(json.substr(0, begin)) + std::string(json.substr(end));
}

}  // namespace

Result<TaxiiEntry> read_taxii_entry(std::string_view json) {
  constexpr std::string_view kWhat = "TAXII discovery or API root";
  JsonParser parser;
  const JsonValue object = POSTERN_TRY(object_of(parser, json, kWhat));
  TaxiiEntry entry;
  const auto add = [&entry](std::string_view root) {
    if (!root.empty() && entry.api_roots.size() < kMaxTaxiiRoots)
      entry.api_roots.emplace_back(root);
  };
  const std::string_view first = object.text_at("default");
  add(first);
  const auto roots = object.find("api_roots");
  if (roots) {
    roots->for_each([&](JsonValue root) {
      if (root.text() != first) add(root.text());
    });
  }
  if (!entry.api_roots.empty() || object.find("versions")) return entry;
  if (roots || !object.find("title")) {
    return wrong(kWhat, "it names no api_roots and no versions; check the address");
  }
  return fail(Errc::invalid_input,
              "the server's discovery names no API root; give the API root's address as taxii.url");
}

Result<std::vector<TaxiiCollection>> read_taxii_collections(std::string_view json) {
  constexpr std::string_view kWhat = "list of TAXII collections";
  JsonParser parser;
  const JsonValue object = POSTERN_TRY(object_of(parser, json, kWhat));
  std::vector<TaxiiCollection> collections;
  const auto list = object.find("collections");
  if (!list) return collections;  // There are none that these credentials open (§5.1).
  if (list->kind() != JsonKind::array) return wrong(kWhat, "its collections are no array");
  list->for_each([&](JsonValue each) {
    if (collections.size() > kMaxTaxiiCollections) return;
    const auto can_read = each.find("can_read");
    collections.push_back({std::string(each.text_at("id")), std::string(each.text_at("title")),
                           std::string(each.text_at("alias")), can_read && can_read->is_true()});
  });
  if (collections.size() > kMaxTaxiiCollections) {
    return fail(Errc::limit_exceeded, "the server has over 10000 collections");
  }
  return collections;
}

Result<TaxiiPage> read_taxii_page(std::string_view json) {
  constexpr std::string_view kWhat = "TAXII envelope";
  auto objects = json_item_texts(json, EnvelopePlaces());
  if (!objects) return wrong(kWhat, objects.error().text);
  TaxiiPage page;
  page.objects = std::move(*objects);
  // Without the array, the outermost object is an item itself.
  if (page.objects.size() == 1 &&
      page.objects.front().data() == json.data() + json.find_first_not_of(" \t\r\n")) {
    page.objects.clear();
  }
  JsonParser parser;
  const std::string frame = frame_of(json, page.objects);
  const JsonValue object = POSTERN_TRY(object_of(parser, frame, kWhat));
  const auto array = object.find("objects");
  if (array && array->kind() != JsonKind::array) return wrong(kWhat, "its objects are no array");
  const auto more = object.find("more");
  if (more && more->kind() != JsonKind::boolean) return wrong(kWhat, "\"more\" is no boolean");
  const auto next = object.find("next");
  if (next && !next->is_string()) return wrong(kWhat, "\"next\" is no string");
  page.more = more && more->is_true();
  if (next) page.next = next->text();
  if (page.next.size() > kMaxTaxiiNextOctets) return wrong(kWhat, "\"next\" is over 4096 octets");
  return page;
}

std::string taxii_error_title(std::string_view json) {
  JsonParser parser;
  const auto value = parser.parse(json);
  if (!value || value->text_at("title").empty()) return {};
  return std::string(shown(value->text_at("title")));
}

}  // namespace postern::intel
