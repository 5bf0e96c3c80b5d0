// The parameters of SVCB and HTTPS records, RFC 9460 §2.1 and §7, both ways.
//
// Private to dns/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"

namespace postern::dns {

/// Collects parameters in any order and writes them in the one order that the wire has.
class ServiceParams {
 public:
  /// One token: `key`, `key=value` or `key="value"`.
  Result<void> add(std::string_view token);
  /// Appends them all. An error where `mandatory` names one that is missing.
  Result<void> finish(Octets& out);

 private:
  struct Param {
    std::uint16_t key = 0;
    Octets value;
  };
  std::vector<Param> params_;
};

/// Appends " key=value" for each parameter; false on what breaks RFC 9460 (order, sizes).
bool print_service_params(OctetView params, std::string& out);

}  // namespace postern::dns
