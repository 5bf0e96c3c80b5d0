// SharedMemory: octets that have a descriptor and are in nobody's address space until mapped, so
// that they can be handed to another process, and take no room in one that only passes them on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/file_descriptor.h"
#include "base/octets.h"
#include "base/result.h"

namespace postern::feeds {

/// A memfd(2). Goes with its last descriptor and mapping.
class SharedMemory {
 public:
  /// Empty. `name` is what /proc shows.
  static Result<SharedMemory> create(const char* name);
  /// Those octets, sealed.
  static Result<SharedMemory> of(OctetView octets);
  /// Takes over a descriptor that somebody passed.
  explicit SharedMemory(FileDescriptor fd) : fd_(std::move(fd)) {}

  /// Behind what is there. Errors: `unavailable` where memory is short.
  Result<void> append(OctetView octets);
  /// The same with all that a regular file has, or at most `max_octets` of it (then it is
  /// `limit_exceeded`).
  Result<void> append_file(int file, std::uint64_t max_octets);
  /// All of it to the end of a file that was opened for writing.
  Result<void> write_to(int file) const;
  /// From here on nobody can change it, whoever holds a descriptor. Once.
  Result<void> seal();

  int fd() const { return fd_.get(); }
  Result<std::uint64_t> size() const;
  /// True if as many octets as `into` has are there at that place, and now in it.
  bool read_at(std::uint64_t offset, std::span<std::uint8_t> into) const;
  /// True if it begins with those octets.
  bool starts_with(OctetView octets) const;
  /// All of it, piece by piece: for what goes through it once. Errors: `unavailable`.
  Result<void> for_each_piece(const std::function<void(OctetView)>& piece) const;
  /// All of it as a string of its own.
  Result<std::string> to_string() const;

 private:
  FileDescriptor fd_;
};

/// All of a SharedMemory, to be read.
class Mapping {
 public:
  /// `memory` should be sealed: else who shortens it ends whoever reads here.
  static Result<std::shared_ptr<const Mapping>> of(const SharedMemory& memory);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  OctetView octets() const { return {at_, size_}; }
  /// Takes the pages out of this process's memory, until they are read again: they are in the
  /// SharedMemory. Nothing, where it has settled. The same thread as `settle`.
  void let_go() const;
  /// Puts a copy of its own in the place of the SharedMemory, in large pages where the system has
  /// them: what reads at random is quicker there. Readers notice nothing. Of the two no more is in
  /// this process's memory at a time than one and what is read meanwhile. One thread at a time.
  /// False: it stays as it is. Once; again does nothing.
  bool settle() const;

 private:
  Mapping(std::uint8_t* at, std::size_t room, std::size_t size)
      : at_(at), room_(room), size_(size) {}

  std::uint8_t* const at_;  ///< Where a large page may begin.
  const std::size_t room_;  ///< As large pages.
  const std::size_t size_;
  mutable bool is_settled_ = false;
};

}  // namespace postern::feeds
