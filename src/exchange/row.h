// Row: one line of a log, or one event, as the rules and the counts of traffic see it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace postern::exchange {

/// What kind of log a row comes from.
enum class Source : std::uint8_t {
  iis,        ///< W3C lines of IIS, front or back end.
  httpproxy,  ///< Logging\HttpProxy\*.
  ecp,        ///< Logging\ECP\Server.
  oab,        ///< Logging\OABGeneratorLog: free text, one column "Message".
  cmdlet,     ///< Logging\CmdletInfra: Rps_Http and Cmdlet.
  event,      ///< A record of a Windows event log.
};
inline constexpr std::size_t kSourceCount = 6;

/// "iis", "httpproxy", "ecp", "oab", "cmdlet", "event".
std::string_view to_string(Source source);
std::optional<Source> source_of(std::string_view text);

/// What several kinds of log say under names of their own. The rules may use these names, too.
enum class Common : std::uint8_t {
  date,       ///< Of IIS: the day. Else the moment.
  time,       ///< Of IIS: the time of day.
  client,     ///< Who asked: c-ip, ClientIpAddress.
  forwarded,  ///< X-Forwarded-For, where the server writes it. The client can make it up.
  server,     ///< s-ip.
  method,
  host,
  stem,    ///< The path: cs-uri-stem, UrlStem.
  query,   ///< What follows the '?', as it was logged: cs-uri-query, UrlQuery.
  status,  ///< sc-status, HttpStatus.
  user,    ///< cs-username, AuthenticatedUser.
  agent,
  referer,
  bytes_out,  ///< sc-bytes, ResponseBytes.
  bytes_in,   ///< cs-bytes, RequestBytes.
  port,
  site,  ///< s-sitename: "W3SVC1" is the front end.
  anchor,
  event_id,
};
inline constexpr std::size_t kCommonCount = 19;

/// "client", "method", "bytes_out", …, of `query` "raw_query"; nothing for any other name.
std::optional<Common> common_of(std::string_view name);
/// The name of the column in logs of that source ("c-ip"); empty where they have none.
std::string_view native_name_of(Common what, Source source);

/// The number of a column, from 0.
using Column = std::uint16_t;
inline constexpr Column kNoColumn = 0xffff;

/// The columns of a log, as its header named them: what is asked by name is asked here once, not
/// of each row. Immutable; may be read from any thread.
class Schema {
 public:
  /// More are not read: the widest Exchange writes has some 120.
  static constexpr std::size_t kMaxColumns = 512;

  /// Of `names` the first kMaxColumns count.
  Schema(Source source, std::vector<std::string> names);

  Source source() const { return source_; }
  const std::vector<std::string>& names() const { return names_; }
  std::size_t width() const { return names_.size(); }
  /// The first column of that name (ASCII case does not matter); kNoColumn where there is none.
  Column column(std::string_view name) const;
  Column column(Common what) const { return common_[static_cast<std::size_t>(what)]; }
  /// The column that swallows separators that do not separate: a user's name with spaces, an
  /// AnchorMailbox with commas. kNoColumn where the log has none.
  Column greedy() const { return greedy_; }

 private:
  Source source_;
  Column greedy_ = kNoColumn;
  std::vector<std::string> names_;
  std::array<Column, kCommonCount> common_;
};

/// One row. All views live until the reader that gave it goes on.
struct Row {
  const Schema* schema = nullptr;            ///< Lives as long as the reader.
  std::span<const std::string_view> values;  ///< In the schema's order. What a log writes for
                                             ///< "nothing" ("-" of IIS) is empty.
  std::string_view text;                     ///< The line without its end; empty of an event.
  std::uint64_t line = 0;                    ///< From 1; 0 of an event.
  std::uint64_t offset = 0;                  ///< In octets from the file's start.
  std::uint64_t record = 0;                  ///< Of an event.
  std::optional<WallTime> event_time;        ///< Of an event; ask `at`.
  bool whole = true;  ///< False: the line was cut, torn or has other columns than its header, and
                      ///< `values` holds what could be told.

  Source source() const { return schema->source(); }
  /// Empty where the row has no such column.
  std::string_view value(Column column) const {
    return column < values.size() ? values[column] : std::string_view{};
  }
  std::string_view value(Common what) const { return value(schema->column(what)); }
  /// By name: for tests and reports; costs a look at each name.
  std::string_view value(std::string_view name) const { return value(schema->column(name)); }
  /// When it happened, UTC; nothing where the row does not say. Read anew at each call.
  std::optional<WallTime> at() const;
};

/// "2021-03-03T04:05:06.789Z", with a blank for the T, without fraction or Z, or one with a '+' or
/// '-' offset. Nothing for anything else, and for what no calendar has.
std::optional<WallTime> time_of(std::string_view text);

/// Who is behind a web row: the client's address; where that is one of a private network and the
/// row says for whom it was forwarded, the last address of that list, which one's own balancer
/// wrote. A view of the row, without port or brackets.
std::string_view client_of(const Row& row);

}  // namespace postern::exchange
