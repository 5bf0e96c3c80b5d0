#include "evidence/capture.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files/extended_attributes.h"

namespace postern::evidence {
namespace {

// NTFS has these, and lists none of them. Given back in this order: what says when a file was
// changed comes last, for giving the others changes it.
constexpr std::array<const char*, 6> kNtfsAttributes = {
    "system.ntfs_acl",          "system.ntfs_dos_name", "system.ntfs_object_id",
    "system.ntfs_reparse_data", "system.ntfs_attrib",   "system.ntfs_times"};
constexpr const char* kReparseData = "system.ntfs_reparse_data";
constexpr std::string_view kShortName = "system.ntfs_dos_name";
constexpr std::string_view kUser = "user.";
constexpr int kTries = 3;

bool is_ntfs_attribute(const std::string& name) {
  return std::ranges::find(kNtfsAttributes, name) != kNtfsAttributes.end();
}

Result<void> keep_attribute(const std::string& name, const Result<Octets>& value, Record& record,
                            ObjectStore& objects) {
  if (!value) {
    // The root of a file system has no short name, and says so in this way.
    const bool has_none = value.error().code == Errc::denied && name == kShortName;
    if (value.error().code == Errc::not_found || has_none) return {};
    record.attributes_not_kept.push_back(name + ": " + value.error().text);
    return {};
  }
  const Stored stored = POSTERN_TRY(objects.keep(*value));
  record.attributes.push_back({name, {stored.sha256, stored.octets}});
  return {};
}

/// Where the mount shows streams as files ("a.txt:stream"), not as attributes.
Result<void> capture_stream(const files::Root& root, const std::string& stream, Record& record,
                            ObjectStore& objects) {
  const std::string name = std::string(kUser) + stream;
  const auto file = root.open_file(record.path + ":" + stream);
  if (!file) {
    record.attributes_not_kept.push_back(name + ": " + file.error().text);
    return {};
  }
  const Result<Stored> stored = POSTERN_TRY(objects.keep(*file));
  if (stored) record.attributes.push_back({name, {stored->sha256, stored->octets}});
  if (!stored) record.attributes_not_kept.push_back(name + ": " + stored.error().text);
  return {};
}

Result<void> capture_attributes(const files::Root& root, const FileDescriptor& entry,
                                Record& record, ObjectStore& objects) {
  const auto names = files::attribute_names(entry);
  if (!names) record.attributes_not_kept.push_back("all: " + names.error().text);
  bool has_streams = false;
  for (const std::string& name : names.value_or(std::vector<std::string>{})) {
    if (is_ntfs_attribute(name)) continue;
    has_streams = has_streams || name.starts_with(kUser);
    POSTERN_CHECK(keep_attribute(name, files::attribute(entry, name), record, objects));
  }
  if (!record.ntfs) return {};
  for (const char* name : kNtfsAttributes) {
    POSTERN_CHECK(keep_attribute(name, files::attribute(entry, name), record, objects));
  }
  if (has_streams) return {};
  for (const std::string& stream : record.ntfs->streams) {
    POSTERN_CHECK(capture_stream(root, stream, record, objects));
  }
  return {};
}

/// Reads the content once; whether it stayed as it was meanwhile.
Result<bool> capture_content(const FileDescriptor& entry, Record& record, ObjectStore& objects) {
  const auto file = files::open_regular(entry);
  if (!file) {
    record.not_kept = file.error().text;
    return true;
  }
  const Result<Stored> stored = POSTERN_TRY(objects.keep(*file));
  if (!stored) {
    record.not_kept = stored.error().text;
    return true;
  }
  record.metadata = file->metadata();
  record.content = Kept{stored->sha256, stored->octets};
  const auto changed = file->changed();
  return changed && !*changed && stored->octets == file->size();
}

timespec timespec_of(const files::Time& time) {
  return {static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
}

std::string said(const std::string& what, int number) {
  return what + ": " + std::strerror(number);
}

void give_owner_and_mode(int file, const files::Metadata& wanted, std::vector<std::string>& notes) {
  struct stat now{};
  if (::fstat(file, &now) != 0) return notes.push_back(said("stat", errno));
  if ((now.st_uid != wanted.uid || now.st_gid != wanted.gid) &&
      ::fchown(file, wanted.uid, wanted.gid) != 0) {
    notes.push_back(said("the owner", errno));
  }
  if (::fchmod(file, wanted.mode) != 0) notes.push_back(said("the mode", errno));
}

void give_attribute(int file, const KeptAttribute& attribute, const ObjectStore& objects,
                    std::vector<std::string>& notes) {
  const auto value =
      objects.read(attribute.value.sha256, attribute.value.octets, files::kMaxAttributeOctets);
  if (!value) {
    notes.push_back(attribute.name + ": " + value.error().text);
  } else if (::fsetxattr(file, attribute.name.c_str(), value->data(), value->size(), 0) != 0) {
    notes.push_back(said(attribute.name, errno));
  }
}

}  // namespace

Result<Record> capture(const files::Root& root, const std::string& path, ObjectStore& objects) {
  Record record;
  record.path = path;
  const auto entry = root.entry(path);
  const auto metadata = entry ? files::metadata_of(entry->get()) : Unexpected<Error>(entry.error());
  if (!metadata) {
    record.not_kept = metadata.error().text;
    return record;
  }
  record.metadata = *metadata;
  record.ntfs = files::ntfs_facts(*entry);
  POSTERN_CHECK(capture_attributes(root, *entry, record, objects));
  if (metadata->kind == files::Kind::link) {
    const auto target = files::read_link(*entry);
    if (target) record.target = *target;
    if (!target) record.not_kept = target.error().text;
  }
  if (metadata->kind != files::Kind::regular) return record;
  for (int tries = 0; tries < kTries; ++tries) {
    record.changed_while_read = !POSTERN_TRY(capture_content(*entry, record, objects));
    if (!record.changed_while_read) break;
  }
  return record;
}

std::vector<std::string> give_metadata(const FileDescriptor& file, const Record& record,
                                       const ObjectStore& objects) {
  std::vector<std::string> notes;
  give_owner_and_mode(file.get(), record.metadata, notes);
  const KeptAttribute* times = nullptr;
  for (const KeptAttribute& attribute : record.attributes) {
    const bool is_times = attribute.name == kNtfsAttributes.back();
    if (is_times) times = &attribute;
    if (!is_times && attribute.name != kReparseData) {
      give_attribute(file.get(), attribute, objects, notes);
    }
  }
  const std::array<timespec, 2> both{timespec_of(record.metadata.accessed),
                                     timespec_of(record.metadata.modified)};
  if (::futimens(file.get(), both.data()) != 0) notes.push_back(said("the times", errno));
  if (times != nullptr) give_attribute(file.get(), *times, objects, notes);
  return notes;
}

}  // namespace postern::evidence
