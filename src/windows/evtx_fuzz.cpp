// Any octets as an event log, in pieces: it ends, in bounds, and says the same when read whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/octets.h"
#include "windows/binxml_plan.h"
#include "windows/evtx_reader.h"

namespace {

using postern::OctetView;
using postern::windows::Event;
using postern::windows::EvtxReader;
using postern::windows::EvtxSummary;

/// What is read of the octets, all of it looked at.
EvtxSummary read_all(EvtxReader::Source source, std::size_t& octets) {
  EvtxReader reader(std::move(source));
  std::uint64_t records = 0;
  while (const Event* event = reader.next()) {
    ++records;
    POSTERN_ASSERT(event->data.size() <= postern::windows::WorkBudget::kPerRecord);
    octets += event->channel.size() + event->provider.size() + event->user_sid.size();
    for (const auto& field : event->data) {
      for (const char c : field.name) octets += static_cast<unsigned char>(c);
      for (const char c : field.value) octets += static_cast<unsigned char>(c);
    }
    // XML is made for some: it costs what the record costs.
    if (records % 8 == 1) octets += reader.xml().size();
  }
  POSTERN_ASSERT(reader.summary().records == records);
  POSTERN_ASSERT(reader.summary().problems.size() <= EvtxSummary::kMaxKept);
  POSTERN_ASSERT(reader.summary().gaps.size() <= EvtxSummary::kMaxKept);
  return reader.summary();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const OctetView octets{data, size};
  std::size_t whole_sum = 0, pieces_sum = 0;
  const EvtxSummary whole = read_all(EvtxReader::source_of(octets), whole_sum);
  OctetView left = octets;
  const EvtxSummary pieces = read_all(
      [&](std::span<std::uint8_t> into) -> postern::Result<std::size_t> {
        const std::size_t count = std::min({into.size(), left.size(), std::size_t{1021}});
        std::copy_n(left.begin(), count, into.begin());
        left = left.subspan(count);
        return count;
      },
      pieces_sum);
  POSTERN_ASSERT(whole == pieces && whole_sum == pieces_sum);
  POSTERN_ASSERT(whole.octets == size);
  return 0;
}
