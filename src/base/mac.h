// Hardware addresses of network cards.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"

namespace postern {

/// An address of six octets (IEEE 802, EUI-48).
class MacAddress {
 public:
  static constexpr std::size_t kOctets = 6;

  /// 00:00:00:00:00:00, which is nobody's.
  constexpr MacAddress() = default;
  /// Six octets; any other size is a bug of the caller.
  static MacAddress from_octets(OctetView octets);
  /// "00:1a:2B:3c:4d:5e" or "00-1A-2B-3C-4D-5E". Errors: `invalid_input`.
  static Result<MacAddress> from_text(std::string_view text);

  OctetView octets() const { return octets_; }
  /// "00:1a:2b:3c:4d:5e".
  std::string to_text() const;
  bool is_zero() const { return *this == MacAddress(); }

  auto operator<=>(const MacAddress&) const = default;

 private:
  std::array<std::uint8_t, kOctets> octets_{};
};

}  // namespace postern
