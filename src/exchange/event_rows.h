// Records of Windows event logs as rows.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exchange/row.h"
#include "windows/event.h"

namespace postern::exchange {

/// Makes rows of events. Their columns: Channel, Provider_Name, EventID, Level, Computer, UserSid,
/// then what the provider logged by its name (of a path its last part), values without a name as
/// Data[0], Data[1], …. Not for two threads at once.
class EventRows {
 public:
  /// Lists of columns that are told apart; Windows' own providers have some thousand. Of what
  /// exceeds them the values are there, their names are lost.
  static constexpr std::size_t kMaxSchemas = 16'384;

  EventRows();

  /// The row, until the next call or the event's end; its schema lives as long as this.
  const Row& row_of(const windows::Event& event);

  /// Events whose columns were one list too many.
  std::uint64_t nameless() const { return nameless_; }

 private:
  const Schema* schema_of(const windows::Event& event);

  std::unordered_map<std::string, std::unique_ptr<Schema>> schemas_;
  std::unique_ptr<Schema> nameless_schema_;
  std::uint64_t nameless_ = 0;
  std::string key_;
  std::vector<std::string_view> values_;
  std::array<char, 12> event_id_{};
  std::array<char, 12> level_{};
  Row row_;
};

}  // namespace postern::exchange
