// What lies packed where nobody packs: F-11, judged by what is listed in an archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "exchange/finding.h"

namespace postern::exchange {

enum class ArchiveKind : std::uint8_t { zip, seven_zip, rar, cab, gzip };

std::string_view to_string(ArchiveKind kind);

/// By the first octets, never by the name; 8 of them are enough.
std::optional<ArchiveKind> archive_kind(OctetView head);

/// What an archive's listing says.
struct ArchiveListing {
  struct Item {
    std::string path;
    std::uint64_t size = 0;
  };
  ArchiveKind kind{};
  std::vector<Item> items;  ///< As many as were listed; the limits are the lister's.
  bool encrypted = false;   ///< Content or names are.
  bool multi_volume = false;
  bool complete = true;  ///< False where a limit or a fault ended the listing.
};

/// Nothing where the place is not one in which archives are odd, or what is in it is ordinary.
/// `path` is where the archive lies.
std::optional<Finding> check_archive(std::string_view path, std::uint64_t size,
                                     const ArchiveListing& listing);

}  // namespace postern::exchange
