// Event: one record of a Windows event log, flat.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/time.h"

namespace postern::windows {

/// One value of what a provider logged. UTF-8; what was no UTF-16 is U+FFFD.
struct EventField {
  /// The Name of a <Data>; empty for a <Data> without one. Else the path of the element beneath
  /// <EventData> or <UserData>: "Binary", "LogFileCleared/SubjectUserName"; of an attribute
  /// "LogFileCleared/@x". What stands in another element beneath <Event> has that one's name in
  /// front: "RenderingInfo/Message".
  std::string_view name;
  std::string_view value;

  bool operator==(const EventField&) const = default;
};

/// How a record was found.
enum class EventOrigin : std::uint8_t {
  in_order,  ///< Where the record before it ends.
  carved,    ///< By its look: in a damaged chunk, behind what the log says is its end, or hidden in
             ///< the record before. Evidence, but it may be there twice.
};

/// One record. Views live until the reader that gave it is asked for the next one. Text that the
/// record does not have is empty, a number 0, a time the epoch.
struct Event {
  std::uint64_t record_id = 0;        ///< As its place in the file has it; its own where exported.
  std::uint64_t event_record_id = 0;  ///< As <System> has it, and as viewers show it.
  std::uint64_t offset = 0;           ///< Of the record, in octets from the file's start.
  EventOrigin origin{};
  bool incomplete = false;  ///< Something of it could not be read; what could is here.

  WallTime written{};  ///< When the log got it.
  WallTime created{};  ///< When the provider says it was: TimeCreated.

  std::string_view channel;        ///< "Security".
  std::string_view provider;       ///< "Microsoft-Windows-Security-Auditing".
  std::string_view provider_guid;  ///< "{54849625-5478-4994-A5BA-3E3B0328C30D}".
  std::string_view source_name;    ///< EventSourceName, of a provider that has an older name too.
  std::string_view computer;
  std::string_view user_sid;  ///< "S-1-5-18".
  std::uint32_t event_id = 0;
  std::uint32_t qualifiers = 0;
  std::uint32_t version = 0;
  std::uint32_t level = 0;  ///< 1 critical, 2 error, 3 warning, 4 information, 5 verbose.
  std::uint32_t task = 0;
  std::uint32_t opcode = 0;
  std::uint64_t keywords = 0;
  std::uint32_t process_id = 0;
  std::uint32_t thread_id = 0;

  /// What the provider logged, in the order of the document. An array is several fields of one
  /// name. An element without content is a field without a value.
  std::span<const EventField> data;

  /// The value of the first field named `name` (ASCII case does not matter), or nullptr.
  /// Linear in the number of fields.
  const std::string_view* find(std::string_view name) const;
  /// The value of the field at `index` among those without a name, or nullptr: what classic
  /// providers log ("MSExchange Management": 0 is the cmdlet, 1 its parameters). Linear.
  const std::string_view* unnamed(std::size_t index) const;
};

}  // namespace postern::windows
