// MISP: an event, a list of events, or what a search for attributes gives. Attributes that are
// meant for detection (to_ids) become rules.
#include "intel/misp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "intel/indicators.h"
#include "intel/json_items.h"
#include "intel/readers.h"
#include "intel/timestamp.h"
#include "intel/tlp.h"

namespace postern::intel {
namespace {

using std::string_view_literals::operator""sv;

enum class Kind : std::uint8_t { name, host, address, url };

struct AttributeType {
  std::string_view name;
  Kind kind;
};

// Of those of two parts ("a|b") the first one counts, but for "domain|ip", of which both do.
constexpr std::array kTypes = {
    AttributeType{"domain"sv, Kind::name},
    AttributeType{"domain|ip"sv, Kind::name},
    AttributeType{"hostname"sv, Kind::host},
    AttributeType{"hostname|port"sv, Kind::host},
    AttributeType{"ip-dst"sv, Kind::address},
    AttributeType{"ip-src"sv, Kind::address},
    AttributeType{"ip-dst|port"sv, Kind::address},
    AttributeType{"ip-src|port"sv, Kind::address},
    AttributeType{"url"sv, Kind::url},
};

class MispReader : public JsonItemReader {
 public:
  explicit MispReader(FeedSink& sink) : sink_(sink), indicators_(sink) {}

  bool is_item_array(JsonKeys keys) const override {
    if (keys.empty()) return false;
    const std::string_view last = keys.back();
    if (last != "Attribute" && last != "Object" && last != "Tag") return false;
    // An attribute that stands alone has tags of its own.
    if (last == "Tag" && keys.size() == 1) return false;
    return std::ranges::all_of(keys.first(keys.size() - 1), [](std::string_view key) {
      return key == "response" || key == "Event";
    });
  }

  void read_item(const JsonValue& item, JsonKeys keys) override {
    const std::string_view where = keys.empty() ? std::string_view() : keys.back();
    if (where == "Tag") {
      // Of an event: of all its attributes, before and behind.
      if (const auto tlp = tlp_of(item)) sink_.mark_all(*tlp);
      return sink_.ignore();
    }
    if (where == "Object") return read_object(item);
    if (where == "Attribute" || item.find("value")) return read_attribute(item);
    sink_.ignore();
  }

 private:
  void read_object(const JsonValue& object) {
    if (is_deleted(object)) {
      return sink_.skip(object.text_at("name"), "is an object that is deleted");
    }
    const auto attributes = object.find("Attribute");
    if (!attributes) return sink_.ignore();
    attributes->for_each([&](JsonValue attribute) { read_attribute(attribute); });
  }

  static bool is_deleted(const JsonValue& item) {
    const auto deleted = item.find("deleted");
    return deleted && deleted->is_true();
  }

  void read_attribute(const JsonValue& attribute) {
    const auto* type = std::ranges::find(kTypes, attribute.text_at("type"), &AttributeType::name);
    const auto to_ids = attribute.find("to_ids");
    if (type == kTypes.end() || !to_ids || !to_ids->is_true()) return sink_.ignore();
    const std::string_view value = attribute.text_at("value");
    if (is_deleted(attribute)) return sink_.skip(value, "is deleted by its publisher");
    sink_.annotate(note_of(attribute));
    if (!add(*type, value)) return;
    if (const auto tags = attribute.find("Tag")) {
      tags->for_each([&](JsonValue tag) { mark(tag); });
    }
  }

  static policy::RuleNote note_of(const JsonValue& attribute) {
    policy::RuleNote note;
    if (const auto seen = read_timestamp(attribute.text_at("first_seen"))) {
      note.first_seen_s = policy::note_seconds(*seen);
    } else if (const auto changed = seconds_in(attribute.text_at("timestamp"))) {
      note.first_seen_s = *changed;
    }
    if (const auto tags = attribute.find("Tag")) {
      tags->for_each([&](JsonValue tag) {
        const auto tlp = tlp_of(tag);
        if (tlp) note.sharing = std::max(note.sharing, sharing_of(*tlp));
      });
    }
    return note;
  }

  // "1614672000", as MISP writes times.
  static std::optional<std::uint32_t> seconds_in(std::string_view text) {
    std::uint32_t at_s = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), at_s);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return at_s;
  }

  static std::optional<Tlp> tlp_of(const JsonValue& tag) {
    const std::string_view name = tag.text_at("name");
    return name.starts_with("tlp:") ? tlp_from_text(name) : std::nullopt;
  }

  bool add(const AttributeType& type, std::string_view value) {
    const bool is_pair = type.name.find('|') != std::string_view::npos;
    const std::size_t bar = is_pair ? std::min(value.find('|'), value.size()) : value.size();
    const std::string_view first = value.substr(0, bar);
    switch (type.kind) {
      case Kind::name: {
        bool added = indicators_.add_name(first, policy::Scope::at_and_below);
        if (bar < value.size()) added |= indicators_.add_address(value.substr(bar + 1));
        return added;
      }
      case Kind::host:
        return indicators_.add_name(first, policy::Scope::exact);
      case Kind::address:
        return indicators_.add_address(first);
      case Kind::url:
        return indicators_.add_url(value);
    }
    return false;
  }

  void mark(const JsonValue& tag) {
    if (const auto tlp = tlp_of(tag)) sink_.mark(*tlp);
  }

  FeedSink& sink_;
  Indicators indicators_;
};

}  // namespace

bool is_misp_indicator(std::string_view type) {
  return std::ranges::find(kTypes, type, &AttributeType::name) != kTypes.end();
}

void read_misp(std::string_view text, FeedSink& sink) {
  MispReader reader(sink);
  read_json_items(text, sink, reader);
}

}  // namespace postern::intel
