#include "feeds/unpack_turn.h"

#include <chrono>

namespace postern::feeds {
namespace {

/// How often one who waits looks whether he still is to.
constexpr std::chrono::milliseconds kLookAtCancelled{100};

}  // namespace

UnpackTurns::Turn::~Turn() {
  if (turns_ == nullptr) return;
  {
    const std::lock_guard lock(turns_->mutex_);
    if (held_octets_) {
      turns_->held_octets_ -= *held_octets_;
    } else {
      turns_->is_unpacking_ = false;
    }
  }
  turns_->changed_.notify_all();
}

void UnpackTurns::Turn::unpacked(std::uint64_t octets) {
  if (turns_ == nullptr) return;
  {
    const std::lock_guard lock(turns_->mutex_);
    held_octets_ = octets;
    turns_->held_octets_ += octets;
    turns_->is_unpacking_ = false;
  }
  turns_->changed_.notify_all();
}

std::optional<UnpackTurns::Turn> UnpackTurns::take(const std::atomic<bool>& cancelled) {
  std::unique_lock lock(mutex_);
  const auto is_free = [this] { return !is_unpacking_ && held_octets_ <= kMaxHeldOctets; };
  if (!is_free()) waits_.fetch_add(1, std::memory_order_relaxed);
  while (!changed_.wait_for(lock, kLookAtCancelled, is_free)) {
    if (cancelled.load(std::memory_order_relaxed)) return std::nullopt;
  }
  is_unpacking_ = true;
  return Turn(*this);
}

UnpackTurns::Turn UnpackTurns::take_beside_held() {
  std::unique_lock lock(mutex_);
  if (is_unpacking_) waits_.fetch_add(1, std::memory_order_relaxed);
  changed_.wait(lock, [this] { return !is_unpacking_; });
  is_unpacking_ = true;
  return Turn(*this);
}

}  // namespace postern::feeds
