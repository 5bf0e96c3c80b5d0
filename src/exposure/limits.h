// Bounds of what is asked about one domain and kept of it. Zones belong to strangers.
#pragma once

#include <cstddef>

namespace postern::exposure {

/// Questions about one domain. The built-in pack and a domain with every record there is need
/// about 120.
inline constexpr std::size_t kMaxQuestions = 240;
/// Records of one answer: the rest is counted. A message holds some thousands of small ones.
inline constexpr std::size_t kMaxRecords = 512;
/// Records of all answers about one domain: about 1.5 MB.
inline constexpr std::size_t kMaxRecordsKept = 2'000;
/// Octets of one TXT record's strings together; the rest is cut. Keys of 4,096 bits need 800.
inline constexpr std::size_t kMaxTextOctets = 4'096;
/// Octets of all TXT records' strings about one domain.
inline constexpr std::size_t kMaxTextKept = 512U << 10;
/// Aliases followed in one answer (resolvers stop at about as many).
inline constexpr std::size_t kMaxAliases = 16;
/// Mail exchangers looked at. More than some are a zone's joke.
inline constexpr std::size_t kMaxExchangers = 8;
/// Addresses of one host whose names are asked for.
inline constexpr std::size_t kMaxReverse = 2;

}  // namespace postern::exposure
