// Capturing an entry of the tree into a pack, and giving its metadata to a file that is restored.
#pragma once

#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "evidence/object_store.h"
#include "evidence/record.h"
#include "files/root.h"

namespace postern::evidence {

/// Reads the entry, its content, its attributes and its streams. What the tree does not give is in
/// the record (`not_kept`, `attributes_not_kept`); an error is one of the pack. A file that
/// changes while it is read is read three times before it is taken as it comes.
Result<Record> capture(const files::Root& root, const std::string& path, ObjectStore& objects);

/// Gives `file` (open, a regular file or a folder) owner, mode, attributes and times of the record,
/// the attributes' octets from the pack. What this file system or user cannot keep comes back, as
/// a sentence each.
std::vector<std::string> give_metadata(const FileDescriptor& file, const Record& record,
                                       const ObjectStore& objects);

}  // namespace postern::evidence
