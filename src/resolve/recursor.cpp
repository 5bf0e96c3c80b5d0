// Recursion by libunbound's event API.
//
// Start at RecursionThread: one libunbound context and one event loop each. Debian's
// libunbound 1.17 must be handled with care: it calls back from inside ub_resolve_event for
// what it has cached, hands out data that failed validation, has no deadline worth the name
// (a dead zone keeps it busy for half a minute), and its `rcode` argument tells only of
// failures of its own: the packet's rcode counts.
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <event2/event.h>
#include <unbound-event.h>
#include <unbound.h>
#include <xxhash.h>

#include "base/assert.h"
#include "resolve/answer.h"
#include "resolve/asked_thread.h"
#include "resolve/clock.h"
#include "resolve/factory.h"
#include "resolve/inbox.h"
#include "resolve/recursor_options.h"
#include "resolve/shares.h"

namespace postern::resolve {
namespace {

constexpr milliseconds kDeadlineTick{25};  // How late a deadline may be noticed.
constexpr int kUnboundBogus = 1;           // libunbound's `secure` argument of the callback.
constexpr int kUnboundSecure = 2;

struct EventBaseFree {
  void operator()(event_base* base) const { event_base_free(base); }
};
struct EventFree {
  void operator()(event* e) const { event_free(e); }
};
struct ContextDelete {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using EventBase = std::unique_ptr<event_base, EventBaseFree>;
using Event = std::unique_ptr<event, EventFree>;
using Context = std::unique_ptr<ub_ctx, ContextDelete>;

struct Stats {
  Counter questions, answers, bogus, failures, timeouts, late_answers, shed;
};

/// What the callback was given.
struct RawAnswer {
  int rcode = 0;
  OctetView packet;
  int secure = 0;
  std::string_view why_bogus;
};

std::uint64_t random_seed() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

/// What the zones that one owner can delegate to himself have in common, mostly: the last two
/// labels. Keyed, so that nobody can pick names that share the place of others.
std::uint64_t zone_hash(const dns::Name& qname, std::uint64_t seed) {
  constexpr std::size_t kLabels = 2;
  const std::size_t count = qname.label_count();
  const dns::Name zone = qname.without_left(count > kLabels ? count - kLabels : 0);
  return XXH3_64bits_withSeed(zone.wire().data(), zone.wire().size(), seed);
}

/// "validation failure <name A IN>: reason" without what the client knows.
std::string_view reason_of(std::string_view why_bogus) {
  const std::size_t colon = why_bogus.find(">: ");
  return colon == std::string_view::npos ? why_bogus : why_bogus.substr(colon + 3);
}

Reply reply_from(const Request& request, const RawAnswer& raw, bool dnssec) {
  if (raw.rcode != 0 || raw.packet.empty()) {
    return failure(request, dns::EdeCode::no_reachable_authority, "no authority gave an answer");
  }
  if (raw.secure == kUnboundBogus && !request.checking_disabled) {
    Reply reply =
        failure(request, ede_of_validation_failure(raw.why_bogus), reason_of(raw.why_bogus));
    reply.security = Security::bogus;
    return reply;
  }
  auto message = clean_message(raw.packet, request.question);
  if (!message) {
    return failure(request, dns::EdeCode::invalid_data, "the answer does not read as a message");
  }
  if (dns::Header::read(*message)->rcode() == dns::Rcode::servfail) {
    return failure(request, dns::EdeCode::no_reachable_authority, "no authority gave an answer");
  }
  Reply reply;
  reply.ticket = request.ticket;
  reply.message = std::move(*message);
  reply.security = raw.secure == kUnboundBogus    ? Security::bogus
                   : raw.secure == kUnboundSecure ? Security::secure
                   : dnssec                       ? Security::insecure
                                                  : Security::indeterminate;
  return reply;
}

/// One libunbound context with its event loop and its thread. `push` from any thread, `stop`
/// once; everything else runs on the thread itself.
class RecursionThread {
 public:
  static Result<std::unique_ptr<RecursionThread>> create(const RecursorOptions& options);
  RecursionThread(bool dnssec, EventBase base, Context context, std::unique_ptr<Inbox> inbox);

  bool push(const Request& request, ReplySink& sink) { return thread_.push(request, sink); }
  void start() {
    thread_.start("recurse", [this] { run(); });
  }
  void stop() { thread_.stop(); }
  const Stats& stats() const { return stats_; }
  std::uint64_t refused() const { return thread_.refused().value(); }

 private:
  /// A question that libunbound has, from before ub_resolve_event until its callback. It stays
  /// when its asker was answered because the deadline came: libunbound cannot really be
  /// stopped, and only the callback tells that the work, which must stay bounded, is over.
  struct Pending {
    RecursionThread* owner = nullptr;
    Job job;
    std::uint64_t zone = 0;  ///< Hash of the last labels of the name.
    bool running = false;
    bool answered = false;
    std::uint32_t index = 0;
  };

  bool add_events();
  void run();
  void drain();
  void begin(Job&& job);
  Pending* allocate(const Request& request);
  void ask_unbound(Pending& pending);
  void finish(Pending& pending, const RawAnswer& raw);
  void expire();
  void answer(Pending& pending, Reply reply);
  void end_all();

  static void on_wake(evutil_socket_t, short, void* arg);
  static void on_tick(evutil_socket_t, short, void* arg);

  const bool dnssec_;
  const std::uint64_t zone_seed_;
  EventBase base_;
  Context context_;
  AskedThread thread_;
  Event wake_;
  Event tick_;
  std::vector<std::unique_ptr<Pending>> slots_;
  std::vector<std::uint32_t> free_;
  Shares by_party_{kMaxRunningPerThread};
  Shares by_zone_{kMaxRunningPerThread};
  std::size_t waiting_ = 0;  ///< Running and not answered yet.
  bool ticking_ = false;
  Stats stats_;
};

Error unbound_error(std::string_view doing, int code) {
  return Error{Errc::invalid_input, std::string(doing) + ": " + ub_strerror(code)};
}

/// Makes libunbound read all its files and start its modules, by a question that it answers
/// from its own local zone "invalid.", on the spot.
Result<void> first_question(ub_ctx* context) {
  bool answered = false;
  const auto on_answer = [](void* arg, int, void*, int, int, char*, int) {
    *static_cast<bool*>(arg) = true;
  };
  const int code =
      ub_resolve_event(context, "start.invalid.", static_cast<int>(dns::RRType::a),
                       static_cast<int>(dns::RRClass::in), &answered, on_answer, nullptr);
  if (code != 0) {
    return Unexpected(unbound_error("start libunbound; check trust anchors and root hints", code));
  }
  POSTERN_ASSERT(answered);  // Or libunbound would write to `answered` later.
  return {};
}

/// Sets `context` up; it is finished (and the files it names are read) before this returns, so
/// that mistakes show at start and not at the first question.
Result<void> configure(ub_ctx* context, const RecursorOptions& options) {
  ub_ctx_debugout(context, nullptr);  // Or it writes to our stderr.
  for (const auto& [name, value] : unbound_options(options)) {
    if (const int code = ub_ctx_set_option(context, name.c_str(), value.c_str()); code != 0) {
      return Unexpected(unbound_error("set " + name + " " + value, code));
    }
  }
  if (options.dnssec && options.trust_anchor_files.empty()) {
    for (const std::string& anchor : builtin_root_anchors()) {
      if (const int code = ub_ctx_add_ta(context, anchor.c_str()); code != 0) {
        return Unexpected(unbound_error("add the root's trust anchor", code));
      }
    }
  }
  for (const std::string& file : options.trust_anchor_files) {
    if (const int code = ub_ctx_add_ta_file(context, file.c_str()); code != 0) {
      return Unexpected(unbound_error("read trust anchors of " + file, code));
    }
  }
  return first_question(context);
}

Result<std::unique_ptr<RecursionThread>> RecursionThread::create(const RecursorOptions& options) {
  EventBase base(event_base_new());
  if (!base) return fail(Errc::unavailable, "make an event loop");
  Context context(ub_ctx_create_event(base.get()));
  if (!context) return fail(Errc::unavailable, "make a libunbound context");
  POSTERN_CHECK(configure(context.get(), options));
  auto inbox = POSTERN_TRY(Inbox::create(options.queue_capacity));
  auto thread = std::make_unique<RecursionThread>(options.dnssec, std::move(base),
                                                  std::move(context), std::move(inbox));
  if (!thread->add_events()) return fail(Errc::unavailable, "watch the event descriptor");
  return thread;
}

RecursionThread::RecursionThread(bool dnssec, EventBase base, Context context,
                                 std::unique_ptr<Inbox> inbox)
    : dnssec_(dnssec),
      zone_seed_(random_seed()),
      base_(std::move(base)),
      context_(std::move(context)),
      thread_(std::move(inbox)) {
  slots_.reserve(kMaxRunningPerThread);
  free_.reserve(kMaxRunningPerThread);
}

bool RecursionThread::add_events() {
  wake_.reset(event_new(base_.get(), thread_.fd(), EV_READ | EV_PERSIST, on_wake, this));
  tick_.reset(event_new(base_.get(), -1, EV_PERSIST, on_tick, this));
  return wake_ && tick_ && event_add(wake_.get(), nullptr) == 0;
}

void RecursionThread::run() {
  event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY);
  end_all();
}

void RecursionThread::on_wake(evutil_socket_t, short, void* arg) {
  auto& self = *static_cast<RecursionThread*>(arg);
  if (self.thread_.stopping()) {
    event_base_loopbreak(self.base_.get());
    return;
  }
  self.drain();
}

void RecursionThread::on_tick(evutil_socket_t, short, void* arg) {
  static_cast<RecursionThread*>(arg)->expire();
}

void RecursionThread::drain() {
  thread_.take([this](Job&& job) { begin(std::move(job)); });
  if (waiting_ > 0 && !ticking_) {
    const timeval every{0, microseconds(kDeadlineTick).count()};
    ticking_ = event_add(tick_.get(), &every) == 0;
  }
}

void RecursionThread::begin(Job&& job) {
  stats_.questions.add();
  if (job.request.deadline <= mono_now()) {
    stats_.timeouts.add();
    job.sink->deliver(
        not_tried(job.request, dns::EdeCode::no_reachable_authority, "no time was left to ask"));
    return;
  }
  Pending* pending = allocate(job.request);
  if (pending == nullptr) {
    stats_.shed.add();
    job.sink->deliver(not_tried(job.request, dns::EdeCode::other, "too many questions under way"));
    return;
  }
  pending->job = std::move(job);
  pending->running = true;
  pending->answered = false;
  ++waiting_;
  ask_unbound(*pending);
}

/// A place for a question; null where there is none left, or none for who asks or for the zone: a
/// place is held until libunbound gives up, long after a deadline, and servers that are silent
/// must not end up with all of them.
RecursionThread::Pending* RecursionThread::allocate(const Request& request) {
  const std::uint64_t zone = zone_hash(request.question.qname, zone_seed_);
  if (!by_party_.may_take(request.party) || !by_zone_.may_take(zone)) return nullptr;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(std::make_unique<Pending>());
    slots_.back()->owner = this;
    slots_.back()->index = free_.back();
  }
  by_party_.take(request.party);
  by_zone_.take(zone);
  Pending& pending = *slots_[free_.back()];
  free_.pop_back();
  pending.zone = zone;
  return &pending;
}

void RecursionThread::ask_unbound(Pending& pending) {
  const auto on_answer = [](void* arg, int rcode, void* packet, int size, int secure,
                            char* why_bogus, int /*was_ratelimited*/) {
    auto& answered = *static_cast<Pending*>(arg);
    RawAnswer raw;
    raw.rcode = rcode;
    // With a failure of its own libunbound passes a buffer that holds something else.
    if (rcode == 0 && packet != nullptr && size > 0) {
      raw.packet = {static_cast<const std::uint8_t*>(packet), static_cast<std::size_t>(size)};
    }
    raw.secure = secure;
    if (why_bogus != nullptr) raw.why_bogus = why_bogus;
    answered.owner->finish(answered, raw);
  };
  const dns::Question& question = pending.job.request.question;
  const std::string name = question.qname.to_text();
  int async_id = 0;
  // May call `on_answer` before it returns.
  const int code =
      ub_resolve_event(context_.get(), name.c_str(), static_cast<int>(question.qtype),
                       static_cast<int>(question.qclass), &pending, on_answer, &async_id);
  if (code == 0) return;
  RawAnswer none;
  none.rcode = static_cast<int>(dns::Rcode::servfail);
  finish(pending, none);
}

void RecursionThread::finish(Pending& pending, const RawAnswer& raw) {
  POSTERN_ASSERT(pending.running);
  pending.running = false;
  if (pending.answered) {
    stats_.late_answers.add();
  } else {
    Reply reply = reply_from(pending.job.request, raw, dnssec_);
    if (reply.security == Security::bogus) stats_.bogus.add();
    (reply.ede ? stats_.failures : stats_.answers).add();
    answer(pending, std::move(reply));
  }
  by_party_.give_back(pending.job.request.party);
  by_zone_.give_back(pending.zone);
  free_.push_back(pending.index);
}

void RecursionThread::answer(Pending& pending, Reply reply) {
  pending.answered = true;
  --waiting_;
  pending.job.sink->deliver(std::move(reply));
}

void RecursionThread::expire() {
  const MonoTime now = mono_now();
  for (const auto& pending : slots_) {
    if (!pending->running || pending->answered || pending->job.request.deadline > now) continue;
    stats_.timeouts.add();
    answer(*pending, failure(pending->job.request, dns::EdeCode::no_reachable_authority,
                             "the authorities did not answer in time"));
  }
  if (waiting_ == 0) {
    event_del(tick_.get());
    ticking_ = false;
  }
}

void RecursionThread::end_all() {
  for (const auto& pending : slots_) {
    if (pending->running && !pending->answered) {
      answer(*pending, shutting_down(pending->job.request));
    }
  }
  context_.reset();  // Calls back for what is still running, or forgets it.
  wake_.reset();
  tick_.reset();
  base_.reset();
}

class Recursor final : public Resolver {
 public:
  Recursor(std::vector<std::unique_ptr<RecursionThread>> threads, std::uint64_t seed)
      : threads_(std::move(threads)), seed_(seed) {
    for (const auto& thread : threads_) thread->start();
  }
  ~Recursor() override { stop(); }

  bool resolve(const Request& request, ReplySink& sink) override {
    const dns::Question& question = request.question;
    const bool asks_meta = dns::is_meta(question.qtype) && question.qtype != dns::RRType::any;
    if (question.qclass != dns::RRClass::in || asks_meta) {
      sink.deliver(
          failure(request, dns::EdeCode::not_supported, "this type or class is not resolved"));
      return true;
    }
    // By the hash of the name, so that the threads' caches are disjoint; keyed, so that nobody
    // can pick names that all go to one thread.
    const OctetView name = question.qname.wire();
    const std::uint64_t hash = XXH3_64bits_withSeed(name.data(), name.size(), seed_);
    return threads_[hash % threads_.size()]->push(request, sink);
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    for (const auto& thread : threads_) thread->stop();
  }

  void collect(Metrics& metrics) const override;

 private:
  std::vector<std::unique_ptr<RecursionThread>> threads_;
  const std::uint64_t seed_;
  bool stopped_ = false;
};

void Recursor::collect(Metrics& metrics) const {
  struct Row {
    std::string_view name, help;
    std::uint64_t (*value)(const Stats&);
  };
  static constexpr Row kRows[] = {
      {"postern_recursor_questions_total", "Questions given to libunbound.",
       [](const Stats& s) { return s.questions.value(); }},
      {"postern_recursor_answers_total", "Answers found.",
       [](const Stats& s) { return s.answers.value(); }},
      {"postern_recursor_bogus_total", "Answers that failed DNSSEC validation.",
       [](const Stats& s) { return s.bogus.value(); }},
      {"postern_recursor_failures_total", "Questions that libunbound could not answer.",
       [](const Stats& s) { return s.failures.value(); }},
      {"postern_recursor_timeouts_total", "Questions whose deadline came first.",
       [](const Stats& s) { return s.timeouts.value(); }},
      {"postern_recursor_late_answers_total", "Answers after the deadline.",
       [](const Stats& s) { return s.late_answers.value(); }},
      {"postern_recursor_shed_total", "Questions failed because too many were under way.",
       [](const Stats& s) { return s.shed.value(); }},
  };
  const auto add_sum = [&](std::string_view name, std::string_view help, auto value) {
    std::uint64_t sum = 0;
    for (const auto& thread : threads_) sum += value(*thread);
    metrics.push_back({name, MetricKind::counter, help, {}, static_cast<double>(sum)});
  };
  for (const Row& row : kRows) {
    add_sum(row.name, row.help, [&](const RecursionThread& t) { return row.value(t.stats()); });
  }
  add_sum("postern_recursor_refused_total", "Questions refused because the queue was full.",
          [](const RecursionThread& t) { return t.refused(); });
}

}  // namespace

Result<std::unique_ptr<Resolver>> make_recursor(const RecursorOptions& options, Log& log) {
  std::vector<std::unique_ptr<RecursionThread>> threads;
  // One after the other: libunbound's set-up writes to variables that all contexts share.
  for (unsigned i = 0; i < (options.threads == 0 ? 1 : options.threads); ++i) {
    auto thread = RecursionThread::create(options);
    if (!thread) return Unexpected(std::move(thread).error().context("start recursion"));
    threads.push_back(std::move(*thread));
  }
  log.info("resolve.recurse", "recursion by libunbound " + std::string(ub_version()) + ", " +
                                  std::to_string(threads.size()) + " threads, DNSSEC validation " +
                                  (options.dnssec ? "on" : "off"));
  return std::make_unique<Recursor>(std::move(threads), random_seed());
}

}  // namespace postern::resolve
