// What the tests of images share.
#pragma once

#include <cstdint>
#include <memory>

#include "policy/generation.h"

namespace postern::policy::testing {

/// All zones of the image, in its order, in force for the one group that there is.
inline PolicyFrame frame_of(const RuleImage& image) {
  PolicyFrame frame;
  frame.groups.push_back({.name = "default"});
  for (const ImageZone& zone : image.zones()) {
    const auto index = static_cast<std::uint16_t>(frame.zones.size());
    frame.groups[0].zones.push_back(index);
    frame.rules_at.push_back({0, index});
    frame.zones.push_back({.name = zone.name});
  }
  return frame;
}

}  // namespace postern::policy::testing
