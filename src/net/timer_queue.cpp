#include "net/timer_queue.h"

#include "base/assert.h"

namespace postern::net {

Timer::~Timer() {
  if (queue_ != nullptr) queue_->disarm(*this);
}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) timer->queue_ = nullptr;
}

void TimerQueue::arm(Timer& timer, MonoTime at) {
  if (timer.queue_ == nullptr) {
    timer.queue_ = this;
    timer.at_ = at;
    timer.index_ = heap_.size();
    heap_.push_back(&timer);
    sift_up(timer.index_);
    return;
  }
  POSTERN_ASSERT(timer.queue_ == this);
  const bool earlier = at < timer.at_;
  timer.at_ = at;
  if (earlier) {
    sift_up(timer.index_);
  } else {
    sift_down(timer.index_);
  }
}

void TimerQueue::disarm(Timer& timer) {
  if (timer.queue_ == nullptr) return;
  POSTERN_ASSERT(timer.queue_ == this);
  const std::size_t hole = timer.index_;
  Timer* last = heap_.back();
  heap_.pop_back();
  timer.queue_ = nullptr;
  if (last == &timer) return;
  place(hole, *last);
  sift_up(hole);
  sift_down(last->index_);
}

std::optional<MonoTime> TimerQueue::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front()->at_;
}

void TimerQueue::fire_due(MonoTime now) {
  // As many calls as there are timers now, at most: one that re-arms itself for the past must
  // not hold the loop.
  for (std::size_t left = heap_.size(); left > 0 && !heap_.empty(); --left) {
    Timer& timer = *heap_.front();
    if (timer.at_ > now) return;
    disarm(timer);
    timer.fire_();
  }
}

void TimerQueue::place(std::size_t index, Timer& timer) {
  heap_[index] = &timer;
  timer.index_ = index;
}

void TimerQueue::sift_up(std::size_t index) {
  Timer& timer = *heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->at_ <= timer.at_) break;
    place(index, *heap_[parent]);
    index = parent;
  }
  place(index, timer);
}

void TimerQueue::sift_down(std::size_t index) {
  Timer& timer = *heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->at_ < heap_[child]->at_) ++child;
    if (timer.at_ <= heap_[child]->at_) break;
    place(index, *heap_[child]);
    index = child;
  }
  place(index, timer);
}

}  // namespace postern::net
