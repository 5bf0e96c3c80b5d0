// Selection: which entries of a tree a pack is to hold, from the places that somebody named.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "files/root.h"

namespace postern::evidence {

struct Selection {
  /// A pack's records are held in memory, some KiB each.
  static constexpr std::size_t kMaxPaths = 500'000;

  std::set<std::string> paths;
  /// Folders not all of whose entries could be listed, and why.
  std::map<std::string, std::string> not_listed;
};

/// What stands at each place; of a folder all that is beneath; and the folders above, for their
/// metadata. A place in an archive ("a.zip!/b") stands for the archive. One that is not there stays
/// in: the pack says that it was not kept. `invalid_input` where one is no path beneath a root,
/// `limit_exceeded` where there are too many.
Result<Selection> select(const files::Root& root, const std::vector<std::string>& places);

}  // namespace postern::evidence
