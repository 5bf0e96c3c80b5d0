// Manifest: the signed list of what a pack holds.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evidence/record.h"

namespace postern::evidence {

inline constexpr std::string_view kManifestFile = "manifest.jsonl";
inline constexpr std::string_view kManifestSignature = "manifest.sig";
inline constexpr std::string_view kPartialManifest = "manifest.partial";
inline constexpr std::size_t kMaxManifestOctets = std::size_t{1} << 30;

/// The first line.
struct ManifestHeader {
  static constexpr std::string_view kFormat = "postern-evidence-pack 1";

  std::string case_name;
  std::string root;  ///< As it was named; octets.
  std::uint64_t root_device = 0, root_inode = 0;
  std::string begun_at;  ///< UTC.
  std::string who, host, program;
  std::uint64_t records = 0;   ///< Lines that follow; 0 while it is being made.
  std::uint64_t not_kept = 0;  ///< Of these, how many hold nothing, or not all.
};

struct Manifest {
  ManifestHeader header;
  std::vector<Record> records;  ///< Sorted by path; none twice.

  /// Null where there is none.
  const Record* find(std::string_view path) const;
};

std::string to_json(const ManifestHeader& header);
Result<ManifestHeader> header_from_json(std::string_view line);

/// The whole file.
std::string to_text(const Manifest& manifest);
/// The way back, of any octets. `corrupt`, with the number of the line.
Result<Manifest> manifest_from_text(std::string_view text);

/// Of all contents and attributes that the records name.
std::set<std::string> objects_of(const Manifest& manifest);

/// Whether something of the entry is missing in the pack.
bool is_incomplete(const Record& record);

}  // namespace postern::evidence
