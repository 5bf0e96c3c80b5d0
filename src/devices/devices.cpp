#include "devices/devices.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_descriptor.h"
#include "base/thread.h"
#include "devices/neighbours.h"

namespace postern::devices {
namespace {

using policy::DeviceAddress;
using policy::DeviceTable;

WallTime wall_now() {
  return std::chrono::floor<microseconds>(std::chrono::system_clock::now());
}

Result<std::string> read_whole(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe nobody writes to would wait for ever.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return Unexpected<Error>(system_error("open " + path, errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return fail(Errc::invalid_input, path + " is not a regular file");
  }
  std::string text;
  for (std::array<char, 64U << 10> block;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unexpected<Error>(system_error("read " + path, errno));
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
    if (text.size() > kMaxLeaseFileOctets) {
      return fail(Errc::limit_exceeded,
                  path + " is over " + std::to_string(kMaxLeaseFileOctets) + " octets");
    }
  }
}

class Keeper final : public Devices {
 public:
  Keeper(Options options, Published<DeviceTable>& target, Log& log)
      : target_(target), log_(log), options_(std::move(options)) {
    look(options_);
    thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  }
  ~Keeper() override { stop(); }

  void reconfigure(Options options) override {
    const std::lock_guard lock(mutex_);
    options_ = std::move(options);
    is_new_ = true;
    changed_.notify_all();
  }

  void collect(Metrics& metrics) const override {
    const auto add = [&](std::string_view name, MetricKind kind, std::string_view help,
                         double value) { metrics.push_back({name, kind, help, "", value}); };
    add("postern_device_addresses", MetricKind::gauge,
        "Addresses whose device is known, from leases and the neighbour table.",
        static_cast<double>(target_.current()->size()));
    add("postern_device_read_errors_total", MetricKind::counter,
        "Times that a lease file or the neighbour table could not be read.",
        static_cast<double>(errors_.value()));
  }

  void stop() override {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    {
      const std::lock_guard lock(mutex_);
      is_new_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void run(const std::stop_token& stopping) {
    enter_thread("devices");
    while (!stopping.stop_requested()) {
      Options options;
      {
        std::unique_lock lock(mutex_);
        const auto is_new = [this] { return is_new_; };
        if (options_.is_wanted) {
          changed_.wait_for(lock, options_.every, is_new);
        } else {
          changed_.wait(lock, is_new);
        }
        is_new_ = false;
        options = options_;
      }
      if (!stopping.stop_requested()) look(options);
    }
  }

  /// Reads all and publishes the table where it is another one.
  void look(const Options& options) {
    std::vector<DeviceAddress> found;
    std::map<std::string, std::vector<DeviceAddress>> read;
    if (options.is_wanted) {
      for (const LeaseFile& file : options.lease_files) {
        auto text = read_whole(file.path);
        if (text) {
          read[file.path] = read_leases(*text, file.format, wall_now());
        } else if (const auto before = known_.find(file.path); before != known_.end()) {
          read[file.path] = before->second;
        }
        tell(file.path, text);
        const std::vector<DeviceAddress>& leases = read[file.path];
        found.insert(found.end(), leases.begin(), leases.end());
      }
    }
    if (options.is_wanted && options.reads_neighbours) {
      const auto neighbours = read_neighbours();
      if (neighbours) found.insert(found.end(), neighbours->begin(), neighbours->end());
      tell("the neighbour table", neighbours);
    }
    known_ = std::move(read);
    auto table = DeviceTable::create(std::move(found));
    if (*table != *target_.current()) target_.publish(std::move(table));
  }

  /// The same trouble is said once.
  template <class T>
  void tell(const std::string& what, const Result<T>& outcome) {
    std::string& said = said_[what];
    const std::string trouble = outcome ? "" : outcome.error().text;
    if (!outcome) errors_.add();
    if (trouble == said) return;
    if (!outcome) {
      log_.warning("devices",
                   what + ": " + trouble + "; what it said before holds. Groups by device need it");
    } else {
      log_.info("devices", what + ": good again");
    }
    said = trouble;
  }

  Published<DeviceTable>& target_;
  Log& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Options options_;      // Guarded by mutex_.
  bool is_new_ = false;  // Guarded by mutex_.
  // The thread's own once it runs.
  std::map<std::string, std::vector<DeviceAddress>> known_;  // By path, as last read.
  std::map<std::string, std::string> said_;                  // What is wrong, by what it is with.
  Counter errors_;
  std::jthread thread_;  // Last: it starts when all else is there.
};

}  // namespace

std::unique_ptr<Devices> Devices::start(Options options, Published<policy::DeviceTable>& target,
                                        Log& log) {
  return std::make_unique<Keeper>(std::move(options), target, log);
}

}  // namespace postern::devices
