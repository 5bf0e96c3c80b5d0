// The second half of Handler: questions under way, their replies and their deadlines.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "dns/writer.h"
#include "server/handler.h"

namespace postern::server {

namespace {

using dns::EdeCode;
using dns::Rcode;

/// What may be passed on and cached as it is. YXDOMAIN: a DNAME that makes too long a name.
bool is_usable(Rcode rcode) {
  return rcode == Rcode::noerror || rcode == Rcode::nxdomain || rcode == Rcode::yxdomain;
}

cache::Key variant(const cache::Key& key, bool dnssec_ok) {
  cache::Key variant = key;
  variant.dnssec_ok = dnssec_ok;
  return variant;
}

/// SERVFAIL to the question of `key`, to be cached like any answer (RFC 9520).
std::optional<cache::Answer> failure_answer(const cache::Key& key, const cache::Options& options) {
  std::array<std::uint8_t, dns::kHeaderOctets + dns::Name::kMaxOctets + 4> buffer;
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(0, dns::flag::qr | dns::flag::ra);
  writer.question({key.qname, key.qtype, key.qclass});
  writer.set_rcode(Rcode::servfail);
  return cache::make_answer(writer.message(), false, !key.dnssec_ok, options);
}

std::string kept_text(const std::string& text) {
  return text.substr(0, limits::kEdeTextOctets);
}

}  // namespace

/// Puts a question to the resolver; null where it, or our table, is full, or has no room for more
/// of this client.
Pending* Handler::start(const cache::Key& key, const IpAddress& client, MonoTime now) {
  const MonoTime deadline = now + milliseconds(settings_.held()->answer_deadline_ms);
  const std::uint64_t party = party_of(client, cache_options_.hash_key);
  Pending* pending = pending_.add(key, party, now, deadline);
  if (pending == nullptr) return nullptr;
  const resolve::Request request{.question = {key.qname, key.qtype, key.qclass},
                                 .checking_disabled = key.checking_disabled,
                                 .ticket = pending->ticket,
                                 .party = party,
                                 .deadline = deadline};
  if (!resolver_.resolve(request, replies_)) {
    pending_.erase(*pending);
    return nullptr;
  }
  ++replies_owed_;
  pending_.set_due(*pending, deadline + limits::kReplyGrace);
  return pending;
}

void Handler::prefetch(const cache::Key& key, const IpAddress& client, MonoTime now) {
  if (pending_.find(key) != nullptr || failed_lately(key, now)) return;
  Pending* pending = start(key, client, now);
  if (pending == nullptr) return;  // There is time until the answer is over.
  (key.dnssec_ok ? pending->wants_dnssec : pending->wants_plain) = true;
  stats_.prefetches.add();
}

void Handler::on_reply(resolve::Reply reply, Moment now) {
  --replies_owed_;
  Pending* pending = pending_.find(reply.ticket);
  if (pending == nullptr) {
    stats_.late_replies.add();
    return;
  }
  refreshed_settings();
  const std::array<bool, 2> wanted = {pending->wants_plain, pending->wants_dnssec};
  const std::array<cache::Key, 2> keys = {variant(pending->key, false),
                                          variant(pending->key, true)};
  std::vector<Waiter> waiters = pending_.take_waiters(*pending);
  // Erased first: a waiter for whom policy has changed meanwhile may have to ask anew.
  pending_.erase(*pending);
  const auto view = dns::MessageView::parse(reply.message);
  std::array<Settled, 2> settled;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!wanted[i]) continue;
    settled[i] = settle(keys[i], reply, view ? &*view : nullptr, now.mono);
  }
  publish_cache_size();
  for (Waiter& waiter : waiters) {
    const std::size_t i = waiter.asker().query.dnssec_ok() ? 1 : 0;
    resume(waiter, {keys[i], settled[i].served, settled[i].answer}, now);
  }
}

/// Caches what came for one variant of a question, and says what its waiters get. `view` is of
/// `reply.message`, null where that does not read.
Handler::Settled Handler::settle(const cache::Key& key, const resolve::Reply& reply,
                                 const dns::MessageView* view, MonoTime now) {
  const bool bogus = reply.security == resolve::Security::bogus && !key.checking_disabled;
  const bool answers = reply.kind == resolve::ReplyKind::answer && view != nullptr &&
                       view->question() &&
                       *view->question() == dns::Question{key.qname, key.qtype, key.qclass};
  if (bogus || !answers || !is_usable(view->rcode())) return settle_failure(key, reply, now);
  const bool secure = reply.security == resolve::Security::secure;
  auto answer = cache::make_answer(*view, secure, !key.dnssec_ok, cache_options_);
  if (!answer) return settle_failure(key, reply, now);
  answer->ede = reply.ede;
  answer->ede_text = kept_text(reply.ede_text);
  cache_.insert(key, *answer, now);
  Settled settled{.answer = std::make_shared<const cache::Answer>(std::move(*answer))};
  settled.served = {.answer = settled.answer.get(), .source = event::Source::resolver};
  return settled;
}

Handler::Settled Handler::settle_failure(const cache::Key& key, const resolve::Reply& reply,
                                         MonoTime now) {
  Settled settled;
  const bool tried = reply.kind != resolve::ReplyKind::not_tried;
  const cache::Cache::Hit hit = cache_.find(key, now);
  const bool has_good = hit.state != cache::Cache::State::miss && hit.answer->wire.size() > 3 &&
                        (hit.answer->wire[3] & 0xf) != static_cast<int>(Rcode::servfail);
  // RFC 8767 §5: what was right once is better than nothing. But data that a validator has just
  // found forged is a failure of its own only while nothing good is left.
  if (has_good) {
    if (tried) note_failure(key, now);
    const bool stale = hit.state == cache::Cache::State::stale;
    settled.answer = std::make_shared<const cache::Answer>(*hit.answer);
    settled.served = {.answer = settled.answer.get(),
                      .age_s = hit.age_s,
                      .stale = stale,
                      .source = stale ? event::Source::stale : event::Source::cache};
    return settled;
  }
  const bool bogus = reply.security == resolve::Security::bogus && !key.checking_disabled;
  const EdeCode ede =
      reply.ede.value_or(bogus ? EdeCode::dnssec_bogus : EdeCode::no_reachable_authority);
  settled.served = {.source = event::Source::resolver, .ede = ede, .text = reply.ede_text};
  // Our own trouble says nothing about the name: it is asked again next time.
  if (!tried) return settled;
  auto answer = failure_answer(key, cache_options_);
  if (!answer) return settled;
  answer->ede = ede;
  answer->ede_text = kept_text(reply.ede_text);
  cache_.insert(key, *answer, now);
  settled.answer = std::make_shared<const cache::Answer>(std::move(*answer));
  settled.served.answer = settled.answer.get();
  return settled;
}

void Handler::advance(Moment now) {
  refreshed_settings();
  in_force();  // So that a worker without queries lets go of an old generation.
  // A look at each question at most, and one to find that no other is due: whatever should be due
  // again at once has its turn in the next call.
  for (std::size_t left = pending_.size() + 1; left > 0; --left) {
    Pending* pending = pending_.pop_due(now.mono);
    if (pending == nullptr) return;
    if (pending->deadline + limits::kReplyGrace <= now.mono) {
      give_up(*pending, now);
    } else {
      look_at_waiters(*pending, now);
    }
  }
}

/// The resolver has broken its word: the question is forgotten. Who still waits joined under
/// settings that let them wait longer, and hears of it now.
void Handler::give_up(Pending& pending, Moment now) {
  const cache::Key question = pending.key;
  std::vector<Waiter> waiters = pending_.take_waiters(pending);
  pending_.erase(pending);
  for (Waiter& waiter : waiters) {
    const cache::Key key = variant(question, waiter.asker().query.dnssec_ok());
    if (!waiter.stale_tried && try_stale(waiter, key, now)) continue;
    stats_.timeouts.add();
    resume(waiter, {key, {.ede = EdeCode::no_reachable_authority, .text = kNoAnswerInTime}}, now);
  }
}

/// Answers a waiter from a stale entry, where there is one.
bool Handler::try_stale(Waiter& waiter, const cache::Key& key, Moment now) {
  const cache::Cache::Hit hit = cache_.find(key, now.mono);
  if (hit.state != cache::Cache::State::stale) return false;
  const Served stale{
      .answer = hit.answer, .age_s = hit.age_s, .stale = true, .source = event::Source::stale};
  resume(waiter, {key, stale}, now);
  return true;
}

/// Answers those whose time has come, from a stale entry or with SERVFAIL; the others wait on.
void Handler::look_at_waiters(Pending& pending, Moment now) {
  const Settings& settings = *settings_.held();
  const milliseconds stale_after(settings.stale_after_ms);
  const milliseconds give_up_after(settings.answer_deadline_ms);
  const std::uint64_t ticket = pending.ticket;
  const cache::Key question = pending.key;
  std::vector<Waiter> waiters = pending_.take_waiters(pending);
  std::vector<Waiter> left;
  MonoTime due = pending.deadline + limits::kReplyGrace;
  for (Waiter& waiter : waiters) {
    const cache::Key key = variant(question, waiter.asker().query.dnssec_ok());
    const bool is_late = waiter.received() + give_up_after <= now.mono;
    if (!waiter.stale_tried && (is_late || waiter.received() + stale_after <= now.mono)) {
      waiter.stale_tried = true;
      if (try_stale(waiter, key, now)) continue;
    }
    if (is_late) {
      stats_.timeouts.add();
      resume(waiter, {key, {.ede = EdeCode::no_reachable_authority, .text = kNoAnswerInTime}}, now);
      continue;
    }
    due = std::min(due, waiter.received() + (waiter.stale_tried ? give_up_after : stale_after));
    left.push_back(std::move(waiter));
  }
  Pending* again = pending_.find(ticket);
  if (again == nullptr) {
    // Its reply came from inside an answer given above, when these were in no table.
    for (Waiter& waiter : left) {
      const cache::Key key = variant(question, waiter.asker().query.dnssec_ok());
      resume(waiter, {key, {.ede = EdeCode::no_reachable_authority, .text = kNoAnswerInTime}}, now);
    }
    return;
  }
  pending_.put_back(*again, std::move(left));
  pending_.set_due(*again, due);
}

/// A waiter's turn: decided anew, as policy may have changed, with what its question came to.
void Handler::resume(Waiter& waiter, const Given& given, Moment now) {
  const Asker& asker = waiter.asker();
  const std::size_t limit = asker.answer_limit(settings_.held()->udp_max_octets);
  Turn turn{.asker = asker,
            .path = waiter.path(),
            .now = now,
            .out = std::span(scratch_).first(limit),
            .policy = in_force(),
            .given = &given,
            .findings = &waiter.findings};
  const Handled handled = respond(turn);
  if (handled.outcome == Outcome::answered) {
    answers_.answer(waiter.path(), asker.transport, OctetView(scratch_).first(handled.size));
  } else if (handled.outcome == Outcome::silent) {
    answers_.silence(waiter.path(), asker.transport);
  }
}

void Handler::note_failure(const cache::Key& key, MonoTime now) {
  const std::uint64_t hash = hash_of(key, cache_options_.hash_key);
  failures_[hash % failures_.size()] = {hash, now + limits::kFailureRecheck};
}

bool Handler::failed_lately(const cache::Key& key, MonoTime now) const {
  const std::uint64_t hash = hash_of(key, cache_options_.hash_key);
  const Failure& failure = failures_[hash % failures_.size()];
  return failure.question == hash && now < failure.until;
}

}  // namespace postern::server
