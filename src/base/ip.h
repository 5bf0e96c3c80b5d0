// Internet addresses, prefixes and endpoints as plain values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"

namespace postern {

/// An IPv4 or IPv6 address. IPv4 is kept apart from IPv4-mapped IPv6; `from_octets`
/// of a mapped address (::ffff:0:0/96, RFC 4291 §2.5.5.2) gives the IPv4 address, so
/// that one client is one address on a dual-stack socket.
class IpAddress {
 public:
  enum class Family : std::uint8_t { v4, v6 };

  /// 0.0.0.0.
  constexpr IpAddress() = default;

  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  /// From 4 or 16 octets in network order; any other size is a bug of the caller.
  static IpAddress from_octets(OctetView octets);
  /// Dotted decimal (four parts, no leading zeros) or RFC 4291 §2.2 text; no zone id.
  static Result<IpAddress> from_text(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::v4; }
  /// 4 or 16 octets. Valid while this lives.
  OctetView octets() const { return {octets_.data(), is_v4() ? 4U : 16U}; }
  unsigned bit_count() const { return is_v4() ? 32 : 128; }
  /// RFC 5952 text.
  std::string to_text() const;
  bool is_loopback() const;
  /// All zero.
  bool is_unspecified() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> octets_{};
};

/// An address and a prefix length; bits past the length are zero.
class IpPrefix {
 public:
  constexpr IpPrefix() = default;
  /// Clears the host bits. `length` is at most `address.bit_count()`.
  IpPrefix(const IpAddress& address, unsigned length);
  /// "192.0.2.0/24", "2001:db8::/32", or an address alone (its full length).
  /// Host bits that are set are an error: "192.0.2.1/24" is probably a mistake.
  static Result<IpPrefix> from_text(std::string_view text);

  const IpAddress& address() const { return address_; }
  unsigned length() const { return length_; }
  bool contains(const IpAddress& address) const;
  std::string to_text() const;

  auto operator<=>(const IpPrefix&) const = default;

 private:
  IpAddress address_;
  std::uint8_t length_ = 0;
};

/// An address and a port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:53" or "[2001:db8::1]:53". Without a port: `default_port`, and an
  /// error where that is 0.
  static Result<Endpoint> from_text(std::string_view text, std::uint16_t default_port = 0);
  std::string to_text() const;

  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace postern
