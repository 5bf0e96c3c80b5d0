// Load over UDP for the benchmarks, and bare servers to compare with.
//
//   udp_bench echo ADDRESS:PORT              sends each datagram back with QR set: the floor
//   udp_bench answer ADDRESS:PORT            gives every question an A record: floor, and upstream
//   udp_bench load ADDRESS:PORT NAMES SECONDS [WINDOW [unique]]
//   udp_bench paced ADDRESS:PORT NAMES SECONDS RATE     how long answers take: paced.cpp
//
// `load` keeps WINDOW queries under way over eight sockets, drawing names evenly (fixed seed) from
// the file NAMES; `unique` puts a counter before each name, so that none was asked before. It polls
// without sleeping, so that the server never pays for waking it. Prints one JSON object.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/octets.h"
#include "udp.h"

namespace {

using namespace postern::bench;
using postern::Endpoint;
using postern::FileDescriptor;
using postern::Octets;

// The A record 192.0.2.1 behind the question; returns the answer's size.
std::size_t write_answer(std::uint8_t* octets, std::size_t size) {
  static constexpr std::uint8_t kRecord[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1};
  std::size_t end = 12;
  while (end < size && octets[end] != 0) end += octets[end] + std::size_t{1};
  end += 5;
  if (end > size) return 0;
  octets[2] = 0x81;
  octets[3] = 0x80;
  postern::store_u16(octets + 6, 1);
  postern::store_u16(octets + 8, 0);
  postern::store_u16(octets + 10, 0);
  std::memcpy(octets + end, kRecord, sizeof kRecord);
  return end + sizeof kRecord;
}

int serve(const Endpoint& endpoint, bool with_answer) {
  const FileDescriptor fd = udp_socket();
  const sockaddr_in address = address_of(endpoint);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    stop("bind");
  auto batch = std::make_unique<Batch>();
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    batch->prepare(true);
    const int count = recvmmsg(fd.get(), batch->messages.data(), kBatch, 0, nullptr);
    if (count <= 0) {
      pollfd waiting{fd.get(), POLLIN, 0};
      poll(&waiting, 1, -1);
      continue;
    }
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      std::size_t size = batch->messages[at].msg_len;
      batch->octets[at][2] |= 0x80;
      if (with_answer) size = write_answer(batch->octets[at].data(), size);
      batch->parts[at].iov_len = size;
    }
    for (int sent = 0; sent < count;) {
      const int now = sendmmsg(fd.get(), &batch->messages[static_cast<std::size_t>(sent)],
                               static_cast<unsigned>(count - sent), 0);
      if (now > 0) sent += now;
    }
  }
}

struct Load {
  std::vector<Octets> queries;
  std::size_t window = 256;
  bool unique = false;
};

struct Counts {
  std::uint64_t sent = 0, received = 0, nxdomain = 0, noerror = 0, servfail = 0, lost = 0;
};

class Generator {
 public:
  Generator(const Endpoint& server, Load load)
      : load_(std::move(load)), sockets_(connected_sockets(server)) {
    per_socket_ = std::max<std::size_t>(load_.window / kSockets, 1);
  }

  Counts run(std::chrono::duration<double> duration) {
    const auto end = Clock::now() + duration;
    auto last_received = Clock::now();
    while (Clock::now() < end) {
      bool moved = false;
      for (std::size_t i = 0; i < kSockets; ++i) {
        moved |= receive(i);
        fill(i);
      }
      const auto now = Clock::now();
      if (moved) last_received = now;
      // What did not come for a while is lost: begin again.
      if (now - last_received > std::chrono::milliseconds(500)) {
        for (std::size_t& under_way : under_way_) {
          counts_.lost += under_way;
          under_way = 0;
        }
        last_received = now;
      }
    }
    return counts_;
  }

 private:
  bool receive(std::size_t socket) {
    batch_->prepare(false);
    const int count = recvmmsg(sockets_[socket].get(), batch_->messages.data(), kBatch, 0, nullptr);
    for (int i = 0; i < count; ++i) {
      const std::uint8_t rcode = batch_->octets[static_cast<std::size_t>(i)][3] & 0xf;
      ++counts_.received;
      counts_.noerror += rcode == 0;
      counts_.servfail += rcode == 2;
      counts_.nxdomain += rcode == 3;
    }
    if (count > 0) {
      const auto came = static_cast<std::size_t>(count);
      under_way_[socket] -= std::min(under_way_[socket], came);
    }
    return count > 0;
  }

  void fill(std::size_t socket) {
    const std::size_t room = per_socket_ - std::min(under_way_[socket], per_socket_);
    const std::size_t count = std::min(room, kBatch);
    if (count == 0) return;
    batch_->prepare(false);
    for (std::size_t i = 0; i < count; ++i) {
      const Octets& query = load_.queries[random_() % load_.queries.size()];
      std::memcpy(batch_->octets[i].data(), query.data(), query.size());
      postern::store_u16(batch_->octets[i].data(), ++id_);
      if (load_.unique) put_counter(&batch_->octets[i][13]);
      batch_->parts[i].iov_len = query.size();
    }
    const int sent =
        sendmmsg(sockets_[socket].get(), batch_->messages.data(), static_cast<unsigned>(count), 0);
    if (sent > 0) {
      under_way_[socket] += static_cast<std::size_t>(sent);
      counts_.sent += static_cast<std::uint64_t>(sent);
    }
  }

  void put_counter(std::uint8_t* digits) {
    std::uint64_t value = ++unique_;
    for (std::size_t i = kCounterDigits; i-- > 0; value /= 10) {
      digits[i] = static_cast<std::uint8_t>('0' + value % 10);
    }
  }

  Load load_;
  std::vector<FileDescriptor> sockets_;
  std::size_t per_socket_ = 1;
  std::array<std::size_t, kSockets> under_way_{};
  std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();
  std::minstd_rand random_{42};
  std::uint16_t id_ = 0;
  // Begins where no earlier run did.
  std::uint64_t unique_ = static_cast<std::uint64_t>(
                              std::chrono::system_clock::now().time_since_epoch().count() / 1000) %
                          10'000'000'000ULL;
  Counts counts_;
};

int load(const Endpoint& server, int count, char** arguments) {
  if (count < 2) stop("load ADDRESS:PORT NAMES SECONDS [WINDOW [unique]]");
  Load load;
  load.unique = count > 3 && std::string_view(arguments[3]) == "unique";
  if (count > 2) load.window = static_cast<std::size_t>(std::max(1, std::stoi(arguments[2])));
  load.queries = queries_of(arguments[0], load.unique);
  const double seconds = std::stod(arguments[1]);
  Generator generator(server, std::move(load));
  const Counts counts = generator.run(std::chrono::duration<double>(seconds));
  std::printf(
      "{\"seconds\": %.3f, \"sent\": %lu, \"received\": %lu, \"lost\": %lu, \"noerror\": %lu, "
      "\"nxdomain\": %lu, \"servfail\": %lu}\n",
      seconds, counts.sent, counts.received, counts.lost, counts.noerror, counts.nxdomain,
      counts.servfail);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) stop("udp_bench echo|answer|load|paced ADDRESS:PORT …");
  const std::string_view what = arguments[1];
  const auto endpoint = Endpoint::from_text(arguments[2]);
  if (!endpoint) stop(endpoint.error().text);
  if (what == "echo" || what == "answer") return serve(*endpoint, what == "answer");
  if (what == "load") return load(*endpoint, count - 3, arguments + 3);
  if (what == "paced") return paced(*endpoint, count - 3, arguments + 3);
  stop("echo, answer, load or paced");
}
