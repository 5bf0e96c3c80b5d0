// Journal: the record of queries and verdicts, kept and searched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/metric.h"
#include "base/result.h"
#include "base/time.h"
#include "dns/types.h"
#include "event/query.h"

namespace postern::journal {

/// What to look for; an empty field asks for nothing. All that are set must hold.
struct Filter {
  std::optional<WallTime> since;  ///< Inclusive.
  std::optional<WallTime> until;  ///< Exclusive.
  std::optional<IpPrefix> client;
  std::string name_contains;  ///< Substring of the name asked, in lower case.
  std::string name_below;     ///< The name itself or any below it.
  std::optional<event::Disposition> disposition;
  std::string zone;  ///< A policy zone's name, exactly.
  std::string group;
  std::optional<dns::RRType> qtype;
  std::optional<dns::Rcode> rcode;
  std::optional<std::uint64_t> trace_id;
};

/// A stored record: the query, with the number that orders records (grows with time of storing).
struct Row {
  std::int64_t id = 0;
  event::Query query;
};

struct Page {
  std::vector<Row> rows;             ///< Newest first.
  std::optional<std::int64_t> next;  ///< Give as `before` for the page after this one.
};

struct TopEntry {
  std::string key;
  std::uint64_t count = 0;
};
enum class TopBy : std::uint8_t { name, client, zone };

struct TimelinePoint {
  WallTime at{};  ///< Start of the interval.
  std::uint64_t total = 0;
  std::uint64_t blocked = 0;
};

/// What is kept of the past. Any thread may call any member; `record` never waits, and the
/// others never make it wait.
class Journal : public event::QuerySink {
 public:
  static constexpr std::size_t kMaxPageRows = 1000;

  virtual Result<Page> search(const Filter& filter, std::size_t limit,
                              std::optional<std::int64_t> before) = 0;
  virtual Result<std::vector<TopEntry>> top(const Filter& filter, TopBy by, std::size_t limit) = 0;
  virtual Result<std::vector<TimelinePoint>> timeline(const Filter& filter, seconds interval) = 0;

  /// Waits until all that was recorded before the call is stored. For tests and for the end.
  virtual void flush() = 0;
  virtual void collect(Metrics& metrics) const = 0;
};

}  // namespace postern::journal
