// Drift: what changed about a domain since it was looked at last.
//
// Only records of the domain's own names count: a provider's addresses change with the hour.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exposure/inquiry.h"
#include "exposure/verdict.h"

namespace postern::exposure {

/// One record, and what had been asked when it came.
struct SnapshotLine {
  std::string question;  ///< "A autodiscover.example.com".
  std::string record;    ///< "autodiscover.example.com CNAME autodiscover.outlook.com."

  friend auto operator<=>(const SnapshotLine&, const SnapshotLine&) = default;
};

/// What is kept of a domain from one run to the next.
struct Snapshot {
  std::string hosting;
  std::string behind;
  std::string exposure;
  std::string provider;
  std::vector<SnapshotLine> lines;  ///< Sorted, each once.
};

/// Bound of a snapshot's text.
inline constexpr std::size_t kMaxSnapshotOctets = 2U << 20;

Snapshot snapshot_of(const Inquiry& inquiry, const Verdict& verdict);

/// As text for a database, and back. Errors: not such a text.
std::string to_text(const Snapshot& snapshot);
Result<Snapshot> snapshot_from_text(std::string_view text);

enum class Change : std::uint8_t {
  added,  ///< Was not looked at before.
  same,
  changed,
  gone,       ///< In the list before, not now.
  not_known,  ///< What decides could not be asked now.
};

std::string_view to_string(Change change);

struct Drift {
  Change change = Change::added;
  std::optional<Snapshot> before{};    ///< Without its lines.
  std::vector<std::string> added{};    ///< Records that were not there.
  std::vector<std::string> removed{};  ///< Records that are there no more.
};

/// What is different. Where something could not be asked now, what was known of it stays true, and
/// `now` is completed with it.
Drift compare(const std::optional<Snapshot>& before, Snapshot& now, const Inquiry& inquiry,
              bool is_complete);

}  // namespace postern::exposure
