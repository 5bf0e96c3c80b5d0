// What tests of sweeps share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/octets.h"

namespace postern::host::testing {

/// A path in an archive, and its content.
using Packed = std::pair<std::string, std::string>;

/// An archive: "zip", "7zip", "tar.gz", "gz" (the first file alone), "zip encrypted". Empty where
/// libarchive does not make such.
Octets packed(std::string_view kind, const std::vector<Packed>& files);

/// A program that has a version, and nothing that runs.
std::string program_of_version(std::string_view version);

}  // namespace postern::host::testing
