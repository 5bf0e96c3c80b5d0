// One name table of a rule image, as it is made: buckets and entries of all owners.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "policy/image_format.h"
#include "policy/image_writer.h"

namespace postern::policy {

/// Numbers the kinds of postings, the first 127 of which take one octet.
class KindNumbers {
 public:
  std::uint32_t number_of(const image::Kind& kind);
  std::span<const image::Kind> all() const { return kinds_; }

 private:
  std::vector<image::Kind> kinds_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
};

/// The ends of names that are frequent, by their octets.
class SuffixNumbers {
 public:
  /// Learns from the names of a sample of all rules.
  explicit SuffixNumbers(std::span<const ZoneContent> zones);

  /// The number of a suffix in wire form; kMaxSuffixes where it has none.
  std::size_t number_of(OctetView wire) const;
  /// Each behind its size octet, by number.
  Octets octets() const;

 private:
  std::vector<std::string> suffixes_;
  std::unordered_map<std::string_view, std::size_t> numbers_;
};

/// What all parts of an image are made with.
struct ImageContext {
  std::span<const ZoneContent> zones;
  /// By zone: what is added to the number of a record set to make it the image's.
  std::vector<std::uint32_t> first_data;
  std::vector<std::uint32_t> first_note;  ///< The same for notes.
  std::uint64_t key = 0;
  std::uint64_t mask = 0;
  const SuffixNumbers& suffixes;
  KindNumbers& kinds;

  /// image::kHasData, image::kHasNote, or neither.
  std::uint8_t number_flag(std::size_t zone, std::size_t rule) const;
  /// The record set or the note that a rule has, as `flags` say; else kNoData.
  std::uint32_t number_of(std::size_t zone, std::size_t rule, std::uint8_t flags) const;
};

struct BuiltNames {
  std::vector<image::Bucket> buckets;
  Octets entries;
  std::vector<image::Shadowed> shadowed;
  image::Depths depths{};
};

/// The table of all rules of one trigger. Errors: `limit_exceeded`, over 4 GiB.
Result<BuiltNames> build_names(const ImageContext& context, Trigger trigger);

}  // namespace postern::policy
