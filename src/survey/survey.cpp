#include "survey/survey.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sys/random.h>

#include "base/assert.h"

namespace postern::survey {
namespace {

using exposure::Answer;
using exposure::Inquiry;
using exposure::Question;

/// Domains under way at once: enough that one that waits leaves work for the others.
constexpr std::size_t kMaxActive = 64;
/// Answers about names of others (what SPF includes, above all) that are kept for the next domain.
constexpr std::size_t kMaxShared = 4'096;
constexpr milliseconds kTick{100};

MonoTime now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now());
}

/// Where replies come in, from the resolver's threads. Its own thread takes them.
class Mailbox final : public resolve::ReplySink {
 public:
  void deliver(resolve::Reply reply) override {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
    arrived_.notify_one();
  }

  /// What has come; waits for something for `patience` at most.
  std::deque<resolve::Reply> take(milliseconds patience) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, patience, [this] { return !replies_.empty(); });
    return std::exchange(replies_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<resolve::Reply> replies_;
};

/// A domain under way.
struct Active {
  std::size_t index = 0;
  Inquiry inquiry;
  MonoTime deadline{};
  std::size_t open = 0;  ///< Questions that are not answered yet.
  bool has_ended = false;
};

struct Task {
  std::shared_ptr<Active> of;
  Question question;
  unsigned tries_left = 0;
};

class Survey {
 public:
  using Done = std::function<void(std::size_t, const Inquiry&)>;

  Survey(std::span<const dns::Name> domains, const exposure::Pack& pack,
         resolve::Resolver& resolver, const Options& options)
      : domains_(domains), pack_(pack), resolver_(resolver), options_(options) {}

  bool run(const Done& done);

 private:
  void start_domains();
  void advance(const std::shared_ptr<Active>& active);
  void finish(const std::shared_ptr<Active>& active);
  void send();
  bool ask(Task task);
  void receive();
  void answer(const Task& task, Answer answer);
  void end_overdue();
  bool must_stop();

  std::span<const dns::Name> domains_;
  const exposure::Pack& pack_;
  resolve::Resolver& resolver_;
  const Options& options_;
  const Done* done_ = nullptr;
  Mailbox mailbox_;
  std::vector<std::shared_ptr<Active>> active_;
  std::deque<Task> waiting_;
  std::map<std::uint64_t, Task> under_way_;
  std::map<Question, Answer> shared_;
  std::uint64_t next_ticket_ = 1;
  std::size_t next_domain_ = 0;
  Progress progress_;
  bool is_stopped_ = false;
};

bool Survey::must_stop() {
  const bool is_late = options_.deadline != MonoTime{} && now() >= options_.deadline;
  return is_late || options_.stop();
}

bool Survey::run(const Done& done) {
  done_ = &done;
  progress_.domains = domains_.size();
  while (true) {
    if (!is_stopped_ && must_stop()) {
      is_stopped_ = true;
      waiting_.clear();
    }
    start_domains();
    send();
    if (active_.empty() && under_way_.empty() && next_domain_ >= domains_.size()) break;
    receive();
    end_overdue();
    options_.progress(progress_);
  }
  return !is_stopped_;
}

void Survey::start_domains() {
  while (next_domain_ < domains_.size() &&
         (is_stopped_ || (active_.size() < kMaxActive && waiting_.size() < options_.in_flight))) {
    auto active = std::make_shared<Active>(
        Active{next_domain_, Inquiry(domains_[next_domain_], pack_, make_nonces()),
               now() + options_.domain_budget});
    ++next_domain_;
    active_.push_back(active);
    if (is_stopped_) {
      finish(active);
    } else {
      advance(active);
    }
  }
}

/// Asks for what is wanted next; ends a domain of which nothing is.
void Survey::advance(const std::shared_ptr<Active>& active) {
  for (const Question& question : active->inquiry.next()) {
    ++active->open;
    waiting_.push_back({active, question, std::max(options_.tries, 1U)});
  }
  if (active->open == 0) finish(active);
}

void Survey::finish(const std::shared_ptr<Active>& active) {
  if (std::exchange(active->has_ended, true)) return;
  if (!active->inquiry.is_done()) {
    active->inquiry.give_up(is_stopped_ ? "the time was over"
                                        : "the time for this domain was over");
  }
  std::erase(active_, active);
  ++progress_.done;
  (*done_)(active->index, active->inquiry);
}

void Survey::send() {
  while (!waiting_.empty() && under_way_.size() < options_.in_flight) {
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    if (task.of->has_ended) continue;
    const auto known = shared_.find(task.question);
    if (known != shared_.end()) {
      answer(task, known->second);
    } else if (!ask(std::move(task))) {
      return;
    }
  }
}

/// False where the resolver takes no more for now: the task waits again.
bool Survey::ask(Task task) {
  resolve::Request request;
  request.question = {task.question.name, task.question.type, dns::RRClass::in};
  request.ticket = next_ticket_++;
  request.party = request.ticket;  // All is of one party here, which may have all of it.
  request.deadline = std::min(now() + options_.patience, task.of->deadline);
  const std::uint64_t ticket = request.ticket;
  under_way_.emplace(ticket, std::move(task));
  if (resolver_.resolve(request, mailbox_)) {
    ++progress_.questions;
    return true;
  }
  const auto refused = under_way_.find(ticket);
  waiting_.push_front(std::move(refused->second));
  under_way_.erase(refused);
  return false;
}

void Survey::receive() {
  for (resolve::Reply& reply : mailbox_.take(kTick)) {
    const auto found = under_way_.find(reply.ticket);
    if (found == under_way_.end()) continue;
    Task task = std::move(found->second);
    under_way_.erase(found);
    if (task.of->has_ended) continue;
    Answer said = answer_of(reply, task.question);
    // What failed by DNSSEC fails again; the rest may have been bad luck.
    const bool is_lasting = said.outcome != exposure::Outcome::unknown ||
                            reply.security == resolve::Security::bogus ||
                            reply.kind == resolve::ReplyKind::answer;
    if (!is_lasting && --task.tries_left > 0 && !is_stopped_) {
      waiting_.push_back(std::move(task));
      continue;
    }
    answer(task, std::move(said));
  }
}

void Survey::answer(const Task& task, Answer said) {
  const bool is_of_others = !task.question.name.is_at_or_below(task.of->inquiry.domain());
  if (is_of_others && said.outcome != exposure::Outcome::unknown && shared_.size() < kMaxShared) {
    shared_.try_emplace(task.question, said);
  }
  task.of->inquiry.take(task.question, std::move(said));
  --task.of->open;
  // By rounds: what is wanted next is worked out once for all that has come.
  if (task.of->open == 0) advance(task.of);
}

void Survey::end_overdue() {
  const MonoTime moment = now();
  const auto all = active_;
  for (const auto& active : all) {
    if (is_stopped_ || active->deadline <= moment) finish(active);
  }
}

std::string_view reason_of(dns::EdeCode code) {
  return dns::to_string(code);
}

bool is_of_policy(dns::EdeCode code) {
  using enum dns::EdeCode;
  return code == blocked || code == censored || code == filtered || code == prohibited ||
         code == forged_answer;
}

}  // namespace

exposure::Nonces make_nonces() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  const auto label = [&] {
    std::uint8_t octets[20];
    const ssize_t count = ::getrandom(octets, sizeof octets, 0);
    POSTERN_ASSERT(count == sizeof octets);  // Linux gives up to 256 octets whole (getrandom(2)).
    std::string text = "x";
    for (const std::uint8_t octet : octets) text += kLetters[octet % kLetters.size()];
    return text;
  };
  std::string first = label();
  return {std::move(first), label()};
}

Answer answer_of(const resolve::Reply& reply, const Question& question) {
  if (reply.kind == resolve::ReplyKind::not_tried) {
    return exposure::unknown_answer("it was not asked: " + reply.ede_text);
  }
  if (reply.ede && is_of_policy(*reply.ede)) {
    return exposure::unknown_answer(
        fmt::format("the resolver did not pass on the owner's answer ({})", reason_of(*reply.ede)));
  }
  if (reply.kind == resolve::ReplyKind::failed) {
    std::string why = "SERVFAIL";
    if (reply.ede) why += fmt::format(" ({})", reason_of(*reply.ede));
    if (!reply.ede_text.empty()) why += ": " + reply.ede_text;
    return exposure::unknown_answer(std::move(why));
  }
  return exposure::read_answer(reply.message, question,
                               reply.security == resolve::Security::secure);
}

bool run_survey(std::span<const dns::Name> domains, const exposure::Pack& pack,
                resolve::Resolver& resolver, const Options& options,
                const std::function<void(std::size_t, const Inquiry&)>& done) {
  return Survey(domains, pack, resolver, options).run(done);
}

}  // namespace postern::survey
