#include "app/time_zones.h"

#include <chrono>
#include <utility>
#include <vector>

#include <cctz/time_zone.h>

namespace postern::app {

Result<policy::TimeZone> load_time_zone(const std::string& name) {
  using Seconds = cctz::time_point<cctz::seconds>;
  cctz::time_zone zone;
  // A path would be read as a file.
  const bool is_name = !name.empty() && name.front() != '/' && name.find("..") == name.npos;
  if (!is_name || !cctz::load_time_zone(name, &zone)) {
    return fail(Errc::not_found, "there is no time zone \"" + name + "\"");
  }
  const auto at = [](std::int64_t seconds) { return Seconds(cctz::seconds(seconds)); };
  constexpr std::int64_t kFirst = 946'684'800;   // 2000.
  constexpr std::int64_t kLast = 4'102'444'800;  // 2100.
  std::vector<policy::TimeZone::Offset> offsets;
  offsets.push_back({kFirst, zone.lookup(at(kFirst)).offset});
  cctz::time_zone::civil_transition change;
  for (Seconds from = at(kFirst); zone.next_transition(from, &change);) {
    from = zone.lookup(change.to).trans;
    const std::int64_t when = from.time_since_epoch().count();
    if (when >= kLast) break;
    offsets.push_back({when, zone.lookup(from).offset});
  }
  return policy::TimeZone(std::move(offsets));
}

}  // namespace postern::app
