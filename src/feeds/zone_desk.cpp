#include "feeds/zone_desk.h"

#include <algorithm>
#include <utility>

#include "dns/writer.h"
#include "feeds/clocks.h"
#include "feeds/published_indicators.h"
#include "feeds/transfer_soa.h"
#include "feeds/zone_messages.h"

namespace postern::feeds {
namespace {

using Kind = ZoneRequest::Kind;
using Outcome = ZoneAnswer::Outcome;

/// In one part of a list: some milliseconds.
constexpr std::size_t kListNodes = 2000;

constexpr Refusal kNoPrimary{.text = "not a primary of this zone"};
constexpr Refusal kNoKey{dns::Rcode::servfail, dns::EdeCode::not_ready,
                         "the TSIG key of this zone cannot be read"};
constexpr Refusal kNoClient{.text = "this address may not have the zone"};
constexpr Refusal kNotReady{dns::Rcode::servfail, dns::EdeCode::not_ready,
                            "the zone is not made yet; ask again"};
constexpr Refusal kByTcp{dns::Rcode::refused, dns::EdeCode::not_supported,
                         "a whole zone is sent over TCP"};
constexpr Refusal kByTls{dns::Rcode::refused, dns::EdeCode::not_supported,
                         "this zone is given over TLS alone"};
constexpr Refusal kBusy{dns::Rcode::servfail, dns::EdeCode::not_ready,
                        "too many transfers, or other queries on this connection; ask again"};
constexpr Refusal kOnlyZones{.text = "this connection is for zone transfers now"};

Octets refused(OctetView message, const ZoneRequest* request, const Refusal& refusal) {
  Octets answer(dns::Name::kMaxOctets + 512);
  answer.resize(write_refusal(message, request, refusal, answer));
  return answer;
}

/// Whether the request must be refused: closed by default.
std::optional<Refusal> refusal_of(const ServedZones::Zone& zone, const IpAddress& client,
                                  const RequestProof& proof) {
  const auto& clients = zone.options.clients;
  const bool is_in =
      std::ranges::any_of(clients, [&](const IpPrefix& prefix) { return prefix.contains(client); });
  if (clients.empty() ? !zone.keys.must_sign : !is_in) return kNoClient;
  if (zone.keys.is_closed()) return kNoKey;
  if (proof.refusal()) return proof.refusal();
  if (!zone.version) return kNotReady;
  return std::nullopt;
}

const ServedZones::Zone* find(const ServedZones& zones, const dns::Name& name) {
  const auto found = std::ranges::find_if(
      zones.zones, [&](const ServedZones::Zone& zone) { return zone.options.zone == name; });
  return found == zones.zones.end() ? nullptr : &*found;
}

/// RFC 1995 §2: with the same version, or a newer one, there is nothing to tell.
bool is_up_to_date(const ZoneRequest& request, const ZoneVersion& version) {
  return request.serial && !is_newer(version.serial, *request.serial);
}

}  // namespace

Result<std::shared_ptr<const FlatPolicy>> SharedFlat::get() {
  if (kept_) return kept_;
  const std::lock_guard lock(mutex_);
  if (auto made = made_.lock()) return made;
  auto made = POSTERN_TRY(FlatPolicy::make(moment_, plan_));
  made_ = made;
  return made;
}

ZoneDesk::ZoneDesk(Feeds& feeds, Log& log)
    : feeds_(feeds), log_(log), served_(std::make_shared<const ServedZones>()) {}

void ZoneDesk::show(std::shared_ptr<const ServedZones> zones) {
  served_.with([&](std::shared_ptr<const ServedZones>& served) { std::swap(served, zones); });
}

DeskAnswer ZoneDesk::answer(const ZoneQuestion& question, const ZoneRequest& request,
                            std::uint64_t now_s) {
  const auto zones = served_.copy();
  if (request.kind == Kind::notify) return take_notify(*zones, question, request, now_s);
  const ServedZones::Zone* zone = find(*zones, request.zone);
  if (zone == nullptr) return {};
  return answer_of(*zone, question, request, now_s);
}

DeskAnswer ZoneDesk::take_notify(const ServedZones& zones, const ZoneQuestion& question,
                                 const ZoneRequest& request, std::uint64_t now_s) {
  bool is_known = false;
  for (const ServedZones::Source& source : zones.sources) {
    if (source.zone.zone != request.zone) continue;
    is_known = true;
    const auto& primaries = source.zone.primaries;
    if (std::ranges::find(primaries, question.client.address) == primaries.end()) continue;
    return take_notify_of(source, question, request, now_s);
  }
  if (!is_known) return {};
  stats_.notifies_refused.add();
  return {Outcome::answered, refused(question.message, &request, kNoPrimary)};
}

DeskAnswer ZoneDesk::take_notify_of(const ServedZones::Source& source, const ZoneQuestion& question,
                                    const ZoneRequest& request, std::uint64_t now_s) {
  RequestProof proof = source.keys.proof_of(question.message, now_s);
  std::optional<Refusal> refusal = proof.refusal();
  if (source.keys.is_closed()) refusal = kNoKey;
  if (!refusal && !feeds_.notify(request.zone, question.client.address, request.serial)) {
    refusal = kNoPrimary;
  }
  (refusal ? stats_.notifies_refused : stats_.notifies).add();
  Octets message;
  if (refusal) {
    message = refused(question.message, &request, *refusal);
  } else {
    message = notify_acknowledgement(question.message, request);
  }
  proof.finish(message, now_s);
  return {Outcome::answered, std::move(message)};
}

DeskAnswer ZoneDesk::answer_of(const ServedZones::Zone& zone, const ZoneQuestion& question,
                               const ZoneRequest& request, std::uint64_t now_s) {
  RequestProof proof = zone.keys.proof_of(question.message, now_s);
  std::optional<Refusal> refusal = refusal_of(zone, question.client.address, proof);
  const bool is_axfr = request.kind == Kind::axfr;
  const bool is_plain = zone.options.tls_only && !question.is_over_tls;
  if (!refusal && is_plain && request.kind != Kind::soa) refusal = kByTls;
  if (!refusal && is_axfr && question.is_udp) refusal = kByTcp;
  if (!refusal && !question.is_udp) {
    const bool is_long =
        is_axfr || (request.kind == Kind::ixfr && !is_up_to_date(request, *zone.version));
    if (is_long && question.may_take) return {Outcome::take, {}};
    if (is_long) refusal = kBusy;
  }
  Octets message;
  if (refusal) {
    stats_.refused.add();
    message = refused(question.message, &request, *refusal);
    proof.finish(message, now_s);
    return {Outcome::answered, std::move(message), true};
  }
  (request.kind == Kind::soa ? stats_.soas : stats_.ixfrs).add();
  const dns::Name& name = zone.options.zone;
  const RecordSource soa = soa_alone(name, zone.version->serial);
  std::size_t limit = dns::kMaxMessageOctets;
  if (question.is_udp) {
    const std::size_t theirs = request.edns ? request.edns->udp_octets : 0;
    limit =
        std::clamp<std::size_t>(theirs, 512, std::max<std::size_t>(question.udp_max_octets, 512));
  }
  if (request.kind == Kind::ixfr && !is_up_to_date(request, *zone.version)) {
    if (auto changes = changes_since(name, *request.serial, zone.version)) {
      ZoneMessages messages(question.message, request, std::move(*changes), limit);
      // What a second message would be needed for is for TCP (RFC 1995 §2).
      const bool fits = messages.next_unsigned(proof.room(), message) && messages.is_done() &&
                        message.size() + proof.room() <= limit;
      if (fits) {
        proof.finish(message, now_s);
        return {Outcome::answered, std::move(message)};
      }
    }
  }
  ZoneMessages(question.message, request, soa, limit).next(proof, now_s, message);
  return {Outcome::answered, std::move(message)};
}

Result<void> ZoneDesk::converse(OctetView message, const Endpoint& client, TransferStream& stream,
                                const Patience& patience) {
  const auto request = read_zone_request(message);
  // Who is refused does not keep the place of those who are not.
  const auto refuse = [&](const ZoneRequest* asked) -> Result<void> {
    POSTERN_CHECK(stream.send(refused(message, asked, kOnlyZones), patience));
    return fail(Errc::denied, "refused");
  };
  if (!request) return refuse(nullptr);
  const ZoneQuestion question{
      .message = message, .client = client, .is_over_tls = stream.is_over_tls(), .may_take = true};
  const DeskAnswer single = answer(question, *request, wall_seconds());
  if (single.outcome == Outcome::not_ours) return refuse(&*request);
  if (single.outcome == Outcome::answered) {
    POSTERN_CHECK(stream.send(single.message, patience));
    if (single.is_refused) return fail(Errc::denied, "refused");
    return {};
  }
  const auto zones = served_.copy();
  const ServedZones::Zone* zone = find(*zones, request->zone);
  if (zone == nullptr) return fail(Errc::not_found, "the zone is no longer published");
  auto sent = send_zone(*zone, message, *request, {client, stream, patience});
  if (!sent) {
    log_.warning("zones",
                 request->zone.to_display() + " to " + client.to_text() + ": " + sent.error().text);
  }
  return sent;
}

Result<void> ZoneDesk::send_zone(const ServedZones::Zone& zone, OctetView message,
                                 const ZoneRequest& request, const Peer& peer) {
  RequestProof proof = zone.keys.proof_of(message, wall_seconds());
  if (const auto refusal = refusal_of(zone, peer.client.address, proof)) {
    Octets answer = refused(message, &request, *refusal);
    proof.finish(answer, wall_seconds());
    return peer.stream.send(answer, peer.patience);
  }
  const dns::Name& name = zone.options.zone;
  const std::uint32_t serial = zone.version->serial;
  std::optional<RecordSource> source;
  if (request.kind == Kind::ixfr) source = changes_since(name, *request.serial, zone.version);
  const bool is_whole = !source;
  if (is_whole) source = whole_zone(name, serial, POSTERN_TRY(zone.flat->get()));
  (is_whole ? stats_.axfrs : stats_.ixfrs).add();
  ZoneMessages messages(message, request, *std::move(source), ZoneMessages::kStreamOctets);
  std::size_t count = 0;
  for (Octets next; messages.next(proof, wall_seconds(), next); ++count) {
    POSTERN_CHECK(peer.stream.send(next, peer.patience));
  }
  log_.info("zones", std::string(is_whole ? "AXFR" : "IXFR") + " of " + name.to_display() +
                         " serial " + std::to_string(serial) + " to " + peer.client.to_text() +
                         ", " + std::to_string(count) + (count == 1 ? " message" : " messages"));
  return {};
}

bool ZoneDesk::may_have_any(const IpAddress& client) const {
  const auto zones = served_.copy();
  return std::ranges::any_of(zones->zones, [&](const ServedZones::Zone& zone) {
    const auto& clients = zone.options.clients;
    const auto holds = [&](const IpPrefix& prefix) { return prefix.contains(client); };
    return clients.empty() ? zone.keys.must_sign : std::ranges::any_of(clients, holds);
  });
}

Result<ZoneList> ZoneDesk::list(std::string_view name) const {
  const auto zones = served_.copy();
  const auto zone = std::ranges::find_if(
      zones->zones, [&](const ServedZones::Zone& each) { return each.options.name == name; });
  if (zone == zones->zones.end()) {
    return fail(Errc::not_found, "nothing is published by the name \"" + std::string(name) + "\"");
  }
  if (!zone->version) return fail(Errc::unavailable, "the list is not made yet; ask again");
  return ZoneList{
      .digest = zone->version->digest,
      .open = [shared = zone->flat]() -> Result<std::function<bool(std::string&)>> {
        return [flat = POSTERN_TRY(shared->get()), at = std::size_t{0}](std::string& part) mutable {
          part.clear();
          if (at == flat->size()) return false;
          for (const std::size_t end = std::min(at + kListNodes, flat->size()); at < end; ++at) {
            const FlatPolicy::Blocked blocked = flat->blocked_at(at);
            if (!blocked.itself && !blocked.below) continue;
            const std::string text = blocked.name.to_display();
            if (blocked.itself) part += text + "\n";
            if (blocked.below) part += blocked.name.is_root() ? "*\n" : "*." + text + "\n";
          }
          return true;
        };
      }};
}

std::vector<PublishedCollection> ZoneDesk::collections() const {
  std::vector<PublishedCollection> collections;
  for (const ServedZones::Zone& zone : served_.copy()->zones) {
    if (!zone.options.collection) continue;
    collections.push_back(
        {collection_id(zone.options.zone), *zone.options.collection, zone.indicators});
  }
  return collections;
}

void ZoneDesk::collect(Metrics& metrics) const {
  const auto add = [&](std::string_view name, std::string_view help, std::string labels,
                       const SharedCounter& counter) {
    metrics.push_back(
        {name, MetricKind::counter, help, std::move(labels), static_cast<double>(counter.value())});
  };
  constexpr std::string_view kNotifies =
      "NOTIFY messages for zones that feeds are transferred from, by result.";
  add("postern_notifies_total", kNotifies, "result=\"taken\"", stats_.notifies);
  add("postern_notifies_total", kNotifies, "result=\"refused\"", stats_.notifies_refused);
  constexpr std::string_view kRequests = "Requests for published zones, by how they were answered.";
  add("postern_published_requests_total", kRequests, "answer=\"soa\"", stats_.soas);
  add("postern_published_requests_total", kRequests, "answer=\"ixfr\"", stats_.ixfrs);
  add("postern_published_requests_total", kRequests, "answer=\"axfr\"", stats_.axfrs);
  add("postern_published_requests_total", kRequests, "answer=\"refused\"", stats_.refused);
}

}  // namespace postern::feeds
