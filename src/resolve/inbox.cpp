#include "resolve/inbox.h"

#include <cerrno>
#include <cstdint>
#include <thread>
#include <utility>

#include <sys/eventfd.h>

namespace postern::resolve {

Result<std::unique_ptr<Inbox>> Inbox::create(std::size_t capacity) {
  FileDescriptor event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event) return Unexpected<Error>(system_error("make an event descriptor", errno));
  return std::unique_ptr<Inbox>(new Inbox(capacity, std::move(event)));
}

Inbox::Inbox(std::size_t capacity, FileDescriptor event)
    : queue_(capacity), event_(std::move(event)) {}

bool Inbox::push(const Request& request, ReplySink& sink) {
  pushing_.fetch_add(1);
  const bool pushed = open_.load() && queue_.push_with([&](Job& slot) {
    slot.request = request;
    slot.sink = &sink;
  });
  if (pushed) wake();
  pushing_.fetch_sub(1);
  return pushed;
}

void Inbox::wake() {
  // The exchanges here and in `acknowledge` order the queue's contents: a push that finds the
  // flag up is seen by the owner, who takes it down before it pops.
  if (signalled_.exchange(true)) return;
  const std::uint64_t one = 1;
  // Cannot fail in a way that matters: only a counter near 2^64 makes it say EAGAIN.
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

void Inbox::close() {
  open_.store(false);
  while (pushing_.load() != 0) std::this_thread::yield();
}

void Inbox::acknowledge() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(event_.get(), &count, sizeof count);
  signalled_.exchange(false);
}

}  // namespace postern::resolve
