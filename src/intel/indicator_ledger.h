// What a policy blocks, as STIX 2.1 indicators that others poll: since when each of them is said,
// and which are taken back.
//
// Start at IndicatorLedger::update. A value of one time, which never changes, so that it may be
// read while the next one is made. `IndicatorLedger::page` is what a TAXII server hands out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "policy/rule_note.h"

namespace postern::intel {

using Uuid = std::array<std::uint8_t, 16>;

/// "91a7b528-80eb-42ed-a74d-c6fbd5a26116".
std::string to_text(const Uuid& uuid);
/// Named by a text, within a namespace: version 5 (RFC 9562 §5.5).
Uuid named_uuid(const Uuid& space, std::string_view name);
/// The namespace of all that Postern names.
inline constexpr Uuid kPosternSpace = {0x6f, 0x1d, 0x1c, 0x0e, 0x52, 0x3b, 0x4e, 0x0a,
                                       0x9c, 0x7d, 0x3a, 0x55, 0x1f, 0x0b, 0x2e, 0x61};

/// A name or prefix that a policy blocks.
struct BlockedOwner {
  std::string text;  ///< "bad.example", or "192.0.2.0/24" for answers with such addresses.
  bool is_prefix = false;
  bool itself = false;      ///< Of a name: it is blocked, …
  bool below = false;       ///< … all below it are.
  policy::RuleNote note{};  ///< Confidence, end and marking; all else means nothing here.

  bool operator==(const BlockedOwner&) const = default;
};

/// What of a collection is asked for (TAXII 2.1 §3.4).
struct IndicatorFilter {
  std::optional<WallTime> added_after{};
  std::vector<std::string> ids{};            ///< "indicator--…"; empty: all.
  std::vector<std::string> types{};          ///< Empty: all.
  std::vector<std::string> versions{};       ///< Times; empty: the newest.
  std::vector<std::string> spec_versions{};  ///< Empty: all.
  std::int64_t next_us = 0;                  ///< Behind this time of being added.
  std::size_t limit = 1000;
};

class IndicatorLedger {
 public:
  static constexpr std::size_t kMaxIndicators = 1'000'000;  ///< About 150 octets each.
  /// What was taken back is said for so long, and the newest of so many: who asks less often has to
  /// fetch all anew.
  static constexpr std::chrono::days kRevokedKept{30};
  static constexpr std::size_t kMaxRevoked = 1'000'000;

  struct Entry {
    BlockedOwner owner;
    Uuid id{};
    std::int64_t created_us = 0;
    std::int64_t added_us = 0;  ///< Of this version: no two entries have the same.
    bool revoked = false;
  };

  /// Nothing is said. `space`: of the ids.
  explicit IndicatorLedger(const Uuid& space) : space_(space) {}

  /// The ledger after this one. `blocked` in any order, each text once; those over kMaxIndicators
  /// are left out. Equal content keeps its times; what is gone is revoked, what comes back has a
  /// new id (STIX 2.1 §3.2: nothing is ever un-revoked).
  IndicatorLedger update(std::vector<BlockedOwner> blocked, WallTime now) const;

  /// By their text: of each at most one that is not revoked, and those that were.
  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t left_out() const { return left_out_; }
  /// Of the newest version; 0 where there is none.
  std::int64_t last_added_us() const {
    return by_added_.empty() ? 0 : entries_[by_added_.back()].added_us;
  }

  /// As it is kept on disk. Errors: `corrupt`.
  std::string to_text() const;
  static Result<IndicatorLedger> from_text(std::string_view text, const Uuid& space);

  /// A page of entries, in the order of being added; at most `filter.limit`.
  struct Page {
    std::vector<const Entry*> entries;
    bool more = false;
  };
  Page page(const IndicatorFilter& filter) const;

 private:
  void index();
  void forget_oldest_revoked();

  Uuid space_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> by_added_;
  std::size_t left_out_ = 0;
};

/// "indicator--…".
std::string indicator_id(const IndicatorLedger::Entry& entry);
/// "2026-03-02T08:00:00.000000Z".
std::string stix_time(std::int64_t at_us);
/// The object as JSON.
std::string indicator_json(const IndicatorLedger::Entry& entry);
/// Its line in a manifest (TAXII 2.1 §5.3.2).
std::string manifest_json(const IndicatorLedger::Entry& entry);

}  // namespace postern::intel
