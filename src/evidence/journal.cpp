#include "evidence/journal.h"

#include <array>

#include "evidence/json.h"
#include "evidence/time_text.h"

namespace postern::evidence {
namespace {

constexpr std::size_t kMaxLineOctets = Record::kMaxLineOctets * 2;
constexpr std::array kSteps = {Step::copied, Step::taken, Step::restoring, Step::restored};

std::optional<Step> step_of(std::string_view text) {
  for (const Step step : kSteps) {
    if (to_string(step) == text) return step;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Step step) {
  switch (step) {
    case Step::copied:
      return "copied";
    case Step::taken:
      return "taken";
    case Step::restoring:
      return "restoring";
    case Step::restored:
      return "restored";
  }
  return "unknown";
}

std::string to_json(const JournalHeader& header) {
  return JsonObject()
      .text("format", JournalHeader::kFormat)
      .octets("root", header.root)
      .number("root_inode", header.root_inode)
      .text("case", header.case_name)
      .text("plan_sha256", header.plan_sha256)
      .octets("pack", header.pack)
      .text("manifest_sha256", header.manifest_sha256)
      .done();
}

Result<JournalHeader> journal_header_from_json(std::string_view line) {
  const Json json = POSTERN_TRY(Json::parse(line, kMaxLineOctets));
  if (json["format"].text() != JournalHeader::kFormat) {
    return fail(Errc::corrupt, "not the journal of a quarantine of this format");
  }
  return JournalHeader{json.octets("root").value_or(""),
                       json["root_inode"].number().value_or(0),
                       json["case"].text(),
                       json["plan_sha256"].text(),
                       json.octets("pack").value_or(""),
                       json["manifest_sha256"].text()};
}

std::string to_json(const JournalEntry& entry) {
  JsonObject out;
  out.text("step", to_string(entry.step)).number("n", entry.number);
  out.text("folder_modified", to_decimal(entry.folder_modified));
  out.text("folder_accessed", to_decimal(entry.folder_accessed));
  if (entry.folder_modified_after) {
    out.text("folder_modified_after", to_decimal(*entry.folder_modified_after));
  }
  // The record as text: what reads it back bounds it by itself.
  return out.text("record", to_json(entry.record)).done();
}

Result<JournalEntry> journal_entry_from_json(std::string_view line) {
  const Json json = POSTERN_TRY(Json::parse(line, kMaxLineOctets));
  const auto step = step_of(json["step"].text());
  const auto number = json["n"].number();
  const auto modified = from_decimal(json["folder_modified"].text());
  const auto accessed = from_decimal(json["folder_accessed"].text());
  if (!step || !number || !modified || !accessed) {
    return fail(Errc::corrupt, "a line of the journal is not whole");
  }
  JournalEntry entry;
  entry.step = *step;
  entry.number = *number;
  entry.folder_modified = *modified;
  entry.folder_accessed = *accessed;
  entry.folder_modified_after = from_decimal(json["folder_modified_after"].text());
  entry.record = POSTERN_TRY(record_from_json(json["record"].text()));
  if (!entry.record.content || entry.record.path.empty()) {
    return fail(Errc::corrupt, "a line of the journal has no file");
  }
  return entry;
}

Result<Journal> Journal::open_or_begin(int folder, const JournalHeader& header) {
  LineFile file = POSTERN_TRY(LineFile::open(folder, kJournalFile, kMaxOctets));
  if (file.lines().empty()) {
    POSTERN_CHECK(file.append(to_json(header)));
    return Journal(std::move(file), header);
  }
  const JournalHeader there = POSTERN_TRY(journal_header_from_json(file.lines().front()));
  if (there != header) {
    return fail(Errc::denied,
                "the quarantine was begun with another plan or pack; name another "
                "folder for this one");
  }
  Journal journal(std::move(file), header);
  POSTERN_CHECK(journal.read_entries());
  return journal;
}

Result<Journal> Journal::open(int folder) {
  // Without this a wrong folder would get an empty journal.
  POSTERN_CHECK(read_file(folder, kJournalFile, kMaxOctets));
  LineFile file = POSTERN_TRY(LineFile::open(folder, kJournalFile, kMaxOctets));
  if (file.lines().empty()) return fail(Errc::not_found, "the journal is empty: nothing was done");
  JournalHeader header = POSTERN_TRY(journal_header_from_json(file.lines().front()));
  Journal journal(std::move(file), std::move(header));
  POSTERN_CHECK(journal.read_entries());
  return journal;
}

Result<void> Journal::read_entries() {
  for (std::size_t at = 1; at < file_.lines().size(); ++at) {
    const auto entry = journal_entry_from_json(file_.lines()[at]);
    const std::string place = "journal, line " + std::to_string(at + 1);
    if (!entry) return Unexpected<Error>(Error(entry.error()).context(place));
    entries_[entry->record.path] = *entry;
  }
  return {};
}

const JournalEntry* Journal::find(const std::string& path) const {
  const auto at = entries_.find(path);
  return at == entries_.end() ? nullptr : &at->second;
}

Result<void> Journal::write(const JournalEntry& entry) {
  POSTERN_CHECK(file_.append(to_json(entry)));
  entries_[entry.record.path] = entry;
  return {};
}

}  // namespace postern::evidence
