// Names that belong to many: public suffixes, and names below which strangers have theirs.
#pragma once

#include <cstdint>

#include "dns/name.h"

namespace postern::intel {

enum class Shared : std::uint8_t {
  no,
  registry,  ///< "com", "co.uk": the first section of the Public Suffix List; any top level.
  hosting,   ///< "sharepoint.com": packs/shared-hosting.
  suffix,    ///< "github.io", "hopto.org": the private section of the Public Suffix List.
};

/// What everybody's name this is; of a name below such a one: no. Names that are suffixes only
/// since all at their place are ("*.mm") are none: some of them are somebody's. About 200 ns.
Shared shared_kind(const dns::Name& name);
/// Whether that is Shared::registry. About 350 ns, nearly all of it libpsl.
bool is_registry(const dns::Name& name);

}  // namespace postern::intel
