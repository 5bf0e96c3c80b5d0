// Writes programs and libraries for tests: a version, a .NET module's name, no code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/octets.h"
#include "windows/pe.h"

namespace postern::windows::testing {

struct TestPe {
  bool is_64_bit = true;
  bool is_library = false;
  bool has_certificates = false;
  std::optional<VersionInfo> version{};
  std::string module_name{};  ///< Not empty: a .NET module.
  /// Libraries, and what is taken of them: a name, or "#4".
  std::vector<std::pair<std::string, std::vector<std::string>>> imports{};
  std::vector<std::string> exports{};
};

Octets write_pe(const TestPe& wanted);
/// The version resource by itself.
Octets write_version_info(const VersionInfo& info);

}  // namespace postern::windows::testing
