// The state of one feed, as the console, the API and `postern feed list` show it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace postern::intel {

enum class Health : std::uint8_t {
  never,   ///< Not read yet.
  good,    ///< The last try succeeded.
  stale,   ///< The last try failed; the last good copy is in force.
  failed,  ///< Never read with success: this feed protects nobody.
};
std::string_view to_string(Health health);

/// An update that the gate holds back.
struct HeldUpdate {
  std::string state;  ///< "waiting", "rejected", "rolled_back".
  WallTime since{};
  std::uint64_t rules = 0;
  std::vector<std::string> reasons;  ///< For people, a clause each.
};

struct FeedStatus {
  std::string name;
  std::string format;
  std::string source;  ///< Path, or URL without its user part and query.
  Health health = Health::never;
  std::optional<WallTime> last_try;
  std::optional<WallTime> last_success;
  std::optional<WallTime> next_try;
  std::uint64_t rules = 0;           ///< In force.
  std::uint64_t lines_skipped = 0;   ///< Of the copy in force.
  std::string first_skipped;         ///< "line 17: …": the first of them.
  std::string last_error;            ///< Empty after a success.
  std::uint64_t generation = 0;      ///< That first carried the copy in force.
  std::optional<HeldUpdate> held{};  ///< Not in force.
};

}  // namespace postern::intel
