// A pack whose maker is killed, again and again, is whole in the end and at no time before.
#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evidence/pack.h"
#include "evidence/restore.h"
#include "evidence/testing.h"

namespace postern::evidence {
namespace {

using testing::Server;

TEST(PackKilled, GoesOnUntilItIsWhole) {
  const Server server;
  constexpr int kFiles = 40;
  for (int i = 0; i < kFiles; ++i) {
    std::string text;
    for (int line = 0; line < 3000; ++line) text += std::to_string(line * i) + "\n";
    server.write("logs/" + std::to_string(i) + ".log", text);
  }
  const SigningKey key = server.key();
  int killed = 0;
  bool is_done = false;
  for (int run = 0; !is_done && run < 200; ++run) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto report = create_pack(server.order({"logs"}), key);
      ::_exit(report ? 0 : 1);
    }
    // sleep: each run is killed at another place of its work.
    std::this_thread::sleep_for(std::chrono::milliseconds(7 * run));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    const bool was_killed = WIFSIGNALED(status);
    if (was_killed) ++killed;
    const auto check = verify_pack(server / "pack");
    const bool is_whole = check && check->problems.empty();
    // What verifies must be all of it: nothing half is counted as whole.
    if (is_whole) {
      EXPECT_EQ(check->manifest->records.size(), std::size_t{kFiles} + 2);
    }
    is_done = is_whole;
    if (!was_killed && !is_whole) FAIL() << "it ended and is not whole";
  }
  ASSERT_TRUE(is_done);
  EXPECT_GT(killed, 3);
  const auto pack = open_whole_pack(server / "pack");
  ASSERT_TRUE(pack) << pack.error().text;
  const auto report = restore_pack(*pack, server / "out");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->files, std::uint64_t{kFiles});
  for (int i = 0; i < kFiles; ++i) {
    const std::string path = "logs/" + std::to_string(i) + ".log";
    testing::expect_alike(server.at(path), server / ("out/" + path));
  }
}

}  // namespace
}  // namespace postern::evidence
