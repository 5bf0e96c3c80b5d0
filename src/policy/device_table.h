// DeviceTable: which device has which address at the moment.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/mac.h"

namespace postern::policy {

/// An address that is known to be a device's.
struct DeviceAddress {
  IpAddress address;
  MacAddress device;

  auto operator<=>(const DeviceAddress&) const = default;
};

/// Immutable: made aside, published whole, read by every worker at once. A lookup is one binary
/// search and never allocates.
class DeviceTable {
 public:
  /// In any order; of two devices with one address the first counts.
  static std::shared_ptr<const DeviceTable> create(std::vector<DeviceAddress> addresses);
  static std::shared_ptr<const DeviceTable> none();

  std::optional<MacAddress> find(const IpAddress& address) const;
  std::size_t size() const { return addresses_.size(); }

  bool operator==(const DeviceTable&) const = default;

 private:
  std::vector<DeviceAddress> addresses_;  // By address.
};

}  // namespace postern::policy
