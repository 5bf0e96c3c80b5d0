#include "exchange/event_rows.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

constexpr std::array<std::string_view, 6> kSystem = {"Channel", "Provider_Name", "EventID",
                                                     "Level",   "Computer",      "UserSid"};

/// "SubjectUserName" of "LogFileCleared/SubjectUserName", "x" of "a/@x".
std::string_view last_part(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);
  if (name.starts_with('@')) name.remove_prefix(1);
  return name;
}

std::vector<std::string> names_of(const windows::Event& event, bool with_names) {
  std::vector<std::string> names(kSystem.begin(), kSystem.end());
  std::size_t unnamed = 0;
  for (const windows::EventField& field : event.data) {
    const std::string_view name = with_names ? last_part(field.name) : std::string_view{};
    names.push_back(name.empty() ? fmt::format("Data[{}]", unnamed++) : std::string(name));
  }
  return names;
}

std::string_view text_of(std::uint32_t number, std::array<char, 12>& room) {
  const auto end = std::to_chars(room.data(), room.data() + room.size(), number).ptr;
  return {room.data(), static_cast<std::size_t>(end - room.data())};
}

}  // namespace

EventRows::EventRows() {
  std::vector<std::string> names(kSystem.begin(), kSystem.end());
  for (std::size_t i = 0; names.size() < Schema::kMaxColumns; ++i) {
    names.push_back(fmt::format("Data[{}]", i));
  }
  nameless_schema_ = std::make_unique<Schema>(Source::event, std::move(names));
}

const Schema* EventRows::schema_of(const windows::Event& event) {
  key_.clear();
  for (const windows::EventField& field : event.data) key_.append(field.name).push_back('\n');
  const auto known = schemas_.find(key_);
  if (known != schemas_.end()) return known->second.get();
  if (schemas_.size() >= kMaxSchemas) {
    ++nameless_;
    return nameless_schema_.get();
  }
  auto schema = std::make_unique<Schema>(Source::event, names_of(event, true));
  return schemas_.emplace(key_, std::move(schema)).first->second.get();
}

const Row& EventRows::row_of(const windows::Event& event) {
  values_.assign({event.channel, event.provider, text_of(event.event_id, event_id_),
                  text_of(event.level, level_), event.computer, event.user_sid});
  for (const windows::EventField& field : event.data) values_.push_back(field.value);
  row_ = {};
  row_.schema = schema_of(event);
  // Where there are more values than columns, the rules look at the columns.
  row_.values = std::span(values_).first(std::min(values_.size(), row_.schema->width()));
  row_.offset = event.offset;
  row_.record = event.event_record_id != 0 ? event.event_record_id : event.record_id;
  const WallTime when = event.created != WallTime{} ? event.created : event.written;
  if (when != WallTime{}) row_.event_time = when;
  row_.whole = !event.incomplete;
  return row_;
}

}  // namespace postern::exchange
