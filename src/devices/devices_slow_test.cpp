// Devices from real files, and from the neighbour table of a network namespace of our own.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "base/testing.h"
#include "devices/devices.h"
#include "devices/neighbours.h"

namespace postern::devices {
namespace {

using postern::testing::KeptLog;

struct DevicesTest : ::testing::Test {
  DevicesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    path = folder + "/leases";
  }
  ~DevicesTest() override {
    devices.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  void write(std::string_view text) const {
    std::ofstream(path + "~") << text;
    std::filesystem::rename(path + "~", path);
  }
  Options options() const {
    return {.is_wanted = true,
            .lease_files = {{path, LeaseFormat::dnsmasq}},
            .reads_neighbours = false,
            .every = milliseconds(20)};
  }
  std::string device_of(std::string_view address) const {
    const auto device = table.current()->find(IpAddress::from_text(address).value());
    return device ? device->to_text() : "";
  }
  template <class Holds>
  static bool eventually(Holds holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(milliseconds(2));  // Polling, with a limit.
    }
    return true;
  }

  std::string folder, path;
  KeptLog log;
  Published<policy::DeviceTable> table{policy::DeviceTable::none()};
  std::unique_ptr<Devices> devices;
};

TEST_F(DevicesTest, FollowsItsFiles) {
  write("0 00:1a:2b:3c:4d:01 192.0.2.7 tv *\n");
  devices = Devices::start(options(), table, log);
  EXPECT_EQ(device_of("192.0.2.7"), "00:1a:2b:3c:4d:01");
  write("0 00:1a:2b:3c:4d:01 192.0.2.9 tv *\n0 00:1a:2b:3c:4d:02 192.0.2.7 pc *\n");
  EXPECT_TRUE(eventually([&] { return device_of("192.0.2.9") == "00:1a:2b:3c:4d:01"; }));
  EXPECT_EQ(device_of("192.0.2.7"), "00:1a:2b:3c:4d:02");
}

TEST_F(DevicesTest, AFileThatIsGoneIsSaidOnceAndForgetsNothing) {
  write("0 00:1a:2b:3c:4d:01 192.0.2.7 tv *\n");
  devices = Devices::start(options(), table, log);
  std::filesystem::remove(path);
  const auto errors = [&] {
    Metrics metrics;
    devices->collect(metrics);
    return metrics.back().value;
  };
  ASSERT_TRUE(eventually([&] { return errors() >= 3; }));
  EXPECT_EQ(device_of("192.0.2.7"), "00:1a:2b:3c:4d:01");
  const std::string text = log.text();
  EXPECT_NE(text.find("open " + path), std::string::npos) << text;
  EXPECT_EQ(text.find("open " + path), text.rfind("open " + path)) << text;
  write("0 00:1a:2b:3c:4d:03 192.0.2.7 tv *\n");
  EXPECT_TRUE(eventually([&] { return device_of("192.0.2.7") == "00:1a:2b:3c:4d:03"; }));
  EXPECT_TRUE(eventually([&] { return log.text().find("good again") != std::string::npos; }));
}

TEST_F(DevicesTest, NothingIsReadThatNobodyWants) {
  write("0 00:1a:2b:3c:4d:01 192.0.2.7 tv *\n");
  Options none = options();
  none.is_wanted = false;
  devices = Devices::start(none, table, log);
  EXPECT_EQ(table.current()->size(), 0U);
  devices->reconfigure(options());
  EXPECT_TRUE(eventually([&] { return table.current()->size() == 1; }));
  devices->reconfigure(none);
  EXPECT_TRUE(eventually([&] { return table.current()->size() == 0; }));
}

TEST(Neighbours, AreThoseOfTheKernel) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: needs root, for a network namespace of its own";
  bool is_done = false;
  // A thread of its own: the namespace goes with it.
  std::jthread([&is_done] {
    if (::unshare(CLONE_NEWNET) != 0) return;
    const int made = std::system(
        "ip link add postern0 type veth peer name postern1 && ip address add 192.0.2.1/24 dev "
        "postern0 && "
        "ip link set postern0 up && "
        "ip neighbour add 192.0.2.9 lladdr 00:1a:2b:3c:4d:09 dev postern0 && "
        "ip -6 neighbour add 2001:db8::9 lladdr 00:1a:2b:3c:4d:09 dev postern0");
    if (made != 0) return;
    is_done = true;
    const auto found = read_neighbours();
    ASSERT_TRUE(found) << found.error().text;
    const auto table = policy::DeviceTable::create(*found);
    for (const std::string_view address : {"192.0.2.9", "2001:db8::9"}) {
      const auto device = table->find(IpAddress::from_text(address).value());
      ASSERT_TRUE(device) << address;
      EXPECT_EQ(device->to_text(), "00:1a:2b:3c:4d:09");
    }
  }).join();
  if (!is_done) GTEST_SKIP() << "SKIPPED: no network namespace or ip(8) here";
}

}  // namespace
}  // namespace postern::devices
