// Archives: what is in them, and their octets, within bounds. libarchive stays in archives.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"
#include "exchange/archive_check.h"

namespace postern::host {

/// What an archive may cost. Reaching a bound is `limit_exceeded`, and says which.
struct ArchiveLimits {
  std::size_t max_entries = 100'000;
  /// Unpacked, in all. Nobody holds what is unpacked, so it bounds time alone: a minute or two.
  std::uint64_t max_octets = std::uint64_t{32} << 30;
  /// Unpacked to packed, from `ratio_from` octets on: deflate does 1032 at most, text some 10.
  std::uint64_t max_ratio = 200;
  std::uint64_t ratio_from = std::uint64_t{64} << 20;
};

/// Puts octets of the file at an offset into the span, and says how many: fewer only at its end.
using ReadAt = std::function<Result<std::size_t>(std::uint64_t, std::span<std::uint8_t>)>;

/// The octets of an archive.
struct ArchiveSource {
  ReadAt read_at;
  std::uint64_t size = 0;

  /// Octets that the caller keeps.
  static ArchiveSource of(OctetView octets);
};

/// What is in it, without unpacking, as far as it could be read: `complete` is false behind a bound
/// or a fault, `fault` then says which.
struct Listed {
  exchange::ArchiveListing listing;
  std::string fault;
};
Result<Listed> list_archive(const ArchiveSource& source, std::string_view name,
                            const ArchiveLimits& limits = {});

/// The octets of one file in an archive, once and in order, unpacked as they are asked for.
class ArchivedFile {
 public:
  ArchivedFile() = default;
  ArchivedFile(const ArchivedFile&) = delete;
  ArchivedFile& operator=(const ArchivedFile&) = delete;
  virtual ~ArchivedFile() = default;

  /// Some octets, valid until the next call; empty at the end. An error: no more of it can be read,
  /// and each further call says so again.
  virtual Result<OctetView> next() = 0;

  /// Fills the span as far as there are octets.
  Result<std::size_t> read(std::span<std::uint8_t> into);

 private:
  OctetView left_;  // Of what `next` gave to `read`.
};

/// Who wants the content of an archive's files.
class ArchiveVisitor {
 public:
  ArchiveVisitor() = default;
  ArchiveVisitor(const ArchiveVisitor&) = delete;
  ArchiveVisitor& operator=(const ArchiveVisitor&) = delete;
  virtual ~ArchiveVisitor() = default;

  /// Whether the file is wanted. `size` is what the archive says, which may be a lie, or 0.
  virtual bool wants(std::string_view path, std::uint64_t size) = 0;
  /// A wanted file, to be read as far as the visitor likes.
  virtual void visit(ArchivedFile& file) = 0;
};

/// Hands out the files that the visitor wants, one after the other, in the order of the archive.
/// Paths are as the archive says them, '\' as '/', without what would lead out ("..", a drive):
/// they are names to show, never to write to. An error is one of the archive as a whole.
Result<void> read_archive(const ArchiveSource& source, std::string_view name,
                          ArchiveVisitor& visitor, const ArchiveLimits& limits = {});

}  // namespace postern::host
