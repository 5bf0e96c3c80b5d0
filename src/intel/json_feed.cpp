// Objects with an indicator in one of their fields, as CERT Polska's list has them: in an array,
// in an array somewhere inside of an object, or an object a line.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "intel/indicators.h"
#include "intel/json_items.h"
#include "intel/readers.h"
#include "intel/text.h"
#include "intel/timestamp.h"

namespace postern::intel {
namespace {

using Path = std::span<const std::string_view>;

// "a.b" as "a", "b".
std::vector<std::string_view> parts_of(std::string_view dotted) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t dot = dotted.find('.');
    parts.push_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    dotted.remove_prefix(dot + 1);
  }
}

constexpr std::int64_t kMaxNoteSeconds = 0xffff'ffff;

class JsonFeedReader : public JsonItemReader {
 public:
  explicit JsonFeedReader(FeedSink& sink)
      : sink_(sink),
        options_(sink.options().json),
        path_(parts_of(options_.field)),
        indicators_(sink) {}

  // The elements of every array on the way. Of the last one they are texts: what stands beside
  // the array is then out of sight, so that with `removed` the object around it is the item.
  bool is_item_array(JsonKeys keys) const override {
    const std::size_t last = options_.removed.empty() ? path_.size() : path_.size() - 1;
    return keys.size() <= last && std::ranges::equal(keys, Path(path_).first(keys.size()));
  }

  void read_item(const JsonValue& item, JsonKeys keys) override {
    // An array of bare texts has no field to look for.
    if (item.is_string() && keys.empty()) return read_indicator(item);
    const bool is_inside =
        keys.size() <= path_.size() && std::ranges::equal(keys, Path(path_).first(keys.size()));
    descend(item, Path(path_).subspan(is_inside ? keys.size() : 0));
  }

 private:
  // The depth is bounded by that of the value.
  void descend(const JsonValue& value, Path path) {
    if (value.kind() == JsonKind::array) {
      return value.for_each([&](JsonValue element) { descend(element, path); });
    }
    if (path.empty()) return read_indicator(value);
    const auto member = value.find(path.front());
    if (!member) {
      return sink_.skip({}, fmt::format("no field {} in the object; set json.field to the one that "
                                        "has the indicator",
                                        shown(options_.field)));
    }
    if (path.size() == 1) annotate_removal(value);
    if (path.size() == 1 && is_removed(value)) {
      return sink_.skip(member->text(), "is no longer on the list, its publisher says");
    }
    descend(*member, path.subspan(1));
  }

  // A time of removal that is still to come.
  void annotate_removal(const JsonValue& object) {
    policy::RuleNote note;
    const auto removed = options_.removed.empty() ? std::nullopt : object.find(options_.removed);
    if (removed && removed->integer()) {
      const std::int64_t at_s = *removed->integer();
      if (is_later(at_s) && at_s <= kMaxNoteSeconds) {
        note.valid_until_s = static_cast<std::uint32_t>(at_s);
      }
    } else if (removed) {
      const auto at = read_timestamp(removed->text());
      const auto now = sink_.options().now;
      if (at && now && *at > *now) note.valid_until_s = policy::note_seconds(*at);
    }
    sink_.annotate(note);
  }

  bool is_removed(const JsonValue& object) const {
    if (options_.removed.empty()) return false;
    const auto removed = object.find(options_.removed);
    if (!removed) return false;
    switch (removed->kind()) {
      case JsonKind::null:
        return false;
      case JsonKind::boolean:
        return removed->is_true();
      case JsonKind::number:
        return !is_later(removed->integer());
      case JsonKind::string: {
        if (removed->text().empty()) return false;
        const auto time = read_timestamp(removed->text());
        const auto now = sink_.options().now;
        return !(time && now && *time > *now);
      }
      default:
        return true;
    }
  }

  // Seconds since 1970 that are still to come.
  bool is_later(std::optional<std::int64_t> time_s) const {
    const auto now = sink_.options().now;
    if (!time_s || !now) return false;
    return *time_s > std::chrono::duration_cast<seconds>(now->time_since_epoch()).count();
  }

  void read_indicator(const JsonValue& value) {
    if (!value.is_string()) {
      return sink_.skip({},
                        fmt::format("field {} holds no text; set json.field to the one that has "
                                    "the indicator",
                                    shown(options_.field)));
    }
    indicators_.add_any(trimmed(value.text()), policy::Scope::exact);
  }

  FeedSink& sink_;
  const JsonOptions& options_;
  std::vector<std::string_view> path_;
  Indicators indicators_;
};

}  // namespace

void read_json(std::string_view text, FeedSink& sink) {
  JsonFeedReader reader(sink);
  read_json_items(text, sink, reader);
}

}  // namespace postern::intel
