// Trails: a name or an address a line, as Maltrail's lists have them. A name stands for all below
// it too: that is how the sensor looks them up.
#include <string_view>

#include "intel/indicators.h"
#include "intel/readers.h"
#include "intel/text.h"

namespace postern::intel {

void read_maltrail(std::string_view text, FeedSink& sink) {
  Indicators indicators(sink);
  for_each_line(text, sink, [&](std::string_view line) {
    const std::string_view trail = trimmed(line.substr(0, line.find('#')));
    if (trail.empty()) return sink.ignore();
    if (trail.find_first_of(" \t") != std::string_view::npos) {
      return sink.skip(trail, "is more than one word; a trail is one name, address or URL");
    }
    if (trail.front() == '/') {
      return sink.skip(trail, "is a path without a host; no name can be blocked for it");
    }
    indicators.add_any(trail, policy::Scope::at_and_below);
  });
}

}  // namespace postern::intel
