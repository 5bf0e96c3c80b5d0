#include "windows/text_arena.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace postern::windows {

char* TextArena::reserve(std::size_t size) {
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t room = std::max(size, kBlock);
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(room), room});
    used_ = 0;
  }
  return blocks_[block_].chars.get() + used_;
}

std::string_view TextArena::commit(const char* from, const char* end) {
  const auto size = static_cast<std::size_t>(end - from);
  POSTERN_ASSERT(size <= blocks_[block_].size - used_);
  used_ += size;
  return {from, size};
}

std::string_view TextArena::keep(std::string_view text) {
  if (text.empty()) return {};
  char* to = reserve(text.size());
  std::memcpy(to, text.data(), text.size());
  return commit(to, to + text.size());
}

void TextArena::clear() {
  std::size_t kept = 0;
  std::erase_if(blocks_, [&](const Block& block) {
    kept += block.size;
    return kept > kMaxKept;
  });
  block_ = used_ = 0;
}

}  // namespace postern::windows
