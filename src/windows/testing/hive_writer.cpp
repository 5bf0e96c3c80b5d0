#include "windows/testing/hive_writer.h"

#include <algorithm>

#include "windows/little_endian.h"
#include "windows/testing/little_endian_writer.h"

namespace postern::windows::testing {
namespace {

constexpr std::size_t kHeader = 4096;
constexpr std::size_t kBinHeader = 32;
constexpr std::size_t kSegment = 16'344;
constexpr std::uint32_t kNone = 0xFFFFFFFF;

Octets name_octets(std::string_view name, bool wide) {
  if (wide) return utf16(name);
  const OctetView octets = octets_of(name);
  return {octets.begin(), octets.end()};
}

/// Four octets of the name, and a number made of it: what the two kinds of lists have as hash.
std::uint32_t hash_of(const std::string& name, bool first_octets) {
  std::uint32_t hash = 0;
  if (first_octets) {
    for (std::size_t i = std::min<std::size_t>(name.size(), 4); i > 0; --i) {
      hash = (hash << 8) | static_cast<std::uint8_t>(name[i - 1]);
    }
    return hash;
  }
  for (const char c : name) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    hash = hash * 37 + static_cast<std::uint8_t>(upper);
  }
  return hash;
}

class Writer {
 public:
  Octets write(const TestKey& root) {
    cells_.resize(kBinHeader);
    const std::uint32_t security = put_security();
    const std::uint32_t top = put_key(root, kNone, security, 0x2C);
    const std::size_t used = cells_.size();
    pad(cells_, 4096);
    if (cells_.size() - used >= 8) set_little(cells_, used, cells_.size() - used, 4);
    set_text(cells_, 0, "hbin");
    set_little(cells_, 8, cells_.size(), 4);
    Octets file(kHeader);
    set_text(file, 0, "regf");
    set_little(file, 4, 7, 4);
    set_little(file, 8, 7, 4);
    set_little(file, 12, root.written, 8);
    set_little(file, 20, 1, 4);
    set_little(file, 24, 5, 4);
    set_little(file, 32, 1, 4);
    set_little(file, 36, top, 4);
    set_little(file, 40, cells_.size(), 4);
    set_little(file, 44, 1, 4);
    const Octets name = utf16("\\SystemRoot\\Config\\TEST");
    std::copy(name.begin(), name.end(), file.begin() + 48);
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < 508; at += 4) sum ^= little_u32(&file[at]);
    set_little(file, 508, sum, 4);
    put_octets(file, cells_);
    return file;
  }

 private:
  static void set_text(Octets& to, std::size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
  }

  /// A cell in use; its offset.
  std::uint32_t put_cell(const Octets& content) {
    const auto offset = static_cast<std::uint32_t>(cells_.size());
    const std::size_t size = (content.size() + 4 + 7) / 8 * 8;
    put_u32(cells_, 0U - static_cast<std::uint32_t>(size));
    put_octets(cells_, content);
    cells_.resize(offset + size);
    return offset;
  }

  /// What every key points to; a small security descriptor that says nothing.
  std::uint32_t put_security() {
    Octets record = {'s', 'k', 0, 0};
    const auto at = static_cast<std::uint32_t>(cells_.size());
    put_u32(record, at);
    put_u32(record, at);
    put_u32(record, 1);
    put_u32(record, 20);
    put_octets(record, Octets{1, 0, 4, 0x80});
    record.resize(40);
    return put_cell(record);
  }

  std::uint32_t put_data(const Octets& data) {
    if (data.size() <= kSegment) return put_cell(data);
    Octets segments;
    for (std::size_t at = 0; at < data.size(); at += kSegment) {
      const auto part = OctetView{data}.subspan(at, std::min(kSegment, data.size() - at));
      Octets segment(part.begin(), part.end());
      segment.resize(segment.size() + 4);
      put_u32(segments, put_cell(segment));
    }
    Octets big = {'d', 'b'};
    put_u16(big, segments.size() / 4);
    put_u32(big, put_cell(segments));
    put_u32(big, 0);
    return put_cell(big);
  }

  std::uint32_t put_value(const TestRegistryValue& value, bool wide) {
    const Octets name = name_octets(value.name, wide);
    Octets record = {'v', 'k'};
    put_u16(record, name.size());
    if (value.data.size() <= 4) {
      put_u32(record, 0x80000000U | value.data.size());
      put_octets(record, value.data);
      record.resize(12);
    } else {
      put_u32(record, value.data.size());
      put_u32(record, put_data(value.data));
    }
    put_u32(record, static_cast<std::uint32_t>(value.type));
    put_u16(record, wide ? 0 : 1);
    put_u16(record, 0);
    put_octets(record, name);
    return put_cell(record);
  }

  std::uint32_t put_list(std::string_view kind, const std::vector<const TestKey*>& keys,
                         const std::vector<std::uint32_t>& offsets) {
    Octets list;
    put_octets(list, octets_of(kind));
    put_u16(list, offsets.size());
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      put_u32(list, offsets[i]);
      if (kind != "li" && kind != "ri") put_u32(list, hash_of(keys[i]->name, kind == "lf"));
    }
    return put_cell(list);
  }

  std::uint32_t put_keys(const TestKey& key, std::uint32_t parent, std::uint32_t security) {
    if (key.keys.empty()) return kNone;
    std::vector<const TestKey*> keys;
    std::vector<std::uint32_t> offsets;
    for (const TestKey& inner : key.keys) {
      keys.push_back(&inner);
      offsets.push_back(put_key(inner, parent, security, 0));
    }
    if (key.list != "ri") return put_list(key.list, keys, offsets);
    std::vector<std::uint32_t> lists;
    for (std::size_t i = 0; i < offsets.size(); i += 2) {
      const std::size_t end = std::min(i + 2, offsets.size());
      lists.push_back(put_list("lh", {keys.begin() + static_cast<std::ptrdiff_t>(i), keys.end()},
                               {offsets.begin() + static_cast<std::ptrdiff_t>(i),
                                offsets.begin() + static_cast<std::ptrdiff_t>(end)}));
    }
    return put_list("ri", {}, lists);
  }

  std::uint32_t put_key(const TestKey& key, std::uint32_t parent, std::uint32_t security,
                        std::uint16_t flags) {
    const Octets name = name_octets(key.name, key.wide_names);
    Octets record = {'n', 'k'};
    put_u16(record, key.wide_names ? flags & ~0x20U : flags | 0x20U);
    put_u64(record, key.written);
    put_u32(record, 0);
    put_u32(record, parent);
    put_u32(record, key.keys.size());
    put_u32(record, 0);
    for (int i = 0; i < 2; ++i) put_u32(record, kNone);  // Lists of keys.
    put_u32(record, key.values.size());
    put_u32(record, kNone);  // Values.
    put_u32(record, security);
    put_u32(record, kNone);  // Class name.
    for (int i = 0; i < 5; ++i) put_u32(record, 0);
    put_u16(record, name.size());
    put_u16(record, 0);
    put_octets(record, name);
    const std::uint32_t offset = put_cell(record);
    set_little(cells_, offset + 4 + 28, put_keys(key, offset, security), 4);
    if (!key.values.empty()) {
      Octets list;
      for (const TestRegistryValue& value : key.values) {
        put_u32(list, put_value(value, key.wide_names));
      }
      set_little(cells_, offset + 4 + 40, put_cell(list), 4);
    }
    return offset;
  }

  Octets cells_;
};

}  // namespace

TestRegistryValue text_value(std::string_view name, std::string_view ascii) {
  Octets data = utf16(ascii);
  put_u16(data, 0);
  return {std::string(name), RegistryType::text, std::move(data)};
}

Octets write_hive(const TestKey& root) {
  return Writer().write(root);
}

}  // namespace postern::windows::testing
