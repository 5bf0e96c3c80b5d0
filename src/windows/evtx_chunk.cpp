#include "windows/evtx_chunk.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <zlib.h>

#include "windows/little_endian.h"

namespace postern::windows {
namespace {

using std::string_view_literals::operator""sv;
constexpr std::string_view kFileMagic = "ElfFile\0"sv;
constexpr std::string_view kChunkMagic = "ElfChnk\0"sv;
constexpr std::string_view kRecordMagic = "**\0\0"sv;
constexpr std::size_t kMinRecord = kEvtxRecordHeader + 4;

bool begins_with(OctetView octets, std::string_view magic) {
  return text_of(octets).starts_with(magic);
}

std::uint32_t checksum(OctetView octets, std::uint32_t before = 0) {
  return static_cast<std::uint32_t>(crc32(before, octets.data(), static_cast<uInt>(octets.size())));
}

}  // namespace

std::optional<EvtxFileHeader> read_file_header(OctetView head) {
  if (head.size() < kEvtxFileHeader || !begins_with(head, kFileMagic)) return std::nullopt;
  EvtxFileHeader header;
  const std::size_t block = little_u16(&head[40]);
  if (block >= kEvtxFileHeader && block <= kEvtxChunk / 2) header.block = block;
  header.chunks = little_u16(&head[42]);
  header.is_dirty = (little_u32(&head[120]) & 1U) != 0;
  header.checksum_right = checksum(head.first(120)) == little_u32(&head[124]);
  return header;
}

std::optional<EvtxChunkHeader> read_chunk_header(OctetView chunk) {
  if (chunk.size() < kEvtxChunkHeader || !begins_with(chunk, kChunkMagic)) return std::nullopt;
  EvtxChunkHeader header;
  header.free_space = little_u32(&chunk[48]);
  header.records_checksum = little_u32(&chunk[52]);
  const std::uint32_t sum = checksum(chunk.subspan(128, 384), checksum(chunk.first(120)));
  header.checksum_right = sum == little_u32(&chunk[124]) && header.free_space >= kEvtxChunkHeader &&
                          header.free_space <= kEvtxChunk;
  return header;
}

bool records_checksum_right(OctetView chunk, const EvtxChunkHeader& header) {
  if (header.free_space < kEvtxChunkHeader || header.free_space > chunk.size()) return false;
  const OctetView records = chunk.subspan(kEvtxChunkHeader, header.free_space - kEvtxChunkHeader);
  return checksum(records) == header.records_checksum;
}

std::optional<std::size_t> find_chunk(OctetView octets, std::size_t from) {
  const std::string_view text = text_of(octets);
  for (std::size_t at = text.find(kChunkMagic, from); at != std::string_view::npos;
       at = text.find(kChunkMagic, at + 1)) {
    if (octets.size() - at < kEvtxChunkHeader) return at;
    if (read_chunk_header(octets.subspan(at))->checksum_right) return at;
  }
  return std::nullopt;
}

bool is_all_zero(OctetView octets) {
  return octets.empty() ||
         (octets[0] == 0 && std::memcmp(octets.data(), octets.data() + 1, octets.size() - 1) == 0);
}

RecordFinder::RecordFinder(OctetView chunk, const std::optional<EvtxChunkHeader>& header)
    : chunk_(chunk),
      has_header_(header.has_value()),
      at_(std::min(begins_with(chunk, kChunkMagic) ? kEvtxChunkHeader : 0, chunk.size())),
      free_space_(header ? std::min(header->free_space, chunk.size()) : chunk.size()) {}

bool RecordFinder::has_magic(std::size_t at) const {
  return begins_with(chunk_.subspan(at), kRecordMagic);
}

bool RecordFinder::is_whole(std::size_t at, std::size_t limit) const {
  if (limit - at < kMinRecord || !has_magic(at)) return false;
  const std::size_t size = little_u32(&chunk_[at + 4]);
  return size >= kMinRecord && size <= limit - at && little_u32(&chunk_[at + size - 4]) == size;
}

std::optional<std::size_t> RecordFinder::find_whole(std::size_t from, std::size_t limit) const {
  const std::string_view text = text_of(chunk_.first(limit));
  for (std::size_t at = text.find(kRecordMagic, from); at != std::string_view::npos;
       at = text.find(kRecordMagic, at + 1)) {
    if (is_whole(at, limit)) return at;
  }
  return std::nullopt;
}

/// The last hidden record ends where the one around it does, whose size took its own's place.
std::optional<std::size_t> RecordFinder::find_hidden(std::size_t from) const {
  const std::string_view text = text_of(chunk_.first(hidden_end_));
  for (std::size_t at = text.find(kRecordMagic, from); at != std::string_view::npos;
       at = text.find(kRecordMagic, at + 1)) {
    if (hidden_end_ - at < kMinRecord) break;
    if (is_whole(at, hidden_end_) || little_u32(&chunk_[at + 4]) == hidden_end_ - at) return at;
  }
  return std::nullopt;
}

bool RecordFinder::look_within(std::size_t begin, std::size_t end) {
  hidden_end_ = std::min(end, chunk_.size());
  hidden_at_ = std::min(begin, hidden_end_);
  return find_hidden(hidden_at_).has_value();
}

RecordRange RecordFinder::whole(std::size_t at, EventOrigin origin) {
  RecordRange range{.begin = at, .end = at + little_u32(&chunk_[at + 4]), .origin = origin};
  const std::uint64_t id = little_u64(&chunk_[at + 8]);
  // What follows on is a record that the header does not know of yet; else one of an older log.
  if (at >= free_space_ && id != last_id_ + 1) in_slack_ = true;
  range.is_slack = in_slack_;
  if (in_slack_ || !has_header_) range.origin = EventOrigin::carved;
  last_id_ = id;
  at_ = range.end;
  return range;
}

std::optional<RecordRange> RecordFinder::next() {
  if (hidden_at_ < hidden_end_) {
    if (const auto hidden = find_hidden(hidden_at_)) {
      hidden_at_ = *hidden + little_u32(&chunk_[*hidden + 4]);
      return RecordRange{.begin = *hidden,
                         .end = hidden_at_,
                         .origin = EventOrigin::carved,
                         .is_whole = true,
                         .is_slack = true};
    }
    hidden_at_ = hidden_end_;
  }
  if (chunk_.size() - at_ >= kMinRecord && is_whole(at_, chunk_.size())) {
    return whole(at_, EventOrigin::in_order);
  }
  if (at_ >= free_space_ && is_all_zero(chunk_.subspan(at_))) return std::nullopt;
  return damaged();
}

/// No whole record is where one should be.
std::optional<RecordRange> RecordFinder::damaged() {
  const std::size_t from = at_;
  const bool expected = from < free_space_;
  const auto found = find_whole(std::min(from + 1, chunk_.size()), chunk_.size());
  const bool begins_here = expected && chunk_.size() - from >= kMinRecord && has_magic(from);
  if (!found && !begins_here) {
    at_ = chunk_.size();
    if (!expected || !has_header_) return std::nullopt;
    return RecordRange{.begin = from, .end = from, .is_whole = false, .damage = from};
  }
  if (!begins_here) {
    RecordRange range = whole(*found, EventOrigin::carved);
    if (expected && has_header_) range.damage = from;
    return range;
  }
  last_id_ = little_u64(&chunk_[from + 8]);
  at_ = found.value_or(chunk_.size());
  return RecordRange{
      .begin = from, .end = at_, .origin = EventOrigin::carved, .is_whole = false, .damage = from};
}

}  // namespace postern::windows
