// The SHA-256 and size of a file of a tree.
#pragma once

#include <string>

#include "base/result.h"
#include "evidence/record.h"
#include "files/root.h"

namespace postern::evidence {

/// `unavailable` where it changed while it was read.
Result<Kept> digest_file(const files::Root& root, const std::string& path);
Result<Kept> digest_file(const files::File& file);

}  // namespace postern::evidence
