// Inbox: how requests get from any thread to the one thread of a resolver.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "base/bounded_queue.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "resolve/resolver.h"

namespace postern::resolve {

struct Job {
  Request request;
  ReplySink* sink = nullptr;
};

/// A bounded queue with an eventfd beside it that becomes readable when there is something to
/// do. `push`, `wake` and `close` from any thread, the rest from the owner's alone. While the
/// owner is awake a push costs no system call.
class Inbox {
 public:
  static Result<std::unique_ptr<Inbox>> create(std::size_t capacity);

  /// False where it is full or closed.
  bool push(const Request& request, ReplySink& sink);
  void wake();
  /// After it no push succeeds and none is under way: what was accepted can be popped.
  void close();

  /// Readable after `wake` or `push`, until `acknowledge`.
  int fd() const { return event_.get(); }
  /// To be called before popping, never after: then nothing is slept through.
  void acknowledge();
  bool pop(Job& out) { return queue_.try_pop(out); }
  std::size_t size_estimate() const { return queue_.size_estimate(); }

 private:
  Inbox(std::size_t capacity, FileDescriptor event);

  BoundedQueue<Job> queue_;
  FileDescriptor event_;
  std::atomic<bool> signalled_{false};
  std::atomic<bool> open_{true};
  std::atomic<unsigned> pushing_{0};
};

}  // namespace postern::resolve
