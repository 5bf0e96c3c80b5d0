// ImageStore: the rule images of the last generations on disk, so that the next start protects
// before any feed is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "feeds/image_memory.h"

namespace postern::feeds {

/// A folder with "rules-NUMBER.image" for each of the last generations whose rules were others. One
/// thread.
class ImageStore {
 public:
  static constexpr std::size_t kKept = 10;
  /// Over what an image can have: a larger file is none.
  static constexpr std::uint64_t kMaxOctets = std::uint64_t{16} << 30;

  ImageStore(std::string folder, Log& log) : folder_(std::move(folder)), log_(&log) {}

  /// The newest image that is whole, or none. What is damaged is passed over with
  /// a warning, and what is older than that may be far from what was in force.
  HeldImage load_newest() const;
  /// The image of that generation. Errors: `not_found`, `corrupt`.
  Result<HeldImage> load(std::uint64_t number) const;
  /// The newest image that was written by then; nothing where none is kept from so long ago.
  std::optional<std::uint64_t> number_at(WallTime at) const;
  /// Forced to disk under a name of its own, then renamed; of the others those of the highest
  /// numbers stay, so that there are kKept, and those that `keep` named. Mode 0600: it has the key
  /// of the tables' hashes.
  Result<void> save(std::uint64_t number, const SharedMemory& image);
  /// These stay, too, whatever their age, until it is called again.
  void keep(std::vector<std::uint64_t> numbers) { needed_ = std::move(numbers); }
  /// Removes what writers that were interrupted have left in the folder: images and copies.
  void remove_unfinished() const;
  /// The numbers of the images there, the newest first.
  std::vector<std::uint64_t> numbers() const;

 private:
  std::string path(std::uint64_t number) const;
  void remove_old(std::uint64_t newest) const;

  std::string folder_;
  Log* log_;
  std::vector<std::uint64_t> needed_;
};

}  // namespace postern::feeds
