// Devices: keeps the table of which device has which address current.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metric.h"
#include "base/published.h"
#include "base/time.h"
#include "devices/lease_file.h"
#include "policy/device_table.h"

namespace postern::devices {

struct LeaseFile {
  std::string path;
  LeaseFormat format = LeaseFormat::dnsmasq;

  bool operator==(const LeaseFile&) const = default;
};

struct Options {
  bool is_wanted = false;              ///< Some group has devices; else nothing is read.
  std::vector<LeaseFile> lease_files;  ///< Of two that have an address the first counts, …
  bool reads_neighbours = true;        ///< … and all of them before the neighbour table.
  milliseconds every{2000};            ///< How often they are looked at.

  bool operator==(const Options&) const = default;
};

/// Runs one thread, which does nothing but wait while nothing is wanted. Members from any thread.
class Devices {
 public:
  /// Returns when the table is in force as it is now. `target` must outlive it; nobody else
  /// publishes there. A file that cannot be read is said once in the log; what it said before holds
  /// until it can be.
  static std::unique_ptr<Devices> start(Options options, Published<policy::DeviceTable>& target,
                                        Log& log);
  virtual ~Devices() = default;

  virtual void reconfigure(Options options) = 0;
  virtual void collect(Metrics& metrics) const = 0;
  virtual void stop() = 0;
};

}  // namespace postern::devices
