// What a Windows library takes from others, and hands out: its imports and exports.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"

namespace postern::windows {

struct PeLinks {
  static constexpr std::size_t kMaxImports = 16'384;
  static constexpr std::size_t kMaxExports = 16'384;
  static constexpr std::size_t kMaxName = 512;

  /// "kernel32.dll!CreateProcessW", the library in lower case; of those that are taken by number
  /// "ws2_32.dll!#4".
  std::vector<std::string> imports;
  std::vector<std::string> exports;

  /// An export of exactly that name.
  bool hands_out(std::string_view name) const;
};

/// Of a whole file in memory. invalid_input where it is no PE file; what is damaged behind the
/// headers is absent. Work is bounded by the limits above.
Result<PeLinks> read_pe_links(OctetView file);

}  // namespace postern::windows
