// The version resource: blocks of a key, a value and blocks within.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "windows/little_endian.h"
#include "windows/pe.h"
#include "windows/utf16.h"

namespace postern::windows {
namespace {

constexpr std::uint32_t kFixedSignature = 0xFEEF04BD;
constexpr std::size_t kFixedSize = 52;
constexpr std::size_t kMaxTexts = 256;  // Real ones have 12 in a language.

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

struct Block {
  OctetView key;  ///< UTF-16, without its NUL.
  OctetView value;
  OctetView children;  ///< What follows the value.
  std::size_t size = 0;
};

std::size_t aligned(std::size_t at) {
  return (at + 3) & ~std::size_t{3};
}

/// The block that the octets begin with; they begin at a multiple of four of the resource.
std::optional<Block> read_block(OctetView octets) {
  if (octets.size() < 6) return std::nullopt;
  Block block;
  block.size = std::min<std::size_t>(little_u16(octets.data()), octets.size());
  const std::size_t value_length = little_u16(&octets[2]);
  const bool is_text = little_u16(&octets[4]) == 1;
  if (block.size < 6) return std::nullopt;
  const OctetView whole = octets.first(block.size);
  std::size_t at = 6;
  while (at + 2 <= whole.size() && little_u16(&whole[at]) != 0) at += 2;
  block.key = whole.subspan(6, at - 6);
  at = std::min(aligned(at + 2), whole.size());
  // Texts are measured in characters; some tools write octets.
  const std::size_t length = std::min(value_length * (is_text ? 2 : 1), whole.size() - at);
  block.value = whole.subspan(at, length);
  block.children = whole.subspan(std::min(aligned(at + length), whole.size()));
  return block;
}

/// Tells each block of a list.
template <class Visit>
void each_block(OctetView list, Visit visit) {
  while (const auto block = read_block(list)) {
    visit(*block);
    list = list.subspan(std::min(aligned(block->size), list.size()));
  }
}

/// Up to its NUL.
std::string text_before_nul(OctetView utf16) {
  std::string text = utf8_of(utf16);
  text.resize(std::min(text.find('\0'), text.size()));
  return text;
}

FileVersion version_of(const std::uint8_t* at) {
  return {.major = little_u16(at + 2),
          .minor = little_u16(at),
          .build = little_u16(at + 6),
          .revision = little_u16(at + 4)};
}

}  // namespace

std::string FileVersion::text() const {
  return fmt::format("{}.{}.{}.{}", major, minor, build, revision);
}

std::string_view VersionInfo::text(std::string_view name) const {
  const auto found = std::find_if(texts.begin(), texts.end(), [&](const auto& item) {
    return std::equal(item.first.begin(), item.first.end(), name.begin(), name.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
  });
  return found == texts.end() ? std::string_view{} : std::string_view{found->second};
}

std::optional<VersionInfo> read_version_info(OctetView resource) {
  const auto root = read_block(resource);
  if (!root || utf8_of(root->key) != "VS_VERSION_INFO") return std::nullopt;
  VersionInfo info;
  if (root->value.size() >= kFixedSize && little_u32(root->value.data()) == kFixedSignature) {
    info.file = version_of(&root->value[8]);
    info.product = version_of(&root->value[16]);
  }
  each_block(root->children, [&](const Block& kind) {
    if (utf8_of(kind.key) != "StringFileInfo") return;
    each_block(kind.children, [&](const Block& table) {
      each_block(table.children, [&](const Block& text) {
        if (info.texts.size() == kMaxTexts || text.key.empty()) return;
        info.texts.emplace_back(utf8_of(text.key), text_before_nul(text.value));
      });
    });
  });
  return info;
}

}  // namespace postern::windows
