#include "state/exception_store.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <mutex>

#include <fmt/format.h>

#include "base/assert.h"
#include "event/time_text.h"
#include "policy/limits.h"
#include "sqlite/sqlite.h"
#include "state/schema.h"

namespace postern::state {
namespace {

using policy::Audience;
using policy::Exception;
using policy::ExceptionTable;
using sqlite::Database;
using sqlite::Statement;

std::int64_t number_of(WallTime at) {
  return at.time_since_epoch().count();
}

WallTime time_of(std::int64_t number) {
  return WallTime(microseconds(number));
}

/// What stands in audience: never another number for the same kind. Nobody's hours are kept.
constexpr std::array<Audience::Kind, 4> kAudienceNumbers = {
    Audience::Kind::everyone, Audience::Kind::tenant, Audience::Kind::group,
    Audience::Kind::clients};

std::int64_t audience_number(const Audience& audience) {
  return std::ranges::find(kAudienceNumbers, audience.kind) - kAudienceNumbers.begin();
}

/// What stands in audience_name.
std::string audience_name(const Audience& audience) {
  return audience.kind == Audience::Kind::clients ? audience.clients.to_text() : audience.name;
}

Result<void> check_wish(const ExceptionWish& wish) {
  if (wish.names.empty()) return fail(Errc::invalid_input, "say which names");
  if (wish.names.size() > kMaxNamesAtOnce) {
    return fail(Errc::invalid_input,
                fmt::format("{} names; at most {} at once", wish.names.size(), kMaxNamesAtOnce));
  }
  if (wish.lasts <= seconds(0) || wish.lasts > kMaxExceptionLife) {
    return fail(Errc::invalid_input,
                "an exception lasts from 1s to 366d; for longer, name it in the configuration");
  }
  if (wish.reason.empty()) return fail(Errc::invalid_input, "say the reason");
  if (wish.reason.size() > kMaxReasonOctets) {
    return fail(Errc::invalid_input,
                fmt::format("a reason has at most {} octets", kMaxReasonOctets));
  }
  return {};
}

/// Binds all that tells an exception from others, from column `at` on; both must live until the
/// statement was reset.
void bind_key(Statement& statement, int at, const Exception& exception, const std::string& name,
              const std::string& audience) {
  statement.bind(at, std::string_view(name));
  statement.bind(at + 1, std::int64_t{exception.scope == policy::Scope::at_and_below});
  statement.bind(at + 2, std::int64_t{exception.action == policy::Action::pass});
  statement.bind(at + 3, audience_number(exception.audience));
  statement.bind(at + 4, std::string_view(audience));
}

static_assert(policy::kMaxOwnNames + kMaxKeptExceptions <= policy::kMaxExceptionsInForce);

constexpr std::string_view kColumns =
    "id, name, covers_below, allows, audience, audience_name, since, until, owner, reason";

/// A row of kColumns. `corrupt` where it is not one that we wrote.
Result<Exception> exception_of(const Statement& row) {
  const auto damaged = [&] {
    return fail(Errc::corrupt, fmt::format("exception {} cannot be read", row.integer(0)));
  };
  const std::int64_t id = row.integer(0);
  const auto name = dns::Name::from_text(row.text(1));
  const std::int64_t kind = row.integer(4);
  if (id <= 0 || id > std::numeric_limits<std::uint32_t>::max() || !name) return damaged();
  Exception exception{.id = static_cast<std::uint32_t>(id), .name = *name};
  if (row.integer(2) != 0) exception.scope = policy::Scope::at_and_below;
  if (row.integer(3) == 0) exception.action = policy::Action::block;
  if (kind < 0 || kind >= std::ssize(kAudienceNumbers)) return damaged();
  exception.audience.kind = kAudienceNumbers.at(static_cast<std::size_t>(kind));
  if (exception.audience.kind == Audience::Kind::clients) {
    const auto prefix = IpPrefix::from_text(row.text(5));
    if (!prefix) return damaged();
    exception.audience.clients = *prefix;
  } else {
    exception.audience.name = row.text(5);
  }
  exception.since = time_of(row.integer(6));
  exception.until = time_of(row.integer(7));
  exception.owner = row.text(8);
  exception.reason = row.text(9);
  return exception;
}

/// Undoes what was begun, unless it was committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (is_open_) (void)database_.execute("ROLLBACK");
  }
  Result<void> begin() {
    POSTERN_CHECK(database_.execute("BEGIN IMMEDIATE"));
    is_open_ = true;
    return {};
  }
  Result<void> commit() {
    POSTERN_CHECK(database_.execute("COMMIT"));
    is_open_ = false;
    return {};
  }

 private:
  Database& database_;
  bool is_open_ = false;
};

class SqliteStore final : public ExceptionStore {
 public:
  SqliteStore(const StoreOptions& options, Published<ExceptionTable>& published, Log& log)
      : options_(options), published_(published), log_(log) {}

  void restore() {
    const std::lock_guard lock(mutex_);
    auto kept = open_file();
    if (kept) {
      kept_ = *std::move(kept);
      return;
    }
    trouble_ = kept.error().text;
    database_.reset();
    log_.error("state", fmt::format("{}; no exception of before is in force and none can be made; "
                                    "serving goes on. Move the file away, or mend it, and restart",
                                    trouble_));
  }

  Result<void> check(const std::vector<Exception>& configured) const override {
    if (configured.size() <= policy::kMaxOwnNames) return {};
    return fail(Errc::limit_exceeded,
                fmt::format("{} names in the own lists of tenants and groups; at most {}: make a "
                            "feed of the longest list",
                            configured.size(), policy::kMaxOwnNames));
  }

  Result<void> configure(std::vector<Exception> configured, policy::ZoneOptions answers) override {
    POSTERN_CHECK(check(configured));
    const std::lock_guard lock(mutex_);
    configured_ = std::move(configured);
    answers_ = std::move(answers);
    publish();
    return {};
  }

  Result<std::vector<Exception>> add(const ExceptionWish& wish, const Deed& deed) override {
    POSTERN_CHECK(check_wish(wish));
    const std::lock_guard lock(mutex_);
    POSTERN_CHECK(check_file());
    std::vector<Exception> made;
    for (const auto& [name, scope] : wish.names) {
      const bool is_said_before = std::ranges::any_of(
          made, [&](const Exception& e) { return e.name == name && e.scope == scope; });
      if (is_said_before) continue;
      made.push_back({.name = name,
                      .scope = scope,
                      .action = wish.action,
                      .audience = wish.audience,
                      .since = deed.at,
                      .until = deed.at + wish.lasts,
                      .owner = deed.actor,
                      .reason = wish.reason});
    }
    std::vector<Exception> kept = without_ended(deed.at);
    const auto replaced = static_cast<std::size_t>(std::ranges::count_if(
        made, [&](const Exception& e) { return find_same(kept, e) != kept.end(); }));
    if (kept.size() - replaced + made.size() > kMaxKeptExceptions) {
      return fail(Errc::limit_exceeded,
                  fmt::format("there are {} exceptions, and at most {}; remove some, or name what "
                              "is to stay in the configuration",
                              kept.size(), kMaxKeptExceptions));
    }
    Transaction transaction(*database_);
    const auto done = [&]() -> Result<void> {
      POSTERN_CHECK(transaction.begin());
      POSTERN_CHECK(delete_ended(deed.at));
      for (Exception& each : made) POSTERN_CHECK(insert(each, kept, deed));
      return transaction.commit();
    }();
    if (!done) return not_written(done.error());
    kept.insert(kept.end(), made.begin(), made.end());
    kept_ = std::move(kept);
    publish();
    added_.add(made.size());
    return made;
  }

  Result<Exception> remove(std::uint32_t id, const Deed& deed) override {
    const std::lock_guard lock(mutex_);
    POSTERN_CHECK(check_file());
    std::vector<Exception> kept = without_ended(deed.at);
    const auto at = std::ranges::find(kept, id, &Exception::id);
    if (at == kept.end()) {
      return fail(Errc::not_found,
                  fmt::format("there is no exception {}, or it has ended; \"postern exception "
                              "list\" shows those there are",
                              id));
    }
    Exception removed = *at;
    kept.erase(at);
    Transaction transaction(*database_);
    const auto done = [&]() -> Result<void> {
      POSTERN_CHECK(transaction.begin());
      POSTERN_CHECK(delete_ended(deed.at));
      POSTERN_CHECK(erase(id));
      POSTERN_CHECK(write({.at = deed.at,
                           .actor = deed.actor,
                           .action = "exception removed",
                           .subject = fmt::format("exception {}", id),
                           .before = describe(removed),
                           .reason = removed.reason}));
      return transaction.commit();
    }();
    if (!done) return not_written(done.error());
    kept_ = std::move(kept);
    publish();
    removed_.add(1);
    return removed;
  }

  std::vector<Exception> list(std::size_t limit, std::optional<std::uint32_t> before,
                              WallTime now) const override {
    const std::lock_guard lock(mutex_);
    std::vector<Exception> found;
    for (auto at = kept_.rbegin(); at != kept_.rend() && found.size() < limit; ++at) {
      if ((!before || at->id < *before) && *at->until > now) found.push_back(*at);
    }
    return found;
  }

  Result<void> note(const AuditEntry& entry) override {
    const std::lock_guard lock(mutex_);
    POSTERN_CHECK(check_file());
    const auto done = write(entry);
    if (!done) return not_written(done.error());
    return {};
  }

  Result<std::vector<AuditEntry>> audit(std::size_t limit,
                                        std::optional<std::int64_t> before) override {
    const std::lock_guard lock(mutex_);
    POSTERN_CHECK(check_file());
    auto entries = read_audit(std::min(limit, kMaxAuditRows), before);
    if (!entries) return Unexpected<Error>(of_file(entries.error()));
    return entries;
  }

  void collect(Metrics& metrics) const override {
    const std::lock_guard lock(mutex_);
    const auto gauge = MetricKind::gauge;
    const auto counter = MetricKind::counter;
    metrics.push_back({.name = "postern_exceptions",
                       .kind = gauge,
                       .help = "Exceptions that people made.",
                       .labels = "",
                       .value = static_cast<double>(kept_.size())});
    metrics.push_back({.name = "postern_exceptions_added_total",
                       .kind = counter,
                       .help = "Exceptions made.",
                       .labels = "",
                       .value = static_cast<double>(added_.value())});
    metrics.push_back({.name = "postern_exceptions_removed_total",
                       .kind = counter,
                       .help = "Exceptions removed before their end.",
                       .labels = "",
                       .value = static_cast<double>(removed_.value())});
    metrics.push_back({.name = "postern_state_store_usable",
                       .kind = gauge,
                       .help = "Whether exceptions can be kept: 0 where the file cannot be used.",
                       .labels = "",
                       .value = database_ ? 1.0 : 0.0});
    metrics.push_back({.name = "postern_state_write_errors_total",
                       .kind = counter,
                       .help = "Changes refused because the file could not be written.",
                       .labels = "",
                       .value = static_cast<double>(write_errors_.value())});
  }

 private:
  /// Opens the file and reads what it has: what has ended too, by a clock that may yet be set.
  Result<std::vector<Exception>> open_file() {
    database_ = POSTERN_TRY(open_state(options_.path, options_.max_octets));
    const auto read = [&]() -> Result<std::vector<Exception>> {
      Statement rows = POSTERN_TRY(database_->prepare(
          fmt::format("SELECT {} FROM exception ORDER BY id LIMIT ?1", kColumns)));
      rows.bind(1, static_cast<std::int64_t>(kMaxKeptExceptions));
      std::vector<Exception> kept;
      while (POSTERN_TRY(rows.step())) kept.push_back(POSTERN_TRY(exception_of(rows)));
      return kept;
    };
    auto kept = read();
    if (!kept) return Unexpected<Error>(of_file(kept.error()));
    return kept;
  }

  Error of_file(const Error& error) const {
    const std::string_view advice =
        error.code == Errc::limit_exceeded
            ? "free some space; if there is enough, the file has grown to its bound: move it away "
              "and restart"
            : "see to the file";
    return {Errc::unavailable, fmt::format("{}: {}; {}", options_.path, error.text, advice)};
  }

  /// What nobody could find again is not to be confirmed.
  Result<void> check_file() {
    if (!database_) return fail(Errc::unavailable, trouble_);
    if (options_.path.empty() || !database_->has_lost_its_file()) return {};
    return not_written({Errc::unavailable,
                        "it is no longer the file that was opened; restart to use the one that is "
                        "there now"});
  }

  Unexpected<Error> not_written(const Error& error) {
    write_errors_.add();
    Error said = of_file(error);
    log_.error("state", "nothing was changed: " + said.text);
    return Unexpected<Error>(std::move(said));
  }

  static std::vector<Exception>::iterator find_same(std::vector<Exception>& kept,
                                                    const Exception& made) {
    return std::ranges::find_if(kept, [&](const Exception& e) {
      return e.name == made.name && e.scope == made.scope && e.action == made.action &&
             e.audience == made.audience;
    });
  }

  std::vector<Exception> without_ended(WallTime now) const {
    std::vector<Exception> kept = kept_;
    std::erase_if(kept, [&](const Exception& e) { return *e.until <= now; });
    return kept;
  }

  Result<void> delete_ended(WallTime now) {
    Statement gone = POSTERN_TRY(database_->prepare("DELETE FROM exception WHERE until <= ?1"));
    gone.bind(1, number_of(now));
    return gone.run();
  }

  Result<void> erase(std::uint32_t id) {
    Statement gone = POSTERN_TRY(database_->prepare("DELETE FROM exception WHERE id = ?1"));
    gone.bind(1, std::int64_t{id});
    return gone.run();
  }

  /// Stores it, and gives it its id. What it replaces goes, from `kept` too.
  Result<void> insert(Exception& made, std::vector<Exception>& kept, const Deed& deed) {
    const auto same = find_same(kept, made);
    AuditEntry entry{
        .at = deed.at, .actor = deed.actor, .action = "exception added", .reason = made.reason};
    if (same != kept.end()) {
      entry.action = "exception replaced";
      entry.before = fmt::format("exception {}: {}", same->id, describe(*same));
      POSTERN_CHECK(erase(same->id));
      kept.erase(same);
    }
    Statement row = POSTERN_TRY(database_->prepare(
        "INSERT INTO exception (name, covers_below, allows, audience, audience_name, since, until, "
        "owner, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
    const std::string name = made.name.to_text();
    const std::string audience = audience_name(made.audience);
    bind_key(row, 1, made, name, audience);
    row.bind(6, number_of(made.since));
    row.bind(7, number_of(*made.until));
    row.bind(8, std::string_view(made.owner));
    row.bind(9, std::string_view(made.reason));
    POSTERN_CHECK(row.run());
    const std::int64_t id = database_->last_id();
    if (id > std::numeric_limits<std::uint32_t>::max()) {
      return fail(Errc::limit_exceeded, "it has numbered as many exceptions as it can");
    }
    made.id = static_cast<std::uint32_t>(id);
    entry.subject = fmt::format("exception {}", made.id);
    entry.after = describe(made);
    return write(entry);
  }

  Result<void> write(const AuditEntry& entry) {
    Statement row = POSTERN_TRY(
        database_->prepare("INSERT INTO audit (at, actor, action, subject, before, after, reason) "
                           "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
    row.bind(1, number_of(entry.at));
    row.bind(2, std::string_view(entry.actor));
    row.bind(3, std::string_view(entry.action));
    row.bind(4, std::string_view(entry.subject));
    entry.before.empty() ? row.bind_null(5) : row.bind(5, std::string_view(entry.before));
    entry.after.empty() ? row.bind_null(6) : row.bind(6, std::string_view(entry.after));
    row.bind(7, std::string_view(entry.reason));
    return row.run();
  }

  Result<std::vector<AuditEntry>> read_audit(std::size_t limit,
                                             std::optional<std::int64_t> before) {
    Statement rows = POSTERN_TRY(database_->prepare(
        "SELECT id, at, actor, action, subject, before, after, reason FROM audit WHERE id < ?1 "
        "ORDER BY id DESC LIMIT ?2"));
    rows.bind(1, before.value_or(std::numeric_limits<std::int64_t>::max()));
    rows.bind(2, static_cast<std::int64_t>(limit));
    std::vector<AuditEntry> entries;
    while (POSTERN_TRY(rows.step())) {
      entries.push_back({.id = rows.integer(0),
                         .at = time_of(rows.integer(1)),
                         .actor = std::string(rows.text(2)),
                         .action = std::string(rows.text(3)),
                         .subject = std::string(rows.text(4)),
                         .before = std::string(rows.text(5)),
                         .after = std::string(rows.text(6)),
                         .reason = std::string(rows.text(7))});
    }
    return entries;
  }

  void publish() {
    std::vector<Exception> all = configured_;
    all.insert(all.end(), kept_.begin(), kept_.end());
    auto table = ExceptionTable::create(all, answers_, options_.hash_key);
    POSTERN_ASSERT(table.has_value());  // Both parts have bounds that leave room for the other.
    published_.publish(*std::move(table));
  }

  const StoreOptions options_;
  Published<ExceptionTable>& published_;
  Log& log_;
  mutable std::mutex mutex_;  // Guards all below.
  std::optional<Database> database_;
  std::string trouble_;          ///< Why there is no database.
  std::vector<Exception> kept_;  ///< As the file has them; by id.
  std::vector<Exception> configured_;
  policy::ZoneOptions answers_;
  Counter added_;
  Counter removed_;
  Counter write_errors_;
};

}  // namespace

std::unique_ptr<ExceptionStore> ExceptionStore::open(const StoreOptions& options,
                                                     Published<ExceptionTable>& published,
                                                     Log& log) {
  auto store = std::make_unique<SqliteStore>(options, published, log);
  store->restore();
  return store;
}

std::string describe(const Exception& exception) {
  return fmt::format("{} {} for {}{}", exception.action == policy::Action::pass ? "allow" : "block",
                     policy::pattern_text(exception.name, exception.scope),
                     policy::to_text(exception.audience),
                     exception.until ? " until " + event::to_rfc3339(*exception.until) : "");
}

}  // namespace postern::state
