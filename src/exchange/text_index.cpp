#include "exchange/text_index.h"

namespace postern::exchange {
namespace {

constexpr std::size_t kFirstSlots = 1'024;

}  // namespace

std::uint32_t TextIndex::number(std::string_view text) {
  const std::uint64_t hash = text_hash(text);
  const auto tag = static_cast<std::uint32_t>(hash >> 32U);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at].number != kNone) {
    if (slots_[at].tag == tag && texts_[slots_[at].number] == text) return slots_[at].number;
    at = (at + 1) & mask;
  }
  if (texts_.size() >= most_) return kNone;
  const auto number = static_cast<std::uint32_t>(texts_.size());
  slots_[at] = {tag, number};
  texts_.emplace_back(text);
  if (texts_.size() * 2 > slots_.size()) grow();
  return number;
}

void TextIndex::clear() {
  texts_.clear();
  slots_.assign(kFirstSlots, {});
}

void TextIndex::grow() {
  slots_.assign(slots_.size() * 2, {});
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t number = 0; number < texts_.size(); ++number) {
    const std::uint64_t hash = text_hash(texts_[number]);
    std::size_t at = hash & mask;
    while (slots_[at].number != kNone) at = (at + 1) & mask;
    slots_[at] = {static_cast<std::uint32_t>(hash >> 32U), number};
  }
}

}  // namespace postern::exchange
