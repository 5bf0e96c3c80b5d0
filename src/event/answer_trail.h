// AnswerTrail: where the answer to a name led a client, in few octets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ip.h"
#include "base/octets.h"
#include "dns/name.h"

namespace postern::event {

/// The names that an answer goes on to, then its addresses, one after the other: a name in wire
/// form; an address as one octet that cannot begin a name (RFC 1035 §4.1.4: its two high bits are
/// set) and its 4 or 16 octets. What finds no room is left out; names come first. A value.
class AnswerTrail {
 public:
  static constexpr std::size_t kMaxOctets = 320;
  static constexpr std::size_t kMaxNames = 8;
  static constexpr std::size_t kMaxAddresses = 8;

  AnswerTrail() = default;
  AnswerTrail(std::span<const dns::Name> names, std::span<const IpAddress> addresses);

  OctetView octets() const { return {octets_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  /// Adds the addresses of `before`, octets of a trail of the same name, that are of a family of
  /// which this one has none: a client asks for A and AAAA apart.
  void keep_other_family(OctetView before);

 private:
  bool append(OctetView octets);
  void append(const IpAddress& address);

  std::uint16_t size_ = 0;
  std::array<std::uint8_t, kMaxOctets> octets_;
};

/// A trail read: what it is made of.
struct TrailParts {
  std::vector<dns::Name> names;
  std::vector<IpAddress> addresses;
};

/// Replaces `parts`. False, and nothing of them, where the octets are no trail.
bool read_trail(OctetView octets, TrailParts& parts);

}  // namespace postern::event
