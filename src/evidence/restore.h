// Restoring: files of a pack, byte for byte and with their metadata, in another folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/object_store.h"
#include "evidence/pack.h"
#include "evidence/record.h"

namespace postern::evidence {

struct RestoreReport {
  std::uint64_t files = 0, folders = 0, links = 0;
  std::vector<std::string> problems;  ///< "PATH: why it is not there now".
  std::vector<std::string> notes;     ///< "PATH: what of its metadata could not be given".
};

/// Restores the records at and beneath `paths` (none: all) under the folder `to`, which is made
/// where it is not there. Never over what is there, never outside of it: a link in the way is a
/// problem. `denied` where `to` stands in the tree that the pack is from.
Result<RestoreReport> restore_pack(const WholePack& pack, const std::string& to,
                                   const std::vector<std::string>& paths = {});

/// Writes the content of a record as a new file of the folder, forced to disk, and gives it its
/// metadata; what of it could not be given comes back. `invalid_input` where the name is taken.
/// While it is written it is called `temporary`; one that a crash left is replaced.
Result<std::vector<std::string>> place_file(int folder, const std::string& temporary,
                                            const Record& record, const ObjectStore& objects);

}  // namespace postern::evidence
