// AccessList: which clients may ask.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ip.h"

namespace postern::server {

/// Prefixes in the form that is compared: a client is looked up for every query, 2 ns a prefix.
/// Closed: an empty list allows nobody. A value.
class AccessList {
 public:
  AccessList() = default;
  explicit AccessList(const std::vector<IpPrefix>& allowed);

  bool allows(const IpAddress& client) const;

 private:
  /// An address as two numbers; IPv4 in the upper half of `high`.
  struct Bits {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
  };
  struct Entry {
    Bits value;
    Bits mask;
  };
  static Bits bits_of(const IpAddress& address);

  std::vector<Entry> v4_;
  std::vector<Entry> v6_;
};

}  // namespace postern::server
