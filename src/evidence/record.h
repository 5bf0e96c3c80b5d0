// Record: what a pack says of one entry of the tree, and how a line of its manifest says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "files/metadata.h"
#include "files/ntfs.h"

namespace postern::evidence {

/// Octets that are in the pack.
struct Kept {
  std::string sha256;
  std::uint64_t octets = 0;

  bool operator==(const Kept&) const = default;
};

/// An extended attribute, or an alternate data stream, which is one on ntfs-3g.
struct KeptAttribute {
  std::string name;
  Kept value;

  bool operator==(const KeptAttribute&) const = default;
};

struct Record {
  /// A manifest's line; an entry has at most a few hundred attributes.
  static constexpr std::size_t kMaxLineOctets = 1U << 20;

  std::string path;  ///< Beneath the root; octets. "" is the root itself.
  files::Metadata metadata;
  std::optional<Kept> content;        ///< Of a regular file that was kept.
  std::optional<std::string> target;  ///< Of a link.
  std::optional<files::NtfsFacts> ntfs;
  std::vector<KeptAttribute> attributes;
  std::vector<std::string> attributes_not_kept;  ///< "NAME: why".
  bool changed_while_read = false;               ///< The content is no one state of the file.
  std::string not_kept;                          ///< Why nothing is kept; empty where it is.

  bool operator==(const Record&) const = default;
};

/// One line of JSON, without its end.
std::string to_json(const Record& record);
/// The way back. `corrupt` where it is no such line; its path is one beneath a root.
Result<Record> record_from_json(std::string_view line);

}  // namespace postern::evidence
