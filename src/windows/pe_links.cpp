#include "windows/pe_links.h"

#include <algorithm>
#include <optional>

#include "windows/little_endian.h"
#include "windows/pe.h"

namespace postern::windows {
namespace {

constexpr std::size_t kDescriptor = 20;  // Of a library that is taken from.
constexpr std::size_t kExports = 40;
constexpr std::size_t kMaxLibraries = 1'024;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

class LinkReader {
 public:
  LinkReader(OctetView file, const PeFile& pe) : file_(file), pe_(pe) {}

  PeLinks run() {
    read_imports();
    read_exports();
    return std::move(out_);
  }

 private:
  /// What stands in the file from an address of the loaded image on; empty where nothing does.
  OctetView at(std::uint32_t address) const {
    for (const PeSection& section : pe_.sections) {
      if (address < section.address) continue;
      const std::uint32_t within = address - section.address;
      if (within >= section.file_size) continue;
      const std::uint64_t offset = std::uint64_t{section.file_offset} + within;
      if (offset >= file_.size()) return {};
      const std::uint64_t left =
          std::min<std::uint64_t>(section.file_size - within, file_.size() - offset);
      return file_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(left));
    }
    return {};
  }

  /// Empty where no name ends within kMaxName.
  std::string_view name_at(std::uint32_t address) const {
    const OctetView octets = at(address);
    const std::string_view text = text_of(octets.first(std::min(octets.size(), PeLinks::kMaxName)));
    const std::size_t end = text.find('\0');
    return end == std::string_view::npos ? std::string_view{} : text.substr(0, end);
  }

  void read_imports() {
    if (pe_.imports_address == 0) return;
    OctetView table = at(pe_.imports_address);
    for (std::size_t i = 0; i < kMaxLibraries && table.size() >= kDescriptor; ++i) {
      LittleReader entry(table);
      const std::uint32_t names = entry.u32();
      entry.skip(8);
      const std::uint32_t library = entry.u32();
      const std::uint32_t addresses = entry.u32();
      if (library == 0) return;
      // Some linkers leave the first list out.
      read_library(lower(name_at(library)), names != 0 ? names : addresses);
      table = table.subspan(kDescriptor);
    }
  }

  void read_library(const std::string& library, std::uint32_t list) {
    LittleReader in(at(list));
    while (out_.imports.size() < PeLinks::kMaxImports) {
      const std::uint64_t entry = pe_.is_64_bit ? in.u64() : in.u32();
      if (!in.ok() || entry == 0) return;
      const bool is_number = (entry >> (pe_.is_64_bit ? 63U : 31U)) != 0;
      if (is_number) {
        out_.imports.push_back(library + "!#" + std::to_string(entry & 0xFFFFU));
        continue;
      }
      // Two octets in front of the name say where it might be found.
      const std::string_view name = name_at(static_cast<std::uint32_t>(entry) + 2);
      out_.imports.push_back(library + '!' + std::string(name));
    }
  }

  void read_exports() {
    if (pe_.exports_address == 0) return;
    const OctetView table = at(pe_.exports_address);
    if (table.size() < kExports) return;
    const std::size_t count = std::min<std::size_t>(little_u32(&table[24]), PeLinks::kMaxExports);
    LittleReader names(at(little_u32(&table[32])));
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t name = names.u32();
      if (!names.ok()) return;
      out_.exports.emplace_back(name_at(name));
    }
  }

  OctetView file_;
  const PeFile& pe_;
  PeLinks out_;
};

}  // namespace

bool PeLinks::hands_out(std::string_view name) const {
  return std::ranges::find(exports, name) != exports.end();
}

Result<PeLinks> read_pe_links(OctetView file) {
  const PeFile pe = POSTERN_TRY(read_pe(file));
  return LinkReader(file, pe).run();
}

}  // namespace postern::windows
