// STIX 2.1: a bundle, or what a TAXII server hands out, whose indicators become rules. All other
// objects, observed data among them, are no reason to block anything.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "intel/indicators.h"
#include "intel/json_items.h"
#include "intel/readers.h"
#include "intel/stix_pattern.h"
#include "intel/timestamp.h"
#include "intel/tlp.h"

namespace postern::intel {
namespace {

class StixReader : public JsonItemReader {
 public:
  explicit StixReader(FeedSink& sink) : sink_(sink), indicators_(sink) {}

  bool is_item_array(JsonKeys keys) const override {
    return keys.size() == 1 && keys.front() == "objects";
  }

  void read_item(const JsonValue& object, JsonKeys) override {
    const std::string_view type = object.text_at("type");
    if (type == "indicator") return read_indicator(object);
    if (type == "marking-definition") read_marking(object);
    sink_.ignore();
  }

  /// Markings that the bundle itself explains, in whatever order.
  void finish() {
    for (const std::string& id : unknown_ids_) {
      const auto own = own_markings_.find(id);
      if (own != own_markings_.end() && own->second) sink_.mark(*own->second);
    }
  }

 private:
  static constexpr std::size_t kMaxMarkings = 64;  // No bundle has more of its own.

  void read_indicator(const JsonValue& object) {
    const std::string_view language = object.text_at("pattern_type");
    if (!language.empty() && language != "stix") return sink_.ignore();
    const std::string_view text = object.text_at("pattern");
    if (text.empty() && is_revoked(object))
      return sink_.ignore();  // What StixObjects leaves of it.
    const std::string_view why = why_not(object);
    if (!why.empty()) return sink_.skip(text, why);
    if (is_over(object)) return sink_.ignore();
    if (is_doubted(object)) return;
    const auto pattern = read_stix_pattern(text);
    if (!pattern) return sink_.skip(text, pattern.error());
    sink_.annotate(note_of(object));
    bool has_rule = false;
    for (const StixIndicator& indicator : pattern->indicators) has_rule |= add(indicator);
    if (!pattern->left_out.empty()) sink_.skip(text, pattern->left_out);
    if (has_rule) mark(object);
    if (pattern->indicators.empty() && pattern->left_out.empty()) sink_.ignore();
  }

  static bool is_revoked(const JsonValue& object) {
    const auto revoked = object.find("revoked");
    return revoked && revoked->is_true();
  }

  // Empty: it is in force.
  std::string_view why_not(const JsonValue& object) const {
    if (is_revoked(object)) return "is revoked by its publisher";
    bool is_benign = false;
    if (const auto types = object.find("indicator_types")) {
      types->for_each([&](JsonValue type) { is_benign |= type.text() == "benign"; });
    }
    if (is_benign) return "is of type benign: it says what is harmless";
    const std::string_view from = object.text_at("valid_from");
    const std::string_view until = object.text_at("valid_until");
    const auto begin = read_timestamp(from);
    const auto end = read_timestamp(until);
    if ((!from.empty() && !begin) || (!until.empty() && !end)) {
      return "has a valid_from or valid_until that is no time; correct it";
    }
    if (begin && end && *end <= *begin) return "is valid until before it is valid from; correct it";
    return {};
  }

  // Nothing is wrong with it; its time is over.
  bool is_over(const JsonValue& object) const {
    const auto end = read_timestamp(object.text_at("valid_until"));
    const auto now = sink_.options().now;
    return now && end && *end <= *now;
  }

  policy::RuleNote note_of(const JsonValue& object) const {
    policy::RuleNote note;
    const auto created = read_timestamp(object.text_at("created"));
    const auto from = read_timestamp(object.text_at("valid_from"));
    const auto until = read_timestamp(object.text_at("valid_until"));
    if (created) note.first_seen_s = policy::note_seconds(*created);
    const auto now = sink_.options().now;
    // What holds already needs no such time.
    if (from && now && *from > *now) note.valid_from_s = policy::note_seconds(*from);
    if (until && now) note.valid_until_s = policy::note_seconds(*until);
    const auto confidence = object.find("confidence");
    if (const auto stated = confidence ? confidence->integer() : std::nullopt) {
      note.confidence = static_cast<std::uint8_t>(std::clamp<std::int64_t>(*stated, 0, 100));
    }
    note.sharing = sharing_of_markings(object);
    return note;
  }

  // As far as its markings are known by now.
  policy::Sharing sharing_of_markings(const JsonValue& object) const {
    auto strictest = policy::Sharing::unmarked;
    const auto markings = object.find("object_marking_refs");
    if (!markings) return strictest;
    markings->for_each([&](JsonValue id) {
      const auto known = tlp_from_stix_id(id.text());
      const auto own = own_markings_.find(id.text());
      // Of a marking that nobody has explained anything may be meant.
      const auto tlp = known                        ? known
                       : own != own_markings_.end() ? own->second
                                                    : std::optional(Tlp::amber_strict);
      if (tlp) strictest = std::max(strictest, sharing_of(*tlp));
    });
    return strictest;
  }

  bool is_doubted(const JsonValue& object) {
    const auto confidence = object.find("confidence");
    if (!confidence || !confidence->integer()) return false;
    const auto min = sink_.options().min_confidence;
    if (*confidence->integer() >= static_cast<std::int64_t>(min)) return false;
    sink_.skip(object.text_at("pattern"), fmt::format("has confidence {}, and min_confidence is {}",
                                                      *confidence->integer(), min));
    return true;
  }

  bool add(const StixIndicator& indicator) {
    switch (indicator.kind) {
      case StixIndicator::Kind::name:
        return indicators_.add_name(indicator.value, policy::Scope::exact);
      case StixIndicator::Kind::names_below:
        return indicators_.add_names_below(indicator.value);
      case StixIndicator::Kind::address:
        return indicators_.add_address(indicator.value);
      case StixIndicator::Kind::url:
        return indicators_.add_url(indicator.value);
    }
    return false;
  }

  void mark(const JsonValue& object) {
    const auto markings = object.find("object_marking_refs");
    if (!markings) return;
    markings->for_each([&](JsonValue id) {
      if (const auto tlp = tlp_from_stix_id(id.text())) return sink_.mark(*tlp);
      if (unknown_ids_.size() < kMaxMarkings) unknown_ids_.emplace(id.text());
    });
  }

  void read_marking(const JsonValue& object) {
    std::optional<Tlp> tlp = tlp_from_text(object.text_at("name"));
    if (const auto definition = object.find("definition"); definition && !tlp) {
      tlp = tlp_from_text(definition->text_at("tlp"));
    }
    constexpr std::string_view kTlp2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
    if (const auto extensions = object.find("extensions"); extensions && !tlp) {
      if (const auto own = extensions->find(kTlp2)) tlp = tlp_from_text(own->text_at("tlp_2_0"));
    }
    if (own_markings_.size() < kMaxMarkings) own_markings_.emplace(object.text_at("id"), tlp);
  }

  FeedSink& sink_;
  Indicators indicators_;
  std::set<std::string, std::less<>> unknown_ids_;
  std::map<std::string, std::optional<Tlp>, std::less<>>
      own_markings_;  // None: it says another thing.
};

}  // namespace

void read_stix(std::string_view text, FeedSink& sink) {
  StixReader reader(sink);
  read_json_items(text, sink, reader);
  reader.finish();
}

}  // namespace postern::intel
