#include "evidence/taking.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/capture.h"
#include "evidence/digest_file.h"
#include "evidence/durable.h"
#include "evidence/manifest.h"
#include "evidence/restore.h"
#include "files/open_beneath.h"
#include "files/path.h"

namespace postern::evidence {
namespace {

/// What the file is called between its name and nothing, in its own folder.
std::string name_on_the_way(const JournalEntry& entry) {
  return ".postern-quarantine-" + std::to_string(entry.number);
}

timespec timespec_of(const files::Time& time) {
  return {static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
}

/// Gives the folder the times it had. That it cannot is no reason to stop.
void give_times(int folder, const JournalEntry& entry) {
  const std::array<timespec, 2> times{timespec_of(entry.folder_accessed),
                                      timespec_of(entry.folder_modified)};
  static_cast<void>(::futimens(folder, times.data()));
}

bool is_name_free(int folder, const std::string& name) {
  struct stat info{};
  return ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/// The record of the file as it is after it was put back: another inode, and perhaps its times.
Record at_its_new_place(const Record& record, const files::File& file) {
  Record there = record;
  there.metadata = file.metadata();
  return there;
}

Result<void> unlink_in(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) != 0) {
    return Unexpected<Error>(system_error("take " + name + " away", errno));
  }
  return sync_folder(folder);
}

}  // namespace

// By its octets, its inode and its time: what stands there under that name is the file that was
// copied, and not another one that somebody put there since.
bool Taking::is_the_file(int folder, const std::string& name, const Record& record) const {
  const auto entry = files::open_beneath(folder, name, O_PATH);
  const auto file = entry ? files::open_regular(*entry) : Unexpected<Error>(entry.error());
  if (!file || file->metadata().inode != record.metadata.inode ||
      file->metadata().modified != record.metadata.modified) {
    return false;
  }
  const auto content = digest_file(*file);
  return content && *content == record.content;
}

Result<void> Taking::take(const PlanItem& item) {
  const JournalEntry* before = journal_.find(item.path);
  if (before == nullptr) return remove(POSTERN_TRY(copy(item)));
  if (before->step == Step::copied) return remove(*before);
  if (before->step == Step::taken) return {};
  return fail(Errc::denied, "it was put back before; make another quarantine of it");
}

Result<JournalEntry> Taking::copy(const PlanItem& item) {
  JournalEntry entry;
  entry.step = Step::copied;
  entry.number = journal_.entries().size() + 1;
  entry.record = POSTERN_TRY(capture(root_, item.path, objects_));
  if (is_incomplete(entry.record)) {
    return fail(Errc::denied, "it cannot be copied whole: " + (entry.record.not_kept.empty()
                                                                   ? std::string("it changes")
                                                                   : entry.record.not_kept));
  }
  if (entry.record.content != item.content) {
    return fail(Errc::denied, "it has changed since the plan was made");
  }
  // Read back from the disk: what is taken away next must be here.
  POSTERN_CHECK(objects_.check(item.content.sha256, item.content.octets));
  for (const KeptAttribute& attribute : entry.record.attributes) {
    POSTERN_CHECK(objects_.check(attribute.value.sha256, attribute.value.octets));
  }
  const files::Metadata folder = POSTERN_TRY(root_.metadata_of(files::folder_of(item.path)));
  entry.folder_modified = folder.modified;
  entry.folder_accessed = folder.accessed;
  POSTERN_CHECK(journal_.write(entry));
  return entry;
}

Result<void> Taking::remove(JournalEntry entry) {
  const Record& record = entry.record;
  const FileDescriptor folder = POSTERN_TRY(root_.open_folder(files::folder_of(record.path)));
  const std::string name(files::name_of(record.path));
  const std::string on_the_way = name_on_the_way(entry);
  // Renamed first, looked at again under a name that is ours alone, and only then unlinked: a file
  // that somebody puts in its place in between is not lost.
  if (is_name_free(folder.get(), on_the_way) && !is_name_free(folder.get(), name)) {
    if (!is_the_file(folder.get(), name, record)) {
      return fail(Errc::denied, "it has changed since it was copied");
    }
    POSTERN_CHECK(rename_to_new(folder.get(), name, on_the_way));
  }
  if (!is_name_free(folder.get(), on_the_way)) {
    if (!is_the_file(folder.get(), on_the_way, record)) {
      POSTERN_CHECK(rename_to_new(folder.get(), on_the_way, name));
      return fail(Errc::denied, "another file took its place meanwhile");
    }
    // Where renaming is linking and unlinking, a crash may have left both names.
    if (is_the_file(folder.get(), name, record)) POSTERN_CHECK(unlink_in(folder.get(), name));
    POSTERN_CHECK(unlink_in(folder.get(), on_the_way));
  }
  entry.step = Step::taken;
  entry.folder_modified_after = POSTERN_TRY(files::metadata_of(folder.get())).modified;
  return journal_.write(entry);
}

Result<std::vector<std::string>> Taking::put_back(const std::string& path) {
  const JournalEntry* entry = journal_.find(path);
  if (entry == nullptr || entry->step == Step::restored) return std::vector<std::string>{};
  if (entry->step == Step::copied) {
    const FileDescriptor folder = POSTERN_TRY(root_.open_folder(files::folder_of(path)));
    const bool is_gone = is_name_free(folder.get(), std::string(files::name_of(path))) &&
                         is_name_free(folder.get(), name_on_the_way(*entry));
    if (!is_gone) {
      POSTERN_CHECK(undo_copied(*entry));
      return std::vector<std::string>{};
    }
  }
  return restore(*entry);
}

// It was not taken yet, or has but another name.
Result<void> Taking::undo_copied(JournalEntry entry) {
  const FileDescriptor folder = POSTERN_TRY(root_.open_folder(files::folder_of(entry.record.path)));
  const std::string name(files::name_of(entry.record.path));
  const std::string on_the_way = name_on_the_way(entry);
  if (is_the_file(folder.get(), on_the_way, entry.record)) {
    if (is_the_file(folder.get(), name, entry.record)) {
      POSTERN_CHECK(unlink_in(folder.get(), on_the_way));
    } else {
      POSTERN_CHECK(rename_to_new(folder.get(), on_the_way, name));
    }
    give_times(folder.get(), entry);
  }
  entry.step = Step::restored;
  return journal_.write(entry);
}

Result<std::vector<std::string>> Taking::restore(JournalEntry entry) {
  const Record& record = entry.record;
  const FileDescriptor folder = POSTERN_TRY(root_.open_folder(files::folder_of(record.path)));
  const std::string name(files::name_of(record.path));
  const bool was_interrupted = entry.step == Step::restoring;
  const files::Metadata before = POSTERN_TRY(files::metadata_of(folder.get()));
  // Before this began: whether anybody else changed the folder since.
  const bool is_as_left = was_interrupted || !entry.folder_modified_after ||
                          before.modified == *entry.folder_modified_after;
  std::vector<std::string> notes;
  if (was_interrupted && !is_name_free(folder.get(), name)) {
    const FileDescriptor there = POSTERN_TRY(files::open_beneath(folder.get(), name, O_PATH));
    const files::File file = POSTERN_TRY(files::open_regular(there));
    if (POSTERN_TRY(digest_file(file)) != *record.content) {
      return fail(Errc::denied, "something else stands there now");
    }
    // Where renaming is linking and unlinking, a crash may have left both names.
    if (is_the_file(folder.get(), name_on_the_way(entry), at_its_new_place(record, file))) {
      POSTERN_CHECK(unlink_in(folder.get(), name_on_the_way(entry)));
    }
    notes = give_metadata(file.descriptor(), record, objects_);
  } else {
    if (!is_name_free(folder.get(), name)) {
      return fail(Errc::denied, "something else stands there now");
    }
    entry.step = Step::restoring;
    POSTERN_CHECK(journal_.write(entry));
    notes = POSTERN_TRY(place_file(folder.get(), name_on_the_way(entry), record, objects_));
  }
  if (is_as_left) give_times(folder.get(), entry);
  POSTERN_CHECK(sync_folder(folder.get()));
  entry.step = Step::restored;
  POSTERN_CHECK(journal_.write(entry));
  return notes;
}

}  // namespace postern::evidence
