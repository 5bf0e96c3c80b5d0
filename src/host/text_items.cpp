#include "host/text_items.h"

#include <charconv>
#include <cstdint>

namespace postern::host {

void append_item(std::string& to, std::string_view item) {
  to += std::to_string(item.size());
  to += ':';
  to += item;
}

std::optional<std::string_view> TextItems::next() {
  std::size_t size = 0;
  const char* const end = left_.data() + left_.size();
  const auto [at, error] = std::from_chars(left_.data(), end, size);
  if (error != std::errc() || at == end || *at != ':') return std::nullopt;
  const auto begin = static_cast<std::size_t>(at + 1 - left_.data());
  if (left_.size() - begin < size) return std::nullopt;
  const std::string_view item = left_.substr(begin, size);
  left_.remove_prefix(begin + size);
  return item;
}

std::optional<std::uint64_t> TextItems::next_number() {
  const auto item = next();
  std::uint64_t number = 0;
  if (!item) return std::nullopt;
  const auto [at, error] = std::from_chars(item->data(), item->data() + item->size(), number);
  if (error != std::errc() || at != item->data() + item->size()) return std::nullopt;
  return number;
}

}  // namespace postern::host
