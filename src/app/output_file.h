// Files that commands write for people and programs.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::app {

/// Writes beside the name first ("PATH.new"): who reads it sees the old one or the new one.
Result<void> write_file(const std::string& path, std::string_view text);

}  // namespace postern::app
