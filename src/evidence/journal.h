// Journal: how far a quarantine is, so that one that was interrupted is finished or undone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evidence/durable.h"
#include "evidence/record.h"

namespace postern::evidence {

inline constexpr std::string_view kJournalFile = "journal.jsonl";

struct JournalHeader {
  static constexpr std::string_view kFormat = "postern-quarantine 1";

  std::string root;  ///< Octets.
  std::uint64_t root_inode = 0;
  std::string case_name;
  std::string plan_sha256;      ///< Of the plan as JSON.
  std::string pack;             ///< Where the evidence pack was.
  std::string manifest_sha256;  ///< Of that pack.

  bool operator==(const JournalHeader&) const = default;
};

/// What has happened to one file. Each is on disk before what it allows is done.
enum class Step : std::uint8_t {
  copied,     ///< Its octets are in the quarantine, checked; the file is still there, or half gone.
  taken,      ///< It is out of the tree.
  restoring,  ///< It is being put back.
  restored,   ///< It is back.
};

/// "copied", "taken", "restoring", "restored".
std::string_view to_string(Step step);

struct JournalEntry {
  Step step{};
  std::uint64_t number = 0;  ///< Of the file in this quarantine, from 1; names it while it moves.
  Record record;
  /// Of the folder the file was in, before it was taken; and its `modified` afterwards.
  files::Time folder_modified, folder_accessed;
  std::optional<files::Time> folder_modified_after;
};

std::string to_json(const JournalHeader& header);
Result<JournalHeader> journal_header_from_json(std::string_view line);
std::string to_json(const JournalEntry& entry);
Result<JournalEntry> journal_entry_from_json(std::string_view line);

/// The journal in a quarantine's folder.
class Journal {
 public:
  static constexpr std::size_t kMaxOctets = 512U << 20;

  /// Goes on with the one there is, whose header must be `header`, or begins it.
  static Result<Journal> open_or_begin(int folder, const JournalHeader& header);
  /// Of a quarantine that is there.
  static Result<Journal> open(int folder);

  const JournalHeader& header() const { return header_; }
  /// The last entry of each file, by path.
  const std::map<std::string, JournalEntry>& entries() const { return entries_; }
  /// Null where the file was not touched yet.
  const JournalEntry* find(const std::string& path) const;

  /// Forced to disk.
  Result<void> write(const JournalEntry& entry);

 private:
  Journal(LineFile file, JournalHeader header)
      : file_(std::move(file)), header_(std::move(header)) {}
  Result<void> read_entries();

  LineFile file_;
  JournalHeader header_;
  std::map<std::string, JournalEntry> entries_;
};

}  // namespace postern::evidence
