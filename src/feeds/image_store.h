// ImageStore: the rule images of the last generations on disk, so that the next start protects
// before any feed is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "feeds/image_memory.h"

namespace postern::feeds {

/// A folder with one file for each of the last generations whose rules were others:
/// "rules-NUMBER.image" with all of them, or "rules-NUMBER-on-GROUND.image" with the zones that are
/// not as in that earlier one. One thread.
class ImageStore {
 public:
  static constexpr std::size_t kKept = 10;
  /// Over what an image can have: a larger file is none.
  static constexpr std::uint64_t kMaxOctets = std::uint64_t{16} << 30;

  ImageStore(std::string folder, Log& log) : folder_(std::move(folder)), log_(&log) {}

  /// The newest images that are whole, or none. What is damaged is passed over with
  /// a warning, and what is older than that may be far from what was in force.
  HeldImages load_newest();
  /// The images of that generation. Of a ground that is in memory already there is no second one.
  /// Errors: `not_found`, `corrupt`.
  Result<HeldImages> load(std::uint64_t number);
  /// The newest image that was written by then; nothing where none is kept from so long ago.
  std::optional<std::uint64_t> number_at(WallTime at) const;
  /// Forced to disk under a name of its own, then renamed; of the others those of the highest
  /// numbers stay, so that there are kKept, those that `keep` named, and what these lie on. Mode
  /// 0600: it has the key of the tables' hashes. An overlay is written if its ground `is_kept`,
  /// else that is `not_found`.
  Result<void> save(std::uint64_t number, const HeldImages& images);
  /// Whether an image, saved or loaded whole, is there still.
  bool is_kept(const policy::RuleImage& ground) const;
  /// Whether the newest there are these very ones.
  bool are_newest(const HeldImages& images) const;
  /// These stay, too, whatever their age, until it is called again.
  void keep(std::vector<std::uint64_t> numbers) { needed_ = std::move(numbers); }
  /// Removes what writers that were interrupted have left in the folder: images and copies.
  void remove_unfinished() const;
  /// The numbers of the images there, the newest first.
  std::vector<std::uint64_t> numbers() const;

 private:
  // A file; `ground` is 0 where it has all rules.
  struct Entry {
    std::uint64_t number = 0;
    std::uint64_t ground = 0;
  };
  // Images in memory that are in a file.
  struct Known {
    std::uint64_t number = 0;
    std::weak_ptr<const policy::RuleImage> ground, overlay;
    bool has_overlay = false;  // Though it may be gone.
  };
  static std::optional<Entry> entry_in(std::string_view file);
  std::vector<Entry> entries() const;
  std::string path(const Entry& entry) const;
  Result<HeldImages> load(const Entry& entry);
  void note(std::uint64_t number, const HeldImages& images);
  std::optional<Entry> entry_of(const policy::RuleImage& ground) const;
  void remove_old(const Entry& newest) const;

  std::string folder_;
  Log* log_;
  std::vector<std::uint64_t> needed_;
  std::vector<Known> known_;
};

}  // namespace postern::feeds
