#include "windows/testing/mft_writer.h"

#include <utility>

#include "windows/testing/little_endian_writer.h"

namespace postern::windows::testing {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::uint64_t kMark = 0xABCD;  // Of the update sequence.

void put_attribute(Octets& to, std::uint32_t type, std::string_view name, OctetView value) {
  const Octets wide = utf16(name);
  const std::size_t name_at = 24;
  const std::size_t value_at = (name_at + wide.size() + 7) / 8 * 8;
  Octets attribute;
  put_u32(attribute, type);
  put_u32(attribute, 0);  // Its size, below.
  put_little(attribute, 0, 1);
  put_little(attribute, wide.size() / 2, 1);
  put_u16(attribute, name_at);
  put_u32(attribute, 0);
  put_u32(attribute, value.size());
  put_u16(attribute, value_at);
  put_u16(attribute, 0);
  put_octets(attribute, wide);
  attribute.resize(value_at);
  put_octets(attribute, value);
  pad(attribute, 8);
  set_little(attribute, 4, attribute.size(), 4);
  put_octets(to, attribute);
}

void put_times(Octets& to, const MftTimes& times) {
  put_u64(to, times.created);
  put_u64(to, times.modified);
  put_u64(to, times.changed);
  put_u64(to, times.accessed);
}

Octets name_of(const TestMftFile& file, std::string_view name, std::uint8_t space) {
  Octets value;
  put_u64(value, file.parent | (std::uint64_t{file.parent_sequence} << 48U));
  put_times(value, file.of_name);
  put_u64(value, 0);
  put_u64(value, 0);
  put_u64(value, 0);
  put_little(value, name.size(), 1);
  put_little(value, space, 1);
  put_octets(value, utf16(name));
  return value;
}

}  // namespace

Octets write_mft_record(const TestMftFile& file, std::size_t record_size) {
  const std::size_t sectors = record_size / kSector;
  Octets out;
  put_octets(out, octets_of("FILE"));
  put_u16(out, 48);
  put_u16(out, sectors + 1);
  put_u64(out, 0);
  put_u16(out, file.sequence);
  put_u16(out, 1);
  const std::size_t first_at = (48 + 2 * (sectors + 1) + 7) / 8 * 8;
  put_u16(out, first_at);
  put_u16(out, (file.in_use ? 1U : 0U) | (file.is_folder ? 2U : 0U));
  put_u32(out, 0);  // How much is used, below.
  put_u32(out, record_size);
  out.resize(first_at);
  Octets standard;
  put_times(standard, file.standard);
  put_u32(standard, 0x20);
  standard.resize(48);
  put_attribute(out, 0x10, "", standard);
  if (!file.dos_name.empty()) put_attribute(out, 0x30, "", name_of(file, file.dos_name, 2));
  if (!file.name.empty()) put_attribute(out, 0x30, "", name_of(file, file.name, 1));
  put_attribute(out, 0x80, "", {});
  for (const std::string& stream : file.streams) put_attribute(out, 0x80, stream, {});
  put_u32(out, 0xFFFFFFFF);
  put_u32(out, 0);
  set_little(out, 24, out.size(), 4);
  out.resize(record_size);
  set_little(out, 48, kMark, 2);
  for (std::size_t sector = 0; sector < sectors; ++sector) {
    const std::size_t end = (sector + 1) * kSector - 2;
    set_little(out, 50 + 2 * sector, out[end] | (out[end + 1] << 8), 2);
    set_little(out, end, kMark, 2);
  }
  return out;
}

Octets write_mft(const std::vector<TestMftFile>& files, std::size_t record_size) {
  Octets out;
  for (std::size_t i = 0; i < files.size(); ++i) {
    TestMftFile file = files[i];
    if (i == MftEntry::kRoot) file = {.name = ".", .is_folder = true};
    put_octets(out, write_mft_record(file, record_size));
  }
  return out;
}

}  // namespace postern::windows::testing
