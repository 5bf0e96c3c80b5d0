#include "evidence/quarantine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "evidence/beneath.h"
#include "evidence/digest_file.h"
#include "evidence/journal.h"
#include "evidence/sha256.h"
#include "evidence/taking.h"

namespace postern::evidence {
namespace {

// Of a sentence in the custody log, whose lines are bounded.
constexpr std::size_t kMaxNamedOctets = 16'384;

Result<files::Root> open_root(const std::string& path, std::uint64_t inode) {
  files::Root root = POSTERN_TRY(files::Root::open(path));
  if (root.metadata().inode != inode) {
    return fail(Errc::denied, path + " is not the folder that it was: is it mounted?");
  }
  return root;
}

std::string named(const std::vector<std::string>& paths) {
  std::string text;
  std::size_t count = 0;
  for (const std::string& path : paths) {
    if (text.size() + path.size() > kMaxNamedOctets) break;
    if (count++ > 0) text += ", ";
    text += path;
  }
  if (count < paths.size()) text += fmt::format(" and {} more", paths.size() - count);
  return text;
}

/// An interrupted run may have left the custody log of the pack without its last signature. Where
/// this does not help, what verifies the pack says why.
void mend(const std::string& pack, const Witness& witness, const SigningKey& key) {
  const auto folder = open_folder_at(pack);
  if (folder) static_cast<void>(mend_custody(folder->get(), witness, key));
}

/// What is wrong with the pack for this file; empty where nothing is.
std::string what_the_pack_lacks(const Manifest& manifest, const PlanItem& item) {
  const Record* record = manifest.find(item.path);
  if (record == nullptr || !record->content) return "the evidence pack does not hold it";
  if (is_incomplete(*record)) return "the evidence pack does not hold all of it";
  if (*record->content != item.content) return "the evidence pack holds other octets of it";
  return {};
}

/// What is wrong with the file as it is now.
std::string what_has_changed(const files::Root& root, const PlanItem& item) {
  const auto metadata = root.metadata_of(item.path);
  if (!metadata) return metadata.error().text;
  if (metadata->links > 1) return "it has got another name since the plan was made";
  const auto content = digest_file(root, item.path);
  if (!content) return content.error().text;
  if (*content != item.content) return "it has changed since the plan was made";
  return {};
}

/// A plan that may be applied, and what it takes to do so.
struct Prepared {
  files::Root root;
  WholePack pack;
  std::vector<const PlanItem*> items;
};

Result<Prepared> prepare(const QuarantineOrder& order, const SigningKey& key) {
  const Plan& plan = order.plan;
  if (!plan.complete) {
    return fail(Errc::denied, "the plan is from a sweep that had errors: repeat the sweep first");
  }
  files::Root root = POSTERN_TRY(open_root(plan.root, plan.root_inode));
  POSTERN_CHECK(check_apart(root, order.quarantine, "the quarantine"));
  POSTERN_CHECK(check_apart(root, order.pack, "the pack"));
  WholePack pack = POSTERN_TRY(open_whole_pack(order.pack, &key.public_key()));
  const ManifestHeader& header = pack.check.manifest->header;
  if (header.case_name != plan.case_name || header.root_inode != plan.root_inode) {
    return fail(Errc::denied, "the pack is of case \"" + header.case_name + "\" and root " +
                                  header.root + ", the plan of another");
  }
  Prepared prepared{std::move(root), std::move(pack), {}};
  for (const PlanItem& item : plan.items) {
    if (item.left_alone.empty()) prepared.items.push_back(&item);
  }
  return prepared;
}

/// Checks every file before the first one is touched; those that an interrupted run has begun with
/// are the journal's to judge.
void check_files(const Prepared& prepared, const Journal* journal, QuarantineReport& report) {
  for (const PlanItem* item : prepared.items) {
    if (journal != nullptr && journal->find(item->path) != nullptr) continue;
    std::string wrong = what_the_pack_lacks(*prepared.pack.check.manifest, *item);
    if (wrong.empty()) wrong = what_has_changed(prepared.root, *item);
    if (!wrong.empty()) report.problems.push_back(item->path + ": " + wrong);
  }
}

void note_left_alone(const Plan& plan, QuarantineReport& report) {
  for (const PlanItem& item : plan.items) {
    if (!item.left_alone.empty()) {
      report.notes.push_back(item.path + " is left alone: " + item.left_alone);
    }
  }
}

Result<void> take_all(const QuarantineOrder& order, const SigningKey& key, const Prepared& prepared,
                      QuarantineReport& report) {
  // A run that is refused leaves no folder behind.
  if (!open_folder_at(order.quarantine)) check_files(prepared, nullptr, report);
  if (!report.problems.empty()) return {};
  const FileDescriptor folder = POSTERN_TRY(make_folder_at(order.quarantine));
  POSTERN_CHECK(check_apart(prepared.root, order.quarantine, "the quarantine"));
  POSTERN_CHECK(lock_folder(folder));
  const Plan& plan = order.plan;
  Journal journal = POSTERN_TRY(Journal::open_or_begin(
      folder.get(), {plan.root, plan.root_inode, plan.case_name, sha256_hex(to_json(plan)),
                     order.pack, prepared.pack.check.manifest_sha256}));
  check_files(prepared, &journal, report);
  if (!report.problems.empty()) return {};
  ObjectStore objects = POSTERN_TRY(ObjectStore::create(folder.get()));
  Taking taking(prepared.root, objects, journal);
  for (const PlanItem* item : prepared.items) {
    const auto taken = taking.take(*item);
    if (taken) report.done.push_back(item->path);
    if (!taken) report.problems.push_back(item->path + ": " + taken.error().text);
  }
  if (report.done.empty()) return {};
  return note_custody(
      prepared.pack, "quarantined",
      fmt::format("{} files to {}: {}", report.done.size(), order.quarantine, named(report.done)),
      order.witness, key);
}

std::vector<std::string> to_put_back(const Journal& journal) {
  std::vector<const JournalEntry*> entries;
  for (const auto& [path, entry] : journal.entries()) {
    if (entry.step != Step::restored) entries.push_back(&entry);
  }
  // The last one taken first: so each finds its folder as it left it.
  std::ranges::sort(entries, std::greater{}, [](const JournalEntry* one) { return one->number; });
  std::vector<std::string> paths;
  paths.reserve(entries.size());
  for (const JournalEntry* entry : entries) paths.push_back(entry->record.path);
  return paths;
}

void note_rollback(const Journal& journal, const Witness& witness, const SigningKey& key,
                   QuarantineReport& report) {
  const auto pack = open_whole_pack(journal.header().pack);
  auto noted = pack ? note_custody(*pack, "rolled back",
                                   fmt::format("{} files of {}: {}", report.done.size(),
                                               journal.header().root, named(report.done)),
                                   witness, key)
                    : Result<void>(Unexpected<Error>(pack.error()));
  if (!noted) {
    report.notes.push_back("the custody log of the pack could not be written: " +
                           noted.error().text);
  }
}

}  // namespace

Result<QuarantineReport> check_plan(const QuarantineOrder& order, const SigningKey& key) {
  const Prepared prepared = POSTERN_TRY(prepare(order, key));
  QuarantineReport report;
  note_left_alone(order.plan, report);
  check_files(prepared, nullptr, report);
  for (const PlanItem* item : prepared.items) report.done.push_back(item->path);
  return report;
}

Result<QuarantineReport> apply_plan(const QuarantineOrder& order, const SigningKey& key) {
  mend(order.pack, order.witness, key);
  const Prepared prepared = POSTERN_TRY(prepare(order, key));
  QuarantineReport report;
  note_left_alone(order.plan, report);
  POSTERN_CHECK(take_all(order, key, prepared, report));
  return report;
}

Result<QuarantineReport> check_rollback(const std::string& quarantine) {
  const FileDescriptor folder = POSTERN_TRY(open_folder_at(quarantine));
  POSTERN_CHECK(lock_folder(folder));
  const Journal journal = POSTERN_TRY(Journal::open(folder.get()));
  QuarantineReport report;
  report.done = to_put_back(journal);
  return report;
}

Result<QuarantineReport> roll_back(const std::string& quarantine, const Witness& witness,
                                   const SigningKey& key) {
  const FileDescriptor folder = POSTERN_TRY(open_folder_at(quarantine));
  POSTERN_CHECK(lock_folder(folder));
  Journal journal = POSTERN_TRY(Journal::open(folder.get()));
  const files::Root root =
      POSTERN_TRY(open_root(journal.header().root, journal.header().root_inode));
  ObjectStore objects = POSTERN_TRY(ObjectStore::open(folder.get()));
  mend(journal.header().pack, witness, key);
  Taking taking(root, objects, journal);
  QuarantineReport report;
  for (const std::string& path : to_put_back(journal)) {
    const auto notes = taking.put_back(path);
    if (!notes) {
      report.problems.push_back(path + ": " + notes.error().text);
      continue;
    }
    report.done.push_back(path);
    for (const std::string& note : *notes) report.notes.push_back(path + ": " + note);
  }
  if (!report.done.empty()) note_rollback(journal, witness, key, report);
  return report;
}

}  // namespace postern::evidence
