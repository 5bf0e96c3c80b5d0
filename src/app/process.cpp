#include "app/process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace postern::app {
namespace {

struct CapDeleter {
  void operator()(cap_t caps) const { cap_free(caps); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, CapDeleter>;

/// Sets the permitted and effective sets to `kept` alone.
bool keep_only(const std::vector<cap_value_t>& kept) {
  const Capabilities caps(cap_init());
  if (caps == nullptr) return false;
  if (!kept.empty()) {
    const int count = static_cast<int>(kept.size());
    if (cap_set_flag(caps.get(), CAP_PERMITTED, count, kept.data(), CAP_SET) != 0) return false;
    if (cap_set_flag(caps.get(), CAP_EFFECTIVE, count, kept.data(), CAP_SET) != 0) return false;
  }
  return cap_set_proc(caps.get()) == 0;
}

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

Result<Account> find_account(const std::string& user) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) return Unexpected(system_error("user " + user, error));
  if (found == nullptr) return fail(Errc::not_found, fmt::format("there is no user \"{}\"", user));
  return Account{entry.pw_uid, entry.pw_gid};
}

Result<void> give(const std::filesystem::path& path, const Account& account) {
  if (::lchown(path.c_str(), account.uid, account.gid) == 0) return {};
  return Unexpected(system_error("give " + path.string() + " to its user", errno));
}

/// The folder itself where `path` is a link to it. A link that root did not make is refused:
/// whoever made it could have anybody's folder handed over.
Result<std::filesystem::path> behind_link(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return Unexpected(system_error(path, errno));
  if (S_ISLNK(status.st_mode) && status.st_uid != 0) {
    return fail(Errc::denied,
                path + " is a symbolic link that root did not make; name the folder itself");
  }
  std::error_code error;
  auto folder = std::filesystem::canonical(path, error);
  if (error) return fail(Errc::denied, path + ": " + error.message());
  return folder;
}

/// Hands a state folder of ours, and all in it, to `account`.
Result<void> give_state_dir(const std::string& path, const Account& account) {
  const std::filesystem::path folder = POSTERN_TRY(behind_link(path));
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return Unexpected(system_error(path, errno));
  std::error_code error;
  const bool is_ours = std::filesystem::is_empty(folder, error) ||
                       std::filesystem::is_regular_file(folder / "lock", error);
  if (!is_ours) {
    if (status.st_uid == account.uid) return {};
    return fail(Errc::denied, path +
                                  " is not empty and not a state folder of postern; name another, "
                                  "or give it to the user yourself");
  }
  POSTERN_CHECK(give(folder, account));
  // Symbolic links are not followed, neither by the iterator nor by lchown.
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    POSTERN_CHECK(give(entry->path(), account));
  }
  if (error) return fail(Errc::denied, path + ": " + error.message());
  return {};
}

std::string parent_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

}  // namespace

Result<void> make_state_dir(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    return fail(Errc::invalid_input, path + " is not a folder");
  }
  const std::string parent = parent_of(path);
  if (!parent.empty() && parent != path) {
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (error) return fail(Errc::denied, fmt::format("make {}: {}", parent, error.message()));
  }
  if (::mkdir(path.c_str(), 0700) != 0) return Unexpected(system_error("make " + path, errno));
  return {};
}

Result<FileDescriptor> lock_state_dir(const std::string& path) {
  FileDescriptor lock(::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) {
    Error error = system_error(path + "/lock", errno);
    struct stat status{};
    if (error.code == Errc::denied && ::geteuid() == 0 && ::stat(path.c_str(), &status) == 0 &&
        status.st_uid != 0) {
      error.text += fmt::format(
          "; root keeps only CAP_NET_BIND_SERVICE here, and the folder belongs to {0}: start with "
          "--user {0}, or give it to root",
          owner_of(path));
    }
    return Unexpected(std::move(error));
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  return fail(
      Errc::unavailable,
      fmt::format("the state folder {} is in use by another postern; give this one its own with "
                  "--state-dir",
                  path));
}

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void forbid_new_privileges() {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

Result<void> work_as_user(const std::string& user, const std::string& state_dir) {
  const Account account = POSTERN_TRY(find_account(user));
  POSTERN_CHECK(give_state_dir(state_dir, account));
  if (::setgroups(0, nullptr) != 0) return Unexpected(system_error("drop groups", errno));
  if (::setresgid(account.gid, account.gid, account.gid) != 0) {
    return Unexpected(system_error("become group of " + user, errno));
  }
  // The saved id stays root's: its going is what takes the capabilities of every thread.
  if (::setresuid(account.uid, account.uid, 0) != 0) {
    return Unexpected(system_error("become " + user, errno));
  }
  if (!keep_only({CAP_NET_BIND_SERVICE}))
    return Unexpected(system_error("drop capabilities", errno));
  return {};
}

Result<void> drop_root_capabilities() {
  if (keep_only({CAP_NET_BIND_SERVICE})) return {};
  return Unexpected(system_error("drop capabilities", errno));
}

std::vector<std::string> unreadable(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    if (path.empty()) continue;
    const bool is_denied = ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0 &&
                           (errno == EACCES || errno == EPERM);
    if (is_denied) out.push_back(path);
  }
  return out;
}

std::string owner_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return "";
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(status.st_uid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? std::string(entry.pw_name) : std::to_string(status.st_uid);
}

Result<void> become_user_for_good(const std::string& user) {
  const Account account = POSTERN_TRY(find_account(user));
  // The C library does this on all threads; cap_set_proc(3) would reach the calling one alone.
  // When the last of the three ids leaves 0, the kernel clears all capabilities (capabilities(7)).
  if (::setresuid(account.uid, account.uid, account.uid) != 0) {
    return Unexpected(system_error("become " + user + " for good", errno));
  }
  return {};
}

Result<Signals> Signals::take_over() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) {
    return Unexpected(system_error("block signals", errno));
  }
  std::signal(SIGPIPE, SIG_IGN);
  FileDescriptor fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) return Unexpected(system_error("signalfd", errno));
  return Signals(std::move(fd));
}

Signals::Event Signals::wait() const {
  for (;;) {
    signalfd_siginfo info{};
    const ssize_t count = ::read(fd_.get(), &info, sizeof info);
    if (count < 0 && errno == EINTR) continue;
    // A descriptor that cannot be read any more leaves us deaf: better to end in good order.
    if (count != sizeof info) return Event::stop;
    return info.ssi_signo == SIGHUP ? Event::reload : Event::stop;
  }
}

void tell_systemd_ready(const std::string& status) {
  sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void tell_systemd_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t now_us = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now_us).c_str());
}

void tell_systemd_stopping() {
  sd_notify(0, "STOPPING=1");
}

bool has_ipv6_loopback() {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  const FileDescriptor probe(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return probe &&
         ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<std::uint64_t> random_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    return Unexpected(system_error("getrandom", errno));
  }
  return seed;
}

std::uint64_t machine_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0) return 0;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
}

std::string program_id() {
  struct stat status{};
  if (::stat("/proc/self/exe", &status) != 0) return POSTERN_VERSION;
  return std::string(POSTERN_VERSION) + " " + std::to_string(status.st_size) + " " +
         std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
}

}  // namespace postern::app
