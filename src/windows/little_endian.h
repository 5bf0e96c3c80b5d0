// Bounds-checked reading of octets in the byte order of Windows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/octets.h"

namespace postern::windows {

inline std::uint16_t little_u16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] | (at[1] << 8));
}
inline std::uint32_t little_u32(const std::uint8_t* at) {
  return std::uint32_t{at[0]} | (std::uint32_t{at[1]} << 8) | (std::uint32_t{at[2]} << 16) |
         (std::uint32_t{at[3]} << 24);
}
inline std::uint64_t little_u64(const std::uint8_t* at) {
  return little_u32(at) | (std::uint64_t{little_u32(at + 4)} << 32);
}

/// Reads forward through octets. A read past the end fails, returns zero (or an empty view) and
/// makes `ok` false for good: check once at the end, or as you go.
class LittleReader {
 public:
  explicit LittleReader(OctetView octets, std::size_t offset = 0)
      : octets_(octets), offset_(offset), ok_(offset <= octets.size()) {
    if (!ok_) offset_ = octets.size();
  }

  bool ok() const { return ok_; }
  std::size_t offset() const { return offset_; }
  std::size_t left() const { return octets_.size() - offset_; }

  std::uint8_t u8() { return need(1) ? octets_[offset_++] : std::uint8_t{0}; }
  std::uint16_t u16() {
    if (!need(2)) return 0;
    offset_ += 2;
    return little_u16(&octets_[offset_ - 2]);
  }
  std::uint32_t u32() {
    if (!need(4)) return 0;
    offset_ += 4;
    return little_u32(&octets_[offset_ - 4]);
  }
  std::uint64_t u64() {
    if (!need(8)) return 0;
    offset_ += 8;
    return little_u64(&octets_[offset_ - 8]);
  }
  /// A view of the next `count` octets; empty where there are fewer.
  OctetView take(std::size_t count) {
    if (!need(count)) return {};
    offset_ += count;
    return octets_.subspan(offset_ - count, count);
  }
  void skip(std::size_t count) {
    if (need(count)) offset_ += count;
  }

 private:
  bool need(std::size_t count) {
    if (!ok_ || count > left()) ok_ = false;
    return ok_;
  }

  OctetView octets_;
  std::size_t offset_;
  bool ok_;
};

}  // namespace postern::windows
