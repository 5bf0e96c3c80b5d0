// File: a regular file of a root, open to be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/file_descriptor.h"
#include "base/octets.h"
#include "base/result.h"
#include "files/metadata.h"

namespace postern::files {

/// Reads at any place, changes nothing. Any thread may read; nothing here holds a position.
///
/// The file may change or shrink while it is read: what is read is then not any one state of it,
/// and `changed` says so. It is never mapped, so a file that shrinks is no signal.
class File {
 public:
  /// `file` is open for reading and `metadata` was taken of it.
  File(FileDescriptor file, const Metadata& metadata)
      : file_(std::move(file)), metadata_(metadata) {}

  /// As it was when it was opened.
  const Metadata& metadata() const { return metadata_; }
  std::uint64_t size() const { return metadata_.size; }
  const FileDescriptor& descriptor() const { return file_; }

  /// Fills `into` from `offset` on; fewer octets only where the file ends. `unavailable` where the
  /// disk does not give them; the text says at which offset.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> into) const;

  /// Hands the file on from its beginning, a bufferful at a time, until its end or until `take`
  /// gives false. A file that grows meanwhile is read to `size()`: it always ends.
  Result<void> stream(std::span<std::uint8_t> buffer,
                      const std::function<bool(OctetView)>& take) const;

  /// All of it; `limit_exceeded` over `max_octets`, `unavailable` where it shrank meanwhile.
  Result<Octets> read_whole(std::uint64_t max_octets) const;

  /// Whether somebody has written to it since it was opened.
  Result<bool> changed() const;

 private:
  FileDescriptor file_;
  Metadata metadata_;
};

}  // namespace postern::files
