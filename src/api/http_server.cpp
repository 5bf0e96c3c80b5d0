#include "api/http_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <set>
#include <thread>
#include <utility>  // Asio 1.74 uses std::exchange without including it.

#include <fmt/format.h>

#include "api/control_socket.h"
#include "api/record_filter.h"
#include "base/thread.h"
#include "event/query_json.h"
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace postern::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Generic = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Generic>;

WallTime wall_now() {
  return std::chrono::floor<microseconds>(std::chrono::system_clock::now());
}
MonoTime mono_now() {
  return std::chrono::floor<microseconds>(std::chrono::steady_clock::now());
}

IpAddress to_address(const asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::from_octets(address.to_v4().to_bytes());
  return IpAddress::from_octets(address.to_v6().to_bytes());
}

asio::ip::tcp::endpoint to_asio(const Endpoint& endpoint) {
  const OctetView octets = endpoint.address.octets();
  if (endpoint.address.is_v4()) {
    asio::ip::address_v4::bytes_type bytes;
    std::copy(octets.begin(), octets.end(), bytes.begin());
    return {asio::ip::address_v4(bytes), endpoint.port};
  }
  asio::ip::address_v6::bytes_type bytes;
  std::copy(octets.begin(), octets.end(), bytes.begin());
  return {asio::ip::address_v6(bytes), endpoint.port};
}

std::string text(boost::string_view view) {
  return {view.data(), view.size()};
}

Request to_request(http::request<http::string_body>&& message, const Peer& peer) {
  Request request;
  switch (message.method()) {
    case http::verb::get:
      request.method = Method::get;
      break;
    case http::verb::head:
      request.head = true;
      break;
    case http::verb::post:
      request.method = Method::post;
      break;
    case http::verb::delete_:
      request.method = Method::del;
      break;
    default:
      request.method = Method::other;
  }
  request.target = text(message.target());
  request.host = text(message[http::field::host]);
  request.origin = text(message[http::field::origin]);
  request.fetch_site = text(message["Sec-Fetch-Site"]);
  request.accept = text(message[http::field::accept]);
  request.authorization = text(message[http::field::authorization]);
  request.cookie = text(message[http::field::cookie]);
  request.content_type = text(message[http::field::content_type]);
  request.if_none_match = text(message[http::field::if_none_match]);
  request.body = std::move(message.body());
  request.peer = peer;
  request.now = wall_now();
  request.mono = mono_now();
  return request;
}

class Connection;

/// A thread beside the API's, and how much waits for it.
struct Lane {
  asio::thread_pool thread{1};
  std::size_t jobs = 0;
};

/// What all connections share. Lives as long as the io_context and everything in it.
struct Shared {
  Shared(const HttpLimits& limits_in, Router& router_in, LiveTail& live_in, Stats& stats_in)
      : limits(limits_in), router(router_in), live(live_in), stats(stats_in) {}

  const HttpLimits limits;
  Router& router;
  LiveTail& live;
  Stats& stats;
  std::set<Connection*> tcp_connections;
  std::size_t control_connections = 0;
  std::set<Connection*> watchers;
  std::function<void()> on_watch;  ///< A first watcher has come.
  // The last two in this order: what waits for a thread holds connections, which must end before
  // the io_context that they live on.
  asio::io_context io{1};
  std::array<Lane, 3> lanes;

  Lane& lane_of(Runs runs) {
    return lanes.at(static_cast<std::size_t>(runs) - static_cast<std::size_t>(Runs::on_journal));
  }
};

/// One connection: requests one after another, or, once it has asked for it, the live stream.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, Generic::socket socket, const Peer& peer)
      : shared_(shared), stream_(std::move(socket)), peer_(peer) {
    if (peer_.control_socket) {
      ++shared_.control_connections;
    } else {
      shared_.tcp_connections.insert(this);
    }
  }
  ~Connection() {
    if (peer_.control_socket) --shared_.control_connections;
    leave();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void read_request();
  void close();
  IpPrefix counted_as() const { return api::counted_as(peer_.address); }
  /// Since when it has waited for its client to say something; unset while it serves.
  std::optional<MonoTime> idle_since() const { return idle_since_; }

  // The live stream, driven by the server's tick.
  bool wants(const event::Query& query) const { return passes(filter_, query); }
  void offer(const event::Query& query, const std::string& event_text);
  void missed(const LiveTail::Dropped& dropped);
  void heartbeat();
  void tell_drops();
  void send_waiting();

 private:
  void leave() {
    shared_.tcp_connections.erase(this);
    stop_watching();
  }
  void stop_watching() {
    if (shared_.watchers.erase(this) != 0 && shared_.watchers.empty()) shared_.live.watch(false);
  }

  void on_read(error_code error);
  void handle(Request request);
  void run_beside(Admitted admitted);
  void respond(Response response);
  void write(http::response<http::string_body> message);
  void refuse(unsigned status, std::string_view detail);
  void drain_and_close();
  void start_live(const Response& response);
  void start_parts(Response response);
  void send_part();
  void watch_for_close();

  Shared& shared_;
  Stream stream_;
  const Peer peer_;
  beast::flat_buffer buffer_{32 << 10};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> message_;
  std::optional<MonoTime> idle_since_;
  std::size_t requests_ = 0;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  bool head_ = false;

  std::function<bool(std::string&)> parts_;  ///< Of the body that is being sent.

  // While it is a live stream.
  Credential live_credential_;
  journal::Filter filter_;
  std::string waiting_;  ///< Not yet handed to the socket.
  std::string sending_;
  std::uint64_t untold_drops_ = 0;
  bool ends_ = false;  ///< To be closed when all is sent.
  std::array<char, 512> discarded_{};
};

void Connection::read_request() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(shared_.limits.header_octets));
  parser_->body_limit(shared_.limits.body_octets);
  // One deadline for the whole request, however slowly its octets drip in.
  stream_.expires_after(requests_ == 0 ? shared_.limits.first_request : shared_.limits.idle);
  idle_since_ = mono_now();
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
}

void Connection::on_read(error_code error) {
  idle_since_.reset();
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return refuse(431, "the request's headers are too large");
  }
  if (error == http::error::body_limit) return refuse(413, "the request's body is too large");
  if (error == http::error::end_of_stream) return drain_and_close();
  if (error && error.category() == make_error_code(http::error::bad_version).category() &&
      error != http::error::partial_message) {
    return refuse(400, "that is not an HTTP request");
  }
  if (error) return close();
  ++requests_;
  version_ = parser_->get().version();
  keep_alive_ = parser_->get().keep_alive() && requests_ < shared_.limits.requests;
  head_ = parser_->get().method() == http::verb::head;
  handle(to_request(parser_->release(), peer_));
}

void Connection::handle(Request request) {
  auto decided = shared_.router.admit(std::move(request));
  if (auto* refusal = std::get_if<Response>(&decided)) return respond(std::move(*refusal));
  auto& admitted = std::get<Admitted>(decided);
  if (admitted.route->runs != Runs::here) return run_beside(std::move(admitted));
  Response response = shared_.router.run(admitted);
  if (!response.live || head_) return respond(std::move(response));
  live_credential_ = std::move(admitted.credential);
  start_live(response);
}

void Connection::run_beside(Admitted admitted) {
  Lane& lane = shared_.lane_of(admitted.route->runs);
  if (lane.jobs >= shared_.limits.waiting_jobs) {
    Response busy =
        problem(503, "too many requests of this kind are waiting; try again in a moment");
    busy.headers.emplace_back("Retry-After", "1");
    return respond(std::move(busy));
  }
  ++lane.jobs;
  asio::post(
      lane.thread, [self = shared_from_this(), &lane, admitted = std::move(admitted)]() mutable {
        Response response = self->shared_.router.run(admitted);
        // The connection goes back with the answer: it may end on its own thread only.
        auto& io = self->shared_.io;
        asio::post(io, [self = std::move(self), &lane, response = std::move(response)]() mutable {
          --lane.jobs;
          self->respond(std::move(response));
        });
      });
}

/// What a response's status line and headers are, up to the empty line.
std::string head_of(const Response& response, std::string_view own_headers) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nCache-Control: {}\r\n{}",
                                 response.status, reason(response.status), response.content_type,
                                 response.cache_control, own_headers);
  for (const auto& [name, value] : security_headers()) {
    head += fmt::format("{}: {}\r\n", name, value);
  }
  for (const auto& [name, value] : response.headers) {
    head += fmt::format("{}: {}\r\n", name, value);
  }
  return head + "\r\n";
}

/// A body whose size nobody knows before its end (RFC 9112 §7.1); HTTP/1.0 has it up to the close.
void Connection::start_parts(Response response) {
  shared_.stats.requests.add();
  parts_ = std::move(response.parts);
  sending_ =
      head_of(response, version_ >= 11 ? "Transfer-Encoding: chunked\r\nConnection: close\r\n"
                                       : "Connection: close\r\n");
  send_part();
}

void Connection::send_part() {
  stream_.expires_after(shared_.limits.idle);
  asio::async_write(stream_, asio::buffer(sending_),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      self->sending_.clear();
                      if (error) return self->close();
                      if (!self->parts_) return self->drain_and_close();
                      std::string part;
                      const bool is_chunked = self->version_ >= 11;
                      if (self->parts_(part)) {
                        // An empty chunk would be the last one.
                        self->sending_ = !is_chunked || part.empty()
                                             ? std::move(part)
                                             : fmt::format("{:x}\r\n{}\r\n", part.size(), part);
                      } else {
                        self->parts_ = nullptr;
                        self->sending_ = is_chunked ? "0\r\n\r\n" : "";
                      }
                      self->send_part();
                    });
}

void Connection::respond(Response response) {
  if (response.parts && !head_) return start_parts(std::move(response));
  shared_.stats.requests.add();
  if (response.status >= 500) shared_.stats.requests_failed.add();
  if (response.status >= 400 && response.status < 500) shared_.stats.requests_refused.add();
  http::response<http::string_body> message;
  message.version(version_);
  message.result(response.status);
  message.reason(
      boost::string_view(reason(response.status).data(), reason(response.status).size()));
  for (const auto& [name, value] : security_headers()) {
    message.set(boost::string_view(name.data(), name.size()),
                boost::string_view(value.data(), value.size()));
  }
  message.set(http::field::cache_control, response.cache_control);
  for (const auto& [name, value] : response.headers) message.set(name, value);
  if (response.status != 204 && response.status != 304) {
    message.set(http::field::content_type, response.content_type);
    if (!response.parts) message.content_length(response.body.size());
  }
  if (!head_) message.body() = std::move(response.body);
  message.keep_alive(keep_alive_);
  write(std::move(message));
}

void Connection::write(http::response<http::string_body> message) {
  message_ = std::move(message);
  stream_.expires_after(shared_.limits.idle);
  http::async_write(stream_, *message_, [self = shared_from_this()](error_code error, std::size_t) {
    self->message_.reset();
    if (error) return self->close();
    if (!self->keep_alive_) return self->drain_and_close();
    self->read_request();
  });
}

void Connection::refuse(unsigned status, std::string_view detail) {
  keep_alive_ = false;
  head_ = false;
  respond(problem(status, detail));
}

/// Says that we are done and waits a moment for the other side to say so too: closing while its
/// octets are still coming would reset the connection and could lose our answer.
void Connection::drain_and_close() {
  error_code ignored;
  stream_.socket().shutdown(Generic::socket::shutdown_send, ignored);
  if (ignored) return close();
  stream_.expires_after(seconds(1));
  idle_since_ = mono_now();
  watch_for_close();
}

void Connection::watch_for_close() {
  stream_.async_read_some(asio::buffer(discarded_),
                          [self = shared_from_this()](error_code error, std::size_t) {
                            if (error) return self->close();
                            self->watch_for_close();
                          });
}

void Connection::close() {
  leave();
  parts_ = nullptr;
  stream_.close();
}

void Connection::start_live(const Response& response) {
  if (shared_.watchers.size() >= shared_.limits.live_clients) {
    return respond(problem(503, "too many are watching already"));
  }
  shared_.stats.requests.add();
  filter_ = *response.live;
  Response head = response;
  head.content_type = "text/event-stream";
  waiting_ = head_of(head, "Connection: close\r\nX-Accel-Buffering: no\r\n");
  waiting_ += "retry: 2000\n\n";
  shared_.watchers.insert(this);
  if (shared_.watchers.size() == 1) {
    shared_.live.watch(true);
    shared_.on_watch();
  }
  stream_.expires_never();
  watch_for_close();
  send_waiting();
}

void Connection::offer(const event::Query& query, const std::string& event_text) {
  // Half of the room is kept for what was blocked or observed.
  const std::size_t limit = shared_.limits.live_buffer_octets;
  const std::size_t room = query.is_threat() ? limit : limit / 2;
  if (waiting_.size() + event_text.size() > room) {
    ++untold_drops_;
    shared_.stats.live_dropped.add();
    return;
  }
  waiting_ += event_text;
  shared_.stats.live_sent.add();
}

/// Records that never came as far as the filter: those count that it could have let through.
void Connection::missed(const LiveTail::Dropped& dropped) {
  event::Query wanted;
  wanted.disposition = filter_.disposition.value_or(wanted.disposition);
  if (!filter_.disposition || wanted.is_threat()) untold_drops_ += dropped.threats;
  if (!filter_.disposition || !wanted.is_threat()) untold_drops_ += dropped.others;
}

void Connection::tell_drops() {
  if (untold_drops_ == 0 || waiting_.size() > shared_.limits.live_buffer_octets) return;
  waiting_ += fmt::format("event: dropped\ndata: {{\"count\":{}}}\n\n", untold_drops_);
  untold_drops_ = 0;
}

void Connection::heartbeat() {
  if (!shared_.router.still_admitted(live_credential_, mono_now())) {
    // Its reader signed out: the stream ends with a word, so that it does not just reconnect.
    waiting_ += "event: signed_out\ndata: {}\n\n";
    ends_ = true;
    stop_watching();
    return;
  }
  if (waiting_.empty()) waiting_ += ":\n\n";
}

void Connection::send_waiting() {
  if (!sending_.empty()) return;
  if (waiting_.empty()) {
    if (ends_) close();
    return;
  }
  std::swap(sending_, waiting_);
  stream_.expires_after(shared_.limits.idle);
  asio::async_write(stream_, asio::buffer(sending_),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      self->sending_.clear();
                      if (error) return self->close();
                      self->send_waiting();
                    });
}

/// The listeners and the tick, and the two threads.
class BeastServer final : public HttpServer {
 public:
  BeastServer(const HttpLimits& limits, Router& router, LiveTail& live, Stats& stats)
      : shared_(limits, router, live, stats) {}
  ~BeastServer() override { stop(); }

  Result<void> listen(const HttpOptions& options);
  void run();

  std::optional<Endpoint> endpoint() const override { return endpoint_; }
  void stop() override;

 private:
  Result<void> listen_tcp(const Endpoint& endpoint);
  Result<void> listen_local(const std::string& path);
  void accept_tcp();
  void accept_local();
  void take(Generic::socket socket, const Peer& peer);
  bool has_room_for(const Peer& peer);
  template <class Accept>
  void accept_later(asio::steady_timer& timer, Accept accept);
  void tick();
  void take_records();
  LiveTail::Dropped newly_dropped();
  void tell_watchers();

  Shared shared_;
  asio::ip::tcp::acceptor tcp_{shared_.io};
  asio::local::stream_protocol::acceptor local_{shared_.io};
  asio::steady_timer tick_timer_{shared_.io};
  // One for each acceptor: setting a timer anew would cancel the other's wait.
  asio::steady_timer tcp_retry_{shared_.io};
  asio::steady_timer local_retry_{shared_.io};
  MonoTime next_heartbeat_{};
  std::vector<event::Query> batch_;  ///< Of one tick; holds memory only while somebody watches.
  LiveTail::Dropped known_drops_;
  bool ticking_ = false;
  std::optional<Endpoint> endpoint_;
  std::string control_socket_;
  std::thread thread_;
};

Result<void> BeastServer::listen(const HttpOptions& options) {
  if (!options.control_socket.empty()) POSTERN_CHECK(listen_local(options.control_socket));
  if (options.listen) POSTERN_CHECK(listen_tcp(*options.listen));
  return {};
}

Result<void> BeastServer::listen_tcp(const Endpoint& endpoint) {
  const asio::ip::tcp::endpoint wanted = to_asio(endpoint);
  error_code error;
  const auto failed = [&](std::string_view doing) {
    return Unexpected<Error>(
        system_error(fmt::format("{} {}", doing, endpoint.to_text()), error.value()));
  };
  tcp_.open(wanted.protocol(), error);
  if (error) return failed("make a socket for");
  tcp_.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
  tcp_.bind(wanted, error);
  if (error) return failed("bind the console to");
  tcp_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed("listen on");
  const auto bound = tcp_.local_endpoint(error);
  if (error) return failed("look at");
  endpoint_ = Endpoint{to_address(bound.address()), bound.port()};
  return {};
}

Result<void> BeastServer::listen_local(const std::string& path) {
  FileDescriptor fd = POSTERN_TRY(listen_control_socket(path));
  control_socket_ = path;
  error_code error;
  const int handle = ::dup(fd.get());  // The acceptor closes the one that it is given.
  if (handle < 0) return Unexpected<Error>(system_error("dup", errno));
  local_.assign(asio::local::stream_protocol(), handle, error);
  if (error) return Unexpected<Error>(system_error("listen on " + path, error.value()));
  return {};
}

void BeastServer::run() {
  shared_.on_watch = [this] {
    if (!ticking_) tick();
  };
  if (tcp_.is_open()) accept_tcp();
  if (local_.is_open()) accept_local();
  thread_ = std::thread([this] {
    enter_thread("http");
    shared_.io.run();
  });
}

void BeastServer::stop() {
  shared_.io.stop();
  if (thread_.joinable()) thread_.join();  // Not there where listening failed half-way.
  for (Lane& lane : shared_.lanes) lane.thread.stop();
  for (Lane& lane : shared_.lanes) lane.thread.join();
  shared_.live.watch(false);
  // Once: by a second time it may be another server's.
  if (!control_socket_.empty()) ::unlink(std::exchange(control_socket_, {}).c_str());
}

/// Accepting failed (out of descriptors, most likely): tries again after a while, not at once.
template <class Accept>
void BeastServer::accept_later(asio::steady_timer& timer, Accept accept) {
  shared_.stats.accept_errors.add();
  timer.expires_after(milliseconds(100));
  timer.async_wait([accept](error_code error) {
    if (!error) accept();
  });
}

void BeastServer::accept_tcp() {
  tcp_.async_accept([this](error_code error, asio::ip::tcp::socket socket) {
    if (error) return accept_later(tcp_retry_, [this] { accept_tcp(); });
    error_code unknown;
    const auto remote = socket.remote_endpoint(unknown);
    if (!unknown) {
      error_code ignored;
      socket.set_option(asio::ip::tcp::no_delay(true), ignored);
      take(Generic::socket(std::move(socket)), Peer{false, false, to_address(remote.address()), 0});
    }
    accept_tcp();
  });
}

void BeastServer::accept_local() {
  local_.async_accept([this](error_code error, asio::local::stream_protocol::socket socket) {
    if (error) return accept_later(local_retry_, [this] { accept_local(); });
    const auto uid = trusted_peer(socket.native_handle());
    take(Generic::socket(std::move(socket)),
         Peer{true, uid.has_value(), {}, static_cast<std::uint32_t>(uid.value_or(0))});
    accept_local();
  });
}

void BeastServer::take(Generic::socket socket, const Peer& peer) {
  // What is not taken is closed as `socket` goes.
  if (!has_room_for(peer)) return shared_.stats.connections_refused.add();
  shared_.stats.connections.add();
  std::make_shared<Connection>(shared_, std::move(socket), peer)->read_request();
}

/// Makes room, if need be, at the cost of the connection that has been idle for the longest: of the
/// same address where that has too many. A look at each connection: there are few.
bool BeastServer::has_room_for(const Peer& peer) {
  const HttpLimits& limits = shared_.limits;
  if (peer.control_socket) return shared_.control_connections < limits.control_connections;
  const IpPrefix address = counted_as(peer.address);
  const auto is_same = [&](const Connection* c) { return c->counted_as() == address; };
  const auto count = std::ranges::count_if(shared_.tcp_connections, is_same);
  const bool address_is_full = static_cast<std::size_t>(count) >= limits.connections_per_address;
  if (!address_is_full && shared_.tcp_connections.size() < limits.connections) return true;
  Connection* longest = nullptr;
  for (Connection* connection : shared_.tcp_connections) {
    if (!connection->idle_since() || (address_is_full && !is_same(connection))) continue;
    if (longest == nullptr || connection->idle_since() < longest->idle_since()) {
      longest = connection;
    }
  }
  if (longest == nullptr) return false;
  shared_.stats.connections_displaced.add();
  longest->close();
  return true;
}

/// Runs only while somebody watches: an idle server wakes for nobody.
void BeastServer::tick() {
  tell_watchers();
  ticking_ = !shared_.watchers.empty();
  if (!ticking_) {
    batch_ = {};
    return;
  }
  tick_timer_.expires_after(shared_.limits.live_tick);
  tick_timer_.async_wait([this](error_code error) {
    if (!error) tick();
  });
}

/// Moves what was recorded into `batch_`, in the order of time.
void BeastServer::take_records() {
  batch_.clear();
  event::Query query;
  while (batch_.size() < 2 * kLiveLaneRecords && shared_.live.pop(query)) batch_.push_back(query);
  std::ranges::stable_sort(batch_, {}, &event::Query::at);
}

/// What found no room since this was asked last.
LiveTail::Dropped BeastServer::newly_dropped() {
  const LiveTail::Dropped now = shared_.live.dropped();
  const LiveTail::Dropped before = std::exchange(known_drops_, now);
  return {now.threats - before.threats, now.others - before.others};
}

void BeastServer::tell_watchers() {
  const LiveTail::Dropped dropped = newly_dropped();
  if (shared_.watchers.empty()) return;
  take_records();
  std::string event_text;
  for (const event::Query& query : batch_) {
    event_text.clear();
    for (Connection* watcher : shared_.watchers) {
      if (!watcher->wants(query)) continue;
      if (event_text.empty()) event_text = "data: " + event::to_json(query) + "\n\n";
      watcher->offer(query, event_text);
    }
  }
  const MonoTime now = mono_now();
  const bool beat = now >= next_heartbeat_;
  if (beat) next_heartbeat_ = now + shared_.limits.live_heartbeat;
  const std::set<Connection*> watchers = shared_.watchers;  // A heartbeat may end one.
  for (Connection* watcher : watchers) {
    watcher->missed(dropped);
    watcher->tell_drops();
    if (beat) watcher->heartbeat();
    watcher->send_waiting();
  }
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpOptions& options, Router& router,
                                                      LiveTail& live, Stats& stats) {
  auto server = std::make_unique<BeastServer>(options.limits, router, live, stats);
  POSTERN_CHECK(server->listen(options));
  router.set_listen(server->endpoint());
  server->run();
  return server;
}

}  // namespace postern::api
