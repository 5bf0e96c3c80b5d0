#include "feeds/transfer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "dns/message.h"
#include "feeds/clocks.h"
#include "feeds/files.h"
#include "feeds/transfer_reader.h"
#include "feeds/transfer_stream.h"
#include "net/socket_address.h"

namespace postern::feeds {
namespace {

using dns::RRType;
using std::chrono::steady_clock;

constexpr std::uint64_t kMaxSecretFileOctets = 4096;
constexpr int kProbes = 2;

// Not to be guessed by who would answer in a primary's name.
std::uint16_t random_id() {
  std::uint16_t id = 0;
  // Two octets come at once or not at all (getrandom(2)); the port is random as well.
  static_cast<void>(!::getrandom(&id, sizeof id, 0));
  return id;
}

Error tsig_error(dns::TsigError error) {
  return {Errc::denied, std::string(to_string(error))};
}

// A question, signed if there is a key, and the check of its answers.
class Asked {
 public:
  Asked(const TransferQuery& query, const dns::TsigKey* key) : message_(to_octets(query)) {
    if (key == nullptr) return;
    tsig_.emplace(*key);
    tsig_->sign_query(message_, wall_seconds());
  }

  OctetView message() const { return message_; }

  Result<void> verify(OctetView answer) {
    if (!tsig_) return {};
    const auto verified = tsig_->verify_answer(answer, wall_seconds());
    if (verified) return {};
    // Who refuses need not sign; what he says is worth more than that he did not.
    const auto view = dns::MessageView::parse(answer);
    Error error = tsig_error(verified.error());
    if (verified.error() == dns::TsigError::missing && view &&
        view->rcode() != dns::Rcode::noerror) {
      error.text = "the server answers " + dns::to_string(view->rcode()) + ", unsigned";
    }
    return Unexpected<Error>(std::move(error));
  }
  Result<void> finish() const {
    if (!tsig_) return {};
    const auto finished = tsig_->finish_answer();
    if (finished) return {};
    return Unexpected<Error>(tsig_error(finished.error()));
  }

 private:
  Octets message_;
  std::optional<dns::TsigExchange> tsig_;
};

/// The conversation with one primary.
class Conversation {
 public:
  Conversation(const TransferRequest& request, const net::DnsServer& primary,
               const dns::TsigKey* key, const std::atomic<bool>& cancelled)
      : request_(request),
        primary_(primary),
        key_(key),
        patience_{cancelled, steady_clock::now() + request.whole_timeout, request.silence} {}

  Result<Transferred> hold() {
    if (!request_.base) return transfer_whole();
    const Soa soa = POSTERN_TRY(probe());
    const Soa ours = *request_.base->soa();
    if (soa.serial == ours.serial) return Transferred{nullptr, ours, told("no news", ours)};
    if (!is_newer(soa.serial, ours.serial)) {
      if (request_.may_go_back) return transfer_whole();
      return fail(Errc::invalid_input,
                  "its serial " + std::to_string(soa.serial) + " is behind our copy's " +
                      std::to_string(ours.serial) +
                      "; raise it beyond that, or take the zone as it is with \"postern feed "
                      "update\"");
    }
    auto changes = transfer_changes();
    if (changes || changes.error().code == Errc::limit_exceeded) return changes;
    stream_.reset();
    auto whole = transfer_whole();
    if (!whole && whole.error().text != changes.error().text) {
      whole.error().text = "IXFR: " + changes.error().text + "; AXFR: " + whole.error().text;
    } else if (whole) {
      whole->how += " (IXFR: " + changes.error().text + ")";
    }
    return whole;
  }

 private:
  std::string told(std::string_view what, const Soa& soa) const {
    return std::string(what) + " from " + primary_.endpoint.to_text() + ", serial " +
           std::to_string(soa.serial);
  }

  Result<void> connect() {
    if (stream_) return {};
    Patience patience = patience_;
    patience.silence = request_.connect_timeout;
    stream_ = POSTERN_TRY(TransferStream::connect(primary_, patience));
    return {};
  }

  // The primary's SOA: over UDP where that may be, else over a connection that is kept.
  Result<Soa> probe() {
    if (primary_.transport == net::DnsServer::Transport::udp) {
      auto soa = probe_by_udp();
      if (soa ||
          (soa.error().code != Errc::timed_out && soa.error().code != Errc::limit_exceeded)) {
        return soa;
      }
    }
    POSTERN_CHECK(connect());
    const TransferQuery query{request_.source.zone, RRType::soa, random_id()};
    Asked asked(query, key_);
    POSTERN_CHECK(stream_->send(asked.message(), patience_));
    const Octets answer = POSTERN_TRY(stream_->receive(patience_));
    POSTERN_CHECK(asked.verify(answer));
    return read_soa_answer(answer, query);
  }

  Result<Soa> probe_by_udp() {
    const net::SocketAddress address(primary_.endpoint);
    const FileDescriptor fd(
        ::socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // Connected: the kernel drops what comes from anybody else.
    if (!fd || ::connect(fd.get(), &address.any, address.size()) != 0) {
      return Unexpected<Error>(system_error("ask over UDP", errno));
    }
    Result<Soa> soa = fail(Errc::timed_out, "no answer over UDP");
    for (int i = 0; i < kProbes && !soa && soa.error().code == Errc::timed_out; ++i) {
      soa = probe_once(fd.get());
    }
    return soa;
  }

  Result<Soa> probe_once(int fd) {
    const TransferQuery query{request_.source.zone, RRType::soa, random_id()};
    Asked asked(query, key_);
    static_cast<void>(::send(fd, asked.message().data(), asked.message().size(), MSG_NOSIGNAL));
    Patience patience = patience_;
    patience.end = std::min(patience.end, steady_clock::now() + request_.probe_timeout);
    const Unexpected<Error> nothing = fail(Errc::timed_out, "no answer over UDP");
    Octets buffer(dns::kMaxMessageOctets);
    for (;;) {
      if (!wait_for(fd, POLLIN, patience)) return nothing;
      const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (size < 0) return nothing;  // Nobody listens there; over TCP it may be another matter.
      const OctetView answer(buffer.data(), static_cast<std::size_t>(size));
      const auto header = dns::Header::read(answer);
      if (!header || header->id != query.id) continue;
      // What is not proven may be anybody's; over TCP it is heard what the primary really says.
      if (!asked.verify(answer)) return nothing;
      return read_soa_answer(answer, query);
    }
  }

  Result<Transferred> transfer_changes() {
    return run({request_.source.zone, RRType::ixfr, random_id(), request_.base.get()});
  }
  Result<Transferred> transfer_whole() {
    return run({request_.source.zone, RRType::axfr, random_id()});
  }

  Result<Transferred> run(const TransferQuery& query) {
    POSTERN_CHECK(connect());
    Asked asked(query, key_);
    POSTERN_CHECK(stream_->send(asked.message(), patience_));
    TransferReader reader(query, request_.limits);
    auto state = TransferReader::State::more;
    while (state == TransferReader::State::more) {
      const Octets message = POSTERN_TRY(stream_->receive(patience_));
      if (patience_.cancelled.load(std::memory_order_relaxed)) {
        return fail(Errc::unavailable, "stopped");
      }
      POSTERN_CHECK(asked.verify(message));
      state = POSTERN_TRY(reader.take(message));
    }
    POSTERN_CHECK(asked.finish());
    if (state == TransferReader::State::up_to_date) {
      const Soa ours = *request_.base->soa();
      return Transferred{nullptr, ours, told("no news", ours)};
    }
    auto zone = std::make_shared<const ZoneCopy>(std::move(reader).finish());
    const Soa soa = *zone->soa();
    const bool is_whole = state == TransferReader::State::whole;
    return Transferred{std::move(zone), soa, told(is_whole ? "AXFR" : "IXFR", soa)};
  }

  const TransferRequest& request_;
  const net::DnsServer& primary_;
  const dns::TsigKey* const key_;
  const Patience patience_;
  std::unique_ptr<TransferStream> stream_;
};

}  // namespace

Result<dns::TsigKey> load_key(const TransferKey& key) {
  dns::TsigKey loaded{key.name, key.algorithm, {}};
  if (key.secret_file.empty()) {
    loaded.secret = POSTERN_TRY(dns::tsig_secret_from_text(key.secret));
    return loaded;
  }
  auto file = read_file(key.secret_file, kMaxSecretFileOctets);
  if (!file) return Unexpected<Error>(std::move(file).error().context("TSIG secret"));
  auto secret = dns::tsig_secret_from_text(file->text);
  if (!secret) return Unexpected<Error>(std::move(secret).error().context(key.secret_file));
  loaded.secret = std::move(*secret);
  return loaded;
}

Result<Transferred> transfer(const TransferRequest& request, const std::atomic<bool>& cancelled) {
  std::optional<dns::TsigKey> key;
  if (request.source.tsig) key = POSTERN_TRY(load_key(*request.source.tsig));
  Error error{Errc::invalid_input, "no primary"};
  std::string told;
  for (const std::string& text : request.source.primaries) {
    auto primary = net::dns_server_from_text(text);
    if (primary) primary->tls_ca_file = request.source.tls_ca_file;
    auto done = primary ? Conversation(request, *primary, key ? &*key : nullptr, cancelled).hold()
                        : Unexpected<Error>(primary.error());
    if (done) return done;
    error = std::move(done).error().context(text);
    told += (told.empty() ? "" : "; ") + error.text;
    if (cancelled.load(std::memory_order_relaxed)) break;
  }
  if (!told.empty()) error.text = told;
  return Unexpected<Error>(std::move(error));
}

}  // namespace postern::feeds
