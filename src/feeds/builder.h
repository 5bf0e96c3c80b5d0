// Builder: reads texts as feeds and builds rule images of them; much of either in a process of its
// own.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "feeds/build_process.h"
#include "feeds/image_memory.h"
#include "feeds/obtain.h"

namespace postern::feeds {

/// Any thread.
class Builder {
 public:
  /// Shorter texts are read here, and images with fewer rules built here: starting a process costs
  /// more than that, and such memory is soon back.
  static constexpr std::uint64_t kLittleText = 256U << 10;
  static constexpr std::uint64_t kFewRules = 20'000;
  static constexpr std::uint64_t kLittlePacked = 8U << 20;  ///< Of rules on their way, in octets.

  /// Without a program in `command` all is done here, whatever its size.
  explicit Builder(BuildCommand command) : command_(std::move(command)) {}

  /// `parse_copy`, its rules held. Also `unavailable`: see `run_build`. `text` is sealed.
  Result<Content> read(const SharedMemory& text, const intel::FeedOptions& format,
                       Origin origin) const;
  Result<Content> read(std::string_view text, const intel::FeedOptions& format,
                       Origin origin) const;

  /// A zone to be, and where its rules are.
  struct Zone {
    std::string name;
    std::string source;  ///< See policy::ImageZone.
    const Content* content = nullptr;
    /// Of a zone of votes: who votes, by place among these zones; its rules are made then.
    std::optional<policy::Votes> votes{};
    bool is_written = true;  ///< False: it votes, and is not in the image.
    /// Where the content was just read: what the list had before, if that is in an image.
    const Content* before = nullptr;
  };
  /// An image of all zones that are to be written, in their order, with the rules that each content
  /// has. `key` as for policy::build_image; `now` is when votes are counted.
  Result<HeldImage> build(std::span<const Zone> zones, std::uint64_t key, WallTime now) const;

  /// What is under way ends soon, and nothing more is begun: `unavailable`.
  void stop() { is_stopped_.store(true, std::memory_order_relaxed); }
  bool is_stopped() const { return is_stopped_.load(std::memory_order_relaxed); }

 private:
  bool is_much(std::uint64_t is, std::uint64_t little) const {
    return !command_.program.empty() && is > little;
  }

  const BuildCommand command_;
  std::atomic<bool> is_stopped_{false};
};

}  // namespace postern::feeds
