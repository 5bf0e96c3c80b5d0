// A program that reads and builds as the real one does, for the tests of who starts it. With
// another word it does what a reader that was broken into, or broke, might do.
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feeds/build_process.h"
#include "feeds/confinement.h"

namespace {

/// Whether a confined process can do any of what it is confined for.
bool finds_a_way_out() {
  postern::feeds::confine(std::uint64_t{64} << 20);
  if (::open("/etc/passwd", O_RDONLY) >= 0) return true;
  if (::socket(AF_INET, SOCK_STREAM, 0) >= 0 || ::memfd_create("x", 0) >= 0) return true;
  if (::fork() >= 0 || ::kill(::getppid(), 0) == 0) return true;
  struct stat status{};
  if (::stat("/etc/passwd", &status) == 0) return true;
  char* const words[] = {nullptr};
  if (::execve("/bin/true", words, words) == 0) return true;
  return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
         MAP_FAILED;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view what = count > 1 ? words[1] : "";
  if (what == "crash") {
    ::signal(SIGSEGV, SIG_DFL);  // A sanitizer would have it.
    ::raise(SIGSEGV);
  }
  if (what == "look around") return finds_a_way_out() ? 6 : 5;
  if (what == "say done and wait") {
    static_cast<void>(!::write(postern::feeds::kBuildSocket, "", 1));
    ::pause();
  }
  if (what == "fail") return 3;
  if (what == "say nothing") return 0;
  if (what == "never end") ::pause();
  const std::uint64_t max_memory = std::strtoull(words[count - 1], nullptr, 10);
  return postern::feeds::run_build_process(postern::FileDescriptor(postern::feeds::kBuildSocket),
                                           max_memory);
}
