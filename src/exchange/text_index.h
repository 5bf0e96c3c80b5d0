// TextIndex: numbers for texts, in the order in which they are first seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/text_hash.h"

namespace postern::exchange {

/// Open addressing: a text that is known costs its hash, and one comparison. Not for two threads
/// at once.
class TextIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  /// `most`: so many texts at most.
  explicit TextIndex(std::size_t most) : most_(most) { clear(); }

  /// The number of a text, which is made where it is new; kNone where there is no room for it.
  std::uint32_t number(std::string_view text);
  const std::string& text(std::uint32_t number) const { return texts_[number]; }
  std::size_t size() const { return texts_.size(); }
  void clear();

 private:
  struct Slot {
    std::uint32_t tag = 0, number = kNone;
  };

  void grow();

  std::size_t most_;
  std::vector<Slot> slots_;  ///< A power of two, half full at most.
  std::vector<std::string> texts_;
};

}  // namespace postern::exchange
