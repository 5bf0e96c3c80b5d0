// Compiles the rules of zones to a rule image. Start at build_image.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"
#include "policy/rule.h"

namespace postern::policy {

/// A zone to be written. All is borrowed while the image is built.
struct ZoneContent {
  std::string_view name;
  std::string_view source;  ///< See ImageZone.
  const ZoneRules* rules = nullptr;
};

/// The octets of a rule image (image_format.h) with the rules of all zones, in their order.
/// `key` is secret and random, against chosen collisions. Tests pass a `hash_mask` with few bits
/// to make every hash collide. Errors: a limit (policy/limits.h).
/// 1 M rules: about 0.45 s of CPU.
Result<Octets> build_image(std::span<const ZoneContent> zones, std::uint64_t key,
                           std::uint64_t hash_mask = ~std::uint64_t{0});

}  // namespace postern::policy
