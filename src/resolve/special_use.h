// Names that must not be asked of the public DNS, and what is answered for them.
//
// RFC 6761 (localhost, invalid, test), 6762 (local), 7686 (onion), 9476 (alt), 8375 (home.arpa),
// 9462 (resolver.arpa), ICANN's reservation of "internal", and the locally served reverse zones
// of RFC 6303 and 7793. Pure: nothing is asked or kept.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/octets.h"
#include "dns/message.h"
#include "dns/name.h"

namespace postern::resolve {

/// How the names at and below a special-use zone are answered.
enum class SpecialUse : std::uint8_t {
  absent,     ///< NXDOMAIN for every name, the zone's own included.
  localhost,  ///< 127.0.0.1 and ::1 for every name; other types have no data (RFC 6761 §6.3).
  empty,      ///< A zone with SOA and NS and nothing else (RFC 6303 §3).
  no_data,    ///< As `empty`, but names below exist without data (RFC 9462 §6.4).
  loopback,   ///< As `empty`, with the PTR record of the loopback address.
};

/// The table of special-use zones. Immutable; any thread.
class SpecialUseTable {
 public:
  struct Zone {
    dns::Name name;
    SpecialUse use{};
  };

  SpecialUseTable();

  /// The special zone that decides `question`; null where it is an ordinary one. A question for
  /// the DS of a reverse zone itself is: the parent knows that. Under 1 µs.
  const Zone* find(const dns::Question& question) const;

 private:
  std::unordered_map<dns::Name, Zone, dns::NameHash> zones_;
};

/// The answer for a question that `find` gave `zone` for: as Reply::message promises.
Octets special_use_answer(const SpecialUseTable::Zone& zone, const dns::Question& question);

}  // namespace postern::resolve
