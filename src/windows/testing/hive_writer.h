// Writes registry hives for tests: keys and values, with lists of each kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "windows/hive.h"

namespace postern::windows::testing {

struct TestRegistryValue {
  std::string name;  ///< ASCII.
  RegistryType type{};
  Octets data;
};

struct TestKey {
  std::string name;  ///< ASCII.
  std::vector<TestKey> keys{};
  std::vector<TestRegistryValue> values{};
  std::uint64_t written = 132'592'032'123'456'789;  ///< 2021-03-03T00:00:12.3456789Z.
  std::string list = "lh";  ///< Of keys: "lf", "lh", "li", or "ri" for lists of two keys each.
  bool wide_names = false;  ///< This name and those of the values stand there as UTF-16.
};

/// A REG_SZ, with its NUL.
TestRegistryValue text_value(std::string_view name, std::string_view ascii);

/// A whole hive; `root` is its root.
Octets write_hive(const TestKey& root);

}  // namespace postern::windows::testing
