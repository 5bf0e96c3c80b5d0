// Names that belong to many: public suffixes, and names below which strangers have theirs.
#pragma once

#include <cstdint>

#include "dns/name.h"

namespace postern::intel {

enum class Shared : std::uint8_t {
  no,
  registry,  ///< "com", "co.uk": the first section of the Public Suffix List; any top level.
  hosting,   ///< "github.io": its private section, or packs/shared-hosting.
};

/// What everybody's name this is; of a name below such a one: no. About 200 ns.
Shared shared_kind(const dns::Name& name);

}  // namespace postern::intel
