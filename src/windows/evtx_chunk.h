// The parts of an event log's file: its header, its chunks, and where the records in one are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/octets.h"
#include "windows/event.h"

namespace postern::windows {

inline constexpr std::size_t kEvtxChunk = 64 << 10;        ///< Octets.
inline constexpr std::size_t kEvtxChunkHeader = 512;       ///< Octets.
inline constexpr std::size_t kEvtxFileHeader = 128;        ///< Octets that say something.
inline constexpr std::size_t kEvtxFileHeaderBlock = 4096;  ///< Octets before the first chunk.
inline constexpr std::size_t kEvtxRecordHeader = 24;       ///< Octets before its BinXML.

struct EvtxFileHeader {
  std::size_t block = kEvtxFileHeaderBlock;  ///< Where the first chunk begins.
  std::uint32_t chunks = 0;
  bool is_dirty = false;
  bool checksum_right = false;
};
/// Nothing where the octets do not begin with a header.
std::optional<EvtxFileHeader> read_file_header(OctetView head);

struct EvtxChunkHeader {
  std::size_t free_space = 0;  ///< Where the records end, as the header says.
  bool checksum_right = false;
  std::uint32_t records_checksum = 0;
};
/// Nothing where the octets do not begin with a chunk's header.
std::optional<EvtxChunkHeader> read_chunk_header(OctetView chunk);
/// Whether the records have the checksum that the header says. False where they are not all here.
bool records_checksum_right(OctetView chunk, const EvtxChunkHeader& header);
/// Where a chunk with a right header begins, at `from` or later; also one whose header is not all
/// here. Nothing where there is none.
std::optional<std::size_t> find_chunk(OctetView octets, std::size_t from);

bool is_all_zero(OctetView octets);

/// A record, or what is left of one.
struct RecordRange {
  std::size_t begin = 0, end = 0;  ///< With header, and with the size at its end.
  EventOrigin origin{};
  bool is_whole = true;   ///< False: it is cut, or its size is wrong.
  bool is_slack = false;  ///< Behind the end of the log, or within another record: its id says
                          ///< nothing about what the log holds.
  std::optional<std::size_t> damage{};  ///< Where no record was, though one should have been.
};

/// Finds the records of a chunk, one after the other. Linear in the chunk.
class RecordFinder {
 public:
  RecordFinder() = default;
  /// `header`: of the chunk, whose checksum is right; nothing where the chunk has none to trust.
  RecordFinder(OctetView chunk, const std::optional<EvtxChunkHeader>& header);

  std::optional<RecordRange> next();
  /// Records may be hidden in these octets of the record that was given last: `next` gives them
  /// first. False where there are none.
  bool look_within(std::size_t begin, std::size_t end);

 private:
  bool has_magic(std::size_t at) const;
  bool is_whole(std::size_t at, std::size_t limit) const;
  std::optional<std::size_t> find_whole(std::size_t from, std::size_t limit) const;
  std::optional<std::size_t> find_hidden(std::size_t from) const;
  RecordRange whole(std::size_t at, EventOrigin origin);
  std::optional<RecordRange> damaged();

  OctetView chunk_;
  bool has_header_ = false;
  std::size_t at_ = 0;
  std::size_t free_space_ = 0;
  std::uint64_t last_id_ = 0;
  bool in_slack_ = false;
  std::size_t hidden_at_ = 0, hidden_end_ = 0;
};

}  // namespace postern::windows
