// Whether a folder stands in another one, however it is named.
#pragma once

#include <string>

#include "base/result.h"
#include "files/root.h"

namespace postern::evidence {

/// Refuses (`denied`) a folder that is the root, stands beneath it, or holds it: nothing is to be
/// written into a tree that is swept. `path` need not be there yet, and may be a file's; links in
/// it are followed. What `what` says ("the pack") begins the sentence. A root that is mounted a
/// second time elsewhere is not recognized there.
Result<void> check_apart(const files::Root& root, const std::string& path, const std::string& what);

}  // namespace postern::evidence
