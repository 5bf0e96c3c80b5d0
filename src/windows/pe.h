// What a Windows program or library says of itself: its version, its makers, what it is made of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/octets.h"
#include "base/result.h"

namespace postern::windows {

/// Four numbers, compared one after the other: 15.1.1913.10 is greater than 15.1.1913.7.
struct FileVersion {
  std::uint16_t major = 0, minor = 0, build = 0, revision = 0;

  auto operator<=>(const FileVersion&) const = default;
  /// "15.1.1913.10".
  std::string text() const;
};

/// VS_VERSIONINFO.
struct VersionInfo {
  FileVersion file, product;
  /// "CompanyName", "OriginalFilename", … with what they say, of all languages in their order.
  std::vector<std::pair<std::string, std::string>> texts;

  /// The first text of that name (ASCII case does not matter); empty where there is none.
  std::string_view text(std::string_view name) const;
};

struct PeSection {
  std::string name;
  std::uint32_t address = 0, size = 0;           ///< In memory.
  std::uint32_t file_offset = 0, file_size = 0;  ///< In the file, as the header says.
  std::uint32_t flags = 0;
};

struct PeFile {
  static constexpr std::uint16_t kI386 = 0x014C, kAmd64 = 0x8664, kArm64 = 0xAA64;

  std::uint16_t machine = 0;
  std::uint32_t timestamp = 0;  ///< Seconds since 1970; of a reproducible build a hash.
  bool is_64_bit = false;
  bool is_library = false;        ///< A DLL.
  bool is_managed = false;        ///< It has a CLR header: a .NET assembly.
  bool has_certificates = false;  ///< A certificate table is there; nothing says that it is right.
  std::uint32_t imports_address = 0;  ///< In memory, of the tables that pe_links.h reads;
  std::uint32_t exports_address = 0;  ///< 0: it has none.
  std::vector<PeSection> sections;
  std::optional<VersionInfo> version;
  /// The name that the compiler gave a .NET module: "App_Web_ab12cd34.dll". Empty for others, and
  /// where it cannot be read.
  std::string module_name;
};

/// Puts the file's octets from an offset into the span, and says how many: fewer only where the
/// file ends.
using ReadAt =
    std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::uint8_t> into)>;

/// Reads headers, the version and the module's name, whatever the file's size: about ten reads, of
/// no more than 64 KiB each. invalid_input where it is no PE file, and what `read` says where it
/// fails. What is damaged behind the headers is absent.
Result<PeFile> read_pe(const ReadAt& read);

/// The same, of octets in memory; they are gone over only within this call.
Result<PeFile> read_pe(OctetView octets);

/// The version resource by itself, of at most 64 KiB.
std::optional<VersionInfo> read_version_info(OctetView resource);

}  // namespace postern::windows
