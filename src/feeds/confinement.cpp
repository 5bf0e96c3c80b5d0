#include "feeds/confinement.h"

#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file_descriptor.h"

namespace postern::feeds {
namespace {

constexpr int kNiceness = 10;
/// Some twenty times what the largest feed takes: whoever computes longer never ends.
constexpr rlim_t kMostCpuSeconds = 600;

void limit(decltype(RLIMIT_CPU) resource, rlim_t most) {
  const rlimit wanted{most, most};
  ::setrlimit(resource, &wanted);
}

// Sanitizers reserve terabytes, and open files and pipes for what they report.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

constexpr int kAlways[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(fcntl),
    SCMP_SYS(close),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(exit_group),
    SCMP_SYS(exit),
};

void give_up_calls() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(
      seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  if (!filter) return;
  for (const int call : kAlways) seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  // fstat(2) as the C library calls it: of an open file, by no path.
  seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                   SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1,
                     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  }
  // abort(3), and nobody else's end.
  seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                   SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  // A kernel without seccomp has the limits all the same.
  seccomp_load(filter.get());
}

void give_up_descriptors_and_memory(std::uint64_t max_memory) {
  limit(RLIMIT_NOFILE, 0);
  if (max_memory != 0) {
    limit(RLIMIT_DATA, max_memory);
    limit(RLIMIT_FSIZE, max_memory);  // Shared memory is no data, but a file.
  }
  give_up_calls();
}

#else

void give_up_descriptors_and_memory(std::uint64_t) {}

#endif

}  // namespace

void confine(std::uint64_t max_memory) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::setpriority(PRIO_PROCESS, 0, kNiceness);
  if (const FileDescriptor score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)); score) {
    static_cast<void>(!::write(score.get(), "1000", 4));  // Failing to is no harm.
  }
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, kMostCpuSeconds);
  limit(RLIMIT_NPROC, 0);
  give_up_descriptors_and_memory(max_memory);
}

}  // namespace postern::feeds
