#include "windows/pe.h"

#include <algorithm>

#include "windows/little_endian.h"

namespace postern::windows {
namespace {

constexpr std::size_t kDosHeader = 64;
constexpr std::size_t kFileHeader = 24;  // With its signature.
constexpr std::size_t kSectionHeader = 40;
constexpr std::size_t kMaxSections = 96;                           // As Windows' loader has it.
constexpr std::size_t kMaxRead = 64 << 10;                         // Octets.
constexpr std::size_t kMaxResourceEntries = 4096;                  // Of a directory.
constexpr std::size_t kExports = 0, kImports = 1, kResources = 2;  // Data directories.
constexpr std::size_t kCertificates = 4, kClr = 14;
constexpr std::uint32_t kVersionResource = 16;

struct Directory {
  std::uint32_t address = 0, size = 0;
};

class PeReader {
 public:
  explicit PeReader(const ReadAt& read) : read_(read) {}

  Result<PeFile> run() {
    POSTERN_CHECK(headers());
    file_.has_certificates = directories_[kCertificates].size > 0;
    file_.is_managed = directories_[kClr].size > 0;
    file_.imports_address = directories_[kImports].address;
    file_.exports_address = directories_[kExports].address;
    POSTERN_CHECK(version());
    if (file_.is_managed) POSTERN_CHECK(module_name());
    return std::move(file_);
  }

 private:
  /// Up to `size` octets, fewer where the file ends.
  Result<Octets> octets_at(std::uint64_t offset, std::size_t size) {
    Octets octets(std::min(size, kMaxRead));
    std::size_t have = 0;
    while (have < octets.size()) {
      const std::size_t count = POSTERN_TRY(read_(offset + have, std::span{octets}.subspan(have)));
      if (count == 0) break;
      have += std::min(count, octets.size() - have);
    }
    octets.resize(have);
    return octets;
  }

  /// Where an address of the loaded image is in the file; nothing where it is not.
  std::optional<std::uint64_t> offset_of(std::uint32_t address) const {
    for (const PeSection& section : file_.sections) {
      if (address < section.address) continue;
      const std::uint32_t within = address - section.address;
      if (within < section.file_size) return std::uint64_t{section.file_offset} + within;
    }
    return std::nullopt;
  }

  /// Octets at an address of the loaded image; none where it has none.
  Result<Octets> octets_of_image(std::uint32_t address, std::size_t size) {
    const auto offset = offset_of(address);
    if (!offset) return Octets{};
    return octets_at(*offset, size);
  }

  Result<void> headers();
  void read_optional_header(OctetView header);
  void read_sections(OctetView table);
  Result<void> version();
  Result<std::optional<Directory>> version_resource();
  Result<std::optional<std::uint32_t>> resource_entry(std::uint32_t directory,
                                                      std::optional<std::uint32_t> id);
  Result<void> module_name();

  const ReadAt& read_;
  PeFile file_;
  std::array<Directory, 16> directories_;
};

Result<void> PeReader::headers() {
  const auto not_pe = [] { return fail(Errc::invalid_input, "not a Windows program or library"); };
  const Octets dos = POSTERN_TRY(octets_at(0, kDosHeader));
  if (dos.size() < kDosHeader || dos[0] != 'M' || dos[1] != 'Z') return not_pe();
  const std::uint32_t at = little_u32(&dos[60]);
  const Octets head = POSTERN_TRY(octets_at(at, 4096));
  if (head.size() < kFileHeader || !text_of(head).starts_with(std::string_view{"PE\0\0", 4})) {
    return not_pe();
  }
  file_.machine = little_u16(&head[4]);
  const std::size_t sections = std::min<std::size_t>(little_u16(&head[6]), kMaxSections);
  file_.timestamp = little_u32(&head[8]);
  const std::size_t optional_size = little_u16(&head[20]);
  file_.is_library = (little_u16(&head[22]) & 0x2000U) != 0;
  const OctetView optional = OctetView{head}.subspan(kFileHeader);
  read_optional_header(optional.first(std::min(optional_size, optional.size())));
  const Octets table = POSTERN_TRY(
      octets_at(std::uint64_t{at} + kFileHeader + optional_size, sections * kSectionHeader));
  read_sections(table);
  return {};
}

void PeReader::read_optional_header(OctetView header) {
  if (header.size() < 2) return;
  file_.is_64_bit = little_u16(header.data()) == 0x020B;
  const std::size_t count_at = file_.is_64_bit ? 108 : 92;
  if (header.size() < count_at + 4) return;
  const std::size_t said = little_u32(&header[count_at]);
  const std::size_t count =
      std::min({said, directories_.size(), (header.size() - count_at - 4) / 8});
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* entry = &header[count_at + 4 + i * 8];
    directories_[i] = {little_u32(entry), little_u32(entry + 4)};
  }
}

void PeReader::read_sections(OctetView table) {
  for (; table.size() >= kSectionHeader; table = table.subspan(kSectionHeader)) {
    std::string name(text_of(table.first(8)));
    name.resize(std::min(name.find('\0'), name.size()));
    file_.sections.push_back({.name = std::move(name),
                              .address = little_u32(&table[12]),
                              .size = little_u32(&table[8]),
                              .file_offset = little_u32(&table[20]),
                              .file_size = little_u32(&table[16]),
                              .flags = little_u32(&table[36])});
  }
}

/// Where a resource directory's entry leads to: the one with `id`, or the first of all.
Result<std::optional<std::uint32_t>> PeReader::resource_entry(std::uint32_t directory,
                                                              std::optional<std::uint32_t> id) {
  const Octets octets = POSTERN_TRY(
      octets_of_image(directories_[kResources].address + directory, 16 + kMaxResourceEntries * 8));
  if (octets.size() < 16) return std::optional<std::uint32_t>{};
  const std::size_t said = std::size_t{little_u16(&octets[12])} + little_u16(&octets[14]);
  const std::size_t count = std::min(said, (octets.size() - 16) / 8);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* entry = &octets[16 + i * 8];
    if (!id || little_u32(entry) == *id) return std::optional{little_u32(entry + 4)};
  }
  return std::optional<std::uint32_t>{};
}

/// Type, name, language: the version's first of each.
Result<std::optional<Directory>> PeReader::version_resource() {
  constexpr std::uint32_t kInner = 0x80000000;
  std::uint32_t at = kInner;
  for (int level = 0; level < 3; ++level) {
    if ((at & kInner) == 0) return std::optional<Directory>{};
    const auto wanted = level == 0 ? std::optional{kVersionResource} : std::nullopt;
    const auto next = POSTERN_TRY(resource_entry(at & ~kInner, wanted));
    if (!next) return std::optional<Directory>{};
    at = *next;
  }
  if ((at & kInner) != 0) return std::optional<Directory>{};
  const Octets entry = POSTERN_TRY(octets_of_image(directories_[kResources].address + at, 16));
  if (entry.size() < 16) return std::optional<Directory>{};
  return std::optional{Directory{little_u32(entry.data()), little_u32(&entry[4])}};
}

Result<void> PeReader::version() {
  if (directories_[kResources].size == 0) return {};
  const auto resource = POSTERN_TRY(version_resource());
  if (!resource) return {};
  const Octets octets = POSTERN_TRY(octets_of_image(resource->address, resource->size));
  file_.version = read_version_info(octets);
  return {};
}

/// ECMA-335 II.24: the CLR header leads to the metadata, whose first table has the module's row.
Result<void> PeReader::module_name() {
  const Octets clr = POSTERN_TRY(octets_of_image(directories_[kClr].address, 72));
  if (clr.size() < 16) return {};
  const std::uint32_t metadata = little_u32(&clr[8]);
  const Octets head = POSTERN_TRY(octets_of_image(metadata, 4096));
  LittleReader reader(head);
  if (reader.u32() != 0x424A5342) return {};
  reader.skip(8);
  const std::size_t version_size = reader.u32();
  reader.skip(version_size);
  reader.skip(2);
  const std::size_t streams = reader.u16();
  std::optional<std::uint32_t> tables, strings;
  for (std::size_t i = 0; i < std::min<std::size_t>(streams, 16) && reader.ok(); ++i) {
    const std::uint32_t offset = reader.u32();
    reader.skip(4);
    std::string name;
    while (const std::uint8_t octet = reader.u8()) name += static_cast<char>(octet);
    reader.skip(3 - name.size() % 4);
    if (name == "#~" || name == "#-") tables = offset;
    if (name == "#Strings") strings = offset;
  }
  if (!reader.ok() || !tables || !strings) return {};
  const Octets table = POSTERN_TRY(octets_of_image(metadata + *tables, 1024));
  LittleReader row(table);
  row.skip(6);
  const bool wide_strings = (row.u8() & 1U) != 0;
  row.skip(1);
  std::uint64_t present = row.u64();
  if ((present & 1U) == 0) return {};
  row.skip(8);
  for (; present != 0; present &= present - 1) row.skip(4);  // How many rows each table has.
  row.skip(2);
  const std::uint32_t name_at = wide_strings ? row.u32() : row.u16();
  if (!row.ok()) return {};
  const Octets name = POSTERN_TRY(octets_of_image(metadata + *strings + name_at, 260));
  const std::string_view text = text_of(name);
  file_.module_name = text.substr(0, std::min(text.find('\0'), text.size()));
  return {};
}

}  // namespace

Result<PeFile> read_pe(const ReadAt& read) {
  return PeReader(read).run();
}

Result<PeFile> read_pe(OctetView octets) {
  return read_pe([&](std::uint64_t offset, std::span<std::uint8_t> into) -> Result<std::size_t> {
    if (offset >= octets.size()) return std::size_t{0};
    const std::size_t count =
        std::min<std::size_t>(into.size(), octets.size() - static_cast<std::size_t>(offset));
    std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  });
}

}  // namespace postern::windows
