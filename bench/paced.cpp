// Queries at a fixed rate, whatever becomes of them (an open loop): how long does each answer take?
//
// Prints one JSON object: how many were sent, answered, lost (no answer within two seconds of the
// last query); the times from when a query was due to its answer, in µs; and the longest time in
// which no answer came at all. The generator polls, so its core must be its own.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "udp.h"

namespace postern::bench {
namespace {

constexpr std::size_t kIds = 65'536;
constexpr std::chrono::seconds kPatience{2};

class PacedLoad {
 public:
  PacedLoad(const Endpoint& server, std::vector<Octets> queries, double rate)
      : queries_(std::move(queries)),
        between_(
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1.0 / rate))),
        sockets_(connected_sockets(server)),
        due_(kSockets * kIds) {}

  void run(std::chrono::duration<double> duration) {
    const auto began = Clock::now();
    const auto end = began + std::chrono::duration_cast<Clock::duration>(duration);
    last_answer_ = began;
    Clock::time_point next = began;
    while (next < end) {
      for (; next <= Clock::now() && next < end; next += between_) send(next);
      receive_all();
    }
    for (const auto give_up = Clock::now() + kPatience;
         micros_.size() < sent_ && Clock::now() < give_up;) {
      receive_all();
    }
  }

  void print(double seconds) {
    std::ranges::sort(micros_);
    const auto at = [this](double part) {
      if (micros_.empty()) return 0.0F;
      return micros_[std::min(micros_.size() - 1, static_cast<std::size_t>(
                                                      part * static_cast<double>(micros_.size())))];
    };
    std::printf(
        "{\"seconds\": %.3f, \"sent\": %zu, \"lost\": %zu, \"nxdomain\": %zu, \"servfail\": %zu, "
        "\"p50\": %.0f, \"p99\": %.0f, \"p999\": %.0f, \"worst\": %.0f, \"silence_ms\": %.1f}\n",
        seconds, sent_, sent_ - micros_.size(), nxdomain_, servfail_, static_cast<double>(at(0.5)),
        static_cast<double>(at(0.99)), static_cast<double>(at(0.999)), static_cast<double>(at(1.0)),
        std::chrono::duration<double, std::milli>(silence_).count());
  }

 private:
  void send(Clock::time_point due) {
    const std::size_t socket = sent_ % kSockets;
    const std::size_t id = sent_ / kSockets % kIds;
    const Octets& query = queries_[random_() % queries_.size()];
    std::memcpy(out_.data(), query.data(), query.size());
    store_u16(out_.data(), static_cast<std::uint16_t>(id));
    // A full buffer loses it, as a network would.
    static_cast<void>(::send(sockets_[socket].get(), out_.data(), query.size(), 0));
    due_[socket * kIds + id] = due;
    ++sent_;
  }

  void receive_all() {
    for (std::size_t socket = 0; socket < kSockets; ++socket) receive(socket);
  }

  void receive(std::size_t socket) {
    batch_->prepare(false);
    const int count = recvmmsg(sockets_[socket].get(), batch_->messages.data(), kBatch, 0, nullptr);
    if (count <= 0) return;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const std::uint8_t* const octets = batch_->octets[i].data();
      Clock::time_point& due = due_[socket * kIds + load_u16(octets)];
      if (due == Clock::time_point{}) continue;  // Twice, or not asked.
      micros_.push_back(std::chrono::duration<float, std::micro>(now - due).count());
      due = {};
      nxdomain_ += (octets[3] & 0xf) == 3;
      servfail_ += (octets[3] & 0xf) == 2;
    }
    silence_ = std::max(silence_, now - last_answer_);
    last_answer_ = now;
  }

  std::vector<Octets> queries_;
  Clock::duration between_;
  std::vector<FileDescriptor> sockets_;
  std::vector<Clock::time_point> due_;  ///< By socket and id: when it was due; none: answered.
  std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();
  std::array<std::uint8_t, kDatagram> out_{};
  std::minstd_rand random_{42};
  std::vector<float> micros_;
  std::size_t sent_ = 0, nxdomain_ = 0, servfail_ = 0;
  Clock::time_point last_answer_;
  Clock::duration silence_{};
};

}  // namespace

int paced(const Endpoint& server, int count, char** arguments) {
  if (count < 3) stop("paced ADDRESS:PORT NAMES SECONDS RATE");
  const double seconds = std::stod(arguments[1]);
  const double rate = std::stod(arguments[2]);
  if (seconds <= 0 || rate <= 0) stop("SECONDS and RATE must be above 0");
  PacedLoad load(server, queries_of(arguments[0], false), rate);
  load.run(std::chrono::duration<double>(seconds));
  load.print(seconds);
  return 0;
}

}  // namespace postern::bench
