#include "server/reply_mailbox.h"

#include <utility>

#include "server/limits.h"

namespace postern::server {

Result<std::unique_ptr<ReplyMailbox>> ReplyMailbox::create() {
  auto loop = POSTERN_TRY(net::EventLoop::create());
  return std::unique_ptr<ReplyMailbox>(new ReplyMailbox(std::move(loop)));
}

ReplyMailbox::ReplyMailbox(std::unique_ptr<net::EventLoop> loop)
    : queue_(limits::kPendingQuestions), loop_(std::move(loop)) {}

void ReplyMailbox::deliver(resolve::Reply reply) {
  if (!queue_.try_push(std::move(reply))) lost_.add();
  loop_->wake();
}

}  // namespace postern::server
