#include "app/dns_client.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "app/table.h"
#include "base/file_descriptor.h"
#include "dns/rdata.h"
#include "dns/writer.h"
#include "event/json_writer.h"

namespace postern::app {
namespace {

using Clock = std::chrono::steady_clock;

/// A socket address of either family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const Endpoint& endpoint) {
  SocketAddress out;
  const OctetView octets = endpoint.address.octets();
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, octets.data(), octets.size());
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, octets.data(), octets.size());
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
  }
  return out;
}

/// A connected, non-blocking socket that is waited for with a deadline.
class Connection {
 public:
  static Result<Connection> open(const Endpoint& server, int type, Clock::time_point deadline) {
    const int family = server.address.is_v4() ? AF_INET : AF_INET6;
    Connection out(FileDescriptor(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), server,
                   deadline);
    if (!out.socket_) return Unexpected(system_error("socket", errno));
    const SocketAddress address = socket_address(server);
    const int done = ::connect(out.socket_.get(),
                               reinterpret_cast<const sockaddr*>(&address.storage), address.size);
    if (done == 0) return out;
    if (errno != EINPROGRESS) return Unexpected(out.error(errno));
    POSTERN_CHECK(out.wait(POLLOUT));
    int why = 0;
    socklen_t size = sizeof why;
    ::getsockopt(out.socket_.get(), SOL_SOCKET, SO_ERROR, &why, &size);
    if (why != 0) return Unexpected(out.error(why));
    return out;
  }

  Result<void> send(OctetView octets) {
    while (!octets.empty()) {
      const ssize_t count = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        POSTERN_CHECK(wait(POLLOUT));
        continue;
      }
      if (count < 0) return Unexpected(error(errno));
      octets = octets.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }

  /// One datagram, or what is there of a stream; at least one octet.
  Result<std::size_t> receive(std::span<std::uint8_t> into) {
    for (;;) {
      const ssize_t count = ::recv(socket_.get(), into.data(), into.size(), 0);
      if (count > 0) return static_cast<std::size_t>(count);
      if (count == 0) {
        return fail(Errc::unavailable, server_.to_text() + ": the server closed the connection");
      }
      if (errno != EAGAIN && errno != EINTR) return Unexpected(error(errno));
      POSTERN_CHECK(wait(POLLIN));
    }
  }

  Result<void> receive_all(std::span<std::uint8_t> into) {
    while (!into.empty()) into = into.subspan(POSTERN_TRY(receive(into)));
    return {};
  }

 private:
  Connection(FileDescriptor socket, const Endpoint& server, Clock::time_point deadline)
      : socket_(std::move(socket)), server_(server), deadline_(deadline) {}

  Error error(int number) const { return system_error(server_.to_text(), number); }

  Result<void> wait(short events) const {
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now()).count();
      pollfd poll{.fd = socket_.get(), .events = events, .revents = 0};
      const int ready = left <= 0 ? 0 : ::poll(&poll, 1, static_cast<int>(left));
      if (ready > 0) return {};
      if (ready == 0) return fail(Errc::timed_out, server_.to_text() + ": no answer in time");
      if (errno != EINTR) return Unexpected(error(errno));
    }
  }

  FileDescriptor socket_;
  Endpoint server_;
  Clock::time_point deadline_;
};

std::uint16_t random_id() {
  std::uint16_t id = 0;
  if (::getrandom(&id, sizeof id, 0) != sizeof id) id = 1;  // A guessable id on loopback at worst.
  return id;
}

Result<Octets> ask_once(const DnsQuestion& question, bool over_tcp) {
  const auto deadline = Clock::now() + question.timeout;
  const std::uint16_t id = random_id();
  Octets query = make_dns_query(question, id);
  if (over_tcp) {
    const auto size = static_cast<std::uint16_t>(query.size());
    query.insert(query.begin(),
                 {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
  }
  Connection connection =
      POSTERN_TRY(Connection::open(question.server, over_tcp ? SOCK_STREAM : SOCK_DGRAM, deadline));
  POSTERN_CHECK(connection.send(query));
  for (;;) {
    Octets message(dns::kMaxMessageOctets);
    if (over_tcp) {
      std::array<std::uint8_t, 2> size{};
      POSTERN_CHECK(connection.receive_all(size));
      message.resize(load_u16(size.data()));
      POSTERN_CHECK(connection.receive_all(message));
    } else {
      message.resize(POSTERN_TRY(connection.receive(message)));
    }
    if (is_answer_to(message, question.question, id)) return message;
    if (over_tcp) {
      return fail(Errc::invalid_input,
                  question.server.to_text() + ": what came is not an answer to the question");
    }
  }
}

struct ExtendedError {
  std::uint16_t code = 0;
  std::string text;
};

std::vector<ExtendedError> extended_errors(const dns::MessageView& view) {
  std::vector<ExtendedError> out;
  if (!view.edns()) return out;
  ByteReader reader(view.edns()->options);
  while (reader.ok() && reader.left() >= 4) {
    const auto code = static_cast<dns::EdnsOption>(reader.u16());
    ByteReader payload(reader.take(reader.u16()));
    if (code != dns::EdnsOption::extended_error || payload.left() < 2) continue;
    const std::uint16_t error = payload.u16();
    out.push_back({error, printable(text_of(payload.take(payload.left())))});
  }
  return out;
}

std::vector<std::string_view> flag_names(const dns::Header& header) {
  std::vector<std::string_view> out;
  constexpr std::pair<std::uint16_t, std::string_view> kFlags[] = {
      {dns::flag::aa, "aa"}, {dns::flag::tc, "tc"}, {dns::flag::rd, "rd"},
      {dns::flag::ra, "ra"}, {dns::flag::ad, "ad"}, {dns::flag::cd, "cd"}};
  for (const auto& [bit, name] : kFlags) {
    if (header.has(bit)) out.push_back(name);
  }
  return out;
}

std::string data_text(const dns::MessageView& view, const dns::Record& record) {
  return dns::rdata_to_text(record.type, view.octets(), record.rdata_offset, record.rdata.size());
}

std::string_view section_name(dns::Section section) {
  switch (section) {
    case dns::Section::answer:
      return "answer";
    case dns::Section::authority:
      return "authority";
    case dns::Section::additional:
      return "additional";
  }
  return "";
}

}  // namespace

Octets make_dns_query(const DnsQuestion& question, std::uint16_t id) {
  Octets out(512);
  dns::MessageWriter writer(out, out.size());
  writer.header(id, dns::flag::rd);
  writer.question(question.question);
  writer.opt(1232, dns::Rcode::noerror, question.dnssec_ok, {});
  out.resize(writer.size());
  return out;
}

bool is_answer_to(OctetView message, const dns::Question& question, std::uint16_t id) {
  const auto view = dns::MessageView::parse(message);
  if (!view || view->header().id != id || !view->header().has(dns::flag::qr)) return false;
  // FORMERR may come without the question.
  if (!view->question()) return view->rcode() != dns::Rcode::noerror;
  return *view->question() == question;
}

Result<DnsReply> ask_dns(const DnsQuestion& question) {
  const auto start = Clock::now();
  const auto finish = [&](Octets message, bool over_tcp) {
    return DnsReply{std::move(message), over_tcp,
                    std::chrono::duration_cast<microseconds>(Clock::now() - start)};
  };
  if (!question.over_tcp) {
    auto message = ask_once(question, false);
    if (!message && message.error().code == Errc::timed_out) message = ask_once(question, false);
    if (!message) return Unexpected(std::move(message).error());
    if (!dns::Header::read(*message)->has(dns::flag::tc)) return finish(*std::move(message), false);
  }
  Octets message = POSTERN_TRY(ask_once(question, true));
  return finish(std::move(message), true);
}

std::string view_dns_reply(const DnsReply& reply, const DnsQuestion& question) {
  const auto view = dns::MessageView::parse(reply.message);
  std::string flags;
  for (const std::string_view flag : flag_names(view->header())) flags += fmt::format(" {}", flag);
  std::string out = fmt::format(
      "{} {}: {} (flags:{}) from {} over {} in {}\n", question.question.qname.to_display(),
      dns::to_string(question.question.qtype), dns::to_string(view->rcode()), flags,
      question.server.to_text(), reply.over_tcp ? "tcp" : "udp",
      short_latency(static_cast<std::uint64_t>(reply.latency.count())));
  for (const ExtendedError& error : extended_errors(*view)) {
    out += fmt::format("  EDE {} ({}){}{}\n", error.code, to_string(dns::EdeCode{error.code}),
                       error.text.empty() ? "" : ": ", error.text);
  }
  Table table({"", "", "", ""});
  view->for_each_record([&](dns::Section section, const dns::Record& record) {
    if (section == dns::Section::additional) return false;
    table.add({"  " + record.owner.to_text(), std::to_string(record.ttl),
               dns::to_string(record.type), printable(data_text(*view, record))});
    return true;
  });
  if (table.empty()) return out;
  const std::string rows = table.text();
  return out + rows.substr(rows.find('\n') + 1);  // Without the empty header.
}

std::string dns_reply_json(const DnsReply& reply, const DnsQuestion& question) {
  const auto view = dns::MessageView::parse(reply.message);
  event::JsonWriter json;
  json.begin_object();
  json.field("name", question.question.qname.to_display());
  json.field("type", dns::to_string(question.question.qtype));
  json.field("server", question.server.to_text());
  json.field("transport", reply.over_tcp ? "tcp" : "udp");
  json.field("latency_us", reply.latency.count());
  json.field("rcode", dns::to_string(view->rcode()));
  json.key("flags").begin_array();
  for (const std::string_view flag : flag_names(view->header())) json.string(flag);
  json.end_array().key("ede").begin_array();
  for (const ExtendedError& error : extended_errors(*view)) {
    json.begin_object()
        .field("code", error.code)
        .field("purpose", to_string(dns::EdeCode{error.code}));
    json.field("text", error.text).end_object();
  }
  json.end_array().key("records").begin_array();
  view->for_each_record([&](dns::Section section, const dns::Record& record) {
    if (record.type == dns::RRType::opt) return true;
    json.begin_object().field("section", section_name(section));
    json.field("name", record.owner.to_display()).field("ttl", record.ttl);
    json.field("type", dns::to_string(record.type))
        .field("data", data_text(*view, record))
        .end_object();
    return true;
  });
  json.end_array().end_object();
  return std::move(json).take();
}

}  // namespace postern::app
