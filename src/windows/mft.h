// Reads the table of files of an NTFS volume ($MFT), as it lies in a copy: record by record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "windows/pe.h"

namespace postern::windows {

/// Four times in ticks of 100 ns since 1601 (windows/filetime.h).
struct MftTimes {
  std::uint64_t created = 0, modified = 0, changed = 0, accessed = 0;

  bool operator==(const MftTimes&) const = default;
};

/// A file or folder, as its record says.
struct MftEntry {
  static constexpr std::uint64_t kRoot = 5;  ///< The record of the volume's root.

  std::uint64_t record = 0;
  std::uint16_t sequence = 0;  ///< How often the record was given to another file.
  bool in_use = false;         ///< False: it was deleted.
  bool is_folder = false;
  std::uint64_t parent = 0;           ///< The folder's record,
  std::uint16_t parent_sequence = 0;  ///< and its sequence when the name was made.
  std::string name;                   ///< UTF-8; of several the long one.
  std::optional<MftTimes> standard;   ///< $STANDARD_INFORMATION: programs may set them.
  MftTimes of_name;                   ///< $FILE_NAME: only the file system does.
  std::uint32_t attributes = 0;       ///< FILE_ATTRIBUTE_…
  std::vector<std::string> streams;   ///< Names of alternate streams, at most kMaxStreams.
};

/// Reads a table from its beginning. Memory is one record; work is linear. Not for two threads.
class MftReader {
 public:
  static constexpr std::size_t kMinRecord = 512, kMaxRecord = 65'536;
  static constexpr std::size_t kMaxStreams = 64;

  /// invalid_input where the octets at the beginning are no record of such a table.
  static Result<MftReader> open(ReadAt read);

  /// The next record that has a name of its own; null at the end. What it points to lives until
  /// the next call.
  const MftEntry* next();

  std::uint64_t records() const { return records_; }
  /// Records that are torn, or are none: passed over.
  std::uint64_t unread() const { return unread_; }
  /// Why reading ended early; nothing where the table was read to its end.
  const std::optional<Error>& read_error() const { return error_; }

 private:
  MftReader(ReadAt read, std::size_t size) : read_(std::move(read)), octets_(size) {}

  ReadAt read_;
  Octets octets_;  ///< Of one record.
  std::uint64_t at_ = 0;
  std::uint64_t records_ = 0, unread_ = 0;
  MftEntry entry_;
  std::optional<Error> error_;
};

enum class MftRecord : std::uint8_t {
  file,     ///< A file or folder.
  other,    ///< One that was never used, or that goes on another one's.
  damaged,  ///< Torn, or no record.
};

/// One record, whose octets are mended in place by its update sequence. Fills `entry` where it is
/// a file's.
MftRecord read_mft_record(std::span<std::uint8_t> record, std::uint64_t number, MftEntry& entry);

}  // namespace postern::windows
