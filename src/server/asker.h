// Asker: one client's query while it is being answered.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/octets.h"
#include "base/time.h"
#include "cache/cache.h"
#include "dns/message.h"
#include "event/query.h"
#include "net/tcp_pool.h"
#include "net/udp_socket.h"
#include "policy/client_id.h"
#include "server/limits.h"

namespace postern::server {

/// How an answer finds its way back. The handler only passes it on.
struct ReturnPath {
  std::uint32_t socket = 0;         ///< UDP: which of the worker's sockets.
  net::UdpPeer peer;                ///< UDP.
  net::TcpConnectionId connection;  ///< TCP.
};

/// A query and who sent it. Where its octets are is the maker's concern.
struct Asker {
  OctetView octets;  ///< The message; at least header and question.
  dns::Query query;
  IpAddress client;
  std::uint16_t port = 0;
  event::Transport transport = event::Transport::udp;
  std::uint64_t trace_id = 0;
  MonoTime received{};
  WallTime at{};
  std::uint8_t waits = 0;               ///< How often it has been a Waiter.
  policy::Identity identity{};          ///< As a trusted forwarder says.
  bool wants_structured_error = false;  ///< See structured_error.h.

  bool is_udp() const { return transport == event::Transport::udp; }
  const dns::Name& qname() const { return query.question.qname; }
  dns::RRType qtype() const { return query.question.qtype; }
  /// The largest answer that may go to this client.
  std::size_t answer_limit(std::uint32_t udp_max_octets) const {
    if (!is_udp()) return dns::kMaxMessageOctets;
    const std::size_t ours = std::min<std::size_t>(udp_max_octets, limits::kUdpOctets);
    return std::min(query.udp_octets(), std::max<std::size_t>(ours, 512));
  }
};

/// What a question came to that a query has waited for. Kept for that query alone, as the cache may
/// not have it, or no more: a TTL can be 0.
struct Finding {
  cache::Key key;
  std::shared_ptr<const cache::Answer> answer;  ///< Null: there is none, because of `ede`.
  std::uint32_t age_s = 0;
  bool stale = false;
  event::Source source = event::Source::none;
  std::optional<dns::EdeCode> ede = {};
};

/// An Asker that waits, with its own copy of what an answer needs of its message. A value.
class Waiter {
 public:
  Waiter(const Asker& asker, const ReturnPath& path) : path_(path), asker_(asker) {
    if (asker_.query.edns) asker_.query.edns->options = {};
    size_ = std::min(asker.query.question_end, octets_.size());
    std::memcpy(octets_.data(), asker.octets.data(), size_);
    asker_.octets = {};
    ++asker_.waits;
  }

  /// The asker as it was, its octets being this waiter's: valid while this stays where it is.
  const Asker& asker() {
    asker_.octets = {octets_.data(), size_};
    return asker_;
  }
  const ReturnPath& path() const { return path_; }
  MonoTime received() const { return asker_.received; }

  std::uint64_t party = 0;  ///< Whose share it is of: PendingTable.
  /// Each question is asked once for one query; limits::kWaitsPerQuery at most.
  std::vector<Finding> findings;
  bool stale_tried = false;  ///< Nothing stale to give, or not due yet: see PendingTable.

 private:
  ReturnPath path_;
  Asker asker_;
  std::size_t size_ = 0;
  std::array<std::uint8_t, limits::kKeptQueryOctets> octets_;
};

}  // namespace postern::server
