#include "server/handler.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "dns/writer.h"
#include "server/blocked_answer.h"
#include "server/identity.h"

namespace postern::server {

namespace {

using dns::EdeCode;
using dns::Rcode;
using dns::RRType;
using event::Disposition;
using event::Source;

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

/// RFC 8914: the codes that say that validation failed.
bool is_bogus(std::optional<EdeCode> ede) {
  if (!ede) return false;
  return (*ede >= EdeCode::dnssec_bogus && *ede <= EdeCode::nsec_missing) ||
         *ede == EdeCode::signature_too_early;
}

/// QTYPEs that no answer can be found for: nothing where the type is an ordinary one, or ANY.
std::optional<Rcode> refusal_of(RRType qtype) {
  if (qtype == RRType::axfr || qtype == RRType::ixfr) return Rcode::refused;
  if (qtype == RRType::any || !dns::is_meta(qtype)) return std::nullopt;
  // OPT, TSIG and TKEY are never asked for in a question; type 0 does not exist.
  const bool malformed = qtype == RRType::opt || qtype == RRType::tsig || qtype == RRType::tkey ||
                         static_cast<std::uint16_t>(qtype) == 0;
  return malformed ? Rcode::formerr : Rcode::notimp;
}

/// Whether clients go to where an answer of the type leads.
bool leads_on(RRType qtype) {
  return qtype == RRType::a || qtype == RRType::aaaa || qtype == RRType::https ||
         qtype == RRType::svcb;
}

/// What other name servers ask, as far as it could be read: an IXFR query is none by the rules of
/// `parse_query`, as a SOA stands in its authority section (RFC 1995 §3).
bool may_be_for_zones(const dns::Query& query) {
  if (query.header.opcode() == dns::Opcode::notify) return true;
  if (query.question_end == 0) return false;
  const RRType qtype = query.question.qtype;
  return qtype == RRType::soa || qtype == RRType::axfr || qtype == RRType::ixfr;
}

}  // namespace

Handler::Handler(const Setup& setup)
    : cache_options_(setup.cache),
      cache_(setup.cache),
      settings_(setup.settings),
      policy_(setup.policy),
      no_exceptions_(setup.exceptions != nullptr
                         ? nullptr
                         : std::make_unique<const Published<policy::ExceptionTable>>(
                               policy::ExceptionTable::none())),
      exceptions_(setup.exceptions != nullptr ? *setup.exceptions : *no_exceptions_),
      resolver_(setup.resolver),
      replies_(setup.replies),
      sink_(setup.sink),
      answers_(setup.answers),
      zones_(setup.zones),
      pending_(setup.cache.hash_key ^ kGolden),
      failures_(limits::kRecentFailures),
      random_(setup.seed),
      scratch_(dns::kMaxMessageOctets) {
  if (setup.devices != nullptr) devices_.emplace(*setup.devices);
}

Handler::~Handler() = default;

Handler::Handled Handler::handle(const Inbound& in, const ReturnPath& path, Moment now,
                                 std::span<std::uint8_t> out) {
  Asker asker;
  const auto parsed = dns::parse_query(in.octets, asker.query);
  // A source port of 0 cannot be answered.
  if ((!parsed && parsed.error() == dns::QueryError::not_a_query) || in.port == 0) {
    stats_.dropped_malformed.add();
    return {.outcome = Outcome::silent, .close = true};
  }
  asker.octets = in.octets;
  asker.client = in.client;
  asker.port = in.port;
  asker.transport = in.transport;
  asker.trace_id = next_trace_id();
  asker.received = now.mono;
  asker.at = now.wall;
  stats_.queries[static_cast<std::size_t>(in.transport)].add();

  const Settings& settings = refreshed_settings();
  if (asker.query.edns) {
    if (identity_from_.allows(in.client)) asker.identity = identity_in(*asker.query.edns);
    asker.wants_structured_error = settings.structured_error.is_wanted(*asker.query.edns);
  }
  const std::size_t limit = std::min(asker.answer_limit(settings.udp_max_octets), out.size());
  Turn turn{
      .asker = asker, .path = path, .now = now, .out = out.first(limit), .policy = in_force()};
  if (zones_ != nullptr && may_be_for_zones(asker.query)) {
    if (const auto handled = ask_zones(turn, in, out)) return *handled;
  }
  if (const auto refused = turn_away(turn, parsed)) return *refused;
  return respond(turn);
}

/// Before the question whether this client may ask: other name servers have rules of their own.
/// Nothing where it is of no zone of ours.
std::optional<Handler::Handled> Handler::ask_zones(Turn& turn, const Inbound& in,
                                                   std::span<std::uint8_t> out) {
  const Asker& asker = turn.asker;
  const ZoneService::Answer answer =
      zones_->answer({.message = in.octets,
                      .client = {in.client, in.port},
                      .is_udp = asker.is_udp(),
                      .udp_max_octets = std::min<std::size_t>(settings_.held()->udp_max_octets,
                                                              limits::kUdpOctets),
                      .may_take = in.may_take},
                     out);
  if (answer.outcome == ZoneService::Outcome::not_ours) return std::nullopt;
  stats_.zone_requests.add();
  Rcode rcode = Rcode::noerror;
  if (answer.outcome == ZoneService::Outcome::answered) {
    rcode = static_cast<Rcode>(out[3] & 0xf);
    stats_.answers[static_cast<std::size_t>(rcode)].add();
    stats_.count_latency(turn.now.mono - asker.received);
  }
  record(turn,
         {.disposition = rcode == Rcode::noerror ? Disposition::answered : Disposition::refused,
          .source = Source::local},
         rcode);
  if (answer.outcome == ZoneService::Outcome::take) return Handled{.outcome = Outcome::given_away};
  return Handled{.outcome = Outcome::answered, .size = answer.size};
}

/// The queries that get no further: from strangers, malformed, of a class or type we do not serve.
std::optional<Handler::Handled> Handler::turn_away(Turn& turn,
                                                   const Result<void, dns::QueryError>& parsed) {
  const Asker& asker = turn.asker;
  if (!access_.allows(asker.client)) {
    stats_.refused_strangers.add();
    Handled handled = refuse(turn, Rcode::refused, EdeCode::prohibited);
    handled.close = true;
    return handled;
  }
  if (!parsed) {
    switch (parsed.error()) {
      case dns::QueryError::not_implemented:
        return refuse(turn, Rcode::notimp, std::nullopt);
      case dns::QueryError::bad_version:
        return refuse(turn, Rcode::badvers, std::nullopt);
      case dns::QueryError::format:
      case dns::QueryError::not_a_query:
        return refuse(turn, Rcode::formerr, std::nullopt);
    }
  }
  if (asker.query.question.qclass != dns::RRClass::in) {
    return refuse(turn, Rcode::refused, EdeCode::not_supported);
  }
  // It stands in denials of names that do not exist, and is no question: RFC 9824 §3.5.
  if (asker.qtype() == RRType::nxname) {
    return refuse(turn, Rcode::formerr, EdeCode::invalid_query_type);
  }
  if (const auto rcode = refusal_of(asker.qtype())) {
    return refuse(turn, *rcode, EdeCode::not_supported);
  }
  return std::nullopt;
}

Handler::Handled Handler::serve(Turn& turn, const cache::Key& key) {
  if (turn.given != nullptr && turn.given->key == key) return give(turn, turn.given->served);
  if (turn.findings != nullptr) {
    for (const Finding& found : *turn.findings) {
      if (found.key != key) continue;
      return give(turn, {.answer = found.answer.get(),
                         .age_s = found.age_s,
                         .stale = found.stale,
                         .source = found.source,
                         .ede = found.ede});
    }
  }
  const cache::Cache::Hit hit = cache_.find(key, turn.now.mono);
  if (hit.state != cache::Cache::State::fresh) return wait_for(turn, key, hit);
  stats_.cache_hits.add();
  if (hit.prefetch) prefetch(key, turn.asker.client, turn.now.mono);
  return give(turn, {.answer = hit.answer, .age_s = hit.age_s});
}

/// Not in the cache, or past its time: the resolver is asked, unless it already is.
Handler::Handled Handler::wait_for(Turn& turn, const cache::Key& key,
                                   const cache::Cache::Hit& hit) {
  const MonoTime now = turn.now.mono;
  const bool has_stale =
      hit.state == cache::Cache::State::stale && hit.answer->rcode() != Rcode::servfail;
  const Served stale{
      .answer = hit.answer, .age_s = hit.age_s, .stale = true, .source = Source::stale};
  stats_.cache_misses.add();
  if (has_stale && failed_lately(key, now)) return give(turn, stale);

  // One query may wait several times, for a name and then for the name that a rule shows instead.
  // All its waits end by the same times, and it never waits for a time that has passed: `advance`
  // would take it up again at once, without end.
  const Settings& settings = *settings_.held();
  const milliseconds stale_after(settings.stale_after_ms);
  const MonoTime give_up_at = turn.asker.received + milliseconds(settings.answer_deadline_ms);
  const MonoTime stale_at = turn.asker.received + stale_after;
  const bool is_late = give_up_at <= now || turn.asker.waits >= limits::kWaitsPerQuery;
  if (is_late && !has_stale) return fail(turn, EdeCode::no_reachable_authority, kNoAnswerInTime);

  Pending* pending = pending_.find(key);
  if (pending != nullptr) {
    stats_.coalesced.add();
  } else {
    pending = start(key, turn.asker.client, now);
  }
  if (pending != nullptr) (key.dnssec_ok ? pending->wants_dnssec : pending->wants_plain) = true;
  // Whoever asks while others have waited that long already need not wait again.
  const bool overdue =
      is_late || stale_at <= now || (pending != nullptr && pending->started + stale_after <= now);
  if (has_stale && (pending == nullptr || overdue)) return give(turn, stale);
  // The resolver owes an answer, and might never give it: nobody else need wait for that.
  if (pending != nullptr && pending->deadline <= now) {
    return fail(turn, EdeCode::no_reachable_authority, kNoAnswerInTime);
  }
  if (pending == nullptr || !pending_.add_waiter(*pending, turn.asker, turn.path)) {
    stats_.resolver_full.add();
    if (has_stale) return give(turn, stale);
    return fail(turn, EdeCode::not_ready, "too many questions under way");
  }
  keep_findings(turn, pending->waiters.back());
  pending->waiters.back().stale_tried = !has_stale;
  pending_.set_due(*pending, has_stale ? std::min(stale_at, give_up_at) : give_up_at);
  return {.outcome = Outcome::pending};
}

/// What the query has found out so far goes with it while it waits on.
void Handler::keep_findings(Turn& turn, Waiter& waiter) const {
  if (turn.findings != nullptr) waiter.findings = std::move(*turn.findings);
  if (turn.given != nullptr) waiter.findings.push_back(finding_of(*turn.given));
}

Finding Handler::finding_of(const Given& given) {
  const Served& served = given.served;
  auto answer = given.answer;
  if (!answer && served.answer != nullptr) {
    answer = std::make_shared<const cache::Answer>(*served.answer);
  }
  return {.key = given.key,
          .answer = std::move(answer),
          .age_s = served.age_s,
          .stale = served.stale,
          .source = served.source,
          .ede = served.ede};
}

Handler::Handled Handler::give(Turn& turn, const Served& served) {
  if (served.answer == nullptr) {
    return fail(turn, served.ede.value_or(EdeCode::no_reachable_authority), served.text);
  }
  if (turn.rewrite != nullptr) return give_rewritten(turn, served);
  const cache::Answer& answer = *served.answer;
  if (const auto handled = judge(turn, answer)) return *handled;

  const Asker& asker = turn.asker;
  const Rcode rcode = answer.rcode();
  Ending ending{.disposition = Disposition::answered, .source = served.source};
  ending.extended = {.ede = answer.ede, .text = answer.ede_text};
  if (served.stale) {
    stats_.stale_answers.add();
    ending.extended = {.ede = rcode == Rcode::nxdomain ? EdeCode::stale_nxdomain
                                                       : EdeCode::stale_answer};
  }
  const policy::Verdict& verdict = turn.ruling.verdict;
  if (rcode == Rcode::servfail) {
    ending.disposition = Disposition::failed;
    ending.security =
        is_bogus(ending.extended.ede) ? event::Security::bogus : event::Security::unknown;
  } else {
    ending.security = answer.secure ? event::Security::secure : event::Security::insecure;
    if (verdict.allows()) ending.disposition = Disposition::allowed;
    if (verdict.log_only && verdict.action != policy::Action::pass) {
      ending.disposition = Disposition::observed;
      stats_.observed.add();
    }
  }
  // RFC 6840 §5.7, §5.8: AD is for those who show that they understand it. Signatures of stale
  // data may have run out since.
  const bool set_ad = answer.secure && !served.stale &&
                      (asker.query.dnssec_ok() || asker.query.header.has(dns::flag::ad));
  const std::size_t room = turn.out.size() - opt_octets(asker.query, ending.extended);
  const cache::Serving serving{.age_s = served.age_s, .stale = served.stale, .set_ad = set_ad};
  std::size_t size = cache::write_for_client(answer, asker.octets, asker.query.question_end,
                                             serving, turn.out.first(room));
  if (size == 0) {
    stats_.truncated.add();
    size = write_bare(asker, rcode, dns::flag::tc, turn.out);
  }
  const Handled handled = finish(turn, size, ending);
  if (served.source == Source::resolver && rcode == Rcode::noerror && leads_on(asker.qtype())) {
    sink_.learn({asker.qname(), answer.names, answer.addresses});
  }
  return handled;
}

/// Why the query is blocked, as the client wants to read it. The views are of `buffers`.
Extended Handler::reason_of(const Turn& turn, ReasonBuffers& buffers) const {
  const policy::ZoneOptions& zone = turn.policy.zone(turn.ruling.verdict);
  Extended extended{.ede = zone.ede};
  if (!turn.asker.query.edns) return extended;
  extended.text = block_text(buffers.text, zone.name, turn.asker.trace_id);
  if (turn.asker.wants_structured_error) {
    extended.structured = settings_.held()->structured_error.write(buffers.structured, zone.ede,
                                                                   zone.sub_error, extended.text);
  }
  return extended;
}

/// How a rewritten query ends, whatever its target came to: it says that it is blocked, and why.
Handler::Ending Handler::rewritten_ending(const Turn& turn, ReasonBuffers& buffers) const {
  return {.disposition = Disposition::blocked,
          .source = Source::policy,
          .extended = reason_of(turn, buffers)};
}

Handler::Handled Handler::give_rewritten(Turn& turn, const Served& served) {
  ReasonBuffers buffers;
  const Ending ending = rewritten_ending(turn, buffers);
  if (served.stale) stats_.stale_answers.add();
  const std::size_t room = turn.out.size() - opt_octets(turn.asker.query, ending.extended);
  const Rewritten rewritten{.target = turn.rewrite->target,
                            .ttl_s = turn.rewrite->ttl_s,
                            .target_answer = served.answer->wire,
                            .age_s = served.age_s,
                            .stale = served.stale};
  const Blocked blocked = write_rewritten(turn.asker, rewritten, turn.out.first(room));
  if (blocked.kind == BlockedKind::truncated) stats_.truncated.add();
  std::size_t size = blocked.size;
  if (blocked.kind == BlockedKind::written && turn.rewrite->soa != nullptr) {
    size = append_policy_soa(turn.out.first(room), size, *turn.rewrite->soa, turn.rewrite->ttl_s);
  }
  return finish(turn, size, ending);
}

/// SERVFAIL, because no answer could be found.
Handler::Handled Handler::fail(Turn& turn, EdeCode code, std::string_view text) {
  if (const auto handled = settle_question(turn)) return *handled;
  const std::size_t size = write_bare(turn.asker, Rcode::servfail, 0, turn.out);
  if (turn.rewrite != nullptr) {
    ReasonBuffers buffers;
    return finish(turn, size, rewritten_ending(turn, buffers));
  }
  return finish(turn, size,
                {.disposition = Disposition::failed,
                 .source = Source::none,
                 .extended = {.ede = code, .text = text}});
}

Handler::Handled Handler::refuse(Turn& turn, Rcode rcode, std::optional<EdeCode> ede) {
  Ending ending{.disposition = Disposition::refused, .source = Source::none};
  ending.extended.ede = ede;
  ending.extended.upper_rcode = static_cast<std::uint8_t>(static_cast<unsigned>(rcode) >> 4);
  return finish(turn, write_bare(turn.asker, rcode, 0, turn.out), ending);
}

/// Adds the OPT, counts and records.
Handler::Handled Handler::finish(Turn& turn, std::size_t size, const Ending& ending) {
  const auto udp_octets = static_cast<std::uint16_t>(
      std::min<std::size_t>(settings_.held()->udp_max_octets, limits::kUdpOctets));
  size = append_opt(turn.out, size, turn.asker.query, udp_octets, ending.extended);
  const unsigned rcode =
      (turn.out[3] & 0xfU) | (static_cast<unsigned>(ending.extended.upper_rcode) << 4);
  stats_.answers[std::min<std::size_t>(rcode, Stats::kRcodes - 1)].add();
  stats_.count_latency(turn.now.mono - turn.asker.received);
  record(turn, ending, static_cast<Rcode>(rcode));
  return {.outcome = Outcome::answered, .size = size};
}

/// A rule says that there is no answer.
Handler::Handled Handler::fall_silent(Turn& turn) {
  stats_.dropped_policy.add();
  record(turn, {.disposition = Disposition::blocked, .source = Source::policy}, Rcode::noerror);
  return {.outcome = Outcome::silent};
}

void Handler::record(const Turn& turn, const Ending& ending, Rcode rcode) {
  const Asker& asker = turn.asker;
  // Only here: a query that waits for what a rule shows instead is decided on more than once.
  if (ending.disposition == Disposition::blocked && turn.blocked != nullptr) turn.blocked->add();
  event::Query& r = record_;
  r.at = asker.at;
  r.trace_id = asker.trace_id;
  r.generation = turn.policy.generation().number();
  r.client = asker.client;
  r.client_port = asker.port;
  r.transport = asker.transport;
  if (asker.query.question_end != 0) {
    r.qname = asker.qname();
    r.qtype = asker.qtype();
    r.qclass = asker.query.question.qclass;
  } else {
    r.qname = dns::Name();
    r.qtype = RRType{};
    r.qclass = dns::RRClass::in;
  }
  r.rcode = rcode;
  r.disposition = ending.disposition;
  r.source = ending.source;
  r.security = ending.security;
  r.ede = ending.extended.ede ? static_cast<std::int32_t>(*ending.extended.ede) : -1;
  r.latency_us = static_cast<std::uint32_t>((turn.now.mono - asker.received).count());
  const policy::Group* const group =
      turn.group ? &turn.policy.generation().groups()[*turn.group] : nullptr;
  r.group.assign(group != nullptr ? std::string_view(group->name) : "");
  r.in_hours = group != nullptr && !group->hours.empty();
  const Ruling& ruling = turn.ruling;
  r.has_matched = ruling.verdict.matched;
  if (!r.has_matched) {
    r.zone.assign("");
    r.action.assign("");
    r.rule_line = 0;
    r.matched_wildcard = false;
    r.matched_in_chain = false;
    sink_.record(r);
    return;
  }
  r.zone.assign(turn.policy.zone(ruling.verdict).name);
  r.action.assign(turn.action.empty() ? policy::to_string(ruling.verdict.action) : turn.action);
  r.rule_line = turn.policy.line(ruling.verdict);
  r.matched = matched_owner(turn);
  r.matched_wildcard = ruling.verdict.scope != policy::Scope::exact;
  r.matched_in_chain = ruling.in_chain;
  sink_.record(r);
}

void Handler::clear_cache() {
  cache_.clear();
  std::fill(failures_.begin(), failures_.end(), Failure{});
  publish_cache_size();
}

const Settings& Handler::refreshed_settings() {
  const Settings& settings = settings_.get();
  if (&settings != access_of_) {
    access_ = AccessList(settings.access_allow);
    identity_from_ = AccessList(settings.identity_from);
    access_of_ = &settings;
  }
  return settings;
}

policy::InForce Handler::in_force() {
  return {policy_.get(), exceptions_.get(), devices_ ? &devices_->get() : nullptr};
}

std::uint64_t Handler::next_trace_id() {
  // SplitMix64 (G. Steele et al.): any seed will do, and neighbours share nothing visible.
  std::uint64_t x = random_ += kGolden;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return (x ^ (x >> 31)) >> 24;
}

void Handler::publish_cache_size() {
  stats_.cache_entries.store(cache_.size(), std::memory_order_relaxed);
  stats_.cache_octets.store(cache_.octets(), std::memory_order_relaxed);
}

}  // namespace postern::server
