#include "windows/hive.h"

#include <algorithm>

#include "windows/filetime.h"
#include "windows/little_endian.h"
#include "windows/utf16.h"

namespace postern::windows {
namespace {

constexpr std::size_t kBaseBlock = 4096;
constexpr std::size_t kKeyHeader = 76;
constexpr std::size_t kValueHeader = 20;
constexpr std::size_t kSegment =
    16'344;  // Octets in each part of data that is too long for a cell.
constexpr std::uint32_t kInOffset = 0x80000000;
constexpr std::uint16_t kLatin1KeyName = 0x20;
constexpr std::uint16_t kLatin1ValueName = 0x01;

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool has_signature(OctetView cell, std::string_view signature) {
  return text_of(cell).starts_with(signature);
}

std::string name_of(OctetView octets, bool is_latin1) {
  if (!is_latin1) return utf8_of(octets);
  std::string name(octets.size() * 2, '\0');
  name.resize(static_cast<std::size_t>(write_latin1(octets, name.data()) - name.data()));
  return name;
}

std::uint32_t header_checksum(OctetView header) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < 508; at += 4) sum ^= little_u32(&header[at]);
  if (sum == 0) return 1;
  return sum == 0xFFFFFFFF ? 0xFFFFFFFE : sum;
}

/// The octets up to the first UTF-16 NUL.
OctetView before_nul(OctetView octets) {
  for (std::size_t at = 0; at + 2 <= octets.size(); at += 2) {
    if (octets[at] == 0 && octets[at + 1] == 0) return octets.first(at);
  }
  return octets;
}

std::size_t name_length(OctetView record, std::size_t at, std::size_t header) {
  return std::min<std::size_t>(little_u16(&record[at]), record.size() - header);
}

std::string value_name(OctetView record) {
  const bool is_latin1 = (little_u16(&record[16]) & kLatin1ValueName) != 0;
  return name_of(record.subspan(kValueHeader, name_length(record, 2, kValueHeader)), is_latin1);
}

/// What of a value's data may be read.
std::size_t data_size(OctetView record) {
  const std::size_t said = little_u32(&record[4]);
  if ((said & kInOffset) != 0) return std::min<std::size_t>(said & ~kInOffset, 4);
  return std::min(said, Hive::kMaxValue);
}

}  // namespace

std::string RegistryValue::text() const {
  return utf8_of(before_nul(data));
}

std::vector<std::string> RegistryValue::texts() const {
  std::vector<std::string> texts;
  OctetView left = data;
  while (!left.empty()) {
    const OctetView text = before_nul(left);
    if (text.empty()) break;
    texts.push_back(utf8_of(text));
    left = left.subspan(std::min(text.size() + 2, left.size()));
  }
  return texts;
}

std::optional<std::uint64_t> RegistryValue::number() const {
  switch (type) {
    case RegistryType::number:
      if (data.size() == 4) return little_u32(data.data());
      break;
    case RegistryType::big_endian:
      if (data.size() == 4) return load_u32(data.data());
      break;
    case RegistryType::long_number:
      if (data.size() == 8) return little_u64(data.data());
      break;
    default:
      break;
  }
  return std::nullopt;
}

Result<Hive> Hive::open(OctetView octets) {
  if (octets.size() < kBaseBlock || !has_signature(octets, "regf")) {
    return fail(Errc::invalid_input, "not a registry hive: it does not begin with \"regf\"");
  }
  Hive hive;
  hive.octets_ = octets;
  hive.is_dirty_ = little_u32(&octets[4]) != little_u32(&octets[8]);
  hive.written_ = wall_time_of_filetime(little_u64(&octets[12]));
  hive.root_ = little_u32(&octets[36]);
  hive.file_name_ = utf8_of(before_nul(octets.subspan(48, 64)));
  hive.checksum_right_ = header_checksum(octets) == little_u32(&octets[508]);
  return hive;
}

/// What a cell in use holds; empty where there is none. Cells are counted from behind the header.
OctetView Hive::cell(std::uint32_t offset) const {
  const std::size_t at = kBaseBlock + std::size_t{offset};
  if (at > octets_.size() || octets_.size() - at < 4) return {};
  const auto size = static_cast<std::int32_t>(little_u32(&octets_[at]));
  if (size >= -4) return {};
  const auto length = static_cast<std::size_t>(-std::int64_t{size});
  return octets_.subspan(at + 4, std::min(length, octets_.size() - at) - 4);
}

Result<RegistryKey> Hive::root() const {
  return key_at(root_);
}

Result<RegistryKey> Hive::key_at(std::uint32_t offset) const {
  const OctetView record = cell(offset);
  if (record.size() < kKeyHeader || !has_signature(record, "nk")) {
    return fail(Errc::corrupt, "a key of the hive is damaged");
  }
  const bool is_latin1 = (little_u16(&record[2]) & kLatin1KeyName) != 0;
  const std::size_t length = name_length(record, 72, kKeyHeader);
  return RegistryKey{.name = name_of(record.subspan(kKeyHeader, length), is_latin1),
                     .written = wall_time_of_filetime(little_u64(&record[4])),
                     .cell = offset};
}

Result<RegistryKey> Hive::find(std::string_view path) const {
  const RegistryKey top = POSTERN_TRY(root());
  return find_below(top, path);
}

Result<RegistryKey> Hive::find_below(const RegistryKey& key, std::string_view path) const {
  RegistryKey at = key;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('\\'), path.size());
    const std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (name.empty()) continue;
    auto found = subkeys(at);
    const auto next =
        std::find_if(found.items.begin(), found.items.end(),
                     [&](const RegistryKey& item) { return equal_but_for_case(item.name, name); });
    if (next == found.items.end()) {
      if (found.unreadable == 0) return fail(Errc::not_found, "no such key");
      return fail(Errc::corrupt, "keys on the way cannot be read");
    }
    at = std::move(*next);
  }
  return at;
}

/// Tells the offsets of all keys in a list, or a list of lists; false where some cannot be read.
template <class Visit>
bool Hive::each_subkey(std::uint32_t list, Visit& visit, std::size_t& budget, bool is_inner) const {
  const OctetView record = cell(list);
  if (record.size() < 4) return false;
  const bool is_hashed = has_signature(record, "lf") || has_signature(record, "lh");
  const bool is_of_lists = has_signature(record, "ri");
  if (!is_hashed && !is_of_lists && !has_signature(record, "li")) return false;
  if (is_of_lists && is_inner) return false;
  const std::size_t width = is_hashed ? 8 : 4;
  const std::size_t said = little_u16(&record[2]);
  const std::size_t count = std::min(said, (record.size() - 4) / width);
  bool whole = count == said;
  for (std::size_t i = 0; i < count; ++i) {
    if (budget == 0) return false;
    --budget;
    const std::uint32_t offset = little_u32(&record[4 + i * width]);
    if (!is_of_lists) {
      visit(offset);
    } else if (!each_subkey(offset, visit, budget, true)) {
      whole = false;
    }
  }
  return whole;
}

RegistryList<RegistryKey> Hive::subkeys(const RegistryKey& key) const {
  RegistryList<RegistryKey> list;
  const OctetView record = cell(key.cell);
  if (record.size() < kKeyHeader || little_u32(&record[20]) == 0) return list;
  std::size_t budget = kMaxItems;
  auto visit = [&](std::uint32_t offset) {
    auto found = key_at(offset);
    if (found) {
      list.items.push_back(std::move(*found));
    } else {
      ++list.unreadable;
    }
  };
  if (!each_subkey(little_u32(&record[28]), visit, budget, false)) ++list.unreadable;
  return list;
}

/// Tells the offsets of a key's values; false where the list is not whole.
template <class Visit>
bool Hive::each_value(const RegistryKey& key, Visit visit) const {
  const OctetView record = cell(key.cell);
  if (record.size() < kKeyHeader) return false;
  const std::size_t said = little_u32(&record[36]);
  if (said == 0) return true;
  const OctetView list = cell(little_u32(&record[40]));
  const std::size_t count = std::min({said, list.size() / 4, kMaxItems});
  for (std::size_t i = 0; i < count; ++i) {
    if (!visit(little_u32(&list[i * 4]))) break;
  }
  return count == said;
}

/// A value's record; empty where it is none.
OctetView Hive::value_record(std::uint32_t offset) const {
  const OctetView record = cell(offset);
  return record.size() >= kValueHeader && has_signature(record, "vk") ? record : OctetView{};
}

RegistryList<RegistryValue> Hive::values(const RegistryKey& key) const {
  RegistryList<RegistryValue> list;
  // Values may share their data: all of them together are no more than a hive could hold.
  std::size_t left = octets_.size() + kMaxValue;
  const bool whole = each_value(key, [&](std::uint32_t offset) {
    const OctetView record = value_record(offset);
    const std::size_t cost = kValueHeader + (record.empty() ? 0 : data_size(record));
    if (record.empty() || cost > left) {
      ++list.unreadable;
    } else {
      left -= cost;
      list.items.push_back(value_of(record));
    }
    return true;
  });
  if (!whole) ++list.unreadable;
  return list;
}

Result<RegistryValue> Hive::value(const RegistryKey& key, std::string_view name) const {
  OctetView wanted;
  const bool whole = each_value(key, [&](std::uint32_t offset) {
    const OctetView record = value_record(offset);
    if (!record.empty() && equal_but_for_case(value_name(record), name)) wanted = record;
    return wanted.empty();
  });
  if (!wanted.empty()) return value_of(wanted);
  if (!whole) return fail(Errc::corrupt, "the list of values is damaged");
  return fail(Errc::not_found, "no such value");
}

RegistryValue Hive::value_of(OctetView record) const {
  RegistryValue value;
  value.name = value_name(record);
  value.type = static_cast<RegistryType>(little_u32(&record[12]));
  const std::uint32_t said = little_u32(&record[4]);
  const std::size_t size = data_size(record);
  if ((said & kInOffset) != 0) {
    const OctetView data = record.subspan(8, size);
    value.data.assign(data.begin(), data.end());
    value.is_whole = (said & ~kInOffset) == size;
    return value;
  }
  const OctetView data = cell(little_u32(&record[8]));
  if (size > kSegment && has_signature(data, "db") && data.size() >= 8) {
    value.data = big_data(data, size);
  } else {
    const OctetView there = data.first(std::min(size, data.size()));
    value.data.assign(there.begin(), there.end());
  }
  value.is_whole = value.data.size() == said;
  return value;
}

Octets Hive::big_data(OctetView big, std::size_t size) const {
  Octets data;
  const OctetView segments = cell(little_u32(&big[4]));
  const std::size_t count = std::min<std::size_t>(little_u16(&big[2]), segments.size() / 4);
  for (std::size_t i = 0; i < count && data.size() < size; ++i) {
    const OctetView segment = cell(little_u32(&segments[i * 4]));
    const std::size_t length = std::min({segment.size(), kSegment, size - data.size()});
    data.insert(data.end(), segment.begin(), segment.begin() + static_cast<std::ptrdiff_t>(length));
    // What comes behind a part that is missing is not at its place.
    if (length < std::min(kSegment, size - (data.size() - length))) break;
  }
  return data;
}

}  // namespace postern::windows
