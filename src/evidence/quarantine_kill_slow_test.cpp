// A quarantine whose process is killed, again and again, loses nothing and is finished, or undone.
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evidence/quarantine.h"
#include "evidence/testing.h"

namespace postern::evidence {
namespace {

using testing::Server;
using testing::TemporaryFolder;

constexpr int kFiles = 25;

std::string path_of(int i) {
  return "inetpub/wwwroot/" + std::to_string(i) + ".aspx";
}

/// Runs `work` in a child that is killed later each time, until it ends by itself; how often it was
/// killed.
int run_until_done(const std::function<bool()>& work) {
  for (int run = 0; run < 200; ++run) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work() ? 0 : 1);
    // sleep: each run is killed at another place of its work.
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * run));
    ::kill(child, SIGKILL);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) continue;
    EXPECT_EQ(WEXITSTATUS(status), 0) << "it failed after " << run << " kills";
    return run;
  }
  ADD_FAILURE() << "it never ended";
  return 0;
}

TEST(QuarantineKilled, IsFinishedAndUndone) {
  const Server server;
  Findings findings{server.root(), "case 1", true, {}};
  std::vector<std::string> paths;
  for (int i = 0; i < kFiles; ++i) {
    server.write(path_of(i), "shell " + std::to_string(i));
    server.set_times(path_of(i), 1'600'000'000 + i, i);
    findings.items.push_back({path_of(i), "F-01", "", ""});
    paths.push_back(path_of(i));
  }
  server.set_times("inetpub/wwwroot", 1'500'000'000, 5);
  ASSERT_EQ(std::system(("cp -a " + server.root() + " " + server / "before").c_str()), 0);
  const SigningKey key = server.key();
  server.make_pack(paths);
  const auto plan = make_plan(findings, testing::witness());
  ASSERT_TRUE(plan);
  const QuarantineOrder order{*plan, server / "pack", server / "quarantine", testing::witness()};
  const int kills = run_until_done([&] {
    const auto report = apply_plan(order, key);
    return report && report->problems.empty() && report->done.size() == std::size_t{kFiles};
  });
  EXPECT_GT(kills, 2);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(server.at("inetpub/wwwroot")), {}),
            2);  // web.config and a folder.
  const int more_kills = run_until_done([&] {
    const auto report = roll_back(server / "quarantine", testing::witness(), key);
    return report && report->problems.empty();
  });
  EXPECT_GT(more_kills, 2);
  for (int i = 0; i < kFiles; ++i) {
    testing::expect_alike(server / ("before/" + path_of(i)), server.at(path_of(i)));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(server.at("inetpub/wwwroot")), {}),
            kFiles + 2);
  const auto check = verify_pack(server / "pack");
  EXPECT_TRUE(check->problems.empty()) << check->problems.front();
}

TEST(QuarantineKilled, HalfDoneIsUndone) {
  const Server server;
  Findings findings{server.root(), "case 1", true, {}};
  std::vector<std::string> paths;
  for (int i = 0; i < kFiles; ++i) {
    server.write(path_of(i), "shell " + std::to_string(i));
    findings.items.push_back({path_of(i), "F-01", "", ""});
    paths.push_back(path_of(i));
  }
  ASSERT_EQ(std::system(("cp -a " + server.root() + " " + server / "before").c_str()), 0);
  const SigningKey key = server.key();
  server.make_pack(paths);
  for (int milliseconds = 20; milliseconds < 400; milliseconds += 47) {
    std::filesystem::remove_all(server / "quarantine");
    const auto plan = make_plan(findings, testing::witness());
    const QuarantineOrder order{*plan, server / "pack", server / "quarantine", testing::witness()};
    const pid_t child = ::fork();
    if (child == 0) ::_exit(apply_plan(order, key) ? 0 : 1);
    // sleep: it is to be killed in the midst of its work.
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    const auto back = roll_back(server / "quarantine", testing::witness(), key);
    // Killed before anything was touched there is nothing to undo.
    if (back) {
      EXPECT_TRUE(back->problems.empty()) << back->problems.front();
    }
    for (int i = 0; i < kFiles; ++i) {
      testing::expect_alike(server / ("before/" + path_of(i)), server.at(path_of(i)));
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(server.at("inetpub/wwwroot")), {}),
              kFiles + 2);
  }
}

}  // namespace
}  // namespace postern::evidence
