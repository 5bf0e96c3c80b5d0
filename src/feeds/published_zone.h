// PublishedZone: one zone that we give to other name servers, version by version.
//
// A version is a serial number, the policy that it is made of, and what has changed since some
// versions before. Records are not kept: they are made of the policy whenever they are wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "dns/name.h"
#include "feeds/flat_policy.h"

namespace postern::feeds {

/// From one version to the next (RFC 1995 §4). Packed records (packed_record.h), without the SOAs.
struct ZoneDifference {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  Octets removed;
  Octets added;

  std::size_t octets() const { return removed.size() + added.size(); }
};

/// What one zone is at a time. Never changes.
struct ZoneVersion {
  std::uint32_t serial = 0;
  std::string digest;  ///< SHA-256 of all records but the SOA, in hexadecimal.
  PolicyMoment moment;
  /// The newest last, each from where the one before it ends; the last one leads here.
  std::vector<std::shared_ptr<const ZoneDifference>> history;
  std::size_t records = 0;
  std::size_t left_out = 0;  ///< Rules that cannot be said.
  bool is_exact = true;      ///< See FlatPolicy::is_exact.
};

/// How a published zone is made.
struct ZonePlan {
  FlatPlan flat;
  /// Of all differences; the oldest go first. One that is larger by itself ends the history.
  std::size_t history_octets = 16U << 20;
};

/// What survives a restart.
struct ZoneMark {
  std::uint32_t serial = 0;
  std::string digest;
};
/// "SERIAL DIGEST", a line.
std::string to_text(const ZoneMark& mark);
std::optional<ZoneMark> zone_mark_from_text(std::string_view text);

/// The serial behind `last`: seconds since 1970, unless that is not newer (RFC 1982).
std::uint32_t serial_after(std::optional<std::uint32_t> last, std::uint64_t now_s);

/// One thread. Costs some microseconds for each rule of the old and of the new generation: for a
/// thread of which nobody waits.
class PublishedZone {
 public:
  /// `mark`: of the last version before the restart.
  PublishedZone(ZonePlan plan, std::optional<ZoneMark> mark)
      : plan_(std::move(plan)), mark_(std::move(mark)) {}

  /// Makes a version of that policy, whose serial is a new one only where its records are not those
  /// of the version before. On failure that stays. Where neither rules nor hours nor what is
  /// excepted is another, nothing is made, and the cost is that of what is excepted.
  Result<void> update(const PolicyMoment& moment, std::uint64_t now_s);

  const ZonePlan& plan() const { return plan_; }
  /// Null until the first `update`.
  const std::shared_ptr<const ZoneVersion>& version() const { return version_; }
  /// The nodes of that version, where they are few; else null.
  const std::shared_ptr<const FlatPolicy>& flat() const { return flat_; }

 private:
  /// What a version was made of, but for the rules.
  struct Basis {
    std::uint16_t group = 0;
    std::string exceptions;  // A digest.

    bool operator==(const Basis&) const = default;
  };
  Result<Basis> basis_of(const PolicyMoment& moment) const;

  const ZonePlan plan_;
  std::optional<ZoneMark> mark_;
  std::optional<Basis> basis_;  // Of `version_`.
  std::shared_ptr<const ZoneVersion> version_;
  std::shared_ptr<const FlatPolicy> flat_;  // Of `version_`, where it is small.
};

/// The zone's SOA record, and the NS record without which it would be no zone; packed.
Octets packed_soa(const dns::Name& zone, std::uint32_t serial);
Octets packed_ns(const dns::Name& zone);

/// Gives the packed records of an answer, part by part; false at the end. One thread.
using RecordSource = std::function<bool(Octets& packed)>;

/// All of the zone, SOA first and last (RFC 5936 §2.2).
RecordSource whole_zone(const dns::Name& zone, std::uint32_t serial,
                        std::shared_ptr<const FlatPolicy> flat);
/// What has changed since `serial` (RFC 1995 §4). Nothing where that is not known any more. The
/// source keeps what it needs alive.
std::optional<RecordSource> changes_since(const dns::Name& zone, std::uint32_t serial,
                                          const std::shared_ptr<const ZoneVersion>& version);
/// The SOA alone: there is nothing new, or it is too much for one message.
RecordSource soa_alone(const dns::Name& zone, std::uint32_t serial);

}  // namespace postern::feeds
