// Where rule images, and rules on their way into one, lie in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "feeds/shared_memory.h"
#include "policy/rule_image.h"

namespace postern::feeds {

/// An image that workers read, and what other processes are given of it. Only the image: it has
/// settled, and is all that there is.
struct HeldImage {
  std::shared_ptr<const policy::RuleImage> image;  ///< Null: there is none.
  std::shared_ptr<const SharedMemory> memory;      ///< Sealed.
  std::shared_ptr<const Mapping> mapping;          ///< Of it; what the image reads.
};

/// All images of a generation: a whole one, and over it the zones that have changed since.
struct HeldImages {
  HeldImage ground;   ///< Without an image: there is none.
  HeldImage overlay;  ///< Without an image: the ground has all.
};

/// Seals and verifies an image, and maps it. Nothing of it is in this process's memory until it is
/// read. Not the file mapped: a disk that fails, or somebody who cuts the file short, would end the
/// process in the midst of a query.
Result<HeldImage> hold_image(SharedMemory memory);

/// The rules of one feed as they were read, packed.
struct HeldRules {
  SharedMemory packed;  ///< policy::ZoneRules::pack.
  std::uint64_t count = 0;
  std::optional<policy::ZoneSoa> soa;
};

}  // namespace postern::feeds
