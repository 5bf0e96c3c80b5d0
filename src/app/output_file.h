// What commands write for people and programs: files, and standard output.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::app {

/// Writes beside the name first ("PATH.new"): who reads it sees the old one or the new one, whole
/// and on disk.
Result<void> write_file(const std::string& path, std::string_view text);

/// To standard output, which may be a full disk or a pipe that nobody reads.
Result<void> write_out(std::string_view text);

}  // namespace postern::app
