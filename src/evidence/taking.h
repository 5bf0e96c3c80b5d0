// One file's way out of the tree and back, step by step, with the journal.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/journal.h"
#include "evidence/object_store.h"
#include "evidence/plan.h"
#include "files/root.h"

namespace postern::evidence {

/// Works on the files of one root with one quarantine. Each function goes on wherever an
/// interrupted run left the file. Used by one thread.
class Taking {
 public:
  Taking(const files::Root& root, ObjectStore& objects, Journal& journal)
      : root_(root), objects_(objects), journal_(journal) {}

  /// Copies the file here, checks the copy, and takes the file out of the tree.
  Result<void> take(const PlanItem& item);

  /// Puts it back. What of its metadata could not be given comes back.
  Result<std::vector<std::string>> put_back(const std::string& path);

 private:
  Result<JournalEntry> copy(const PlanItem& item);
  Result<void> remove(JournalEntry entry);
  Result<void> undo_copied(JournalEntry entry);
  Result<std::vector<std::string>> restore(JournalEntry entry);
  bool is_the_file(int folder, const std::string& name, const Record& record) const;

  const files::Root& root_;
  ObjectStore& objects_;
  Journal& journal_;
};

}  // namespace postern::evidence
