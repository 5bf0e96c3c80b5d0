// Reads a whole log into values that stay.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/octets.h"
#include "windows/evtx_reader.h"

namespace postern::windows::testing {

struct KeptEvent {
  Event event;  ///< Its views are gone; numbers and times stay.
  std::string provider, channel, computer, user_sid;
  std::vector<std::pair<std::string, std::string>> data;
  std::string xml;
};

struct ReadLog {
  std::vector<KeptEvent> events;
  EvtxSummary summary;

  std::vector<std::uint64_t> ids() const {
    std::vector<std::uint64_t> ids;
    ids.reserve(events.size());
    for (const KeptEvent& kept : events) ids.push_back(kept.event.record_id);
    return ids;
  }
};

/// A source that gives at most `piece` octets at a time.
inline EvtxReader::Source source_in_pieces(OctetView octets, std::size_t piece) {
  return [octets, piece](std::span<std::uint8_t> into) mutable -> Result<std::size_t> {
    const std::size_t count = std::min({into.size(), octets.size(), piece});
    std::copy_n(octets.begin(), count, into.begin());
    octets = octets.subspan(count);
    return count;
  };
}

inline ReadLog read_log(EvtxReader::Source source) {
  EvtxReader reader(std::move(source));
  ReadLog log;
  while (const Event* event = reader.next()) {
    KeptEvent kept{*event,
                   std::string(event->provider),
                   std::string(event->channel),
                   std::string(event->computer),
                   std::string(event->user_sid),
                   {},
                   std::string(reader.xml())};
    for (const EventField& field : event->data) kept.data.emplace_back(field.name, field.value);
    kept.event.data = {};
    log.events.push_back(std::move(kept));
  }
  log.summary = reader.summary();
  return log;
}

inline ReadLog read_log(OctetView file) {
  return read_log(EvtxReader::source_of(file));
}

}  // namespace postern::windows::testing
