#include "exchange/archive_check.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "exchange/known_good.h"
#include "exchange/server_place.h"

namespace postern::exchange {
namespace {

// What is stolen packed: mail, directories, passwords, memory.
bool is_loot(std::string_view path) {
  const std::string name = lower(file_name_of(path));
  static constexpr std::array kExtensions =
      std::to_array<std::string_view>({"pst", "ost", "dit", "dmp", "edb", "nsf", "mdmp", "kirbi"});
  static constexpr std::array kHives = std::to_array<std::string_view>(
      {"sam", "security", "system", "sam.hive", "system.hive", "security.hive", "sam.hiv",
       "system.hiv", "security.hiv", "sam.save", "system.save", "security.save"});
  const std::string_view extension = extension_of(name);
  return std::ranges::find(kExtensions, extension) != kExtensions.end() ||
         std::ranges::find(kHives, name) != kHives.end();
}

// Trees that vendors fill with archives: looked at, and left in peace without loot.
bool is_vendors(std::string_view path) {
  static constexpr std::array kTrees = std::to_array<std::string_view>(
      {"/programdata/mcafee/", "/programdata/package cache/", "/programdata/microsoft/",
       "/programdata/symantec/", "/programdata/sophos/", "/programdata/trend micro/",
       "/programdata/kaspersky", "/programdata/vmware/", "/programdata/dell/", "/programdata/hp/",
       "/programdata/chocolatey/", "/programdata/eset/", "/programdata/veeam/"});
  return std::ranges::any_of(
      kTrees, [&](std::string_view tree) { return path.find(tree) != std::string_view::npos; });
}

}  // namespace

std::string_view to_string(ArchiveKind kind) {
  switch (kind) {
    case ArchiveKind::zip:
      return "zip";
    case ArchiveKind::seven_zip:
      return "7z";
    case ArchiveKind::rar:
      return "rar";
    case ArchiveKind::cab:
      return "cab";
    case ArchiveKind::gzip:
      return "gz";
  }
  return "";
}

std::optional<ArchiveKind> archive_kind(OctetView head) {
  const std::string_view text = text_of(head);
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06") ||
      text.starts_with("PK\x07\x08")) {
    return ArchiveKind::zip;
  }
  if (text.starts_with("7z\xBC\xAF\x27\x1C")) return ArchiveKind::seven_zip;
  if (text.starts_with("Rar!\x1A\x07")) return ArchiveKind::rar;
  if (text.starts_with("MSCF")) return ArchiveKind::cab;
  if (text.starts_with("\x1F\x8B\x08")) return ArchiveKind::gzip;
  return std::nullopt;
}

std::optional<Finding> check_archive(std::string_view path, std::uint64_t size,
                                     const ArchiveListing& listing) {
  const ServerPlace place = server_place(path);
  const bool odd_place =
      place.zone == Zone::staging || place.zone == Zone::inetpub || is_web(place.zone);
  if (!odd_place) return std::nullopt;
  const bool web = is_web(place.zone);
  std::string loot;
  std::size_t count = 0;
  for (const ArchiveListing::Item& item : listing.items) {
    if (!is_loot(item.path)) continue;
    if (count++ == 0) loot = item.path;
  }
  const std::string_view extension = extension_of(place.path);
  static constexpr std::array kHonest = std::to_array<std::string_view>(
      {"zip",  "7z",   "rar",   "cab", "gz",  "tgz",  "msi",  "msu", "msp",    "docx",
       "xlsx", "pptx", "nupkg", "jar", "xpi", "vsix", "appx", "crx", "log.gz", "evtx.gz"});
  const bool disguised = std::ranges::find(kHonest, extension) == kHonest.end();
  int confidence = 0;
  if (count != 0) {
    confidence = 90;
  } else if (is_vendors(place.path)) {
    confidence = 10;
  } else if (web) {
    confidence = 50;
  } else if (disguised) {
    confidence = 40;
  } else {
    confidence = 20;
  }
  if (confidence > 10 && (listing.encrypted || listing.multi_volume)) confidence += 15;
  if (confidence < 35) return std::nullopt;
  Finding finding;
  finding.rule = "F-11";
  finding.confidence = std::min(confidence, 98);
  const bool locked = disguised && (listing.encrypted || listing.multi_volume);
  finding.tier = count != 0 ? Tier::exploited : locked ? Tier::attempt : Tier::hunt;
  finding.attack = {"T1560.001", "T1074.001"};
  finding.place.path = path;
  finding.title = count != 0
                      ? fmt::format("A {} archive with {} files that are worth stealing",
                                    to_string(listing.kind), count)
                      : fmt::format("A {} archive where none belongs", to_string(listing.kind));
  finding.details.push_back({"size", fmt::format("{}", size)});
  finding.details.push_back(
      {"listed", fmt::format("{}{}", listing.items.size(), listing.complete ? "" : ", not all")});
  if (!loot.empty()) finding.details.push_back({"holds", loot});
  if (listing.encrypted) finding.details.push_back({"encrypted", "yes"});
  if (listing.multi_volume) finding.details.push_back({"volumes", "several"});
  if (disguised) finding.details.push_back({"name", "is not an archive's"});
  return finding;
}

}  // namespace postern::exchange
