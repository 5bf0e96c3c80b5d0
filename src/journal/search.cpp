#include "journal/search.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/octets.h"
#include "journal/name_key.h"
#include "journal/schema.h"

namespace postern::journal {
namespace {

constexpr int kInstructionsBetweenLooks = 10'000;  // Some 200 µs.
constexpr std::size_t kMaxKeysCounted = 1'000'000;
constexpr std::size_t kMaxKeysMerged = 20'000;

constexpr std::string_view kRowColumns =
    "SELECT q.id, q.at, q.trace, q.type, q.disposition, q.facts, q.flow, q.generation,"
    " n.key, c.address, c.group_name, v.zone, v.action, v.rule, v.kind, v.line FROM (";
constexpr std::string_view kRowJoins =
    ") q LEFT JOIN name n ON n.id = q.name LEFT JOIN client c ON c.id = q.client"
    " LEFT JOIN verdict v ON v.id = q.verdict ORDER BY q.id DESC";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

// SQL function name_contains(key, text): is `text` part of the name as people write it?
void name_contains(sqlite3_context* context, int, sqlite3_value** values) {
  const auto octets = [](sqlite3_value* value) {
    const void* data = sqlite3_value_blob(value);
    return OctetView(static_cast<const std::uint8_t*>(data),
                     static_cast<std::size_t>(sqlite3_value_bytes(value)));
  };
  const auto name = name_of_key(octets(values[0]));
  const bool found = name && name->to_text().find(text_of(octets(values[1]))) != std::string::npos;
  sqlite3_result_int(context, found ? 1 : 0);
}

std::uint64_t bits(std::int64_t value, int shift, int count) {
  return static_cast<std::uint64_t>(value) >> shift & ((1ULL << count) - 1);
}

void read_facts(std::int64_t facts, event::Query& query) {
  query.transport = static_cast<event::Transport>(bits(facts, FactBits::kTransport, 3));
  query.source = static_cast<event::Source>(bits(facts, FactBits::kSource, 3));
  query.security = static_cast<event::Security>(bits(facts, FactBits::kSecurity, 2));
  query.matched_in_chain = bits(facts, FactBits::kInChain, 1) != 0;
  query.rcode = static_cast<dns::Rcode>(bits(facts, FactBits::kRcode, 12));
  query.ede = static_cast<std::int32_t>(bits(facts, FactBits::kEde, 17)) - 1;
}

IpAddress address_of(OctetView octets) {
  return octets.size() == 4 || octets.size() == 16 ? IpAddress::from_octets(octets) : IpAddress();
}

Row row_of(const Statement& s) {
  Row row;
  event::Query& query = row.query;
  row.id = s.integer(0);
  query.at = WallTime(microseconds(s.integer(1)));
  query.trace_id = static_cast<std::uint64_t>(s.integer(2));
  query.qtype = static_cast<dns::RRType>(s.integer(3) & 0xffff);
  const std::int64_t other_class = s.integer(3) >> 16;
  if (other_class != 0) query.qclass = static_cast<dns::RRClass>(other_class);
  query.disposition = static_cast<event::Disposition>(s.integer(4));
  read_facts(s.integer(5), query);
  query.latency_us = static_cast<std::uint32_t>(s.integer(6) >> 16);
  query.client_port = static_cast<std::uint16_t>(s.integer(6) & 0xffff);
  query.generation = static_cast<std::uint64_t>(s.integer(7));
  query.qname = name_of_key(s.octets(8)).value_or(dns::Name());
  query.client = address_of(s.octets(9));
  query.group.assign(s.text(10));
  query.zone.assign(s.text(11));
  query.action.assign(s.text(12));
  query.has_matched = s.integer(14) != 0;
  query.matched_wildcard = s.integer(14) == 2;
  if (query.has_matched) query.matched = name_of_key(s.octets(13)).value_or(dns::Name());
  query.rule_line = static_cast<std::uint32_t>(s.integer(15));
  return row;
}

struct TopColumn {
  std::string_view column;   // Of query.
  std::string_view key_sql;  // From its value to what it stands for.
};

TopColumn column_of(TopBy by) {
  switch (by) {
    case TopBy::client:
      return {"client", "SELECT address FROM client WHERE id = ?1"};
    case TopBy::zone:
      return {"verdict", "SELECT zone FROM verdict WHERE id = ?1"};
    case TopBy::name:
      break;
  }
  return {"name", "SELECT key FROM name WHERE id = ?1"};
}

// What a row of `TopColumn::key_sql` says.
std::string key_text(TopBy by, const Statement& row) {
  if (by == TopBy::zone) return std::string(row.text(0));
  if (by == TopBy::client) return address_of(row.octets(0)).to_text();
  return name_of_key(row.octets(0)).value_or(dns::Name()).to_display();
}

// Counts by key; when there are too many keys, those that were seen least go.
class Counts {
 public:
  void add(std::int64_t key) {
    ++counts_[key];
    if (counts_.size() > kMaxKeysCounted) forget_rare();
  }
  auto begin() const { return counts_.begin(); }
  auto end() const { return counts_.end(); }

 private:
  void forget_rare() {
    for (++rare_; counts_.size() > kMaxKeysCounted / 2; rare_ *= 2) {
      std::erase_if(counts_, [this](const auto& entry) { return entry.second <= rare_; });
    }
  }

  std::unordered_map<std::int64_t, std::uint64_t> counts_;
  std::uint64_t rare_ = 0;
};

}  // namespace

// The condition on rows of `query`, with its parameters in order.
struct Search::Plan {
  std::string where;
  std::vector<std::variant<std::int64_t, std::string>> values;
  bool empty = false;  // No row can match.

  void require(std::string_view condition) {
    where += where.empty() ? " WHERE " : " AND ";
    where += condition;
  }
  void require(std::string_view condition, std::int64_t value) {
    require(condition);
    values.emplace_back(value);
  }
  void require(std::string_view condition, std::string_view value) {
    require(condition);
    values.emplace_back(std::string(value));
  }

  // Binds by position, octets for every text: keys and addresses are such, and texts are cast.
  void bind_to(Statement& statement) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int at = static_cast<int>(i) + 1;
      if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
        statement.bind(at, *number);
      } else {
        statement.bind(at, octets_of(std::get<std::string>(values[i])));
      }
    }
  }
};

Search::Search(Database database, milliseconds budget, const std::atomic<bool>& cancelled)
    : database_(std::move(database)), budget_(budget), cancelled_(cancelled) {}

Result<std::unique_ptr<Search>> Search::open(const std::string& path, milliseconds budget,
                                             const std::atomic<bool>& cancelled) {
  Database database = POSTERN_TRY(open_for_reading(path));
  auto search = std::make_unique<Search>(std::move(database), budget, cancelled);
  sqlite3* handle = search->database_.handle();
  sqlite3_create_function_v2(handle, "name_contains", 2,
                             SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                             name_contains, nullptr, nullptr, nullptr);
  sqlite3_progress_handler(handle, kInstructionsBetweenLooks, watch, search.get());
  return search;
}

int Search::watch(void* self) {
  const auto* search = static_cast<const Search*>(self);
  const bool late = std::chrono::steady_clock::now() > search->deadline_;
  return late || search->cancelled_.load(std::memory_order_relaxed) ? 1 : 0;
}

void Search::start_clock() {
  deadline_ =
      std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now()) + budget_;
}

// Segments say which rows can be of the time asked for; the rows themselves are then looked at.
Result<void> Search::plan_time(const Filter& filter, Plan& plan) {
  const auto edge = [this](std::string_view sql, std::int64_t at_us) -> Result<std::int64_t> {
    Statement statement = POSTERN_TRY(database_.prepare(sql));
    statement.bind(1, at_us);
    if (!POSTERN_TRY(statement.step()) || statement.is_null(0)) return -1;
    return statement.integer(0);
  };
  if (filter.since) {
    const std::int64_t since = filter.since->time_since_epoch().count();
    const std::int64_t first =
        POSTERN_TRY(edge("SELECT min(first_id) FROM segment WHERE max_at >= ?1", since));
    plan.empty = plan.empty || first < 0;
    plan.require("id >= ?", first);
    plan.require("at >= ?", since);
  }
  if (filter.until) {
    const std::int64_t until = filter.until->time_since_epoch().count();
    const std::int64_t last =
        POSTERN_TRY(edge("SELECT max(last_id) FROM segment WHERE min_at < ?1", until));
    plan.empty = plan.empty || last < 0;
    plan.require("id <= ?", last);
    plan.require("at < ?", until);
  }
  return {};
}

Result<void> Search::plan_names(const Filter& filter, Plan& plan) {
  const auto seek = [&](std::string_view condition, std::string_view first,
                        std::string_view second) -> Result<void> {
    Statement any = POSTERN_TRY(
        database_.prepare("SELECT 1 FROM name WHERE " + std::string(condition) + " LIMIT 1"));
    any.bind(1, octets_of(first));
    if (!second.empty()) any.bind(2, octets_of(second));
    plan.empty = plan.empty || !POSTERN_TRY(any.step());
    plan.require("name IN (SELECT id FROM name WHERE " + std::string(condition) + ")", first);
    if (!second.empty()) plan.values.emplace_back(std::string(second));
    return {};
  };
  if (!filter.name_contains.empty()) {
    POSTERN_CHECK(seek("name_contains(key, ?)", lower(filter.name_contains), ""));
  }
  if (filter.name_below.empty()) return {};
  const auto zone = dns::Name::from_text(filter.name_below);
  if (!zone) {
    return fail(Errc::invalid_input, "\"" + filter.name_below + "\" is not a name: " +
                                         std::string(dns::to_string(zone.error())));
  }
  const NameKey key(*zone);
  const std::string first(text_of(key.octets()));
  return seek("key >= ? AND key < ?", first, first + '\x40');
}

Result<Search::Plan> Search::plan(const Filter& filter, std::optional<std::int64_t> before) {
  Plan plan;
  if (before) plan.require("id < ?", *before);
  POSTERN_CHECK(plan_time(filter, plan));
  POSTERN_CHECK(plan_names(filter, plan));
  if (filter.client) {
    const IpPrefix& prefix = *filter.client;
    std::string first(text_of(prefix.address().octets()));
    std::string last = first;
    for (std::size_t bit = prefix.length(); bit < last.size() * 8; ++bit) {
      last[bit / 8] = static_cast<char>(last[bit / 8] | (0x80 >> (bit % 8)));
    }
    plan.require("client IN (SELECT id FROM client WHERE length(address) = ?",
                 static_cast<std::int64_t>(first.size()));
    plan.require("address >= ?", first);
    plan.require("address <= ?)", last);
  }
  if (!filter.group.empty()) {
    plan.require("client IN (SELECT id FROM client WHERE group_name = CAST(? AS TEXT))",
                 filter.group);
  }
  if (!filter.zone.empty()) {
    plan.require("verdict IN (SELECT id FROM verdict WHERE zone = CAST(? AS TEXT))", filter.zone);
  }
  if (filter.disposition) {
    event::Query query;
    query.disposition = *filter.disposition;
    // In these words, or the index of threats is not used.
    if (query.is_threat()) plan.require("disposition IN (2, 3)");
    plan.require("disposition = ?", static_cast<std::int64_t>(*filter.disposition));
  }
  if (filter.qtype) plan.require("(type & 65535) = ?", static_cast<std::int64_t>(*filter.qtype));
  if (filter.rcode) {
    plan.require("((facts >> 9) & 4095) = ?", static_cast<std::int64_t>(*filter.rcode));
  }
  if (filter.trace_id) plan.require("trace = ?", static_cast<std::int64_t>(*filter.trace_id));
  return plan;
}

Result<Page> Search::search(const Filter& filter, std::size_t limit,
                            std::optional<std::int64_t> before) {
  start_clock();
  limit = std::clamp(limit, std::size_t{1}, Journal::kMaxPageRows);
  const Plan plan = POSTERN_TRY(this->plan(filter, before));
  Page page;
  if (plan.empty) return page;
  std::string sql(kRowColumns);
  sql += "SELECT * FROM query" + plan.where + " ORDER BY id DESC LIMIT ?";
  sql += kRowJoins;
  Statement rows = POSTERN_TRY(database_.prepare(sql));
  plan.bind_to(rows);
  rows.bind(static_cast<int>(plan.values.size()) + 1, static_cast<std::int64_t>(limit) + 1);
  while (POSTERN_TRY(rows.step())) {
    if (page.rows.size() == limit) {
      page.next = page.rows.back().id;
      break;
    }
    page.rows.push_back(row_of(rows));
  }
  return page;
}

Result<std::vector<TopEntry>> Search::top(const Filter& filter, TopBy by, std::size_t limit) {
  start_clock();
  limit = std::clamp(limit, std::size_t{1}, kMaxTopEntries);
  Plan plan = POSTERN_TRY(this->plan(filter, std::nullopt));
  if (plan.empty) return std::vector<TopEntry>{};
  if (by == TopBy::zone) plan.require("verdict IS NOT NULL");
  const TopColumn column = column_of(by);
  Statement rows = POSTERN_TRY(
      database_.prepare("SELECT " + std::string(column.column) + " FROM query" + plan.where));
  plan.bind_to(rows);
  Counts counts;
  while (POSTERN_TRY(rows.step())) counts.add(rows.integer(0));

  std::vector<std::pair<std::uint64_t, std::int64_t>> by_count;
  for (const auto& [id, count] : counts) by_count.emplace_back(count, id);
  const std::size_t kept = std::min(by_count.size(), kMaxKeysMerged);
  std::partial_sort(by_count.begin(), by_count.begin() + static_cast<std::ptrdiff_t>(kept),
                    by_count.end(), std::greater<>());
  // Several ids can be one key: a client in two groups, the many rules of a zone.
  std::map<std::string, std::uint64_t> merged;
  Statement key_row = POSTERN_TRY(database_.prepare(column.key_sql));
  for (std::size_t i = 0; i < kept; ++i) {
    key_row.bind(1, by_count[i].second);
    if (!POSTERN_TRY(key_row.step())) continue;
    const std::string key = key_text(by, key_row);
    key_row.reset();
    if (!key.empty()) merged[key] += by_count[i].first;
  }
  std::vector<TopEntry> entries;
  for (const auto& [key, count] : merged) entries.push_back({key, count});
  std::stable_sort(entries.begin(), entries.end(),
                   [](const TopEntry& a, const TopEntry& b) { return a.count > b.count; });
  if (entries.size() > limit) entries.resize(limit);
  return entries;
}

Result<std::vector<TimelinePoint>> Search::timeline(const Filter& filter, seconds interval) {
  start_clock();
  if (interval < seconds(1)) return fail(Errc::invalid_input, "an interval is at least a second");
  const Plan plan = POSTERN_TRY(this->plan(filter, std::nullopt));
  std::map<std::int64_t, TimelinePoint> points;
  if (plan.empty) return std::vector<TimelinePoint>{};
  Statement rows = POSTERN_TRY(database_.prepare("SELECT at, disposition FROM query" + plan.where));
  plan.bind_to(rows);
  const std::int64_t width = microseconds(interval).count();
  TimelinePoint* last = nullptr;
  while (POSTERN_TRY(rows.step())) {
    const std::int64_t at = rows.integer(0);
    const std::int64_t start = at - ((at % width) + width) % width;
    if (last == nullptr || last->at.time_since_epoch().count() != start) {
      last = &points[start];
      last->at = WallTime(microseconds(start));
      if (points.size() > kMaxTimelinePoints) {
        return fail(Errc::limit_exceeded, "more than " + std::to_string(kMaxTimelinePoints) +
                                              " intervals; take longer ones or a shorter time");
      }
    }
    ++last->total;
    const auto disposition = static_cast<event::Disposition>(rows.integer(1));
    if (disposition == event::Disposition::blocked) ++last->blocked;
  }
  std::vector<TimelinePoint> result;
  for (const auto& [start, point] : points) result.push_back(point);
  return result;
}

}  // namespace postern::journal
