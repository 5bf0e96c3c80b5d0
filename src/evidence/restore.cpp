#include "evidence/restore.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/beneath.h"
#include "evidence/capture.h"
#include "evidence/durable.h"
#include "files/open_beneath.h"
#include "files/path.h"

namespace postern::evidence {
namespace {

constexpr const char* kTemporary = ".postern-restore.new";

bool is_wanted(const std::string& path, const std::vector<std::string>& wanted) {
  return wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& one) {
           return path == one || path.starts_with(one + "/");
         });
}

class Restorer {
 public:
  Restorer(const ObjectStore& objects, FileDescriptor to) : objects_(objects), to_(std::move(to)) {}

  void restore(const Record& record) {
    auto done = restore_one(record);
    if (!done) report_.problems.push_back(record.path + ": " + done.error().text);
  }

  /// Folders get their times last: what is restored into them changes these.
  RestoreReport end() {
    for (auto at = made_.rbegin(); at != made_.rend(); ++at) {
      const auto folder = files::open_folder_beneath(to_.get(), (*at)->path);
      if (folder) note(**at, give_metadata(*folder, **at, objects_));
    }
    return std::move(report_);
  }

 private:
  Result<void> restore_one(const Record& record) {
    if (record.metadata.kind == files::Kind::folder) return restore_folder(record);
    if (!record.not_kept.empty()) return fail(Errc::not_found, "not kept: " + record.not_kept);
    const std::string above(files::folder_of(record.path));
    const FileDescriptor folder = POSTERN_TRY(folder_for(above));
    if (record.target) return restore_link(folder.get(), record);
    if (!record.content) {
      return fail(Errc::invalid_input,
                  "a " + std::string(to_string(record.metadata.kind)) + " is not made anew");
    }
    note(record, POSTERN_TRY(place_file(folder.get(), kTemporary, record, objects_)));
    ++report_.files;
    return {};
  }

  // The folder, and those above it, made where they are not in the pack's selection.
  Result<FileDescriptor> folder_for(const std::string& path) {
    auto folder = files::open_folder_beneath(to_.get(), path);
    if (folder || folder.error().code != Errc::not_found || path.empty()) return folder;
    const FileDescriptor above = POSTERN_TRY(folder_for(std::string(files::folder_of(path))));
    return make_folder(above.get(), files::name_of(path));
  }

  Result<void> restore_folder(const Record& record) {
    if (record.path.empty()) return {};
    const FileDescriptor above =
        POSTERN_TRY(folder_for(std::string(files::folder_of(record.path))));
    const std::string name(files::name_of(record.path));
    if (::mkdirat(above.get(), name.c_str(), 0700) == 0) {
      made_.push_back(&record);
      ++report_.folders;
      return {};
    }
    if (errno != EEXIST) return Unexpected<Error>(system_error("make the folder", errno));
    // One that is there stays as it is.
    POSTERN_CHECK(files::open_folder_beneath(to_.get(), record.path));
    return {};
  }

  Result<void> restore_link(int folder, const Record& record) {
    const std::string name(files::name_of(record.path));
    if (::symlinkat(record.target->c_str(), folder, name.c_str()) != 0) {
      return Unexpected<Error>(system_error("make the link", errno));
    }
    const files::Metadata& metadata = record.metadata;
    const std::array<timespec, 2> times{timespec{static_cast<time_t>(metadata.accessed.seconds),
                                                 static_cast<long>(metadata.accessed.nanoseconds)},
                                        timespec{static_cast<time_t>(metadata.modified.seconds),
                                                 static_cast<long>(metadata.modified.nanoseconds)}};
    if (::fchownat(folder, name.c_str(), metadata.uid, metadata.gid, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::utimensat(folder, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
      note(record, {system_error("owner and times", errno).text});
    }
    ++report_.links;
    return {};
  }

  void note(const Record& record, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) report_.notes.push_back(record.path + ": " + text);
  }

  const ObjectStore& objects_;
  FileDescriptor to_;
  std::vector<const Record*> made_;
  RestoreReport report_;
};

}  // namespace

Result<std::vector<std::string>> place_file(int folder, const std::string& temporary,
                                            const Record& record, const ObjectStore& objects) {
  if (!record.content) return fail(Errc::invalid_input, "the record has no content");
  const std::string name(files::name_of(record.path));
  ::unlinkat(folder, temporary.c_str(), 0);
  const FileDescriptor file =
      POSTERN_TRY(files::open_beneath(folder, temporary, O_RDWR | O_CREAT | O_EXCL, 0600));
  auto written = objects.unpack(record.content->sha256, record.content->octets,
                                [&](OctetView piece) { return write_all(file.get(), piece); });
  if (written) written = sync_file(file.get());
  if (written) written = rename_to_new(folder, temporary, name);
  if (!written) {
    ::unlinkat(folder, temporary.c_str(), 0);
    return Unexpected<Error>(std::move(written).error());
  }
  // Behind the rename, which NTFS counts as a change of the file.
  std::vector<std::string> notes = give_metadata(file, record, objects);
  POSTERN_CHECK(sync_file(file.get()));
  return notes;
}

Result<RestoreReport> restore_pack(const WholePack& pack, const std::string& to,
                                   const std::vector<std::string>& paths) {
  const Manifest& manifest = *pack.check.manifest;
  const auto root = files::Root::open(manifest.header.root);
  const bool is_that_root = root && root->metadata().inode == manifest.header.root_inode &&
                            root->metadata().device == manifest.header.root_device;
  if (is_that_root) POSTERN_CHECK(check_apart(*root, to, "the folder to restore to"));
  Restorer restorer(pack.objects, POSTERN_TRY(make_folder_at(to)));
  for (const std::string& path : paths) {
    if (manifest.find(path) == nullptr) {
      return fail(Errc::not_found, "the pack holds no " + path);
    }
  }
  for (const Record& record : manifest.records) {
    if (is_wanted(record.path, paths)) restorer.restore(record);
  }
  return restorer.end();
}

}  // namespace postern::evidence
