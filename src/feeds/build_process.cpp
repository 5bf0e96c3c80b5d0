#include "feeds/build_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "feeds/build_work.h"
#include "feeds/confinement.h"

namespace postern::feeds {
namespace {

/// Descriptors in one message; Linux takes 253.
constexpr std::size_t kPerMessage = 250;
/// Order, outcome, product; the inputs follow.
constexpr std::size_t kFixed = 3;
/// More than all zones that there can be.
constexpr std::size_t kMostDescriptors = 4096;
constexpr int kLookEveryMs = 100;
/// Of the clock: more than what it may compute (`confine`), even where others compute beside it.
/// Who takes longer only waits.
constexpr seconds kLongest{1800};

union Control {
  cmsghdr header;
  char room[CMSG_SPACE(kPerMessage * sizeof(int))];
};

// One octet says how the descriptors of a message are to be taken.
enum class Part : std::uint8_t { more, last };

bool send_descriptors(int socket, std::span<const int> descriptors) {
  while (!descriptors.empty()) {
    const auto now = descriptors.first(std::min(descriptors.size(), kPerMessage));
    descriptors = descriptors.subspan(now.size());
    auto part = descriptors.empty() ? Part::last : Part::more;
    iovec data{&part, sizeof part};
    Control control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(now.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(now.size_bytes());
    std::memcpy(CMSG_DATA(header), now.data(), now.size_bytes());
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) return false;
  }
  return true;
}

/// Nothing where they do not come as `send_descriptors` sends them.
std::vector<FileDescriptor> receive_descriptors(int socket) {
  std::vector<FileDescriptor> descriptors;
  for (Part part = Part::more; part == Part::more;) {
    iovec data{&part, sizeof part};
    Control control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    const cmsghdr* const header = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        (message.msg_flags & MSG_CTRUNC) != 0 || descriptors.size() > kMostDescriptors) {
      return {};
    }
    std::array<int, kPerMessage> numbers{};
    const std::size_t octets = std::min(header->cmsg_len - CMSG_LEN(0), sizeof numbers);
    std::memcpy(numbers.data(), CMSG_DATA(header), octets);
    for (std::size_t i = 0; i < octets / sizeof(int); ++i) descriptors.emplace_back(numbers[i]);
  }
  return descriptors;
}

Result<Octets> read_all(const SharedMemory& memory) {
  const std::uint64_t size = POSTERN_TRY(memory.size());
  constexpr std::uint64_t kMostOctets = 64U << 20;
  if (size > kMostOctets) return fail(Errc::corrupt, "a message that is far too long");
  Octets octets(size);
  if (!memory.read_at(0, octets)) return fail(Errc::corrupt, "a message that ends too soon");
  return octets;
}

Result<pid_t> start(const BuildCommand& command, const FileDescriptor& socket) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, socket.get(), kBuildSocket);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kBuildSocket + 1);
  // The thread that starts it has all signals blocked.
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> words = command.words;
  words.push_back(std::to_string(command.max_memory));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, command.program.c_str(), &actions, &attributes,
                                  arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return Unexpected<Error>(system_error("start " + command.program, error));
  return pid;
}

/// Waits for the process to end, and gives its status; one that is not wanted any more, or takes
/// too long, is killed. Nothing that it does has a say in this.
int wait_for_end(pid_t pid, const std::atomic<bool>& cancelled) {
  // Not by its name: glibc 2.36 declares that for C alone.
  const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const auto end = std::chrono::steady_clock::now() + kLongest;
  for (int status = 0;;) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return EXIT_FAILURE << 8;  // Somebody else has waited for it.
    if (cancelled.load(std::memory_order_relaxed) || std::chrono::steady_clock::now() > end) {
      ::kill(pid, SIGKILL);
    }
    pollfd watched{process.get(), POLLIN, 0};  // Without it, as good as a sleep.
    static_cast<void>(::poll(&watched, 1, kLookEveryMs));
  }
}

Error bad_end(int status, const BuildCommand& command) {
  const std::string how = WIFSIGNALED(status) ? "by signal " + std::to_string(WTERMSIG(status))
                                              : "with code " + std::to_string(WEXITSTATUS(status));
  std::string text = "the process that reads and builds ended " + how;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
    text += "; the system may be short of memory";
  }
  if (command.max_memory != 0) {
    text += " (it may take " + std::to_string(command.max_memory >> 20) + " MiB)";
  }
  return {Errc::unavailable, std::move(text)};
}

// The other end

BuildOutcome carry_out_any(OctetView order, std::span<const SharedMemory* const> inputs,
                           SharedMemory& product) {
  BuildOutcome outcome;
  try {
    if (const auto build = build_order_from(order)) {
      if (auto done = carry_out(*build, inputs, product); !done) {
        outcome.error = std::move(done).error();
      }
      return outcome;
    }
    const auto read = read_order_from(order);
    if (!read || inputs.size() != 1) {
      outcome.error = Error{Errc::corrupt, "an order that nobody gives"};
      return outcome;
    }
    auto text = Mapping::of(*inputs[0]);
    auto facts = text ? carry_out(*read, text_of((*text)->octets()), product)
                      : Result<ReadFacts>(Unexpected<Error>(text.error()));
    if (facts) {
      outcome.facts = *std::move(facts);
    } else {
      outcome.error = std::move(facts).error();
    }
  } catch (const std::bad_alloc&) {
    outcome.error =
        Error{Errc::limit_exceeded, "it takes more memory than reading and building may have"};
  }
  return outcome;
}

}  // namespace

Result<ReadFacts> run_build(const BuildCommand& command, OctetView order,
                            std::span<const SharedMemory* const> inputs,
                            const SharedMemory& product, const std::atomic<bool>& cancelled) {
  SharedMemory order_memory = POSTERN_TRY(SharedMemory::create("postern-order"));
  POSTERN_CHECK(order_memory.append(order));
  const SharedMemory outcome_memory = POSTERN_TRY(SharedMemory::create("postern-outcome"));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Unexpected<Error>(system_error("make a socket", errno));
  }
  FileDescriptor ours(ends[0]);
  FileDescriptor theirs(ends[1]);
  const pid_t pid = POSTERN_TRY(start(command, theirs));
  theirs = FileDescriptor();
  std::vector<int> descriptors = {order_memory.fd(), outcome_memory.fd(), product.fd()};
  for (const SharedMemory* input : inputs) descriptors.push_back(input->fd());
  // Without them all it ends at once, and says so.
  if (!send_descriptors(ours.get(), descriptors)) ours = FileDescriptor();
  const int status = wait_for_end(pid, cancelled);
  if (cancelled.load(std::memory_order_relaxed)) return fail(Errc::unavailable, "stopped");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Unexpected<Error>(bad_end(status, command));
  }
  auto outcome = outcome_from(POSTERN_TRY(read_all(outcome_memory)));
  if (!outcome) return fail(Errc::corrupt, "the process that reads and builds gave no outcome");
  if (outcome->error) return Unexpected<Error>(*std::move(outcome->error));
  return std::move(outcome->facts);
}

int run_build_process(FileDescriptor socket, std::uint64_t max_memory) {
  std::vector<FileDescriptor> descriptors = receive_descriptors(socket.get());
  if (descriptors.size() < kFixed) {
    std::fputs("this is for the program's own use: it reads feeds for a running server\n", stderr);
    return EXIT_FAILURE;
  }
  confine(max_memory);
  std::vector<SharedMemory> memories;
  for (FileDescriptor& descriptor : descriptors) memories.emplace_back(std::move(descriptor));
  std::vector<const SharedMemory*> inputs;
  for (std::size_t i = kFixed; i < memories.size(); ++i) inputs.push_back(&memories[i]);
  const auto order = read_all(memories[0]);
  if (!order) return EXIT_FAILURE;
  const BuildOutcome outcome = carry_out_any(*order, inputs, memories[2]);
  return memories[1].append(to_octets(outcome)) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace postern::feeds
