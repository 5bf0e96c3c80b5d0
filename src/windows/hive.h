// Reads a registry hive (regf): keys by path, values of all types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "base/time.h"

namespace postern::windows {

enum class RegistryType : std::uint32_t {
  none = 0,
  text = 1,        ///< REG_SZ
  expandable = 2,  ///< REG_EXPAND_SZ: %names% in it are not filled in.
  binary = 3,
  number = 4,      ///< REG_DWORD
  big_endian = 5,  ///< REG_DWORD_BIG_ENDIAN
  link = 6,
  texts = 7,  ///< REG_MULTI_SZ
  resource_list = 8,
  full_resource = 9,
  requirements = 10,
  long_number = 11,  ///< REG_QWORD
};

struct RegistryValue {
  std::string name;  ///< Empty: the key's default value.
  RegistryType type{};
  Octets data;
  bool is_whole = true;  ///< False: the rest of its data could not be read.

  /// As text, up to the first NUL, whatever its type says.
  std::string text() const;
  /// As the texts of a REG_MULTI_SZ, up to an empty one.
  std::vector<std::string> texts() const;
  /// Of the three types of numbers; nothing for others and for a wrong size.
  std::optional<std::uint64_t> number() const;
};

/// A key, for as long as its hive is there.
struct RegistryKey {
  std::string name;
  WallTime written{};  ///< When it, its values or its list of keys were changed last.
  std::uint32_t cell = 0;
};

/// What is beneath a key, and how much of that could not be read.
template <class T>
struct RegistryList {
  std::vector<T> items;
  std::size_t unreadable = 0;
};

/// Reads octets that the caller keeps, and never changes them. Costs what is asked for: a key is
/// found by reading the lists on its path. Every call is bounded by the hive's size and kMaxItems,
/// whatever the cells say. Any thread, several at a time.
class Hive {
 public:
  static constexpr std::size_t kMaxItems = 1 << 18;   ///< Keys or values of one key.
  static constexpr std::size_t kMaxValue = 16 << 20;  ///< Octets of one value.

  /// invalid_input where the octets are no hive.
  static Result<Hive> open(OctetView octets);

  /// It was in use: changes may stand in its transaction logs that are not in it.
  bool is_dirty() const { return is_dirty_; }
  /// Its header has the checksum it says.
  bool checksum_right() const { return checksum_right_; }
  WallTime written() const { return written_; }
  /// As Windows knew the file when it wrote it: its end, 31 characters at most.
  const std::string& file_name() const { return file_name_; }

  Result<RegistryKey> root() const;
  /// Path from the root, '\' between names, without the root's own name; ASCII case does not
  /// matter. not_found where it is not there, corrupt where what leads there cannot be read.
  Result<RegistryKey> find(std::string_view path) const;
  Result<RegistryKey> find_below(const RegistryKey& key, std::string_view path) const;
  RegistryList<RegistryKey> subkeys(const RegistryKey& key) const;
  RegistryList<RegistryValue> values(const RegistryKey& key) const;
  /// The value of that name, ASCII case does not matter; "" for the default value.
  Result<RegistryValue> value(const RegistryKey& key, std::string_view name) const;

 private:
  Hive() = default;

  OctetView cell(std::uint32_t offset) const;
  Result<RegistryKey> key_at(std::uint32_t offset) const;
  OctetView value_record(std::uint32_t offset) const;
  RegistryValue value_of(OctetView record) const;
  Octets big_data(OctetView big, std::size_t size) const;
  template <class Visit>
  bool each_subkey(std::uint32_t list, Visit& visit, std::size_t& budget, bool is_inner) const;
  template <class Visit>
  bool each_value(const RegistryKey& key, Visit visit) const;

  OctetView octets_;
  std::uint32_t root_ = 0;
  bool is_dirty_ = false;
  bool checksum_right_ = false;
  WallTime written_{};
  std::string file_name_;
};

}  // namespace postern::windows
