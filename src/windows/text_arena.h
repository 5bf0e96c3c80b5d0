// TextArena: text that stays where it is until all of it is let go.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace postern::windows {

/// Room for the text of one record, or of one chunk's names. `clear` keeps the memory, but no more
/// than kMaxKept of it.
class TextArena {
 public:
  static constexpr std::size_t kBlock = 64 << 10;   ///< Octets.
  static constexpr std::size_t kMaxKept = 1 << 20;  ///< Octets.

  /// Where up to `size` chars may be written, of which `commit` keeps the first ones. One
  /// reservation at a time.
  char* reserve(std::size_t size);
  /// What was written from `from` (which `reserve` gave) to `end`; valid until `clear`.
  std::string_view commit(const char* from, const char* end);
  /// A copy of `text`, valid until `clear`.
  std::string_view keep(std::string_view text);
  void clear();

 private:
  struct Block {
    std::unique_ptr<char[]> chars;
    std::size_t size = 0;
  };

  std::vector<Block> blocks_;
  std::size_t block_ = 0;  ///< The one that is written to,
  std::size_t used_ = 0;   ///< and how much of it is taken.
};

}  // namespace postern::windows
