// Octets, and bounds-checked reading and writing of them in network byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace postern {

using Octets = std::vector<std::uint8_t>;
using OctetView = std::span<const std::uint8_t>;

/// The octets of `text`; valid while `text` is.
inline OctetView octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The text of `octets`; valid while they are.
inline std::string_view text_of(OctetView octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

inline std::uint16_t load_u16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>((at[0] << 8) | at[1]);
}
inline std::uint32_t load_u32(const std::uint8_t* at) {
  return (std::uint32_t{at[0]} << 24) | (std::uint32_t{at[1]} << 16) | (std::uint32_t{at[2]} << 8) |
         std::uint32_t{at[3]};
}
inline void store_u16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
inline void store_u32(std::uint8_t* at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 24);
  at[1] = static_cast<std::uint8_t>(value >> 16);
  at[2] = static_cast<std::uint8_t>(value >> 8);
  at[3] = static_cast<std::uint8_t>(value);
}

/// Reads forward through octets. A read past the end fails, returns zero (or an
/// empty view) and makes `ok` false for good: check once at the end, or as you go.
class ByteReader {
 public:
  explicit ByteReader(OctetView octets, std::size_t offset = 0)
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
    return load_u16(&octets_[offset_ - 2]);
  }
  std::uint32_t u32() {
    if (!need(4)) return 0;
    offset_ += 4;
    return load_u32(&octets_[offset_ - 4]);
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

/// Writes forward into a buffer of fixed size. A write that does not fit writes
/// nothing and makes `ok` false for good.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<std::uint8_t> buffer) : buffer_(buffer) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return size_; }
  std::size_t left() const { return buffer_.size() - size_; }
  OctetView written() const { return buffer_.first(size_); }

  void u8(std::uint8_t value) {
    if (need(1)) buffer_[size_++] = value;
  }
  void u16(std::uint16_t value) {
    if (!need(2)) return;
    store_u16(&buffer_[size_], value);
    size_ += 2;
  }
  void u32(std::uint32_t value) {
    if (!need(4)) return;
    store_u32(&buffer_[size_], value);
    size_ += 4;
  }
  void octets(OctetView from) {
    if (from.empty() || !need(from.size())) return;
    std::memcpy(&buffer_[size_], from.data(), from.size());
    size_ += from.size();
  }
  /// Overwrites two octets written before. `at + 2 <= size()`.
  void patch_u16(std::size_t at, std::uint16_t value) { store_u16(&buffer_[at], value); }
  /// Forgets all from `size` on, and any failure since: for "it did not fit".
  void rewind(std::size_t size) {
    size_ = size;
    ok_ = true;
  }

 private:
  bool need(std::size_t count) {
    if (!ok_ || count > left()) ok_ = false;
    return ok_;
  }

  std::span<std::uint8_t> buffer_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace postern
