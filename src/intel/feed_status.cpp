#include "intel/feed_status.h"

namespace postern::intel {

std::string_view to_string(Health health) {
  switch (health) {
    case Health::never:
      return "never";
    case Health::good:
      return "good";
    case Health::stale:
      return "stale";
    case Health::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace postern::intel
