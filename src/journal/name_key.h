// The form in which names are stored: labels from the right, so that a zone is a range of keys.
#pragma once

#include <array>
#include <cstdint>

#include "base/octets.h"
#include "base/result.h"
#include "dns/name.h"

namespace postern::journal {

/// A name's labels with their length octets, rightmost label first, without the root:
/// "www.example." is 7"example"3"www". The keys of a name and of all names below it are
/// exactly those that begin with its key; since no length octet is above 63, they lie in
/// [key, key + 0x40).
class NameKey {
 public:
  explicit NameKey(const dns::Name& name);

  /// Valid while this lives.
  OctetView octets() const { return {octets_.data(), size_}; }

 private:
  std::uint8_t size_ = 0;
  std::array<std::uint8_t, dns::Name::kMaxOctets> octets_;  // Only the first size_ are set.
};

/// The name of a stored key; an error where the stored octets are none.
Result<dns::Name, dns::NameError> name_of_key(OctetView key);

}  // namespace postern::journal
