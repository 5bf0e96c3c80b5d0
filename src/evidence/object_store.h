// ObjectStore: octets kept once each, by their SHA-256, compressed by Zstandard.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/octets.h"
#include "base/result.h"
#include "files/file.h"

namespace postern::evidence {

struct Stored {
  std::string sha256;
  std::uint64_t octets = 0;
};

/// objects/ab/ab….zst in a pack. An object is written as partial/object, forced to disk and
/// renamed: what has its name is whole. Used by one thread of one process (lock_folder).
class ObjectStore {
 public:
  /// Of a pack that is being made: makes its folders, and removes what a crash left of an object.
  static Result<ObjectStore> create(int pack);
  /// Of a pack that is there. `not_found` where it has no objects.
  static Result<ObjectStore> open(int pack);

  /// Reads the file to the size it had when it was opened. The inner error is one of reading it,
  /// the outer one of writing here.
  Result<Result<Stored>> keep(const files::File& file);
  Result<Stored> keep(OctetView octets);

  /// Hands an object on, in pieces. `corrupt` where it is damaged, or is not these octets: found
  /// out at the end, so what was handed on counts only where this succeeds. `not_found`; what the
  /// sink says. Never hands on more than `octets`.
  Result<void> unpack(const std::string& sha256, std::uint64_t octets,
                      const std::function<Result<void>(OctetView)>& take) const;
  /// The same, for nothing but to know that it is whole.
  Result<void> check(const std::string& sha256, std::uint64_t octets) const;
  /// All of it, where it is not over `max_octets`.
  Result<Octets> read(const std::string& sha256, std::uint64_t octets,
                      std::uint64_t max_octets) const;

  /// Compressed, that were written through this store: what was there before counts as none.
  std::uint64_t written_octets() const { return written_octets_; }

  /// Removes the objects that are not named: of a file that was read again, or of a run before.
  Result<void> keep_only(const std::set<std::string>& wanted);

  /// Of every object there is, sorted; a file there that is none is named as it is.
  Result<std::vector<std::string>> names() const;

 private:
  using Take = std::function<bool(OctetView)>;
  using Source = std::function<Result<void>(const Take&)>;

  ObjectStore(FileDescriptor objects, FileDescriptor partial)
      : objects_(std::move(objects)), partial_(std::move(partial)) {}
  Result<Result<Stored>> keep_from(const Source& source);

  FileDescriptor objects_;
  std::uint64_t written_octets_ = 0;
  FileDescriptor partial_;  // None in a pack that is only read.
};

}  // namespace postern::evidence
