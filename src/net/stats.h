// What the sockets count. Written by the loop's thread, read by any.
#pragma once

#include "base/metric.h"

namespace postern::net {

struct UdpStats {
  Counter received;  ///< Datagrams.
  Counter sent;
  Counter oversized;     ///< Longer than a receive slot: dropped.
  Counter send_errors;   ///< Refused by the kernel for this one peer.
  Counter send_dropped;  ///< The kernel's buffer and our batch were both full.
};

struct TcpStats {
  Counter accepted;
  Counter closed;
  Counter refused_full;  ///< At a bound, with no connection to close instead.
  Counter displaced;     ///< Closed to make room at a bound.
  Counter idle_timeouts;
  Counter oversized_frames;  ///< A length beyond what any query of ours needs: closed.
  Counter slow_readers;      ///< More unsent than the bound: closed.
  Counter accept_errors;     ///< Out of descriptors or memory: accepting rests for a while.
  Counter frames;            ///< Whole messages received.
};

}  // namespace postern::net
