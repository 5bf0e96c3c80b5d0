#include "exchange/dump_check.h"

#include <algorithm>

#include "exchange/known_good.h"

namespace postern::exchange {
namespace {

constexpr std::uint32_t kModuleListStream = 4;
constexpr std::size_t kModuleOctets = 108;
constexpr std::size_t kNameOffset = 20;
constexpr std::size_t kMaxModules = 512;
constexpr std::size_t kMaxStreams = 256;
constexpr std::size_t kMaxNameOctets = 1024;

// A little-endian number at `at`; nothing where the octets end before.
std::optional<std::uint32_t> number_at(OctetView octets, std::size_t at) {
  if (at > octets.size() || octets.size() - at < 4) return std::nullopt;
  return std::uint32_t{octets[at]} | (std::uint32_t{octets[at + 1]} << 8) |
         (std::uint32_t{octets[at + 2]} << 16) | (std::uint32_t{octets[at + 3]} << 24);
}

// A length and UTF-16; ASCII is enough to know a module.
std::string name_at(OctetView octets, std::size_t at) {
  std::string out;
  const auto length = number_at(octets, at);
  if (!length || *length > kMaxNameOctets) return out;
  for (std::size_t i = at + 4; i + 1 < octets.size() && i < at + 4 + *length; i += 2) {
    out += octets[i + 1] == 0 ? static_cast<char>(octets[i]) : '?';
  }
  return lower(file_name_of(out));
}

}  // namespace

std::optional<MemoryDump> memory_dump(OctetView head) {
  if (!text_of(head.first(std::min<std::size_t>(head.size(), 4))).starts_with("MDMP")) {
    return std::nullopt;
  }
  MemoryDump out;
  const auto streams = number_at(head, 8);
  const auto directory = number_at(head, 12);
  if (!streams || !directory) return out;
  for (std::size_t i = 0; i < std::min<std::size_t>(*streams, kMaxStreams); ++i) {
    const std::size_t entry = std::size_t{*directory} + 12 * i;
    const auto type = number_at(head, entry);
    const auto list = number_at(head, entry + 8);
    if (!type || !list) break;
    if (*type != kModuleListStream) continue;
    const auto count = number_at(head, *list);
    if (!count) break;
    out.modules_seen = true;
    for (std::size_t m = 0; m < std::min<std::size_t>(*count, kMaxModules); ++m) {
      const auto name = number_at(head, std::size_t{*list} + 4 + m * kModuleOctets + kNameOffset);
      if (!name) break;
      std::string module = name_at(head, *name);
      if (!module.empty()) out.modules.push_back(std::move(module));
    }
  }
  out.of_lsass = std::ranges::any_of(out.modules, [](const std::string& module) {
    return module == "lsass.exe" || module == "lsasrv.dll";
  });
  return out;
}

}  // namespace postern::exchange
