// Forwarding: a client of other resolvers over UDP, TCP and TLS.
//
// Start at ForwardingThread. One thread, one epoll loop; a question is Pending until it is
// answered, and each sending of it to a server is a Try. An earlier try stays open when the next
// begins: an answer that comes late is still an answer. Every UDP try has a socket of its own,
// connected, with a port that the kernel picks (RFC 5452 §9.2) and a random id.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "dns/message.h"
#include "net/socket_address.h"
#include "resolve/answer.h"
#include "resolve/asked_thread.h"
#include "resolve/clock.h"
#include "resolve/factory.h"
#include "resolve/inbox.h"
#include "resolve/shares.h"
#include "resolve/upstream_query.h"
#include "resolve/upstream_server.h"

namespace postern::resolve {
namespace {

constexpr std::size_t kMaxPending = 4096;  // Questions under way; each may hold a few descriptors.
constexpr std::size_t kMaxTries = 6;       // Per question, a repetition over TCP included.
constexpr std::size_t kMaxServers = 64;    // Per forwarder.
constexpr milliseconds kTick{10};          // How late a timeout may be noticed.
constexpr seconds kIdleStream{10};         // Then a connection without questions is closed.
constexpr std::size_t kMaxUnmatched = 1000;  // Messages in a row: then a connection is closed.
constexpr int kMaxEvents = 64;
constexpr std::uint64_t kProbes = 0;  // The party that probes are of.

struct Stats {
  Counter questions, answers, failures, timeouts, shed;
};

/// One sending of a question to one server. Over: `fd` is empty and `stream_id` unset.
struct Try {
  std::size_t server = 0;
  FileDescriptor fd;  ///< UDP only.
  std::uint16_t id = 0;
  bool on_stream = false;
  bool bare = false;  ///< Without EDNS.
  bool is_open = false;
  MonoTime sent{};
};

/// How a question goes to a server.
struct Way {
  bool over_stream;
  bool bare;  ///< Without EDNS.
};

struct Pending {
  Job job;  ///< Without a sink: a probe.
  bool is_active = false;
  std::uint32_t generation = 0;
  std::array<Try, kMaxTries> tries;
  std::size_t try_count = 0;
  MonoTime try_deadline = MonoTime::max();  ///< Of the last try; then the next server.
  std::optional<std::size_t> only_server;   ///< For probes.
  std::optional<Reply> last_failure;        ///< What a server said instead of an answer.
};

/// What an epoll event means, packed into its 64 bits: 2 of kind, 22 of generation, 8 of index
/// of the try, 32 of index of the question or server.
enum class EventKind : std::uint8_t { inbox, datagram, stream };
constexpr std::uint32_t kGenerationMask = (1U << 22) - 1;

std::uint64_t pack(EventKind kind, std::uint32_t generation, std::uint8_t index,
                   std::uint32_t place) {
  return (static_cast<std::uint64_t>(kind) << 62) |
         (static_cast<std::uint64_t>(generation & kGenerationMask) << 40) |
         (static_cast<std::uint64_t>(index) << 32) | place;
}

bool is_answer(dns::Rcode rcode) {
  return rcode == dns::Rcode::noerror || rcode == dns::Rcode::nxdomain ||
         rcode == dns::Rcode::yxdomain;
}

/// The thread and all that it owns. `push`, `stop` and the counters from other threads.
class ForwardingThread {
 public:
  ForwardingThread(const ForwarderOptions& options,
                   std::vector<std::unique_ptr<UpstreamServer>> servers,
                   std::unique_ptr<Inbox> inbox, FileDescriptor epoll, Log& log);
  bool start();
  bool push(const Request& request, ReplySink& sink) { return thread_.push(request, sink); }
  void stop() { thread_.stop(); }
  void collect(Metrics& metrics) const;

 private:
  void run();
  void on_event(std::uint64_t packed);
  Pending* allocate(std::uint64_t party);
  void begin(Job&& job);
  void probe(std::size_t server);
  void sweep();
  int wait_ms() const;

  void next_try(std::uint32_t place);
  std::optional<std::size_t> choose(const Pending& pending) const;
  bool begin_try(std::uint32_t place, std::size_t server, Way way);
  bool send_datagram(std::uint32_t place, std::uint8_t index);
  bool send_on_stream(std::uint32_t place, std::uint8_t index);
  void close_try(Try& one);
  bool has_open_try(const Pending& pending) const;

  void on_datagram(std::uint32_t place, std::uint8_t index);
  void on_truncated(std::uint32_t place, std::uint8_t index);
  void note_life(const Try& one);
  void on_answer(std::uint32_t place, std::uint8_t index, const dns::MessageView& view);
  bool is_worth_asking_bare(const Pending& pending, const Try& one, dns::Rcode rcode) const;
  void keep_failure(Pending& pending, const UpstreamServer& server, const dns::MessageView& view);
  void on_no_answer(std::size_t server, std::string_view why);
  void on_probe_over(std::size_t server);
  void finish(std::uint32_t place, Reply reply);
  Reply final_failure(Pending& pending, dns::EdeCode ede, std::string_view text) const;

  bool has_more() const;
  void pump_more();
  bool open_stream(UpstreamServer& server, std::uint32_t place);
  void flush_streams();
  void pump_stream(std::size_t server);
  void close_stream(std::size_t server, std::string_view why);
  void on_stream_message(std::size_t server, OctetView message);

  const milliseconds try_timeout_;
  const bool trust_ad_;
  std::vector<std::unique_ptr<UpstreamServer>> servers_;
  AskedThread thread_;
  FileDescriptor epoll_;
  Log& log_;
  RandomIds ids_;
  std::vector<std::unique_ptr<Pending>> pending_;
  std::vector<std::uint32_t> free_;
  Shares active_{kMaxPending};
  MonoTime next_sweep_{};
  std::vector<Octets> messages_;
  std::array<std::uint8_t, 65536> datagram_{};
  Stats stats_;
};

ForwardingThread::ForwardingThread(const ForwarderOptions& options,
                                   std::vector<std::unique_ptr<UpstreamServer>> servers,
                                   std::unique_ptr<Inbox> inbox, FileDescriptor epoll, Log& log)
    : try_timeout_(options.try_timeout_ms),
      trust_ad_(options.trust_ad),
      servers_(std::move(servers)),
      thread_(std::move(inbox)),
      epoll_(std::move(epoll)),
      log_(log) {}

bool ForwardingThread::start() {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = pack(EventKind::inbox, 0, 0, 0);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, thread_.fd(), &event) != 0) return false;
  thread_.start("forward", [this] { run(); });
  return true;
}

void ForwardingThread::run() {
  std::array<epoll_event, kMaxEvents> events;
  while (!thread_.stopping()) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, wait_ms());
    pump_more();
    for (int i = 0; i < count; ++i) on_event(events[static_cast<std::size_t>(i)].data.u64);
    sweep();
    flush_streams();
  }
  for (std::uint32_t place = 0; place < pending_.size(); ++place) {
    if (pending_[place]->is_active) finish(place, shutting_down(pending_[place]->job.request));
  }
  for (const auto& server : servers_) server->stream.reset();
}

int ForwardingThread::wait_ms() const {
  if (has_more()) return 0;
  if (active_.taken() > 0) return static_cast<int>(kTick.count());
  const bool has_stream = std::any_of(servers_.begin(), servers_.end(),
                                      [](const auto& server) { return server->stream != nullptr; });
  return has_stream ? static_cast<int>(milliseconds(kIdleStream).count()) / 4 : -1;
}

void ForwardingThread::on_event(std::uint64_t packed) {
  const auto kind = static_cast<EventKind>(packed >> 62);
  const auto generation = static_cast<std::uint32_t>(packed >> 40) & kGenerationMask;
  const auto index = static_cast<std::uint8_t>(packed >> 32);
  const auto place = static_cast<std::uint32_t>(packed);
  // What an event speaks of may have ended since, through an earlier event of the same batch.
  if (kind == EventKind::inbox) {
    thread_.take([this](Job&& job) { begin(std::move(job)); });
  } else if (kind == EventKind::datagram) {
    const Pending& pending = *pending_[place];
    if (pending.is_active && (pending.generation & kGenerationMask) == generation)
      on_datagram(place, index);
  } else {
    const UpstreamServer& server = *servers_[place];
    if (server.stream && (server.stream_generation & kGenerationMask) == generation)
      pump_stream(place);
  }
}

Pending* ForwardingThread::allocate(std::uint64_t party) {
  if (!active_.may_take(party)) return nullptr;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(pending_.size()));
    pending_.push_back(std::make_unique<Pending>());
  }
  Pending& pending = *pending_[free_.back()];
  pending.is_active = true;
  pending.try_count = 0;
  pending.try_deadline = MonoTime::max();
  pending.only_server.reset();
  pending.last_failure.reset();
  active_.take(party);
  return &pending;
}

void ForwardingThread::begin(Job&& job) {
  stats_.questions.add();
  if (job.request.deadline <= mono_now()) {
    stats_.timeouts.add();
    job.sink->deliver(
        not_tried(job.request, dns::EdeCode::no_reachable_authority, "no time was left to ask"));
    return;
  }
  Pending* pending = allocate(job.request.party);
  if (pending == nullptr) {
    stats_.shed.add();
    job.sink->deliver(not_tried(job.request, dns::EdeCode::other, "too many questions under way"));
    return;
  }
  pending->job = std::move(job);
  const std::uint32_t place = free_.back();
  free_.pop_back();
  next_try(place);
}

void ForwardingThread::probe(std::size_t server) {
  Pending* pending = allocate(kProbes);
  if (pending == nullptr) {
    servers_[server]->health.postpone_probe(mono_now());
    return;
  }
  pending->job = Job{};
  pending->job.request.party = kProbes;
  pending->job.request.question = {dns::Name(), dns::RRType::ns, dns::RRClass::in};
  pending->job.request.deadline = mono_now() + try_timeout_;
  pending->only_server = server;
  const std::uint32_t place = free_.back();
  free_.pop_back();
  next_try(place);
}

void ForwardingThread::sweep() {
  const MonoTime now = mono_now();
  if (now < next_sweep_) return;
  next_sweep_ = now + kTick;
  for (std::uint32_t place = 0; place < pending_.size() && active_.taken() > 0; ++place) {
    Pending& pending = *pending_[place];
    if (!pending.is_active) continue;
    const bool is_over = pending.job.request.deadline <= now;
    if (!is_over && pending.try_deadline > now) continue;
    const std::size_t try_count = pending.try_count;
    if (pending.try_deadline <= now) {
      const Try& late = pending.tries[pending.try_count - 1];
      servers_[late.server]->stats.timeouts.add();
      on_no_answer(late.server, "no answer in time");
    }
    // Taking a connection down may have moved this question on, or ended it.
    if (!pending.is_active || pending.try_count != try_count) continue;
    if (is_over) {
      stats_.timeouts.add();
      finish(place, final_failure(pending, dns::EdeCode::no_reachable_authority,
                                  "the upstream resolvers did not answer in time"));
    } else {
      next_try(place);
    }
  }
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    UpstreamServer& server = *servers_[i];
    if (server.stream && server.on_stream.empty() && server.idle_since + kIdleStream <= now) {
      close_stream(i, "");
    }
    if (active_.taken() > 0 && server.health.take_probe(now)) probe(i);
  }
}

/// Sends the question to the next server, or ends it where there is nothing left to try and
/// nothing left to wait for.
void ForwardingThread::next_try(std::uint32_t place) {
  Pending& pending = *pending_[place];
  pending.try_deadline = MonoTime::max();
  while (const auto server = choose(pending)) {
    const bool over_stream = servers_[*server]->upstream.transport != Upstream::Transport::udp;
    if (begin_try(place, *server, {.over_stream = over_stream, .bare = false})) return;
  }
  if (!has_open_try(pending)) {
    finish(place, final_failure(pending, dns::EdeCode::network_error,
                                "no upstream resolver could be asked"));
  }
}

/// The server that this question went to least often; among those one that is up; among those
/// the first. Each is asked twice at most.
std::optional<std::size_t> ForwardingThread::choose(const Pending& pending) const {
  if (pending.try_count == kMaxTries) return std::nullopt;
  if (pending.only_server) return pending.try_count == 0 ? pending.only_server : std::nullopt;
  std::array<unsigned, kMaxServers> asked{};
  for (std::size_t i = 0; i < pending.try_count; ++i) ++asked[pending.tries[i].server];
  const auto rank = [&](std::size_t i) {
    return asked[i] * 2 + (servers_[i]->health.is_up() ? 0 : 1);
  };
  std::size_t best = 0;
  for (std::size_t i = 1; i < servers_.size(); ++i) {
    if (rank(i) < rank(best)) best = i;
  }
  return asked[best] < 2 ? std::optional(best) : std::nullopt;
}

bool ForwardingThread::begin_try(std::uint32_t place, std::size_t server, Way way) {
  Pending& pending = *pending_[place];
  const auto index = static_cast<std::uint8_t>(pending.try_count++);
  Try& one = pending.tries[index];
  one = Try{};
  one.server = server;
  one.on_stream = way.over_stream;
  one.bare = way.bare;
  one.sent = mono_now();
  servers_[server]->stats.questions.add();
  const bool sent = way.over_stream ? send_on_stream(place, index) : send_datagram(place, index);
  if (sent) pending.try_deadline = one.sent + try_timeout_;
  return sent;
}

bool ForwardingThread::send_datagram(std::uint32_t place, std::uint8_t index) {
  Pending& pending = *pending_[place];
  Try& one = pending.tries[index];
  const net::SocketAddress address(servers_[one.server]->upstream.endpoint);
  FileDescriptor fd(::socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  std::array<std::uint8_t, kMaxQueryOctets> query;
  one.id = ids_.next();
  const QueryForm form = one.bare ? QueryForm::bare : QueryForm::edns;
  const std::size_t query_size = write_query(pending.job.request, one.id, form, query);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = pack(EventKind::datagram, pending.generation, index, place);
  if (!fd || ::connect(fd.get(), &address.any, address.size()) != 0 ||
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0 ||
      ::send(fd.get(), query.data(), query_size, MSG_NOSIGNAL) < 0) {
    on_no_answer(one.server, system_error("send", errno).text);
    return false;
  }
  one.fd = std::move(fd);
  one.is_open = true;
  return true;
}

bool ForwardingThread::send_on_stream(std::uint32_t place, std::uint8_t index) {
  Pending& pending = *pending_[place];
  const std::size_t number = pending.tries[index].server;
  UpstreamServer& server = *servers_[number];
  if (!server.stream && !open_stream(server, static_cast<std::uint32_t>(number))) return false;
  std::uint16_t id = ids_.next();
  while (server.on_stream.contains(id)) ++id;  // Ends: kMaxPending * kMaxTries < 65536.
  std::array<std::uint8_t, kMaxQueryOctets> query;
  Try& one = pending.tries[index];
  const QueryForm with_edns = server.tls ? QueryForm::padded : QueryForm::edns;
  const std::size_t size =
      write_query(pending.job.request, id, one.bare ? QueryForm::bare : with_edns, query);
  if (!server.stream->send(OctetView(query).first(size))) return false;
  one.id = id;
  one.is_open = true;
  server.stats.tcp.add();
  server.on_stream.emplace(id, TryRef{place, pending.generation, index});
  server.has_unsent = true;
  return true;
}

void ForwardingThread::close_try(Try& one) {
  if (one.is_open && one.on_stream) {
    UpstreamServer& server = *servers_[one.server];
    server.on_stream.erase(one.id);
    if (server.on_stream.empty()) server.idle_since = mono_now();
  }
  one.is_open = false;
  one.fd = FileDescriptor();
}

bool ForwardingThread::has_open_try(const Pending& pending) const {
  return std::any_of(pending.tries.begin(),
                     pending.tries.begin() + static_cast<std::ptrdiff_t>(pending.try_count),
                     [](const Try& one) { return one.is_open; });
}

void ForwardingThread::on_datagram(std::uint32_t place, std::uint8_t index) {
  Pending& pending = *pending_[place];
  Try& one = pending.tries[index];
  if (!one.is_open || !one.fd) return;
  UpstreamServer& server = *servers_[one.server];
  const ssize_t size = ::recv(one.fd.get(), datagram_.data(), datagram_.size(), 0);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    const std::string why = system_error("receive", errno).text;  // Port unreachable, mostly.
    const bool was_last = index + 1U == pending.try_count;
    close_try(one);
    on_no_answer(one.server, why);
    if (was_last && pending.is_active) next_try(place);
    return;
  }
  const OctetView message = OctetView(datagram_).first(static_cast<std::size_t>(size));
  const Response response = read_response(message, pending.job.request.question, one.id);
  if (response.kind == ResponseKind::stray) {
    // Forged, or noise: the true answer may still come.
    server.stats.mismatches.add();
  } else if (response.kind == ResponseKind::truncated) {
    on_truncated(place, index);
  } else {
    on_answer(place, index, *response.view);
  }
}

void ForwardingThread::on_truncated(std::uint32_t place, std::uint8_t index) {
  Pending& pending = *pending_[place];
  Try& one = pending.tries[index];
  note_life(one);
  if (pending.job.sink == nullptr) {  // A probe has seen enough.
    servers_[one.server]->stats.answers.add();
    finish(place, Reply{});
    return;
  }
  close_try(one);
  if (pending.try_count < kMaxTries &&
      begin_try(place, one.server, {.over_stream = true, .bare = one.bare})) {
    return;
  }
  next_try(place);
}

/// Whatever it said: the server is there.
void ForwardingThread::note_life(const Try& one) {
  UpstreamServer& server = *servers_[one.server];
  server.health.on_answer(mono_now() - one.sent);
  server.rtt_us.store(server.health.smoothed_rtt().count(), std::memory_order_relaxed);
  if (!server.up.exchange(true, std::memory_order_relaxed)) {
    log_.info("resolve.forward", "upstream " + server.label + " answers again");
  }
}

void ForwardingThread::on_answer(std::uint32_t place, std::uint8_t index,
                                 const dns::MessageView& view) {
  Pending& pending = *pending_[place];
  Try& one = pending.tries[index];
  UpstreamServer& server = *servers_[one.server];
  note_life(one);
  const bool is_probe = pending.job.sink == nullptr;
  std::optional<Octets> message;
  if (is_answer(view.rcode()) && !is_probe)
    message = clean_message(view.octets(), pending.job.request.question);
  if (is_probe || message) {
    server.stats.answers.add();
    Reply reply;
    if (message) reply.message = std::move(*message);
    const bool is_secure = trust_ad_ && view.header().has(dns::flag::ad);
    reply.security = is_secure ? Security::secure : Security::insecure;
    if (view.edns()) {
      if (auto ede = extended_error(*view.edns())) {
        reply.ede = ede->code;
        reply.ede_text = std::move(ede->text);
      }
    }
    finish(place, std::move(reply));
    return;
  }
  server.stats.failures.add();
  keep_failure(pending, server, view);
  const bool was_last = index + 1U == pending.try_count;
  close_try(one);
  if (is_worth_asking_bare(pending, one, view.rcode()) &&
      begin_try(place, one.server, {.over_stream = one.on_stream, .bare = true})) {
    return;
  }
  if (was_last || !has_open_try(pending)) next_try(place);
}

/// Servers that know no EDNS, or another version, say so by these errors (RFC 6891 §6.1.3, §7).
/// Not remembered: a forged error must not take the signatures from later questions too.
bool ForwardingThread::is_worth_asking_bare(const Pending& pending, const Try& one,
                                            dns::Rcode rcode) const {
  if (rcode != dns::Rcode::formerr && rcode != dns::Rcode::notimp && rcode != dns::Rcode::badvers) {
    return false;
  }
  return pending.try_count < kMaxTries &&
         std::none_of(
             pending.tries.begin(),
             pending.tries.begin() + static_cast<std::ptrdiff_t>(pending.try_count),
             [&](const Try& other) { return other.bare && other.server == one.server; });
}

/// SERVFAIL and REFUSED are kept, for the case that nobody knows better.
void ForwardingThread::keep_failure(Pending& pending, const UpstreamServer& server,
                                    const dns::MessageView& view) {
  const Request& request = pending.job.request;
  if (is_answer(view.rcode())) {
    pending.last_failure = failure(request, dns::EdeCode::invalid_data,
                                   "the upstream resolver's answer does not read");
    return;
  }
  std::optional<UpstreamEde> ede;
  if (view.edns()) ede = extended_error(*view.edns());
  pending.last_failure = ede ? failure(request, ede->code, ede->text)
                             : failure(request, dns::EdeCode::other,
                                       fmt::format("upstream resolver {} said {}",
                                                   server.upstream.endpoint.address.to_text(),
                                                   dns::to_string(view.rcode())));
}

void ForwardingThread::on_no_answer(std::size_t number, std::string_view why) {
  UpstreamServer& server = *servers_[number];
  server.trouble = why;
  server.health.on_failure(mono_now());
}

/// The end of a probe. Nothing at all was answered since it was sent where it takes the server
/// down.
void ForwardingThread::on_probe_over(std::size_t number) {
  UpstreamServer& server = *servers_[number];
  if (!server.health.on_probe_failure(mono_now())) return;
  server.up.store(false, std::memory_order_relaxed);
  log_.warning("resolve.forward",
               fmt::format("upstream {} is down: {}", server.label, server.trouble));
  // A connection that swallows everything is of no use.
  if (server.stream) close_stream(number, server.trouble);
}

Reply ForwardingThread::final_failure(Pending& pending, dns::EdeCode ede,
                                      std::string_view text) const {
  if (pending.last_failure) return std::move(*pending.last_failure);
  return failure(pending.job.request, ede, text);
}

void ForwardingThread::finish(std::uint32_t place, Reply reply) {
  Pending& pending = *pending_[place];
  for (std::size_t i = 0; i < pending.try_count; ++i) close_try(pending.tries[i]);
  pending.is_active = false;
  ++pending.generation;
  active_.give_back(pending.job.request.party);
  free_.push_back(place);
  if (pending.job.sink == nullptr) {
    on_probe_over(*pending.only_server);
    return;
  }
  const bool is_failure = dns::Header::read(reply.message)->rcode() == dns::Rcode::servfail;
  (is_failure ? stats_.failures : stats_.answers).add();
  reply.ticket = pending.job.request.ticket;
  pending.job.sink->deliver(std::move(reply));
}

bool ForwardingThread::open_stream(UpstreamServer& server, std::uint32_t place) {
  auto stream = Stream::connect(server.upstream.endpoint, server.tls.get());
  if (!stream) {
    on_no_answer(place, stream.error().text);
    return false;
  }
  server.stream = std::move(*stream);
  ++server.stream_generation;
  server.stream_answered = false;
  server.unmatched = 0;
  server.stats.connections.add();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u64 = pack(EventKind::stream, server.stream_generation, 0, place);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, server.stream->fd(), &event) == 0) return true;
  server.stream.reset();
  return false;
}

/// Sends what this round has queued: in one write for each server, and never from inside of
/// what reads. Ends: a stream that fails brings new tries, and those are bounded.
void ForwardingThread::flush_streams() {
  for (bool again = true; std::exchange(again, false);) {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      UpstreamServer& server = *servers_[i];
      if (!std::exchange(server.has_unsent, false) || !server.stream) continue;
      pump_stream(i);
      again = true;
    }
  }
}

bool ForwardingThread::has_more() const {
  return std::any_of(servers_.begin(), servers_.end(), [](const auto& server) {
    return server->stream && server->stream->has_more();
  });
}

/// Takes on where the last round had to stop: once for each stream, then others have their turn.
void ForwardingThread::pump_more() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (servers_[i]->stream && servers_[i]->stream->has_more()) pump_stream(i);
  }
}

void ForwardingThread::pump_stream(std::size_t number) {
  UpstreamServer& server = *servers_[number];
  std::vector<Octets> messages = std::exchange(messages_, {});
  const bool goes_on = server.stream->pump(messages);
  const std::uint32_t generation = server.stream_generation;
  for (const Octets& message : messages) {
    on_stream_message(number, message);
    if (!server.stream || server.stream_generation != generation) break;
  }
  messages.clear();
  messages_ = std::move(messages);
  if (!server.stream || server.stream_generation != generation) return;
  if (!goes_on) {
    close_stream(number, server.stream->failure());
  } else if (server.unmatched > kMaxUnmatched) {
    close_stream(number, "it sends what nobody has asked for");
  }
}

void ForwardingThread::on_stream_message(std::size_t number, OctetView message) {
  UpstreamServer& server = *servers_[number];
  const auto header = dns::Header::read(message);
  const auto found = header ? server.on_stream.find(header->id) : server.on_stream.end();
  if (found == server.on_stream.end()) {
    server.stats.mismatches.add();  // Of a question that was given up, or noise.
    ++server.unmatched;
    return;
  }
  const TryRef ref = found->second;
  const Response response =
      read_response(message, pending_[ref.pending]->job.request.question, header->id);
  if (!response.view) {  // There is nowhere to go from a truncated one either.
    server.stats.mismatches.add();
    ++server.unmatched;
    return;
  }
  server.stream_answered = true;
  server.unmatched = 0;
  on_answer(ref.pending, ref.index, *response.view);
}

/// Ends the connection; the questions on it go on elsewhere, or on a new one.
void ForwardingThread::close_stream(std::size_t number, std::string_view why) {
  UpstreamServer& server = *servers_[number];
  const std::string reason(why);  // `why` may be the stream's own.
  const bool was_useful = server.stream_answered;
  server.stream.reset();
  ++server.stream_generation;
  std::vector<TryRef> orphans;
  for (const auto& [id, ref] : server.on_stream) orphans.push_back(ref);
  server.on_stream.clear();
  // A server may close a connection that it has answered on when it likes (RFC 7766 §6.2.4).
  if (!orphans.empty() && !was_useful) on_no_answer(number, reason);
  for (const TryRef& ref : orphans) {
    Pending& pending = *pending_[ref.pending];
    if (!pending.is_active || pending.generation != ref.generation) continue;
    pending.tries[ref.index].is_open = false;
    if (ref.index + 1U == pending.try_count) next_try(ref.pending);
  }
}

void ForwardingThread::collect(Metrics& metrics) const {
  const auto count = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    metrics.push_back({name, MetricKind::counter, help, {}, static_cast<double>(value)});
  };
  count("postern_forwarder_questions_total", "Questions to be forwarded.",
        stats_.questions.value());
  count("postern_forwarder_answers_total", "Questions that an upstream resolver answered.",
        stats_.answers.value());
  count("postern_forwarder_failures_total", "Questions that none could answer.",
        stats_.failures.value());
  count("postern_forwarder_timeouts_total", "Questions whose deadline came first.",
        stats_.timeouts.value());
  count("postern_forwarder_shed_total", "Questions failed because too many were under way.",
        stats_.shed.value());
  count("postern_forwarder_refused_total", "Questions refused because the queue was full.",
        thread_.refused().value());
  for (const auto& server : servers_) resolve::collect(*server, metrics);
}

class Forwarder final : public Resolver {
 public:
  explicit Forwarder(std::unique_ptr<ForwardingThread> thread) : thread_(std::move(thread)) {}
  ~Forwarder() override { stop(); }

  bool resolve(const Request& request, ReplySink& sink) override {
    return thread_->push(request, sink);
  }
  void stop() override {
    if (!std::exchange(stopped_, true)) thread_->stop();
  }
  void collect(Metrics& metrics) const override { thread_->collect(metrics); }

 private:
  std::unique_ptr<ForwardingThread> thread_;
  bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Resolver>> make_forwarder(const ForwarderOptions& options, Log& log) {
  if (options.servers.empty() || options.servers.size() > kMaxServers) {
    return fail(Errc::invalid_input, fmt::format("forwarding needs 1 to {} servers", kMaxServers));
  }
  std::vector<std::unique_ptr<UpstreamServer>> servers;
  for (const Upstream& upstream : options.servers) {
    servers.push_back(POSTERN_TRY(make_upstream_server(upstream)));
  }
  auto inbox = POSTERN_TRY(Inbox::create(options.queue_capacity));
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return Unexpected<Error>(system_error("make an epoll descriptor", errno));
  auto thread = std::make_unique<ForwardingThread>(options, std::move(servers), std::move(inbox),
                                                   std::move(epoll), log);
  if (!thread->start()) return fail(Errc::unavailable, "watch the event descriptor");
  return std::make_unique<Forwarder>(std::move(thread));
}

}  // namespace postern::resolve
