#include "files/walk.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>

#include "files/open_beneath.h"
#include "files/path.h"

namespace postern::files {
namespace {

// A folder may hold this part of what is left for names, and always so much.
constexpr std::size_t kPartOfWhatIsLeft = 8;
constexpr std::size_t kLeastPortionOctets = 64U << 10;

}  // namespace

Walk::Walk(const Root& root, NotExaminedList& not_examined, std::string_view from,
           WalkOptions options)
    : root_(root), not_examined_(not_examined), options_(options) {
  auto metadata = root.metadata_of(from);
  if (!metadata) {
    not_examined_.add(from, metadata.error());
    return;
  }
  enter(root.open_folder(from), std::string(from), *metadata);
}

const Entry* Walk::next() {
  if (std::exchange(wants_to_enter_, false)) {
    enter(open_folder_beneath(levels_.back().names.descriptor(), name_of(entry_.path)), entry_.path,
          entry_.metadata);
  }
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.index == level.names.size() && !level.ended) read_portion(level);
    if (level.index == level.names.size()) {
      held_octets_ -= level.names.octets();
      levels_.pop_back();
      continue;
    }
    if (entries_ == options_.max_entries) {
      not_examined_.add(level.path, Reason::too_many,
                        "the walk ends here: " + std::to_string(entries_) + " entries");
      levels_.clear();
      return nullptr;
    }
    if (look_at(level, level.names.name(level.index++))) return &entry_;
  }
  return nullptr;
}

Result<FileDescriptor> Walk::open_entry() const {
  if (levels_.empty()) return fail(Errc::not_found, "the walk has no entry");
  return open_beneath(levels_.back().names.descriptor(), name_of(entry_.path), O_PATH);
}

Result<File> Walk::open_file() const {
  const FileDescriptor entry = POSTERN_TRY(open_entry());
  return open_regular(entry);
}

// Whether there is such an entry, now in `entry_`.
bool Walk::look_at(const Level& level, const char* name) {
  ++entries_;
  entry_.path = joined(level.path, name);
  entry_.ntfs.reset();
  const auto metadata = metadata_at(level.names.descriptor(), name);
  if (!metadata) {
    not_examined_.add(entry_.path, metadata.error());
    return false;
  }
  entry_.metadata = *metadata;
  if (options_.wants_ntfs) look_at_ntfs(level, name);
  note_what_is_not_examined();
  return true;
}

void Walk::look_at_ntfs(const Level& level, const char* name) {
  const std::uint64_t device = entry_.metadata.device;
  const auto known = ntfs_devices_.find(device);
  if (known != ntfs_devices_.end() && !known->second) return;
  const auto entry = open_beneath(level.names.descriptor(), name, O_PATH);
  if (entry && is_ntfs(*entry, device)) entry_.ntfs = ntfs_facts(*entry);
}

// Asked once of each file system, of the folder that the walk comes to it by.
bool Walk::is_ntfs(const FileDescriptor& entry, std::uint64_t device) {
  const auto known = ntfs_devices_.find(device);
  if (known != ntfs_devices_.end()) return known->second;
  const bool is_ntfs = ntfs_facts(entry).has_value();
  ntfs_devices_.emplace(device, is_ntfs);
  return is_ntfs;
}

void Walk::note_what_is_not_examined() {
  const std::string& path = entry_.path;
  switch (entry_.metadata.kind) {
    case Kind::regular:
      return;
    case Kind::folder:
      if (entry_.ntfs && entry_.ntfs->leads_elsewhere()) {
        not_examined_.add(path, Reason::link, "a junction; it is not followed");
      } else if (levels_.size() >= options_.max_depth) {
        not_examined_.add(path, Reason::too_deep,
                          std::to_string(levels_.size()) + " folders stand above it");
      } else {
        wants_to_enter_ = true;
      }
      return;
    case Kind::link: {
      if (root_.leads_beneath(path)) return;
      const auto target = root_.link_target(path);
      not_examined_.add(path, Reason::link,
                        "leads to " + (target ? *target : target.error().text) +
                            ", which is not beneath the root; it is not followed");
      return;
    }
    case Kind::fifo:
    case Kind::socket:
    case Kind::device:
    case Kind::unknown:
      not_examined_.add(path, Reason::special,
                        "a " + std::string(to_string(entry_.metadata.kind)) + "; it is not opened");
  }
}

void Walk::enter(Result<FileDescriptor> folder, std::string path, const Metadata& metadata) {
  if (!folder) {
    not_examined_.add(path, folder.error());
    return;
  }
  // What is open now, not what was looked at: another folder may have taken the name.
  const auto opened = files::metadata_of(folder->get());
  if (!opened) {
    not_examined_.add(path, opened.error());
    return;
  }
  if (opened->device != metadata.device || opened->inode != metadata.inode) {
    not_examined_.add(path, Reason::changed, "another folder took its place meanwhile");
    return;
  }
  if (holds_itself(*opened)) {
    not_examined_.add(path, Reason::loop, "it is one of the folders it stands in");
    return;
  }
  if (options_.wants_ntfs) is_ntfs(*folder, opened->device);
  auto names = FolderNames::open(*folder);
  if (!names) {
    not_examined_.add(path, names.error());
    return;
  }
  levels_.push_back({std::move(*names), std::move(path), *opened});
}

void Walk::read_portion(Level& level) {
  held_octets_ -= level.names.octets();
  const std::size_t left =
      options_.max_names_octets - std::min(held_octets_, options_.max_names_octets);
  const auto done =
      level.names.read_portion(std::max(left / kPartOfWhatIsLeft, kLeastPortionOctets));
  if (!done) not_examined_.add(level.path, done.error());
  level.index = 0;
  level.ended = !done || level.names.empty();
  held_octets_ += level.names.octets();
}

bool Walk::holds_itself(const Metadata& folder) const {
  return std::ranges::any_of(levels_, [&](const Level& level) {
    return level.folder.device == folder.device && level.folder.inode == folder.inode;
  });
}

}  // namespace postern::files
