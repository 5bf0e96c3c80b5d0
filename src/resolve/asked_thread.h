// AskedThread: the thread of a resolver, and how requests get to it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "resolve/inbox.h"
#include "resolve/resolver.h"

namespace postern::resolve {

/// A thread with an inbox. It keeps the promise that each accepted request is answered, also
/// when it ends. `push` from any thread; `start` once, `stop` once after it, both by the owner.
class AskedThread {
 public:
  explicit AskedThread(std::unique_ptr<Inbox> inbox) : inbox_(std::move(inbox)) {}
  ~AskedThread();

  /// Runs `body` on the thread, which is to return soon after `stopping` is true; what waits in
  /// the inbox by then is answered by failures. `name` as enter_thread has it.
  void start(const char* name, std::function<void()> body);
  /// False where the queue is full or closed; counted.
  bool push(const Request& request, ReplySink& sink);
  void stop();

  // For `body`.
  bool stopping() const { return stopping_.load(); }
  /// Readable when there is something to take, or `stopping` has become true.
  int fd() const { return inbox_->fd(); }
  /// Gives each waiting request to `begin(Job&&)`; at most a queue's length in one go, so that
  /// other events get their turn: `fd` stays readable if more came meanwhile.
  template <typename Begin>
  void take(Begin begin) {
    inbox_->acknowledge();
    Job job;
    for (std::size_t left = inbox_->size_estimate() + 1; left > 0 && inbox_->pop(job); --left) {
      begin(std::move(job));
    }
    if (inbox_->size_estimate() > 0) inbox_->wake();
  }

  /// Requests refused because the queue was full.
  const SharedCounter& refused() const { return refused_; }

 private:
  std::unique_ptr<Inbox> inbox_;
  std::atomic<bool> stopping_{false};
  SharedCounter refused_;
  std::thread thread_;
};

/// The answer to what is under way when a resolver stops.
Reply shutting_down(const Request& request);

}  // namespace postern::resolve
