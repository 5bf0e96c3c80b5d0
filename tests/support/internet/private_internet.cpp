#include "private_internet.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace postern::test {
namespace {

constexpr int kStartLimitMs = 20'000;

/// The first line that `fd` gives, without its end; what came so far where it ends or is late.
std::string first_line(int fd) {
  std::string line;
  char octet = 0;
  for (;;) {
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, kStartLimitMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || ::read(fd, &octet, 1) != 1 || octet == '\n') return line;
    line.push_back(octet);
  }
}

}  // namespace

std::string PrivateInternet::start(WithResolver with_resolver) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "postern-internet-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return "cannot make a temporary folder";
  folder_ = pattern;

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "cannot make a pipe";
  const std::string script = POSTERN_SOURCE_DIR "/tests/support/internet/internet.py";
  const char* argv[] = {"/usr/bin/python3", script.c_str(), folder_.c_str(),
                        with_resolver == WithResolver::yes ? "--resolver" : nullptr, nullptr};
  child_ = ::fork();
  if (child_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::dup2(ends[1], STDOUT_FILENO);
    ::execv(argv[0], const_cast<char* const*>(argv));
    ::_exit(127);
  }
  ::close(ends[1]);
  const std::string line = first_line(ends[0]);
  ::close(ends[0]);
  if (child_ < 0) return "cannot fork";
  if (!line.starts_with("ready "))
    return line.empty() ? "the private internet did not start" : line;
  prefix_ = line.substr(6);
  return "";
}

PrivateInternet::~PrivateInternet() {
  if (child_ > 0) {
    ::kill(child_, SIGTERM);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string PrivateInternet::address(unsigned last_octet) const {
  return prefix_ + std::to_string(last_octet);
}

}  // namespace postern::test
