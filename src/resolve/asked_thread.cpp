#include "resolve/asked_thread.h"

#include <utility>

#include "base/assert.h"
#include "base/thread.h"
#include "resolve/answer.h"

namespace postern::resolve {

AskedThread::~AskedThread() {
  POSTERN_ASSERT(!thread_.joinable());
}

void AskedThread::start(const char* name, std::function<void()> body) {
  thread_ = std::thread([this, name, body = std::move(body)] {
    enter_thread(name);
    body();
    Job job;
    while (inbox_->pop(job)) job.sink->deliver(shutting_down(job.request));
  });
}

bool AskedThread::push(const Request& request, ReplySink& sink) {
  if (inbox_->push(request, sink)) return true;
  refused_.add();
  return false;
}

void AskedThread::stop() {
  inbox_->close();
  stopping_.store(true);
  inbox_->wake();
  if (thread_.joinable()) thread_.join();
}

Reply shutting_down(const Request& request) {
  return not_tried(request, dns::EdeCode::not_ready, "the resolver is shutting down");
}

}  // namespace postern::resolve
