// What is odd in a server's traffic as a whole: W-01, W-03 to W-05, W-08, W-09 by rate and W-11 by
// history.
//
// All of it is of the tier hunt: odd is no proof, and the verdict does not rest on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "exchange/finding.h"
#include "exchange/traffic.h"

namespace postern::exchange {

/// Whether a page is on the server, as a file or by what answers without one.
enum class OnDisk : std::uint8_t {
  there,
  missing,
  unknown,  ///< The tree lacks the folder it would be in.
};

/// Of a page as `page_of` writes it.
using PageOnDisk = std::function<OnDisk(std::string_view page)>;

/// What is odd, and how odd it must be.
struct TrafficLimits {
  // W-01, of one address on one day, for each of its users.
  std::uint64_t volume_octets = 50'000'000;
  double volume_z = 6;
  std::size_t volume_days = 10;  ///< Days of addresses that there must be to compare with.
  std::size_t habit_days = 3;    ///< On so many others it was sent half as much: that is its way.
  std::size_t crowd = 5;         ///< So many others were sent half as much: something was new.
  // W-03 and W-11: so few know a page.
  std::size_t few_clients = 2, few_agents = 2;
  // W-05.
  std::size_t hunted_pages = 5;
  Second hunt_seconds = 60;
  // W-03 and W-08: what is new must come so long after the logs begin.
  Second history_seconds = 86'400;
  // W-09, in two stretches of kRateSeconds.
  std::uint64_t tunnel_posts = 200;
  // W-11, likewise: of failures of the control panel; and so many times what is usual.
  std::uint64_t burst_failures = 20;
  std::uint64_t burst_times = 10;
  // Of each rule the first so many are told one by one.
  std::size_t told = 100;
};

/// The same findings in the same order in whatever order the facts were added.
/// O(facts log facts).
std::vector<Finding> traffic_findings(const TrafficFacts& facts, const PageOnDisk& on_disk,
                                      const TrafficLimits& limits = {});

}  // namespace postern::exchange
