// Facts of traffic from any octets: those that are read are written as they were, can be added,
// and are judged without harm.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "exchange/traffic.h"
#include "exchange/traffic_findings.h"

namespace exchange = postern::exchange;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto facts = exchange::traffic_of_octets({data, size}, "a.log");
  if (!facts) return 0;
  const auto again = exchange::traffic_of_octets(exchange::octets_of_traffic(*facts), "a.log");
  POSTERN_ASSERT(again.has_value());
  facts->add(*again);
  const auto gone = [](std::string_view) { return exchange::OnDisk::missing; };
  for (const exchange::Finding& one : exchange::traffic_findings(*facts, gone)) {
    POSTERN_ASSERT(one.tier == exchange::Tier::hunt);
  }
  return 0;
}
