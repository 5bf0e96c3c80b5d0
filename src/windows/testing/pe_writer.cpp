#include "windows/testing/pe_writer.h"

#include <charconv>
#include <utility>

#include "windows/testing/little_endian_writer.h"

namespace postern::windows::testing {
namespace {

constexpr std::uint32_t kTextAddress = 0x2000, kResourceAddress = 0x10000;
constexpr std::uint32_t kTextOffset = 0x400, kAlignment = 0x200;
constexpr std::uint32_t kClrHeader = 72;

/// A block of the version resource; `value_length` as the block says it.
Octets block(const std::string& key, bool is_text, std::size_t value_length, const Octets& value,
             const Octets& children) {
  Octets octets;
  put_u16(octets, 0);
  put_u16(octets, value_length);
  put_u16(octets, is_text ? 1 : 0);
  put_octets(octets, utf16(key));
  put_u16(octets, 0);
  pad(octets, 4);
  put_octets(octets, value);
  if (!children.empty()) pad(octets, 4);
  put_octets(octets, children);
  set_little(octets, 0, octets.size(), 2);
  pad(octets, 4);
  return octets;
}

void put_version(Octets& to, const FileVersion& version) {
  put_u32(to, (std::uint32_t{version.major} << 16) | version.minor);
  put_u32(to, (std::uint32_t{version.build} << 16) | version.revision);
}

/// Three directories, one in the other, and the version behind them.
Octets resources(const VersionInfo& info) {
  Octets octets;
  const auto directory = [&](std::uint32_t id, std::uint32_t place) {
    octets.resize(octets.size() + 12);
    put_u16(octets, 0);
    put_u16(octets, 2);
    put_u32(octets, 1);  // Another one in front, which leads nowhere.
    put_u32(octets, 0x7FFFFFFF);
    put_u32(octets, id);
    put_u32(octets, place);
  };
  directory(16, 0x80000020);
  // Of names and languages the first is taken: here there is only one.
  for (const std::uint32_t place : {0x80000038U, 0x50U}) {
    octets.resize(octets.size() + 12);
    put_u16(octets, 0);
    put_u16(octets, 1);
    put_u32(octets, 1033);
    put_u32(octets, place);
  }
  const Octets version = write_version_info(info);
  put_u32(octets, kResourceAddress + 0x60);
  put_u32(octets, version.size());
  put_u64(octets, 0);
  put_octets(octets, version);
  return octets;
}

Octets clr(const std::string& module) {
  Octets octets;
  put_u32(octets, kClrHeader);
  put_u16(octets, 2);
  put_u16(octets, 5);
  put_u32(octets, kTextAddress + kClrHeader);
  octets.resize(kClrHeader);
  put_u32(octets, 0x424A5342);
  put_u64(octets, 0x10001);
  put_u32(octets, 12);
  put_octets(octets, octets_of("v4.0.30319"));
  pad(octets, 4);
  put_u16(octets, 0);
  put_u16(octets, 2);
  const std::size_t heads = octets.size();
  put_u64(octets, 0);
  put_octets(octets, Octets{'#', '~', 0, 0});
  put_u64(octets, 0);
  put_octets(octets, Octets{'#', 'S', 't', 'r', 'i', 'n', 'g', 's', 0, 0, 0, 0});
  set_little(octets, heads, octets.size() - kClrHeader, 4);
  put_u32(octets, 0);
  put_octets(octets, Octets{2, 0, 0, 1});
  put_u64(octets, 0x5);  // Two tables.
  put_u64(octets, 0);
  put_u64(octets, 0x0000000100000001);
  put_u16(octets, 0);
  put_u16(octets, 7);
  octets.resize(octets.size() + 16);
  set_little(octets, heads + 12, octets.size() - kClrHeader, 4);
  put_octets(octets, octets_of(std::string("\0before\0", 7)));
  put_octets(octets, octets_of(module));
  octets.push_back(0);
  return octets;
}

/// Tables of what is taken and handed out, from an address of the loaded image on.
struct LinkTables {
  Octets octets;
  std::uint32_t address = 0;
  std::uint32_t imports = 0, exports = 0;  // Where they begin; 0: none.

  std::uint32_t here() const { return address + static_cast<std::uint32_t>(octets.size()); }
  std::uint32_t put_name(const std::string& name) {
    const std::uint32_t at = here();
    put_octets(octets, octets_of(name));
    octets.push_back(0);
    pad(octets, 2);
    return at;
  }
};

void put_imports(LinkTables& to, const TestPe& wanted) {
  if (wanted.imports.empty()) return;
  const std::size_t word = wanted.is_64_bit ? 8 : 4;
  Octets descriptors;
  for (const auto& [library, names] : wanted.imports) {
    Octets list;
    for (const std::string& name : names) {
      const std::uint64_t number = std::uint64_t{1} << (word * 8 - 1);
      if (name.starts_with('#')) {
        std::uint64_t ordinal = 0;
        std::from_chars(name.data() + 1, name.data() + name.size(), ordinal);
        put_little(list, number | ordinal, word);
      } else {
        put_u16(to.octets, 0);
        put_little(list, to.put_name(name) - 2, word);
      }
    }
    put_little(list, 0, word);
    const std::uint32_t library_at = to.put_name(library);
    put_u32(descriptors, to.here());
    put_u64(descriptors, 0);
    put_u32(descriptors, library_at);
    put_u32(descriptors, to.here());
    put_octets(to.octets, list);
  }
  descriptors.resize(descriptors.size() + 20);
  to.imports = to.here();
  put_octets(to.octets, descriptors);
}

void put_exports(LinkTables& to, const TestPe& wanted) {
  if (wanted.exports.empty()) return;
  Octets names;
  for (const std::string& name : wanted.exports) put_u32(names, to.put_name(name));
  const std::uint32_t names_at = to.here();
  put_octets(to.octets, names);
  to.exports = to.here();
  Octets table(40);
  set_little(table, 24, wanted.exports.size(), 4);
  set_little(table, 32, names_at, 4);
  put_octets(to.octets, table);
}

void put_section(Octets& to, std::string name, std::uint32_t address, std::uint32_t offset,
                 std::uint32_t size) {
  name.resize(8);
  put_octets(to, octets_of(name));
  put_u32(to, size);
  put_u32(to, address);
  put_u32(to, size);
  put_u32(to, offset);
  to.resize(to.size() + 12);
  put_u32(to, 0x40000040);
}

}  // namespace

Octets write_version_info(const VersionInfo& info) {
  Octets strings;
  for (const auto& [name, text] : info.texts) {
    Octets value = utf16(text);
    put_u16(value, 0);
    put_octets(strings, block(name, true, value.size() / 2, value, {}));
  }
  const Octets table = block("040904B0", true, 0, {}, strings);
  const Octets translation = block("Translation", false, 4, Octets{9, 4, 0xB0, 4}, {});
  Octets children = block("VarFileInfo", true, 0, {}, translation);
  put_octets(children, block("StringFileInfo", true, 0, {}, table));
  Octets fixed;
  put_u32(fixed, 0xFEEF04BD);
  put_u32(fixed, 0x10000);
  put_version(fixed, info.file);
  put_version(fixed, info.product);
  fixed.resize(52);
  return block("VS_VERSION_INFO", false, fixed.size(), fixed, children);
}

Octets write_pe(const TestPe& wanted) {
  Octets text = wanted.module_name.empty() ? Octets(16, 0xC3) : clr(wanted.module_name);
  pad(text, 16);
  LinkTables links{std::move(text), kTextAddress};
  put_imports(links, wanted);
  put_exports(links, wanted);
  text = std::move(links.octets);
  pad(text, kAlignment);
  Octets resource = wanted.version ? resources(*wanted.version) : Octets{};
  const std::size_t resource_size = resource.size();
  pad(resource, kAlignment);
  Octets file = {'M', 'Z'};
  file.resize(60);
  put_u32(file, 0x80);
  file.resize(0x80);
  put_octets(file, Octets{'P', 'E', 0, 0});
  put_u16(file, wanted.is_64_bit ? PeFile::kAmd64 : PeFile::kI386);
  put_u16(file, 2);
  put_u32(file, 0x5F5E1000);
  put_u64(file, 0);
  const std::size_t optional_size = (wanted.is_64_bit ? 112U : 96U) + 128U;
  put_u16(file, optional_size);
  put_u16(file, wanted.is_library ? 0x2022 : 0x0022);
  const std::size_t optional = file.size();
  put_u16(file, wanted.is_64_bit ? 0x20B : 0x10B);
  file.resize(optional + optional_size);
  const std::size_t directories = optional + optional_size - 128;
  set_little(file, directories - 4, 16, 4);
  const auto set_directory = [&](std::size_t index, std::uint32_t address, std::size_t size) {
    set_little(file, directories + index * 8, address, 4);
    set_little(file, directories + index * 8 + 4, size, 4);
  };
  if (links.exports != 0) set_directory(0, links.exports, 40);
  if (links.imports != 0) set_directory(1, links.imports, 20);
  if (wanted.version) set_directory(2, kResourceAddress, resource_size);
  if (wanted.has_certificates) set_directory(4, 0x9000, 1200);
  if (!wanted.module_name.empty()) set_directory(14, kTextAddress, kClrHeader);
  const auto text_size = static_cast<std::uint32_t>(text.size());
  put_section(file, ".text", kTextAddress, kTextOffset, text_size);
  put_section(file, ".rsrc", kResourceAddress, kTextOffset + text_size,
              static_cast<std::uint32_t>(resource.size()));
  file.resize(kTextOffset);
  put_octets(file, text);
  put_octets(file, resource);
  return file;
}

}  // namespace postern::windows::testing
