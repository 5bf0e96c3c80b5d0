// Whose turn it is to unpack: one copy at a time, so that small files that grow huge do so one
// after another and their memory does not add up.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace postern::feeds {

/// Hands out turns. Any thread; all turns end before this does.
class UnpackTurns {
 public:
  /// While more than this of unpacked text waits to be taken in, nothing more is unpacked. So all
  /// of it together is at most this and one feed's `max_octets` twice: of the last that was begun
  /// below it, and of the file unpacked now.
  static constexpr std::uint64_t kMaxHeldOctets = 64U << 20;

  /// The right to unpack, and then the memory of what came out. Ends with the text.
  class Turn {
   public:
    Turn() = default;
    Turn(Turn&& other) noexcept
        : turns_(std::exchange(other.turns_, nullptr)),
          held_octets_(std::exchange(other.held_octets_, std::nullopt)) {}
    Turn& operator=(Turn&& other) noexcept {
      Turn old(std::move(*this));
      turns_ = std::exchange(other.turns_, nullptr);
      held_octets_ = std::exchange(other.held_octets_, std::nullopt);
      return *this;
    }
    ~Turn();

    /// It is unpacked, and its text of so many octets stays until this ends: the next may
    /// begin. Nothing happens where there is no turn.
    void unpacked(std::uint64_t octets);

   private:
    friend UnpackTurns;
    explicit Turn(UnpackTurns& turns) : turns_(&turns) {}

    UnpackTurns* turns_ = nullptr;
    std::optional<std::uint64_t> held_octets_;  // Unset while it unpacks.
  };

  UnpackTurns() = default;
  UnpackTurns(const UnpackTurns&) = delete;
  UnpackTurns& operator=(const UnpackTurns&) = delete;

  /// Waits until nothing is being unpacked and no more than kMaxHeldOctets are held. Nothing where
  /// `cancelled` became true meanwhile.
  std::optional<Turn> take(const std::atomic<bool>& cancelled);
  /// The same for the thread that frees what is held, and so must not wait for that: only until
  /// nothing is being unpacked, which takes a second or two at most.
  Turn take_beside_held();

  /// How many turns had to be waited for.
  std::uint64_t waits() const { return waits_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_unpacking_ = false;      // Guarded by mutex_.
  std::uint64_t held_octets_ = 0;  // Guarded by mutex_.
  std::atomic<std::uint64_t> waits_{0};
};

}  // namespace postern::feeds
