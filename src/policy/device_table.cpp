#include "policy/device_table.h"

#include <algorithm>
#include <utility>

namespace postern::policy {

std::shared_ptr<const DeviceTable> DeviceTable::create(std::vector<DeviceAddress> addresses) {
  auto table = std::make_shared<DeviceTable>();
  std::ranges::stable_sort(addresses, {}, &DeviceAddress::address);
  const auto repeated = std::ranges::unique(addresses, {}, &DeviceAddress::address);
  addresses.erase(repeated.begin(), repeated.end());
  table->addresses_ = std::move(addresses);
  return table;
}

std::shared_ptr<const DeviceTable> DeviceTable::none() {
  return std::make_shared<DeviceTable>();
}

std::optional<MacAddress> DeviceTable::find(const IpAddress& address) const {
  const auto found = std::ranges::lower_bound(addresses_, address, {}, &DeviceAddress::address);
  if (found == addresses_.end() || found->address != address) return std::nullopt;
  return found->device;
}

}  // namespace postern::policy
