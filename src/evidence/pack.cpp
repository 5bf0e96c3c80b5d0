#include "evidence/pack.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "evidence/beneath.h"
#include "evidence/capture.h"
#include "evidence/durable.h"
#include "evidence/selection.h"
#include "evidence/sha256.h"
#include "evidence/time_text.h"
#include "files/folder_names.h"
#include "files/open_beneath.h"

namespace postern::evidence {
namespace {

bool is_there(int folder, std::string_view name) {
  return files::open_beneath(folder, name, O_PATH).has_value();
}

/// A pack while it is made.
class Maker {
 public:
  Maker(const PackOrder& order, const SigningKey& key, const files::Root& root,
        FileDescriptor folder, ObjectStore objects)
      : order_(order),
        key_(key),
        root_(root),
        folder_(std::move(folder)),
        objects_(std::move(objects)) {}

  Result<PackReport> make(const Selection& selection) {
    LineFile partial =
        POSTERN_TRY(LineFile::open(folder_.get(), kPartialManifest, kMaxManifestOctets));
    POSTERN_CHECK(begin(partial));
    for (const std::string& path : selection.paths) {
      Record record = POSTERN_TRY(record_of(path, partial));
      const auto listed = selection.not_listed.find(path);
      if (listed != selection.not_listed.end() && record.not_kept.empty()) {
        record.not_kept = "not all that is in it could be listed: " + listed->second;
      }
      manifest_.records.push_back(std::move(record));
    }
    POSTERN_CHECK(end());
    return report();
  }

 private:
  // The header of the run before, if there was one, and what it had kept.
  Result<void> begin(LineFile& partial) {
    const bool is_resumed = !partial.lines().empty();
    ManifestHeader& header = manifest_.header;
    if (is_resumed) {
      header = POSTERN_TRY(header_from_json(partial.lines().front()));
      // Its device's number may be another one where it was mounted anew.
      if (header.case_name != order_.case_name || header.root_inode != root_.metadata().inode) {
        return fail(Errc::denied, "the pack was begun for the case \"" + header.case_name +
                                      "\" and the root " + header.root +
                                      "; name another folder for this one");
      }
      remember(partial.lines());
    } else {
      const Witness& witness = order_.witness;
      header = {order_.case_name,
                order_.root,
                root_.metadata().device,
                root_.metadata().inode,
                to_utc(witness.now()),
                witness.who,
                witness.host,
                witness.program,
                0,
                0};
    }
    POSTERN_CHECK(take_key());
    CustodyEntry entry;
    entry.event = is_resumed ? "resumed" : "begun";
    entry.what = fmt::format("the pack of case \"{}\" from {}", header.case_name, header.root);
    POSTERN_CHECK(add_to_custody(folder_.get(), entry, order_.witness, key_));
    // Last: a run that finds this line finds the key and the custody log, too.
    if (!is_resumed) POSTERN_CHECK(partial.append(to_json(header)));
    return {};
  }

  Result<void> take_key() {
    const std::string pem = key_.public_key().pem();
    if (!is_there(folder_.get(), kPublicKeyFile)) {
      return replace_file(folder_.get(), kPublicKeyFile, pem, 0644);
    }
    if (POSTERN_TRY(read_file(folder_.get(), kPublicKeyFile, kMaxPemOctets)) == pem) return {};
    return fail(Errc::denied, "the pack was begun with another key");
  }

  void remember(const std::vector<std::string>& lines) {
    for (std::size_t at = 1; at < lines.size(); ++at) {
      const auto record = record_from_json(lines[at]);
      if (record) before_[record->path] = *record;
    }
  }

  Result<Record> record_of(const std::string& path, LineFile& partial) {
    const auto before = before_.find(path);
    if (before != before_.end() && holds(before->second)) {
      ++report_.reused;
      return before->second;
    }
    auto record = capture(root_, path, objects_);
    if (!record) return Unexpected<Error>(std::move(record).error().context("the pack"));
    // Its objects are on disk by now; so is this line before the next file is read.
    POSTERN_CHECK(partial.append(to_json(*record)));
    return record;
  }

  /// Whether what the interrupted run kept of a file is whole and is still what the file is.
  bool holds(const Record& record) const {
    if (!record.content || is_incomplete(record)) return false;
    const auto now = root_.metadata_of(record.path);
    if (!now || !now->is_unchanged_since(record.metadata)) return false;
    const auto is_kept = [this](const Kept& kept) {
      return objects_.check(kept.sha256, kept.octets).has_value();
    };
    return is_kept(*record.content) &&
           std::ranges::all_of(record.attributes, [&](const KeptAttribute& attribute) {
             return is_kept(attribute.value);
           });
  }

  Result<void> end() {
    ManifestHeader& header = manifest_.header;
    header.records = manifest_.records.size();
    header.not_kept =
        static_cast<std::uint64_t>(std::ranges::count_if(manifest_.records, is_incomplete));
    POSTERN_CHECK(objects_.keep_only(objects_of(manifest_)));
    const std::string text = to_text(manifest_);
    report_.manifest_sha256 = sha256_hex(text);
    POSTERN_CHECK(replace_file(folder_.get(), kManifestFile, text, 0644));
    const Octets signature = key_.sign(octets_of(text));
    POSTERN_CHECK(replace_file(folder_.get(), kManifestSignature, text_of(signature), 0644));
    CustodyEntry entry;
    entry.event = "complete";
    entry.what = fmt::format("the pack holds {} records; of {} not all is kept", header.records,
                             header.not_kept);
    entry.manifest_sha256 = report_.manifest_sha256;
    POSTERN_CHECK(add_to_custody(folder_.get(), entry, order_.witness, key_));
    // From here on the pack is whole; what is left is to tidy up.
    ::unlinkat(folder_.get(), std::string(kPartialManifest).c_str(), 0);
    ::unlinkat(folder_.get(), "partial", AT_REMOVEDIR);
    return sync_folder(folder_.get());
  }

  PackReport report() {
    report_.records = manifest_.records.size();
    report_.key_fingerprint = key_.public_key().fingerprint();
    for (const Record& record : manifest_.records) {
      if (record.content) ++report_.files;
      if (record.content) report_.octets += record.content->octets;
      if (!record.not_kept.empty()) {
        report_.incomplete.push_back(record.path + ": " + record.not_kept);
      }
      if (record.changed_while_read) {
        report_.incomplete.push_back(record.path + ": it changed while it was read");
      }
      for (const std::string& attribute : record.attributes_not_kept) {
        report_.incomplete.push_back(record.path + ": " + attribute);
      }
    }
    report_.stored_octets = objects_.written_octets();
    return std::move(report_);
  }

  const PackOrder& order_;
  const SigningKey& key_;
  const files::Root& root_;
  FileDescriptor folder_;
  ObjectStore objects_;
  Manifest manifest_;
  std::map<std::string, Record> before_;
  PackReport report_;
};

/// Whether the custody log, signed to its end, says that the manifest which is there was completed.
Result<bool> is_whole(int folder, const PublicKey& key) {
  if (!is_there(folder, kManifestFile) || !is_there(folder, kCustodySignature)) return false;
  const std::string sha256 =
      sha256_hex(POSTERN_TRY(read_file(folder, kManifestFile, kMaxManifestOctets)));
  const std::string log = POSTERN_TRY(read_file(folder, kCustodyFile, kMaxCustodyOctets));
  const std::string signature = POSTERN_TRY(read_file(folder, kCustodySignature, kSignatureOctets));
  const CustodyCheck check = check_custody(log, octets_of(signature), key);
  return check.problems.empty() &&
         std::ranges::any_of(check.entries, [&](const CustodyEntry& entry) {
           return entry.event == "complete" && entry.manifest_sha256 == sha256;
         });
}

/// Refuses a folder that is neither empty nor a pack that was begun.
Result<void> check_folder(int folder, const PublicKey& key) {
  if (POSTERN_TRY(is_whole(folder, key))) {
    return fail(Errc::denied, "the pack is whole already; a pack is made once");
  }
  if (is_there(folder, kPartialManifest)) return {};
  // A run that was interrupted before its first line left these alone.
  constexpr std::string_view kOurs[] = {"objects",           "partial",        "custody.log",
                                        "custody.sig",       "public-key.pem", "custody.sig.new",
                                        "public-key.pem.new"};
  const FileDescriptor list = POSTERN_TRY(files::open_folder_beneath(folder, ""));
  auto names = POSTERN_TRY(files::FolderNames::open(list));
  POSTERN_CHECK(names.read_portion(1U << 16));
  for (std::size_t at = 0; at < names.size(); ++at) {
    if (std::ranges::find(kOurs, std::string_view(names.name(at))) == std::end(kOurs)) {
      return fail(Errc::denied, "the folder is not empty, and no pack");
    }
  }
  return {};
}

}  // namespace

Result<PackReport> create_pack(const PackOrder& order, const SigningKey& key) {
  const files::Root root = POSTERN_TRY(files::Root::open(order.root));
  POSTERN_CHECK(check_apart(root, order.pack, "the pack"));
  const Selection selection = POSTERN_TRY(select(root, order.places));
  FileDescriptor folder = POSTERN_TRY(make_folder_at(order.pack));
  POSTERN_CHECK(check_apart(root, order.pack, "the pack"));
  auto ready = lock_folder(folder);
  if (ready) ready = check_folder(folder.get(), key.public_key());
  if (!ready) return Unexpected<Error>(std::move(ready).error().context(order.pack));
  ObjectStore objects = POSTERN_TRY(ObjectStore::create(folder.get()));
  return Maker(order, key, root, std::move(folder), std::move(objects)).make(selection);
}

Result<WholePack> open_whole_pack(const std::string& pack, const PublicKey* expected) {
  PackCheck check = POSTERN_TRY(verify_pack(pack, expected));
  if (!check.problems.empty()) {
    return fail(Errc::corrupt, pack + ": " + check.problems.front());
  }
  FileDescriptor folder = POSTERN_TRY(open_folder_at(pack));
  ObjectStore objects = POSTERN_TRY(ObjectStore::open(folder.get()));
  return WholePack{std::move(folder), std::move(objects), std::move(check)};
}

Result<void> note_custody(const WholePack& pack, const std::string& event, const std::string& what,
                          const Witness& witness, const SigningKey& key) {
  if (key.public_key().fingerprint() != pack.check.key_fingerprint) {
    return fail(Errc::denied, "the pack is signed by another key than the one here");
  }
  CustodyEntry entry;
  entry.event = event;
  entry.what = what;
  return add_to_custody(pack.folder.get(), entry, witness, key);
}

}  // namespace postern::evidence
