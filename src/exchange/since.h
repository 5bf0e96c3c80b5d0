// What became of findings and files since an earlier sweep of the same server.
//
// Start at compare. A finding is known again by what it says, not by where its log lies: logs are
// renamed, packed and deleted. What an earlier sweep found and whose evidence is no longer there
// is remembered: a log that was deleted makes nobody clean.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "exchange/finding.h"

namespace postern::exchange {

enum class Change : std::uint8_t {
  fresh,
  changed,
  same,
  gone,         ///< The sweep before found it.
  gone_before,  ///< One before that did; its evidence was gone by the last one.
};
inline constexpr std::size_t kChanges = 5;

/// "new", "changed", "still there", "gone", "gone before".
std::string_view to_string(Change change);

/// What became of one finding.
struct FindingChange {
  Change change{};
  /// What of it changed, or why it is gone: "its log is no longer there".
  std::string why;
  WallTime first_found{}, last_found{};
  /// Worth being told of: it is new; or says more, or something else, of the same thing; or it
  /// vanished from a log that is still there, and of which nothing vanishes by itself. What is
  /// joined from many rows and is no worse than it was is none: each day a part of these goes.
  bool is_news = false;
};

/// What became of the file where a finding's evidence was.
enum class FileFate : std::uint8_t { same, changed, gone, not_examined, unknown };

/// By a path beneath the swept root, never one in an archive.
using FateOf = std::function<FileFate(std::string_view path)>;

/// A finding of earlier sweeps.
struct KeptFinding {
  Finding finding;
  WallTime first_found{}, last_found{};
};

/// What is kept of the last sweep of a server that was completed.
struct EarlierSweep {
  std::string case_id;
  WallTime ended{};
  bool same_rules = true;
  std::vector<KeptFinding> findings;
};

/// What a sweep says of itself against the one before.
struct Since {
  bool is_first = false;  ///< There is none before: all is new.
  std::string case_id;    ///< Of the one before,
  WallTime ended{};       ///< and when it ended.
  bool same_rules = true;
  std::vector<FindingChange> changes;  ///< Of each finding, in the order of these.
  /// Gone, and not remembered: the file was changed, or is judged otherwise.
  std::vector<KeptFinding> dropped;
  std::vector<std::string> dropped_why;  ///< Of each of them.

  /// Findings by their change.
  std::array<std::size_t, kChanges> counts() const;
};

/// Findings of evidence that is no longer there: the worst so many of a server are remembered.
inline constexpr std::size_t kMaxRemembered = 10'000;

/// Compares, and puts behind the findings of now what is remembered. `earlier` may be nullptr:
/// there is none. O(n log n).
Since compare(const EarlierSweep* earlier, std::vector<Finding>& findings, const FateOf& fate,
              WallTime now);

/// What the next sweep is to be compared with: what `compare` was given and made.
std::vector<KeptFinding> to_keep(std::span<const Finding> findings, const Since& since);

/// Files that were looked at, of one root.
struct RootChanges {
  struct Named {
    std::string path;
    Change change{};
  };
  std::string root;
  bool is_first = false;
  std::uint64_t fresh = 0, changed = 0, gone = 0, same = 0;
  /// The first kMaxNamed that are not same; those that are no logs before logs.
  std::vector<Named> named;
  static constexpr std::size_t kMaxNamed = 1'000;
};

}  // namespace postern::exchange
