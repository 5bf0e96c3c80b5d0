// Any text gives leases with an address and a device, or none.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "devices/lease_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::devices::LeaseFormat;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const LeaseFormat format : {LeaseFormat::dnsmasq, LeaseFormat::isc, LeaseFormat::kea}) {
    const auto leases = postern::devices::read_leases(
        text, format, postern::WallTime(postern::seconds(1'772'000'000)));
    POSTERN_ASSERT(leases.size() <= size);
    for (const auto& lease : leases) POSTERN_ASSERT(!lease.device.is_zero());
  }
  return 0;
}
