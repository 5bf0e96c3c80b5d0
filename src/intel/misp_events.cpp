#include "intel/misp_events.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "intel/misp.h"

namespace postern::intel {
namespace {

bool is_uuid(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
  });
}

/// A whole number, or the text of one: MISP writes both.
std::optional<std::uint64_t> number_of(const JsonValue& value) {
  if (const auto number = value.integer()) {
    return *number < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(*number));
  }
  const std::string_view text = value.text();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The names of an item's markings, with those of its event.
std::vector<std::string> markings_of(const JsonValue& item, std::vector<std::string> names) {
  if (const auto tags = item.find("Tag")) {
    tags->for_each([&](JsonValue tag) {
      const std::string_view name = tag.text_at("name");
      if (name.starts_with("tlp:")) names.emplace_back(name);
    });
  }
  return names;
}

/// A JSON string of UTF-8 (RFC 8259 §7).
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string line_begin(const MispEventVersion& version) {
  return fmt::format(R"({{"event":{},"event_timestamp":{})", quoted(version.uuid),
                     version.timestamp);
}

std::string line_of(const MispEventVersion& version, const JsonValue& attribute,
                    const std::vector<std::string>& markings) {
  std::string line = line_begin(version);
  for (const std::string_view key : {"type", "value", "first_seen", "timestamp"}) {
    const std::string_view text = attribute.text_at(key);
    if (!text.empty()) line += fmt::format(R"(,"{}":{})", key, quoted(text));
  }
  line += R"(,"to_ids":true)";
  std::string tags;
  for (const std::string& each : markings) {
    tags += fmt::format(R"({}{{"name":{}}})", tags.empty() ? "" : ",", quoted(each));
  }
  if (!tags.empty()) line += fmt::format(R"(,"Tag":[{}])", tags);
  return line + "}\n";
}

bool is_deleted(const JsonValue& item) {
  const auto deleted = item.find("deleted");
  return deleted && deleted->is_true();
}

bool is_of_use(const JsonValue& attribute) {
  const auto to_ids = attribute.find("to_ids");
  return to_ids && to_ids->is_true() && !is_deleted(attribute) &&
         is_misp_indicator(attribute.text_at("type"));
}

}  // namespace

Result<MispManifest> read_misp_manifest(std::string_view text) {
  JsonParser parser(kMaxMispManifestOctets);
  const auto root = parser.parse(text);
  if (!root) {
    return fail(Errc::invalid_input, "manifest.json " + std::string(root.error()));
  }
  if (root->kind() != JsonKind::object) {
    return fail(Errc::invalid_input, "manifest.json is no list of events by their uuid");
  }
  MispManifest manifest;
  root->for_each_member([&](std::string_view uuid, JsonValue facts) {
    const auto at = facts.find("timestamp");
    const auto timestamp = at ? number_of(*at) : std::nullopt;
    if (!is_uuid(uuid) || !timestamp) {
      ++manifest.unread;
    } else {
      manifest.events.push_back({std::string(uuid), *timestamp});
    }
  });
  if (manifest.events.empty() && manifest.unread > 0) {
    return fail(Errc::invalid_input, "manifest.json names no event by uuid and timestamp");
  }
  return manifest;
}

MispEvents::MispEvents(std::uint64_t max_octets)
    : max_octets_(max_octets), parser_(kMaxEventOctets) {}

Result<void> MispEvents::take(const MispEventVersion& version, std::string_view event) {
  const auto root = parser_.parse(event);
  if (!root) return fail(Errc::invalid_input, std::string(root.error()));
  const auto body = root->find("Event");
  if (!body || body->kind() != JsonKind::object) {
    return fail(Errc::invalid_input, "is no MISP event: it has no \"Event\"");
  }
  if (body->text_at("uuid") != version.uuid) {
    return fail(Errc::invalid_input, "is another event than its name says");
  }
  const std::vector<std::string> of_event = markings_of(*body, {});
  Event made{version.timestamp, {}};
  const auto take_attributes = [&](const JsonValue& from) {
    const auto attributes = from.find("Attribute");
    if (!attributes) return;
    attributes->for_each([&](JsonValue each) {
      if (is_of_use(each)) made.lines += line_of(version, each, markings_of(each, of_event));
    });
  };
  take_attributes(*body);
  if (const auto objects = body->find("Object")) {
    objects->for_each([&](JsonValue each) {
      if (!is_deleted(each)) take_attributes(each);
    });
  }
  if (made.lines.empty()) {
    made.lines = line_begin(version) + "}\n";
  }
  return put(version.uuid, std::move(made));
}

Result<void> MispEvents::put(const std::string& uuid, Event event) {
  Event& old = events_[uuid];
  octets_ += event.lines.size();
  octets_ -= old.lines.size();
  old = std::move(event);
  if (octets_ > max_octets_ || events_.size() > kMaxEvents) {
    return fail(Errc::limit_exceeded,
                fmt::format("over {} octets or {} events; raise the feed's max_size if the feed is "
                            "meant to be that large",
                            max_octets_, kMaxEvents));
  }
  return {};
}

Result<void> MispEvents::take_lines(std::string_view text) {
  const auto corrupt = [] { return fail(Errc::corrupt, "a line is of no event"); };
  std::string uuid;
  Event event;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line == "[]") continue;
    const auto value = parser_.parse(line);
    if (!value) return corrupt();
    const auto timestamp = value->find("event_timestamp");
    const std::string_view of = value->text_at("event");
    if (!timestamp || !timestamp->integer() || !is_uuid(of)) return corrupt();
    if (of != uuid) {
      if (!uuid.empty()) POSTERN_CHECK(put(uuid, std::exchange(event, {})));
      uuid = of;
      event.timestamp = static_cast<std::uint64_t>(*timestamp->integer());
    }
    event.lines.append(line).append("\n");
  }
  return uuid.empty() ? Result<void>() : put(uuid, std::move(event));
}

std::size_t MispEvents::keep_only(const std::vector<MispEventVersion>& events) {
  std::set<std::string_view> wanted;
  for (const MispEventVersion& each : events) wanted.insert(each.uuid);
  return std::erase_if(events_, [&](const auto& each) {
    if (wanted.contains(each.first)) return false;
    octets_ -= each.second.lines.size();
    return true;
  });
}

bool MispEvents::has(const MispEventVersion& version) const {
  const auto at = events_.find(version.uuid);
  return at != events_.end() && at->second.timestamp == version.timestamp;
}

std::string MispEvents::to_text() const {
  if (events_.empty()) return "[]\n";
  std::string text;
  text.reserve(octets_);
  for (const auto& [uuid, event] : events_) text += event.lines;
  return text;
}

}  // namespace postern::intel
