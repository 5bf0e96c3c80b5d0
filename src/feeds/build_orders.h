// What the process that serves and the one that reads and builds tell each other.
//
// An order goes one way, an outcome comes back; rules, texts and images travel beside them as
// SharedMemory. Both ends are the same program, but who reads hostile text may have been taken
// over by it: outcomes are read as any foreign octets are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "feeds/obtain.h"
#include "intel/format.h"

namespace postern::feeds {

/// Read a text, the only input, as a feed.
struct ReadOrder {
  intel::FeedOptions format;
  Origin origin = Origin::local;
};

/// A zone of an image to be built: its rules are one of the inputs, or a zone of one that is an
/// image.
struct ZoneOrder {
  std::string name;
  std::string source;  ///< See policy::ImageZone.
  std::uint32_t input = 0;
  std::optional<std::uint16_t> image_zone;
  /// Of a zone that has no rules of its own: what the tally is to count, by place in the order.
  std::optional<policy::Votes> votes{};
  bool is_written = true;  ///< False: it votes, and is not in the image.
  /// Of rules that were just read: where the list's copy before is.
  struct Before {
    std::uint32_t input = 0;
    std::uint16_t image_zone = 0;
  };
  std::optional<Before> before{};
};

struct BuildOrder {
  std::uint64_t key = 0;  ///< See policy::build_image.
  WallTime now{};         ///< For the tally, and of rules that are new.
  std::vector<ZoneOrder> zones;
};

/// What is told of a text beside its rules.
struct ReadFacts {
  std::uint64_t rules = 0;
  std::uint64_t lines_skipped = 0;
  std::string first_skipped;
  std::string sha256;
  std::optional<policy::ZoneSoa> soa;
};

/// How an order ended. The product (packed rules, an image) is not in it.
struct BuildOutcome {
  std::optional<Error> error;
  ReadFacts facts;  ///< Of a ReadOrder that succeeded.
};

Octets to_octets(const ReadOrder& order);
Octets to_octets(const BuildOrder& order);
Octets to_octets(const BuildOutcome& outcome);

/// Nothing where the octets are none that `to_octets` gives.
std::optional<ReadOrder> read_order_from(OctetView octets);
std::optional<BuildOrder> build_order_from(OctetView octets);
std::optional<BuildOutcome> outcome_from(OctetView octets);

}  // namespace postern::feeds
