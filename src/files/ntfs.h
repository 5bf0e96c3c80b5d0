// What NTFS keeps of a file beside what POSIX knows, where the mount gives it.
//
// ntfs-3g and the kernel's ntfs3 hand it out as extended attributes: "system.ntfs_attrib",
// "system.ntfs_times" and "system.ntfs_reparse_data". Streams are "user.NAME" attributes with
// ntfs-3g's streams_interface=xattr (its default), and named by "ntfs.streams.list" with
// streams_interface=windows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/octets.h"
#include "files/metadata.h"

namespace postern::files {

/// FILE_ATTRIBUTE_… of Windows.
enum NtfsAttribute : std::uint32_t {
  kReadOnly = 0x1,
  kHidden = 0x2,
  kSystem = 0x4,
  kReparsePoint = 0x400,
};

struct NtfsTimes {
  Time created, modified, accessed, changed;

  bool operator==(const NtfsTimes&) const = default;
};

struct NtfsFacts {
  std::uint32_t attributes = 0;  ///< See NtfsAttribute.
  std::optional<NtfsTimes> times;
  std::optional<std::uint32_t> reparse_tag;  ///< Of a junction 0xA0000003, of a link 0xA000000C.
  std::vector<std::string> streams;          ///< Names of alternate data streams, at most 1024.

  bool is_hidden() const { return (attributes & kHidden) != 0; }
  bool is_system() const { return (attributes & kSystem) != 0; }
  bool is_read_only() const { return (attributes & kReadOnly) != 0; }
  /// Whether it leads elsewhere: a junction or a symbolic link.
  bool leads_elsewhere() const;

  bool operator==(const NtfsFacts&) const = default;
};

/// The facts of what `entry` (O_PATH will do) stands for; nothing where the mount gives none.
std::optional<NtfsFacts> ntfs_facts(const FileDescriptor& entry);

/// Windows' count of 100 ns since 1601, as a Time. Any value is one.
Time from_filetime(std::uint64_t filetime);

/// Of the octets of "system.ntfs_attrib", in the machine's order; nothing where they are no four.
std::optional<std::uint32_t> parse_ntfs_attributes(OctetView octets);
/// Of those of "system.ntfs_times": four FILETIMEs, or the first three of them.
std::optional<NtfsTimes> parse_ntfs_times(OctetView octets);
/// Of those of "ntfs.streams.list": names with a NUL behind each.
std::vector<std::string> parse_stream_names(OctetView octets);

}  // namespace postern::files
