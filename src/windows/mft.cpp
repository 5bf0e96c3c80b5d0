#include "windows/mft.h"

#include <algorithm>
#include <utility>

#include "windows/little_endian.h"
#include "windows/utf16.h"

namespace postern::windows {
namespace {

constexpr std::uint32_t kSignature = 0x454C4946;  // "FILE"
constexpr std::size_t kHeader = 48;
constexpr std::size_t kSector = 512;
constexpr std::uint16_t kInUse = 1, kFolder = 2;
constexpr std::uint32_t kStandardInformation = 0x10, kFileName = 0x30, kData = 0x80;
constexpr std::uint32_t kEnd = 0xFFFFFFFF;
constexpr std::uint8_t kDosName = 2;
constexpr std::uint64_t kRecordMask = 0x0000FFFFFFFFFFFF;

/// The last two octets of each sector stand in the header, and a mark in their place: a record of
/// which only some sectors were written has another one.
bool mend(std::span<std::uint8_t> record) {
  const std::size_t offset = little_u16(&record[4]);
  const std::size_t count = little_u16(&record[6]);
  if (count == 0 || count - 1 > record.size() / kSector) return false;
  if (offset < 40 || offset + 2 * count > record.size()) return false;
  for (std::size_t sector = 0; sector + 1 < count; ++sector) {
    std::uint8_t* const end = &record[(sector + 1) * kSector - 2];
    const std::uint8_t* const kept = &record[offset + 2 * (sector + 1)];
    if (end[0] != record[offset] || end[1] != record[offset + 1]) return false;
    end[0] = kept[0];
    end[1] = kept[1];
  }
  return true;
}

MftTimes times_of(LittleReader& in) {
  MftTimes out;
  out.created = in.u64();
  out.modified = in.u64();
  out.changed = in.u64();
  out.accessed = in.u64();
  return out;
}

class RecordReader {
 public:
  RecordReader(OctetView record, MftEntry& entry) : record_(record), entry_(entry) {}

  bool run() {
    std::size_t at = little_u16(&record_[20]);
    const std::size_t used = std::min<std::size_t>(little_u32(&record_[24]), record_.size());
    while (at + 8 <= used) {
      const std::uint32_t type = little_u32(&record_[at]);
      const std::size_t size = little_u32(&record_[at + 4]);
      if (type == kEnd || size < 24 || size > used - at) break;
      take(type, record_.subspan(at, size));
      at += size;
    }
    return has_name_;
  }

 private:
  void take(std::uint32_t type, OctetView attribute) {
    const bool is_resident = attribute[8] == 0;
    if (type == kData) return take_stream(attribute);
    if (!is_resident) return;
    const std::size_t size = little_u32(&attribute[16]);
    const std::size_t offset = little_u16(&attribute[20]);
    if (offset > attribute.size() || size > attribute.size() - offset) return;
    const OctetView value = attribute.subspan(offset, size);
    if (type == kStandardInformation) take_standard(value);
    if (type == kFileName) take_name(value);
  }

  void take_standard(OctetView value) {
    LittleReader in(value);
    const MftTimes times = times_of(in);
    const std::uint32_t attributes = in.u32();
    if (!in.ok()) return;
    entry_.standard = times;
    entry_.attributes = attributes;
  }

  void take_name(OctetView value) {
    LittleReader in(value);
    const std::uint64_t parent = in.u64();
    const MftTimes times = times_of(in);
    in.skip(24);  // Sizes, attributes, and what a reparse point is.
    const std::size_t length = in.u8();
    const std::uint8_t space = in.u8();
    const OctetView name = in.take(2 * length);
    if (!in.ok() || length == 0) return;
    // "PROGRA~1" counts where there is no other.
    if (has_name_ && space == kDosName) return;
    has_name_ = true;
    entry_.parent = parent & kRecordMask;
    entry_.parent_sequence = static_cast<std::uint16_t>(parent >> 48U);
    entry_.of_name = times;
    entry_.name = utf8_of(name);
  }

  void take_stream(OctetView attribute) {
    const std::size_t length = attribute[9];
    const std::size_t offset = little_u16(&attribute[10]);
    if (length == 0 || entry_.streams.size() >= MftReader::kMaxStreams) return;
    if (offset > attribute.size() || 2 * length > attribute.size() - offset) return;
    entry_.streams.push_back(utf8_of(attribute.subspan(offset, 2 * length)));
  }

  OctetView record_;
  MftEntry& entry_;
  bool has_name_ = false;
};

}  // namespace

MftRecord read_mft_record(std::span<std::uint8_t> record, std::uint64_t number, MftEntry& entry) {
  if (record.size() < kHeader) return MftRecord::damaged;
  const std::uint32_t signature = little_u32(record.data());
  if (signature == 0) return MftRecord::other;
  if (signature != kSignature || !mend(record)) return MftRecord::damaged;
  entry = {};
  entry.record = number;
  entry.sequence = little_u16(&record[16]);
  const std::uint16_t flags = little_u16(&record[22]);
  entry.in_use = (flags & kInUse) != 0;
  entry.is_folder = (flags & kFolder) != 0;
  const bool goes_on = (little_u64(&record[32]) & kRecordMask) != 0;
  if (goes_on || !RecordReader(record, entry).run()) return MftRecord::other;
  return MftRecord::file;
}

Result<MftReader> MftReader::open(ReadAt read) {
  Octets head(kHeader);
  const std::size_t have = POSTERN_TRY(read(0, head));
  if (have < kHeader || little_u32(head.data()) != kSignature) {
    return fail(Errc::invalid_input, "no table of files of NTFS");
  }
  const std::size_t size = little_u32(&head[28]);
  if (size < kMinRecord || size > kMaxRecord || size % kSector != 0) {
    return fail(Errc::invalid_input, "a table of files with records of no known size");
  }
  return MftReader(std::move(read), size);
}

const MftEntry* MftReader::next() {
  while (true) {
    std::size_t have = 0;
    while (have < octets_.size()) {
      const auto count = read_(at_ + have, std::span(octets_).subspan(have));
      if (!count) {
        error_ = count.error();
        return nullptr;
      }
      if (*count == 0) break;
      have += std::min(*count, octets_.size() - have);
    }
    if (have < octets_.size()) {
      if (have > 0) ++unread_;
      return nullptr;
    }
    at_ += octets_.size();
    const std::uint64_t number = records_++;
    const MftRecord kind = read_mft_record(octets_, number, entry_);
    if (kind == MftRecord::file) return &entry_;
    if (kind == MftRecord::damaged) ++unread_;
  }
}

}  // namespace postern::windows
