// Reads a Windows event log (EVTX), record by record, however damaged it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "windows/event.h"
#include "windows/record_gaps.h"

namespace postern::windows {

/// What is wrong with a log, or tells that somebody was at it. None of it ends the reading.
enum class EvtxProblem : std::uint8_t {
  no_file_header,          ///< The file does not begin with ElfFile: cut, or a piece of a disk.
  file_header_checksum,    ///< Of the file's header.
  dirty,                   ///< The log was not closed: its header may tell of less than is there.
  zeroed_chunk,            ///< Nothing but zeros where records were.
  no_chunk_header,         ///< No ElfChnk where a chunk begins; records are looked for in it.
  misplaced_chunk,         ///< A chunk that does not begin where one should.
  chunk_header_checksum,   ///< A chunk's header was changed, or not written whole.
  chunk_records_checksum,  ///< A chunk's records were changed, or not written whole.
  cut_chunk,               ///< The file ends within a chunk.
  bad_record,              ///< No record, or not a whole one, where one should be.
  hidden_record,           ///< A record within another: how one is removed from sight.
  bad_xml,                 ///< What a record says could be read in part only.
  too_much_work,           ///< A record that would grow past a bound was cut there.
  read_failed,             ///< The source gave an error: what follows was not seen.
};
inline constexpr std::size_t kEvtxProblems = 14;

/// A sentence's worth: "a chunk's records have a wrong checksum".
std::string_view to_string(EvtxProblem problem);

/// One problem, and where it was found: an offset into the file.
struct EvtxProblemAt {
  EvtxProblem problem{};
  std::uint64_t offset = 0;

  bool operator==(const EvtxProblemAt&) const = default;
};

/// What was seen of a file so far; gaps once it has been read to its end.
struct EvtxSummary {
  static constexpr std::size_t kMaxKept = 256;  ///< Of problems, and of gaps; all are counted.

  std::uint64_t octets = 0;
  std::uint64_t chunks = 0;   ///< With records in them.
  std::uint64_t records = 0;  ///< Given to the caller,
  std::uint64_t carved = 0;   ///< and how many of these were found by their look.
  bool exported = false;      ///< Records have other ids than the events in them say.
  std::optional<WallTime> first_written, last_written;  ///< Of whole records.

  std::array<std::uint64_t, kEvtxProblems> problem_counts{};  ///< By EvtxProblem.
  std::vector<EvtxProblemAt> problems;                        ///< The first kMaxKept of them.
  bool gaps_known = true;  ///< False: the ids are in such disorder that nothing can be said.
  std::uint64_t gap_count = 0;
  std::uint64_t missing_records = 0;  ///< In all gaps.
  std::vector<RecordGap> gaps;        ///< The first kMaxKept, by id; evidence
                                      ///< of records removed, or of chunks lost.

  std::uint64_t count(EvtxProblem problem) const {
    return problem_counts[static_cast<std::size_t>(problem)];
  }
  bool operator==(const EvtxSummary&) const = default;
};

/// Reads one file from its source to its end. Holds one chunk of 64 KiB and the text of one record
/// (a few MiB at most), whatever the file's size. One thread at a time.
class EvtxReader {
 public:
  /// Puts the file's next octets into the span, and says how many: fewer than asked are fine, 0 is
  /// the end of the file.
  using Source = std::function<Result<std::size_t>(std::span<std::uint8_t>)>;

  explicit EvtxReader(Source source);
  EvtxReader(EvtxReader&&) noexcept;
  EvtxReader& operator=(EvtxReader&&) noexcept;
  ~EvtxReader();

  /// The next record, valid until the next call; nullptr at the end of the file.
  const Event* next();

  /// The last record as XML, the way Windows shows it, valid until the next call of `next`.
  /// Made when it is asked for. Empty where there is no record.
  std::string_view xml();

  const EvtxSummary& summary() const;
  /// Why the source could not be read to its end; nothing where it could.
  const std::optional<Error>& read_error() const;

  /// A source that reads octets that lie in memory, which the caller keeps.
  static Source source_of(OctetView octets);

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

/// Whether a file that begins with these octets is an event log: "ElfFile", or a lone chunk.
bool looks_like_evtx(OctetView head);

}  // namespace postern::windows
