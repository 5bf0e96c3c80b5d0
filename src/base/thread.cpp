#include "base/thread.h"

#include <pthread.h>
#include <signal.h>

namespace postern {

void enter_thread(const char* name) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  ::pthread_setname_np(::pthread_self(), name);
}

}  // namespace postern
