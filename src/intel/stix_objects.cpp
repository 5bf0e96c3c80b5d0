#include "intel/stix_objects.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "intel/timestamp.h"

namespace postern::intel {
namespace {

// No string of JSON has a line end in it: outside of strings one is as good as a blank.
std::string on_one_line(std::string_view object) {
  std::string line(object);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return line;
}

WallTime modified_of(const JsonValue& object) {
  for (const std::string_view key : {"modified", "created"}) {
    if (const auto at = read_timestamp(object.text_at(key))) return *at;
  }
  return {};
}

// Of an object that is revoked nothing else matters any more.
std::string revoked_line(std::string_view id, std::string_view modified) {
  return fmt::format(R"({{"type":"indicator","id":"{}","modified":"{}","revoked":true}})", id,
                     modified);
}

bool fits_into_json(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}

}  // namespace

StixObjects::Facts StixObjects::facts_of(std::string_view object) {
  std::string line = on_one_line(object);
  const auto value = parser_.parse(line);
  if (!value) return {line, {}, line, false};
  const std::string_view type = value->text_at("type");
  const std::string_view language = value->text_at("pattern_type");
  const bool is_indicator = type == "indicator" && (language.empty() || language == "stix");
  if (!is_indicator && type != "marking-definition") return {};
  Facts facts{std::string(value->text_at("id")), modified_of(*value), {}, !is_indicator};
  if (facts.id.empty()) facts.id = line;
  const auto revoked = value->find("revoked");
  const std::string_view modified = value->text_at("modified");
  if (is_indicator && revoked && revoked->is_true() && fits_into_json(facts.id) &&
      fits_into_json(modified)) {
    facts.line = revoked_line(facts.id, modified);
  } else {
    facts.line = std::move(line);
  }
  return facts;
}

bool StixObjects::is_of_use(std::string_view object) {
  return !facts_of(object).line.empty();
}

Result<void> StixObjects::take(std::string_view object) {
  Facts facts = facts_of(object);
  if (facts.line.empty()) return {};
  const auto [at, is_new] = index_by_id_.try_emplace(std::move(facts.id), lines_.size());
  if (is_new) lines_.emplace_back();
  Line& line = lines_[at->second];
  if (!is_new && facts.modified < line.modified) return {};
  octets_ += facts.line.size() + 1;
  octets_ -= is_new ? 0 : line.text.size() + 1;
  line = {facts.modified, std::move(facts.line), facts.is_marking};
  if (octets_ > max_octets_ || lines_.size() > kMaxObjects) {
    return fail(Errc::limit_exceeded,
                fmt::format("over {} octets or {} objects; raise the feed's max_size if the "
                            "collection is meant to be that large",
                            max_octets_, kMaxObjects));
  }
  return {};
}

Result<void> StixObjects::take_lines(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line != "[]") POSTERN_CHECK(take(line));
  }
  return {};
}

std::string StixObjects::to_text() const {
  if (lines_.empty()) return "[]\n";
  std::string text;
  text.reserve(octets_);
  for (const bool is_marking : {true, false}) {
    for (const Line& line : lines_) {
      if (line.is_marking != is_marking) continue;
      text += line.text;
      text += '\n';
    }
  }
  return text;
}

}  // namespace postern::intel
