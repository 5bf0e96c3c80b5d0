#include "app/process.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/stderr_log.h"

namespace postern::app {
namespace {

/// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string text = testing::TempDir() + "postern_process_XXXXXX";
    EXPECT_NE(::mkdtemp(text.data()), nullptr);
    path = text;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string path;
};

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 0777;
}

/// Runs `body` in a child process; its exit status, 99 for none. gtest's own state stays out of it.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

TEST(StateDir, IsMadeForUsAlone) {
  const TemporaryFolder folder;
  const std::string path = folder.path + "/a/b";
  ASSERT_TRUE(make_state_dir(path).has_value());
  EXPECT_EQ(mode_of(path), 0700U);
  ASSERT_EQ(::chmod(path.c_str(), 0750), 0);
  ASSERT_TRUE(make_state_dir(path).has_value());  // It is there: its mode is its owner's business.
  EXPECT_EQ(mode_of(path), 0750U);
  std::ofstream(folder.path + "/file") << "x";
  const auto refused = make_state_dir(folder.path + "/file");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().text.find("/file is not a folder"), std::string::npos);
  EXPECT_FALSE(make_state_dir(folder.path + "/file/below").has_value());
}

TEST(StateDir, HasOneProcessAtATime) {
  const TemporaryFolder folder;
  {
    const auto first = lock_state_dir(folder.path);
    ASSERT_TRUE(first.has_value());
    const auto second = lock_state_dir(folder.path);
    ASSERT_FALSE(second.has_value());
    EXPECT_NE(second.error().text.find("in use"), std::string::npos);
  }
  EXPECT_TRUE(lock_state_dir(folder.path).has_value());
}

TEST(WorkAsUser, GivesOverAStateFolderOfOursAndNoOther) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path.c_str(), 0711), 0);
  const std::string ours = folder.path + "/ours";
  const std::string other = folder.path + "/other";
  std::filesystem::create_directories(ours + "/feeds");
  std::filesystem::create_directory(other);
  for (const char* name : {"/lock", "/journal.sqlite", "/feeds/copy"}) {
    std::ofstream(ours + name) << "x";
    ASSERT_EQ(::chmod((ours + name).c_str(), 0600), 0);
  }
  std::filesystem::create_symlink("/etc/passwd", ours + "/link");
  std::ofstream(other + "/precious") << "x";
  // What root made before is readable afterwards, and nothing behind a link has changed hands.
  EXPECT_EQ(in_child([&] {
              if (!work_as_user("nobody", ours)) return 1;
              if (!std::ifstream(ours + "/feeds/copy")) return 2;
              struct stat status{};
              ::stat("/etc/passwd", &status);
              return status.st_uid == 0 ? 0 : 3;
            }),
            0);
  EXPECT_EQ(in_child([&] { return work_as_user("nobody", other) ? 1 : 0; }), 0);
  struct stat status{};
  ASSERT_EQ(::stat(other.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);
}

TEST(WorkAsUser, GivesTheFolderBehindALinkOfRootsAndNoOther) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path.c_str(), 0711), 0);
  std::filesystem::create_directory(folder.path + "/real");
  ASSERT_EQ(::chmod((folder.path + "/real").c_str(), 0700), 0);
  const std::string link = folder.path + "/link";
  std::filesystem::create_symlink("real", link);
  ASSERT_EQ(::lchown(link.c_str(), 65534, 65534), 0);
  EXPECT_EQ(in_child([&] { return work_as_user("nobody", link) ? 1 : 0; }), 0);
  struct stat status{};
  ASSERT_EQ(::stat(link.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);  // Whoever made the link did not get the folder.
  ASSERT_EQ(::lchown(link.c_str(), 0, 0), 0);
  EXPECT_EQ(in_child([&] {
              if (!work_as_user("nobody", link)) return 1;
              return lock_state_dir(link) ? 0 : 2;
            }),
            0);
}

TEST(Process, RootKeepsNoCapabilityButThePorts) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has capabilities to drop";
  EXPECT_EQ(in_child([] {
              if (!drop_root_capabilities()) return 1;
              // CAP_CHOWN is gone: root may no longer give its own file away.
              const TemporaryFolder folder;
              return ::chown(folder.path.c_str(), 65534, 65534) == 0 ? 2 : 0;
            }),
            0);
}

TEST(Process, RootWithoutCapabilitiesIsToldWhoseAFolderIs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has capabilities to drop";
  const TemporaryFolder folder;
  const std::string file = folder.path + "/file";
  std::ofstream(file) << "x";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
  const std::string hidden = folder.path + "/hidden";
  ASSERT_TRUE(make_state_dir(hidden).has_value());
  ASSERT_EQ(::chown(hidden.c_str(), 65534, 65534), 0);
  EXPECT_TRUE(unreadable({"", file, "/etc/passwd", hidden}).empty());
  EXPECT_EQ(in_child([&] {
              if (!drop_root_capabilities()) return 1;
              const auto lock = lock_state_dir(hidden);
              if (lock || lock.error().text.find("--user nobody") == std::string::npos) return 2;
              const std::vector<std::string> want = {file, hidden};
              return unreadable({"", file, "/etc/passwd", "/nonexistent", hidden}) == want ? 0 : 3;
            }),
            0);
}

TEST(Signals, AreWaitedForInOrder) {
  EXPECT_EQ(in_child([] {
              const auto signals = Signals::take_over();
              if (!signals) return 1;
              ::raise(SIGHUP);
              if (signals->wait() != Signals::Event::reload) return 2;
              ::raise(SIGTERM);
              if (signals->wait() != Signals::Event::stop) return 3;
              ::raise(SIGINT);
              return signals->wait() == Signals::Event::stop ? 0 : 4;
            }),
            0);
}

/// "CapPrm" and "CapEff" of every thread are zero.
bool no_thread_has_capabilities() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      const bool is_set = line.starts_with("CapPrm") || line.starts_with("CapEff");
      if (is_set && line.find_first_not_of("0", line.find('\t') + 1) != std::string::npos)
        return false;
    }
  }
  return true;
}

// As root: a port under 1024 can still be bound as the user, and at the end nothing is left, on
// threads that were there before too.
TEST(Privileges, EndWithNoCapabilityOnAnyThread) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const TemporaryFolder folder;
  EXPECT_EQ(in_child([&] {
              forbid_new_privileges();
              if (!work_as_user("nobody", folder.path)) return 1;
              if (::geteuid() == 0) return 2;
              if (no_thread_has_capabilities()) return 3;  // One is kept until the ports are bound.
              std::jthread other([](const std::stop_token& stop) {
                while (!stop.stop_requested()) std::this_thread::yield();
              });
              if (!become_user_for_good("nobody")) return 4;
              if (!no_thread_has_capabilities()) return 5;
              return ::setuid(0) == 0 ? 6 : 0;
            }),
            0);
  EXPECT_EQ(in_child([&] { return work_as_user("no-such-user", folder.path) ? 1 : 0; }), 0);
}

TEST(Log, OneLineAMessage) {
  const WallTime at = std::chrono::sys_days(std::chrono::year(2026) / 3 / 2) + milliseconds(1002);
  EXPECT_EQ(log_line(at, LogLevel::info, "feeds", "all good", false),
            "2026-03-02T00:00:01.002Z info feeds: all good\n");
  EXPECT_EQ(log_line(at, LogLevel::error, "feeds", "bad\nerror forged: x\x1b[0m", false),
            "2026-03-02T00:00:01.002Z error feeds: bad?error forged: x?[0m\n");
  EXPECT_EQ(log_line(at, LogLevel::warning, "a", "b", true), "<4>a: b\n");
  EXPECT_EQ(log_line(at, LogLevel::debug, "a", "b", true), "<7>a: b\n");
}

}  // namespace
}  // namespace postern::app
