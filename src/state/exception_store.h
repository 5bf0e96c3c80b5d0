// ExceptionStore: the exceptions that people make, kept on disk, audited, and in force.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/metric.h"
#include "base/published.h"
#include "base/result.h"
#include "base/time.h"
#include "dns/name.h"
#include "policy/exception.h"
#include "policy/exception_table.h"

namespace postern::state {

/// Kept at a time: what is meant for more names is a list, and its place the configuration.
inline constexpr std::size_t kMaxKeptExceptions = 100'000;
/// Names of one request: each is looked at while the database is locked.
inline constexpr std::size_t kMaxNamesAtOnce = 100;
/// Longer ones are no exceptions.
inline constexpr seconds kMaxExceptionLife{366 * 24 * 3600};
inline constexpr std::size_t kMaxReasonOctets = 500;
/// Entries of one page of the audit.
inline constexpr std::size_t kMaxAuditRows = 1000;

/// What somebody wants to be excepted, a name or several for the same clients.
struct ExceptionWish {
  std::vector<std::pair<dns::Name, policy::Scope>> names{};  ///< `exact` or `at_and_below`.
  policy::Action action = policy::Action::pass;              ///< `pass` or `block`.
  policy::Audience audience{};
  seconds lasts{0};
  std::string reason{};
};

/// Who wishes, and when.
struct Deed {
  std::string actor{};
  WallTime at{};
};

/// One change, as the audit has it. `before` and `after` are sentences, empty where there was or is
/// nothing.
struct AuditEntry {
  std::int64_t id = 0;
  WallTime at{};
  std::string actor{};
  std::string action{};   ///< "exception added", "… replaced", "… removed".
  std::string subject{};  ///< "exception 17".
  std::string before{};
  std::string after{};
  std::string reason{};
};

struct StoreOptions {
  std::string path{};                       ///< "": kept as long as the store, for tests.
  std::uint64_t hash_key = 0;               ///< For the tables that are published.
  std::uint64_t max_octets = 256ULL << 20;  ///< Of the file: a million audited changes.
};

/// Any thread may call any member; they wait for each other, and for the disk. Errors of the disk
/// are `unavailable`, with what is wrong with which file: then nothing was changed.
class ExceptionStore {
 public:
  /// Opens the file and puts in force what it has. Where it cannot be opened, says so in the log,
  /// and is there nonetheless: it then has no exceptions, and every change is refused with the
  /// reason. `published` must outlive it; nobody else publishes there.
  static std::unique_ptr<ExceptionStore> open(const StoreOptions& options,
                                              Published<policy::ExceptionTable>& published,
                                              Log& log);
  virtual ~ExceptionStore() = default;

  /// What the configuration excepts, for good, and how blocks are answered; replaces what it said
  /// before. An error (`limit_exceeded`) where that is too much, as `check` says of the same: then
  /// all stays as it was.
  virtual Result<void> check(const std::vector<policy::Exception>& configured) const = 0;
  virtual Result<void> configure(std::vector<policy::Exception> configured,
                                 policy::ZoneOptions answers) = 0;

  /// All of the wish or nothing. Gives what came of it, in its order, each name once; what has the
  /// same name, audience and action is replaced. In force when this returns. Errors:
  /// `invalid_input`, with what to do; `limit_exceeded`, when there are too many.
  virtual Result<std::vector<policy::Exception>> add(const ExceptionWish& wish,
                                                     const Deed& deed) = 0;
  /// Gives what was removed. `not_found`: there is none of this id, or it has ended.
  virtual Result<policy::Exception> remove(std::uint32_t id, const Deed& deed) = 0;
  /// Those that people made and that have not ended, the newest first: at most `limit`, of those
  /// with an id below `before`.
  virtual std::vector<policy::Exception> list(std::size_t limit,
                                              std::optional<std::uint32_t> before,
                                              WallTime now) const = 0;
  /// Keeps an entry on what somebody has changed elsewhere; its id is not read.
  virtual Result<void> note(const AuditEntry& entry) = 0;
  /// The newest first, at most `limit` of those with an id below `before`.
  virtual Result<std::vector<AuditEntry>> audit(std::size_t limit,
                                                std::optional<std::int64_t> before) = 0;
  virtual void collect(Metrics& metrics) const = 0;
};

/// "allow *.a.example for group kids until 2026-03-02T08:00:00Z".
std::string describe(const policy::Exception& exception);

}  // namespace postern::state
