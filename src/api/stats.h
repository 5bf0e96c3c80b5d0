// What the API counts.
#pragma once

#include "base/metric.h"

namespace postern::api {

/// Written by the API's thread, but for the shared ones.
struct Stats {
  Counter connections;
  Counter connections_refused;
  Counter connections_displaced;  ///< Idle ones closed to make room at a bound.
  Counter accept_errors;  ///< No connection could be taken: no descriptor left, most likely.
  Counter requests;
  Counter requests_failed;   ///< Answered with 500 or above.
  Counter requests_refused;  ///< 400 to 499.
  Counter sign_ins;
  Counter sign_ins_failed;
  Counter live_sent;
  Counter live_dropped;  ///< A watcher was too slow.

  void collect(Metrics& metrics) const;
};

}  // namespace postern::api
