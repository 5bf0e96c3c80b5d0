// PackedQuery: a query record as it waits in a queue.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "event/query.h"

namespace postern::journal {

/// An event::Query takes some 700 octets, most of them unused room for names; packed it is
/// about 110, so that a queue of 65,536 takes 12 MB instead of 46. Only names far longer
/// than usual take memory of their own. Moves, does not copy.
class PackedQuery {
 public:
  /// Replaces what was held. About 50 ns; allocates only if it is over kInlineOctets.
  void pack(const event::Query& query);
  /// What was packed; a default Query where nothing was or it was moved away.
  event::Query unpack() const;
  bool is_threat() const;
  std::size_t octets() const { return size_; }

  static constexpr std::size_t kInlineOctets = 168;

 private:
  // Also true where a long record was moved away.
  bool is_empty() const { return size_ == 0 || (size_ > kInlineOctets && !large_); }
  const std::uint8_t* data() const { return large_ ? large_.get() : small_.data(); }

  std::array<std::uint8_t, kInlineOctets> small_{};
  std::unique_ptr<std::uint8_t[]> large_;
  std::uint16_t size_ = 0;
};

}  // namespace postern::journal
