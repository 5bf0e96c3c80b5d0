// The bounds of a policy, each with its reason. Reaching one is an error of `build_image` or
// `Generation::create`.
#pragma once

#include <cstddef>

namespace postern::policy {

/// Rules of one name, zone, rank and scope of which each may hold when another does not. Of more,
/// as of those without a time, the first one counts.
inline constexpr std::size_t kMostTimed = 8;

/// Zones of a generation: a zone's place is kept in 16 bits beside the log-only bit.
inline constexpr std::size_t kMaxZones = 1024;
/// Groups: each costs two octets per zone.
inline constexpr std::size_t kMaxGroups = 4096;
/// Client prefixes of all groups together.
inline constexpr std::size_t kMaxClientPrefixes = 1U << 20;
/// Devices of all groups together.
inline constexpr std::size_t kMaxDevices = 1U << 16;
/// Empty non-terminals that are kept for a zone, beyond as many as it has rules: what more there is
/// hides no wildcard.
inline constexpr std::size_t kMinHidingNames = 1024;
/// Exceptions, the names of groups' and tenants' own lists among them: about 70 octets each in the
/// table, which is built in a second of so many, and 400 more each as they were given.
inline constexpr std::size_t kMaxExceptionsInForce = 250'000;
/// Names of own lists of tenants, groups and hours together: so that there is always room for the
/// exceptions that people make.
inline constexpr std::size_t kMaxOwnNames = 150'000;
/// Images of a generation: a whole one, the zones that have changed since, and of these the ones
/// that only some clients have so far. Each costs every decision a search.
inline constexpr std::size_t kMaxImages = 3;
/// Rules of all zones together: they are numbered in 32 bits, one number meaning "none".
inline constexpr std::size_t kMaxRulesInForce = 0xfffffff0;

}  // namespace postern::policy
