// Examination: what a file told, and that as octets, for the state that the next sweep reads.
#pragma once

#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "exchange/finding.h"

namespace postern::host {

/// What a look at one file gave.
struct Examination {
  std::vector<exchange::Finding> findings;
  std::vector<exchange::Detail> facts;  ///< What is judged together with other files' later.

  bool operator==(const Examination&) const = default;
};

/// What `examination_from` reads back.
Octets octets_from(const Examination& examination);

/// `corrupt` where the octets are none.
Result<Examination> examination_from(OctetView octets);

}  // namespace postern::host
