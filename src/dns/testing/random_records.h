// Random but well-formed names, record data and messages, for tests.
//
// Left out is what ldns 1.8.3, which the tests compare with, gets wrong or does not know: quotes
// and "@" in names and special characters in service parameters (it does not escape them),
// signature times past 2038 (it prints dates before 1970), escaped lists in alpn, hashes other than
// SHA-1, mnemonics that it lacks. Tables of cases cover those.
#pragma once

#include <random>
#include <span>
#include <vector>

#include "base/octets.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::dns {

/// Up to six labels, some with odd octets in them; in lower case.
Name random_name(std::mt19937& random);

/// Every type whose data has a form of its own, and three that have none.
std::vector<RRType> known_types();

/// RDATA that reads as its type, in the one form that its text gives back.
Octets random_rdata(RRType type, std::mt19937& random);

/// A response with one question and up to `max_records` records and perhaps an OPT.
Octets random_message(std::mt19937& random, std::size_t max_records);

}  // namespace postern::dns
