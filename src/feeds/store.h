// CopyStore: the last good copy of each feed on disk, and the number of the last generation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "feeds/fetcher.h"
#include "feeds/shared_memory.h"

namespace postern::feeds {

/// Of a TAXII collection: how far it is known.
struct TaxiiMark {
  std::string added_after;  ///< What the next poll asks with; empty: for everything.
  WallTime whole_at{};      ///< When everything was last asked for.

  bool operator==(const TaxiiMark&) const = default;
};

/// What is known about a copy besides its text.
struct CopyFacts {
  std::string source;        ///< Digest of where the feed comes from: another source, another copy.
  std::string fetched_from;  ///< Digest of the URL that the validators belong to.
  Validators validators;
  std::string sha256;       ///< Of the text, in hexadecimal.
  WallTime checked_at{};    ///< When it was last known to be the newest.
  std::uint64_t rules = 0;  ///< That were read from it.
  TaxiiMark taxii{};
};

struct Copy {
  CopyFacts facts;
  SharedMemory text;  ///< Sealed.
};

/// A folder with NAME.meta, which names the text beside it by its digest: NAME-DIGEST.feed. The
/// text is written and forced to disk first, NAME.meta replaced after, so that a crash at any
/// moment leaves one whole copy. One thread.
class CopyStore {
 public:
  /// `folder` is made when something is first saved.
  explicit CopyStore(std::string folder) : folder_(std::move(folder)) {}

  /// The copy of that feed from that source. `not_found` where there is none, `corrupt` where the
  /// text is not the one that was saved.
  Result<Copy> load(std::string_view name, std::string_view source, std::uint64_t max_octets) const;
  /// What is known about that copy, without its text; `not_found`, `corrupt` as for `load`.
  Result<CopyFacts> load_facts(std::string_view name, std::string_view source) const;
  /// The same whatever source it is from.
  Result<CopyFacts> facts(std::string_view name) const;
  /// Whether the text of that digest is there; not whether it is whole.
  bool has_text(std::string_view name, std::string_view sha256) const;
  /// Replaces the copy. `facts.sha256` must be the text's. On failure the old one stays.
  Result<void> save(std::string_view name, const CopyFacts& facts, const SharedMemory& text);
  /// Replaces the facts alone: the text is still the newest.
  Result<void> save_facts(std::string_view name, const CopyFacts& facts);
  /// The text of that digest, where it is there. Failing to is no harm.
  void remove_text(std::string_view name, std::string_view sha256);
  /// The file that holds the facts, for people.
  std::string meta_path(std::string_view name) const;

  /// 0 where none was saved or it cannot be read.
  std::uint64_t load_generation() const;
  Result<void> save_generation(std::uint64_t number);

 private:
  Result<void> make_folder() const;
  std::string text_path(std::string_view name, std::string_view sha256) const;
  void remove_other_texts(std::string_view name, std::string_view sha256) const;

  std::string folder_;
};

}  // namespace postern::feeds
