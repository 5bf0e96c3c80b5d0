#include "journal/store.h"

#include <algorithm>
#include <utility>

#include "journal/schema.h"

namespace postern::journal {
namespace {

std::int64_t facts_of(const event::Query& query) {
  const auto at = [](auto value, int shift) { return static_cast<std::int64_t>(value) << shift; };
  return at(query.transport, FactBits::kTransport) | at(query.source, FactBits::kSource) |
         at(query.security, FactBits::kSecurity) | at(query.matched_in_chain, FactBits::kInChain) |
         at(query.rcode, FactBits::kRcode) | at(query.ede + 1, FactBits::kEde);
}

std::int64_t type_of(const event::Query& query) {
  const std::int64_t type = static_cast<std::int64_t>(query.qtype);
  if (query.qclass == dns::RRClass::in) return type;
  return type | static_cast<std::int64_t>(query.qclass) << 16;
}

}  // namespace

Store::Store(StoreOptions options, Database database)
    : options_(std::move(options)), database_(std::move(database)) {}

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options, WallTime now, Log& log) {
  const auto unix_time = std::chrono::floor<seconds>(now).time_since_epoch().count();
  Database database = POSTERN_TRY(open_or_begin_anew(options.path, unix_time, log));
  auto store = std::make_unique<Store>(options, std::move(database));
  POSTERN_CHECK(store->prepare());
  return store;
}

Result<void> Store::prepare() {
  dictionary_.emplace(POSTERN_TRY(Dictionary::open(database_, options_.seed)));
  retention_.emplace(POSTERN_TRY(Retention::open(database_, *dictionary_, options_.retention)));
  begin_ = POSTERN_TRY(database_.prepare("BEGIN IMMEDIATE"));
  commit_ = POSTERN_TRY(database_.prepare("COMMIT"));
  insert_ = POSTERN_TRY(database_.prepare(
      "INSERT INTO query (id, at, trace, client, name, type, disposition, facts, flow, verdict,"
      " generation) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"));
  put_segment_ = POSTERN_TRY(database_.prepare(
      "INSERT INTO segment (first_id, last_id, min_at, max_at) VALUES (?1, ?2, ?3, ?4)"
      " ON CONFLICT (first_id) DO UPDATE SET last_id = excluded.last_id,"
      " min_at = excluded.min_at, max_at = excluded.max_at"));
  // Past the rows and past the last segment, whichever reaches further.
  next_id_ = 1 + std::max(POSTERN_TRY(database_.number("SELECT max(id) FROM query")),
                          POSTERN_TRY(database_.number("SELECT last_id FROM segment"
                                                       " ORDER BY first_id DESC LIMIT 1")));
  return {};
}

Result<void> Store::begin() {
  next_id_at_begin_ = next_id_;
  return begin_.run();
}

Result<void> Store::add(const event::Query& query) {
  const std::int64_t name = POSTERN_TRY(dictionary_->name_id(query.qname));
  const std::int64_t client = POSTERN_TRY(dictionary_->client_id(query));
  const auto verdict = POSTERN_TRY(dictionary_->verdict_id(query));
  const std::int64_t at_us = query.at.time_since_epoch().count();
  insert_.bind(1, next_id_);
  insert_.bind(2, at_us);
  insert_.bind(3, static_cast<std::int64_t>(query.trace_id));
  insert_.bind(4, client);
  insert_.bind(5, name);
  insert_.bind(6, type_of(query));
  insert_.bind(7, static_cast<std::int64_t>(query.disposition));
  insert_.bind(8, facts_of(query));
  insert_.bind(9, static_cast<std::int64_t>(query.latency_us) << 16 | query.client_port);
  if (verdict) {
    insert_.bind(10, *verdict);
  } else {
    insert_.bind_null(10);
  }
  insert_.bind(11, static_cast<std::int64_t>(query.generation));
  POSTERN_CHECK(insert_.run());
  return note_in_segment(next_id_++, at_us);
}

Result<void> Store::note_in_segment(std::int64_t id, std::int64_t at_us) {
  const bool ends = segment_ && (id - segment_->first_id >= options_.segment_rows ||
                                 at_us - segment_->min_at > options_.segment_span.count());
  if (ends) {
    POSTERN_CHECK(write_segment());
    segment_.reset();
  }
  if (!segment_) segment_ = Segment{id, id, at_us, at_us};
  segment_->last_id = id;
  segment_->min_at = std::min(segment_->min_at, at_us);
  segment_->max_at = std::max(segment_->max_at, at_us);
  return {};
}

Result<void> Store::write_segment() {
  put_segment_.bind(1, segment_->first_id);
  put_segment_.bind(2, segment_->last_id);
  put_segment_.bind(3, segment_->min_at);
  put_segment_.bind(4, segment_->max_at);
  return put_segment_.run();
}

Result<void> Store::commit() {
  if (segment_) POSTERN_CHECK(write_segment());
  return commit_.run();
}

void Store::rollback() {
  // SQLite has rolled back by itself after some errors; then this fails, which is as good.
  static_cast<void>(database_.execute("ROLLBACK"));
  dictionary_->forget();
  next_id_ = next_id_at_begin_;
  segment_.reset();  // What was committed of it stays as it is; the next row begins another.
}

Result<bool> Store::tidy(WallTime now) {
  const std::int64_t now_us = now.time_since_epoch().count();
  if (segment_ && now_us - segment_->min_at > options_.segment_span.count()) segment_.reset();
  return retention_->step(now, segment_ ? std::optional(segment_->first_id) : std::nullopt);
}

Result<void> Store::make_room() {
  segment_.reset();
  return retention_->make_room();
}

}  // namespace postern::journal
