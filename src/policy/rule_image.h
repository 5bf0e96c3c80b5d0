// The rule image: all rules of all zones in one piece of memory, as it lies in its file.
//
// Start at RuleImage::open. `build_image` (image_writer.h) makes the octets; the layout is in
// image_format.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "policy/name_table.h"
#include "policy/prefix_table.h"
#include "policy/rule.h"

namespace postern::policy {

/// What an image says of a zone beside its rules.
struct ImageZone {
  std::string name;    ///< The feed's.
  std::string source;  ///< What the rules were read from, in the words of who had it built.
  /// As in a DNS zone, a name that exists hides the wildcards above it: ZoneRules.
  bool closest_encloser = false;
  std::array<std::uint64_t, kTriggerCount> counts{};  ///< Rules by trigger.
  std::optional<ZoneSoa> soa;
  Sharing sharing = Sharing::unmarked;  ///< Of every rule at least.
  std::uint32_t since_s = 0;            ///< See ZoneRules::set_since.

  std::uint64_t rule_count() const;
};

/// Whether the checksum in an image's header is that of the rest. `read` fills the span with the
/// image's octets from that offset on; false where it cannot. Reads `size` octets once, in order,
/// a piece at a time: for an image whose octets had better not be all in memory for that.
bool image_checksum_holds(
    std::uint64_t size,
    const std::function<bool(std::uint64_t offset, std::span<std::uint8_t>)>& read);

/// Immutable; any number of threads may read it. Holds views of octets that somebody else owns.
class RuleImage {
 public:
  /// Verifies the checksum and the parts that everything else follows; reads all octets once.
  /// `owner` keeps the octets where they are and is held as long as the image.
  /// What is read while deciding is checked then: octets that somebody made, with a checksum that
  /// holds, can make rules go missing but nothing be read outside of them.
  /// Errors: `corrupt`; also for another version of the format, then saying so.
  static Result<std::shared_ptr<const RuleImage>> open(OctetView octets,
                                                       std::shared_ptr<const void> owner);
  /// The same for octets whose checksum was found to hold (`image_checksum_holds`) and that nobody
  /// can have changed since: reads only what is needed to follow the rest.
  static Result<std::shared_ptr<const RuleImage>> open_checked(OctetView octets,
                                                               std::shared_ptr<const void> owner);

  const std::vector<ImageZone>& zones() const { return zones_; }
  std::uint64_t rule_count() const { return rule_count_; }
  std::size_t size_octets() const { return octets_.size(); }
  /// The one that it was built with; secret.
  std::uint64_t hash_key() const { return hash_key_; }
  OctetView octets() const { return octets_; }

  /// `trigger` is one that has a name.
  const NameTable& names(Trigger trigger) const {
    return trigger == Trigger::qname ? qnames_ : nsdnames_;
  }
  /// `trigger` is one that has a prefix.
  const PrefixTable& prefixes(Trigger trigger) const {
    return trigger == Trigger::client_ip     ? client_ips_
           : trigger == Trigger::response_ip ? response_ips_
                                             : nsips_;
  }
  /// Walks all rules: `take(posting, rule)`, where the rule has its trigger and its name or prefix,
  /// the posting all else. Also postings of kExists, which are no rules.
  template <typename Take>
  void for_each_rule(Take take) const {
    for (const Trigger trigger : {Trigger::qname, Trigger::nsdname}) {
      names(trigger).for_each([&](const dns::Name& owner, const Posting& posting) {
        take(posting, Rule{.name = owner, .trigger = trigger});
      });
    }
    for (const Trigger trigger : {Trigger::client_ip, Trigger::response_ip, Trigger::nsip}) {
      const PrefixTable& table = prefixes(trigger);
      for (std::size_t i = 0; i < table.size(); ++i) {
        take(table.posting(i), Rule{.prefix = table.prefix(i), .trigger = trigger});
      }
    }
  }
  /// The record set of that number; empty where there is none. Allocates.
  std::vector<LocalRecord> local_data(std::uint32_t index) const;
  /// What is known of rules, by Posting::note.
  std::span<const RuleNote> notes() const { return notes_; }
  /// The note of that number; null where there is none.
  const RuleNote* note(std::uint32_t index) const {
    return index < notes_.size() ? &notes_[index] : nullptr;
  }

 private:
  RuleImage() = default;
  enum class Checksum : std::uint8_t { verify, known };
  static Result<std::shared_ptr<const RuleImage>> open(OctetView octets,
                                                       std::shared_ptr<const void> owner,
                                                       Checksum checksum);
  Result<void> read(OctetView octets, Checksum checksum);
  Result<void> read_zones(OctetView part);
  Result<void> read_kinds(OctetView part);
  Result<void> read_suffixes(OctetView part);
  Result<void> read_data(OctetView index, OctetView data);
  Result<void> read_notes(OctetView part);

  std::shared_ptr<const void> owner_;
  OctetView octets_;
  std::uint64_t rule_count_ = 0;
  std::uint64_t hash_key_ = 0;
  std::vector<ImageZone> zones_;
  std::span<const image::Kind> kinds_;
  NameSuffixes suffixes_;
  std::span<const std::uint64_t> data_index_;
  OctetView data_;
  std::span<const RuleNote> notes_;
  NameTable qnames_, nsdnames_;
  PrefixTable client_ips_, response_ips_, nsips_;
};

}  // namespace postern::policy
