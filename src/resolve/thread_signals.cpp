#include "resolve/thread_signals.h"

#include <signal.h>

namespace postern::resolve {

void block_all_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace postern::resolve
