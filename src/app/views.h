// What the API answers, as text for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/json.h"
#include "base/time.h"

namespace postern::app {

/// RFC 3339 with "Z"; nothing where it is not.
std::optional<WallTime> time_from_rfc3339(std::string_view text);

std::string view_status(const Json& status);
/// One row a feed, and below it what is wrong with those that are not well.
std::string view_feeds(const Json& feeds, WallTime now);
/// What a reload came to, and a line for each feed that cannot be read.
std::string view_reload(const Json& reloaded);
/// False where a feed cannot be read, or it is not known yet.
bool is_reloaded_whole(const Json& reloaded);
std::string view_explanation(const Json& explanation);
/// One row an exception.
std::string view_exceptions(const Json& exceptions);
/// One row a change.
std::string view_audit(const Json& audit);
/// Pages of queries as one table, oldest first, as a log reads. Keeps what is shown alone: pages
/// themselves are an order of magnitude larger.
class QueriesView {
 public:
  /// The page after (so: older than) those that were added.
  void add(const Json& page);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // Newest first.
};
/// One query on one line, for a log that is followed.
std::string view_query(const Json& query);

}  // namespace postern::app
