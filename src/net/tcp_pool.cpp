#include "net/tcp_pool.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace postern::net {

namespace {

/// Looked at, from the longest idle on, to find one that can be closed for a new one.
constexpr int kDisplaceTries = 16;
/// What one client may have however low the bound is.
constexpr std::size_t kLeastPerClient = 10;
constexpr unsigned kSiteBits = 56;  // What a site has of IPv6 (RFC 6177 §2).

IpAddress client_of(const Endpoint& peer) {
  return peer.address.is_v4() ? peer.address : IpPrefix(peer.address, kSiteBits).address();
}

}  // namespace

struct TcpPool::Slot {
  std::unique_ptr<TcpConnection> connection;
  std::uint32_t index = 0;
  std::uint32_t serial = 0;
  MonoTime last_active{};
  Slot* previous = nullptr;
  Slot* next = nullptr;
};

TcpPool::TcpPool(EventLoop& loop, const TcpPoolOptions& options, TcpStats& stats, Handler& handler)
    : loop_(loop), options_(options), stats_(stats), handler_(handler), timer_([this] {
        close_idle();
      }) {}

TcpPool::~TcpPool() = default;

void TcpPool::accept(FileDescriptor fd, const Endpoint& peer) {
  const IpAddress client = client_of(peer);
  if (!make_room(client)) {
    stats_.refused_full.add();
    return;
  }
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->index = free_.back();
  }
  Slot& slot = *slots_[free_.back()];
  const TcpConnection::Setup setup{loop_, options_.limits, stats_, *this, slot.index};
  auto connection = std::make_unique<TcpConnection>(std::move(fd), peer, setup);
  if (!connection->start()) {
    stats_.accept_errors.add();
    return;
  }
  free_.pop_back();
  ++slot.serial;
  slot.connection = std::move(connection);
  slot.last_active = loop_.now();
  link_last(slot);
  ++open_count_;
  ++open_of_[client];
  stats_.accepted.add();
  arm_timer();
}

/// Sees to it that `client` may have one more; false where it may not.
bool TcpPool::make_room(const IpAddress& client) {
  const auto found = open_of_.find(client);
  const std::size_t held = found == open_of_.end() ? 0 : found->second;
  const std::size_t most = std::max(options_.max_connections / 8, kLeastPerClient);
  if (held >= most && !displace_of(client, false)) return false;
  if (open_count_ < options_.max_connections) return true;
  Slot* slot = first_;
  for (int i = 0; i < kDisplaceTries && slot != nullptr; ++i, slot = slot->next) {
    if (!slot->connection->is_idle()) continue;
    stats_.displaced.add();
    slot->connection->close();
    return true;
  }
  // Nobody may take all by keeping them busy.
  const auto largest = std::max_element(
      open_of_.begin(), open_of_.end(),
      [](const auto& one, const auto& other) { return one.second < other.second; });
  return largest != open_of_.end() && largest->second > held + 1 &&
         displace_of(IpAddress(largest->first), true);
}

/// Closes the connection of `client` that has been inactive longest.
bool TcpPool::displace_of(const IpAddress& client, bool even_busy) {
  for (Slot* slot = first_; slot != nullptr; slot = slot->next) {
    if (client_of(slot->connection->peer()) != client) continue;
    if (!even_busy && !slot->connection->is_idle()) continue;
    stats_.displaced.add();
    slot->connection->close();
    return true;
  }
  return false;
}

void TcpPool::send(TcpConnectionId to, OctetView message) {
  if (TcpConnection* connection = find(to)) connection->send(message);
}

void TcpPool::forget(TcpConnectionId to) {
  if (TcpConnection* connection = find(to)) connection->forget();
}

void TcpPool::finish(TcpConnectionId id) {
  if (TcpConnection* connection = find(id)) connection->finish();
}

bool TcpPool::may_detach(TcpConnectionId id) {
  const TcpConnection* connection = find(id);
  return connection != nullptr && connection->may_detach();
}

std::optional<DetachedConnection> TcpPool::detach(TcpConnectionId id) {
  TcpConnection* connection = find(id);
  if (connection == nullptr) return std::nullopt;
  return connection->detach();
}

void TcpPool::finish_all() {
  for (Slot* slot = first_; slot != nullptr;) {
    Slot* next = slot->next;  // `finish` may close it, and unlink it.
    slot->connection->finish();
    slot = next;
  }
}

void TcpPool::reap() {
  closed_.clear();
}

TcpConnection* TcpPool::find(TcpConnectionId id) {
  if (id.slot >= slots_.size()) return nullptr;
  Slot& slot = *slots_[id.slot];
  return slot.serial == id.serial ? slot.connection.get() : nullptr;
}

TcpPool::Slot& TcpPool::slot_of(const TcpConnection& connection) {
  return *slots_[connection.tag()];
}

void TcpPool::on_message(TcpConnection& connection, OctetView message) {
  const Slot& slot = slot_of(connection);
  handler_.on_message({slot.index, slot.serial}, connection.peer(), message);
}

void TcpPool::on_progress(TcpConnection& connection) {
  Slot& slot = slot_of(connection);
  slot.last_active = loop_.now();
  if (last_ == &slot) return;
  unlink(slot);
  link_last(slot);
}

void TcpPool::on_closed(TcpConnection& connection) {
  Slot& slot = slot_of(connection);
  unlink(slot);
  const auto client = open_of_.find(client_of(connection.peer()));
  if (--client->second == 0) open_of_.erase(client);
  closed_.push_back(std::move(slot.connection));
  free_.push_back(slot.index);
  --open_count_;
}

void TcpPool::close_idle() {
  // Those that are owed an answer go to the back of the list: each is looked at once.
  for (std::size_t left = open_count_; left > 0 && first_ != nullptr; --left) {
    Slot& slot = *first_;
    if (slot.last_active + options_.idle_timeout > loop_.now()) break;
    if (slot.connection->unanswered() > 0) {
      on_progress(*slot.connection);
      continue;
    }
    stats_.idle_timeouts.add();
    slot.connection->close();
  }
  arm_timer();
}

void TcpPool::arm_timer() {
  if (first_ == nullptr || timer_.is_armed()) return;
  loop_.timers().arm(timer_, first_->last_active + options_.idle_timeout);
}

void TcpPool::link_last(Slot& slot) {
  slot.previous = last_;
  slot.next = nullptr;
  (last_ != nullptr ? last_->next : first_) = &slot;
  last_ = &slot;
}

void TcpPool::unlink(Slot& slot) {
  (slot.previous != nullptr ? slot.previous->next : first_) = slot.next;
  (slot.next != nullptr ? slot.next->previous : last_) = slot.previous;
  slot.previous = nullptr;
  slot.next = nullptr;
}

}  // namespace postern::net
