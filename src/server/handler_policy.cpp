// The third part of Handler: what policy says about a query, its answer, and those behind both.
//
// A query is judged step by step: the question, then each name that its chain of CNAMEs leads to.
// At each step of all rules that match the one decides that the RPZ draft (§5) puts first. What
// can be decided by question and client alone is, before anything is looked up, unless a zone that
// comes before the one that decided has rules on what only the answer shows.
#include <algorithm>
#include <array>

#include "server/blocked_answer.h"
#include "server/handler.h"
#include "server/server_facts.h"

namespace postern::server {

namespace {

using dns::EdeCode;
using dns::Rcode;
using dns::RRType;
using event::Disposition;
using event::Source;
using policy::Trigger;
using policy::Verdict;

void take_better(Verdict& best, const Verdict& other) {
  if (other.precedes(best)) best = other;
}

/// Whether an answer says what there is, or that there is nothing.
bool says_facts(const cache::Answer& answer) {
  return answer.rcode() == Rcode::noerror || answer.rcode() == Rcode::nxdomain;
}

/// Whether what an answer has of `name` itself is signed: its records, the DNAME that made its
/// CNAME or, where it has none, the denial.
bool is_signed(const cache::Answer& answer, const dns::Name& name) {
  const auto view = dns::MessageView::parse(answer.wire);
  if (!view) return false;
  bool is_there = false;
  bool signs_name = false;
  bool signs_denial = false;
  view->for_each_record([&](dns::Section section, const dns::Record& record) {
    const bool is_answer = section == dns::Section::answer;
    const bool is_signature = record.type == RRType::rrsig && record.rdata.size() >= 2;
    is_there = is_there || (is_answer && record.owner == name);
    if (!is_signature || section == dns::Section::additional) return true;
    const bool is_of_dname = RRType{load_u16(record.rdata.data())} == RRType::dname;
    if (!is_answer) {
      signs_denial = true;
    } else if (record.owner == name || (is_of_dname && name.is_at_or_below(record.owner))) {
      signs_name = true;
    }
    return true;
  });
  return is_there ? signs_name : signs_denial;
}

cache::Key key_of(const Asker& asker, const dns::Name& qname) {
  return {.qname = qname,
          .qtype = asker.qtype(),
          .qclass = dns::RRClass::in,
          .dnssec_ok = asker.query.dnssec_ok(),
          .checking_disabled = asker.query.header.has(dns::flag::cd)};
}

/// What the query has found out before, and what the cache holds; stale, where it is too late to
/// ask.
class CachedFacts final : public FactSource {
 public:
  CachedFacts(cache::Cache& cache, std::span<const Finding> findings, MonoTime now, bool is_late)
      : cache_(cache), findings_(findings), now_(now), is_late_(is_late) {}

  Fact find(const cache::Key& key) override {
    for (const Finding& found : findings_) {
      if (found.key == key) return fact_of(found.answer.get());
    }
    const cache::Cache::Hit hit = cache_.find(key, now_);
    if (hit.state == cache::Cache::State::fresh || is_late_) return fact_of(hit.answer);
    return {.state = State::missing};
  }

 private:
  static Fact fact_of(const cache::Answer* answer) {
    if (answer == nullptr || !says_facts(*answer)) return {.state = State::unknown};
    return {.state = State::known, .answer = answer};
  }

  cache::Cache& cache_;
  std::span<const Finding> findings_;
  MonoTime now_;
  bool is_late_;
};

}  // namespace

/// From the decision on the question to an answer; also for a waiter whose turn has come.
Handler::Handled Handler::respond(Turn& turn) {
  const Asker& asker = turn.asker;
  const bool wants_recursion = asker.query.header.has(dns::flag::rd);
  turn.group = turn.policy.group_of(asker.client, turn.now.wall, asker.identity);
  turn.exemption.without_recursion = !wants_recursion;
  turn.ruling = {decide_with_client(turn, asker.qname()), &asker.qname(), false};
  turn.is_open = is_to_be_resolved(turn);
  if (!turn.is_open) {
    if (const auto handled = settle_question(turn)) return *handled;
  }
  // Whoever does not want recursion could only learn what others asked (cache snooping).
  if (!wants_recursion) return refuse(turn, Rcode::refused, EdeCode::not_authoritative);
  if (asker.qtype() == RRType::any) {
    const Disposition disposition =
        turn.question_allowed ? Disposition::allowed : Disposition::answered;
    return finish(turn, write_any(asker, turn.out),
                  {.disposition = disposition, .source = Source::local});
  }
  return serve(turn, key_of(asker, asker.qname()));
}

/// On a name asked for, or led to.
Verdict Handler::decide_name(const Turn& turn, const dns::Name& name) {
  return turn.policy.decide({*turn.group, turn.asker.client, turn.now.wall, turn.exemption}, name);
}

/// On a name and on who asks: all that can be told of a query before anything is looked up.
Verdict Handler::decide_with_client(const Turn& turn, const dns::Name& name) {
  const policy::Generation& generation = turn.policy.generation();
  Verdict verdict = decide_name(turn, name);
  if (generation.may_precede(*turn.group, Trigger::client_ip, verdict)) {
    take_better(verdict, generation.decide(*turn.group, Trigger::client_ip, turn.asker.client,
                                           turn.exemption));
  }
  // Exceptions are as most zones are: they leave queries without recursion alone.
  if (turn.exemption.without_recursion && policy::InForce::is_exception(verdict)) return {};
  return verdict;
}

/// Whether the verdict on the question waits for its answer, which may show what decides otherwise.
bool Handler::is_to_be_resolved(const Turn& turn) const {
  const Asker& asker = turn.asker;
  // Nothing is looked up for these, so nothing more can be learnt.
  if (asker.qtype() == RRType::any || !asker.query.header.has(dns::flag::rd)) return false;
  const policy::Generation& generation = turn.policy.generation();
  const Verdict& verdict = turn.ruling.verdict;
  if (verdict.matched) {
    const policy::ZoneOptions& zone = turn.policy.zone(verdict);
    if (!zone.break_dnssec && asker.query.dnssec_ok()) return true;
    if (verdict.blocks() && zone.qname_wait == policy::QnameWait::never) return false;
    if (verdict.blocks() && zone.qname_wait == policy::QnameWait::always) return true;
  }
  return generation.may_precede(*turn.group, Trigger::response_ip, verdict) ||
         generation.may_precede(*turn.group, Trigger::nsdname, verdict) ||
         generation.may_precede(*turn.group, Trigger::nsip, verdict);
}

/// Carries out the verdict on the question, if that was not done: nothing more will be learnt that
/// could precede it. Nothing where it lets the query pass.
std::optional<Handler::Handled> Handler::settle_question(Turn& turn) {
  if (turn.rewrite != nullptr || turn.is_settled) return std::nullopt;
  turn.is_settled = true;
  turn.is_open = false;
  if (turn.ruling.verdict.blocks()) {
    if (const auto handled = block(turn)) return handled;
    if (!turn.question_allowed) turn.ruling = {};
  }
  turn.question_allowed = turn.question_allowed || turn.ruling.verdict.allows();
  return std::nullopt;
}

/// Answers as the ruling's rule says; nothing where it lets the query pass (TCP-only, by TCP).
std::optional<Handler::Handled> Handler::block(Turn& turn) {
  const policy::BlockPlan plan = turn.policy.plan(*turn.group, turn.ruling.verdict);
  ReasonBuffers buffers;
  const Extended extended = reason_of(turn, buffers);
  const std::size_t room = turn.out.size() - opt_octets(turn.asker.query, extended);
  const Blocked blocked = write_blocked(plan, turn.asker, *turn.ruling.name, turn.out.first(room));
  if (blocked.kind == BlockedKind::pass) {
    // Decided, where it was a CNAME to the name itself; TCP-only says nothing of what is behind.
    turn.question_allowed = plan.action == policy::Action::local_data;
    return std::nullopt;
  }

  if (plan.use_block_answer) {
    turn.action = policy::to_string(plan.answer);
    turn.blocked = &stats_.blocked_as[static_cast<std::size_t>(plan.answer)];
  } else {
    turn.action = policy::to_string(plan.action);
    turn.blocked = &stats_.blocked[static_cast<std::size_t>(plan.action)];
  }
  if (blocked.kind == BlockedKind::silent) return fall_silent(turn);
  if (blocked.kind == BlockedKind::truncated) stats_.truncated.add();
  if (blocked.kind == BlockedKind::follow) {
    const Rewrite rewrite{blocked.target, blocked.ttl_s, plan.zone->ede, plan.soa};
    turn.rewrite = &rewrite;
    return serve(turn, key_of(turn.asker, rewrite.target));
  }
  return finish(
      turn, blocked.size,
      {.disposition = Disposition::blocked, .source = Source::policy, .extended = extended});
}

/// Policy on the answer to a question that was not decided before; nothing where it lets all of it
/// pass. An allowed name of the chain covers what lies behind it in the chain. Siblings are judged
/// each for itself: a client picks any of them, so neither an allowed one nor their order says
/// anything about the others.
std::optional<Handler::Handled> Handler::judge(Turn& turn, const cache::Answer& answer) {
  if (turn.question_allowed) return judge_covered(turn, answer, 0, answer.names.size());
  const bool is_open = turn.is_open;
  const Verdict on_question = turn.ruling.verdict;
  const bool may_be_signed =
      turn.asker.query.dnssec_ok() && turn.policy.generation().leaves_signed_answers(*turn.group);
  bool has_heard_client = false;
  bool covered = false;
  for (std::size_t step = 0; step <= answer.chain_count && !covered; ++step) {
    const dns::Name& name = step == 0 ? turn.asker.qname() : answer.names[step - 1];
    turn.exemption.is_signed = may_be_signed && is_signed(answer, name);
    Verdict verdict = on_question;
    if (step == 0 && turn.exemption.is_signed) {
      verdict = decide_with_client(turn, name);
      turn.ruling = {verdict, &name, false};
    } else if (step > 0) {
      verdict = has_heard_client ? decide_name(turn, name) : decide_with_client(turn, name);
    }
    // Rules on who asks are heard with the first name that is not left alone.
    has_heard_client = has_heard_client || !turn.exemption.is_signed;
    if (step > 0 || is_open) {
      if (step == answer.chain_count) judge_addresses(turn, answer, verdict);
      if (judge_servers(turn, name, verdict)) return Handled{.outcome = Outcome::pending};
    }
    turn.is_settled = true;
    const bool in_answer = step > 0 || verdict.trigger == Trigger::response_ip;
    if (const auto handled = carry_out(turn, {verdict, &name, in_answer})) return handled;
    covered = verdict.allows() || turn.question_allowed;
    if (!covered || policy::InForce::is_exception(verdict)) continue;
    if (const auto handled = judge_covered(turn, answer, step, answer.chain_count)) return handled;
  }
  for (std::size_t i = answer.chain_count; i < answer.names.size(); ++i) {
    const dns::Name& name = answer.names[i];
    const Verdict verdict = decide_name(turn, name);
    if (const auto handled = carry_out(turn, {verdict, &name, true})) return handled;
  }
  return std::nullopt;
}

/// What a list's rule lets pass, an exception may block all the same: it stands before every list.
/// Looks at the names of the answer from `first` up to `end`.
std::optional<Handler::Handled> Handler::judge_covered(Turn& turn, const cache::Answer& answer,
                                                       std::size_t first, std::size_t end) {
  const policy::InForce& in_force = turn.policy;
  if (in_force.exceptions().empty()) return std::nullopt;
  if (policy::InForce::is_exception(turn.ruling.verdict)) return std::nullopt;
  const policy::Asking asking{*turn.group, turn.asker.client, turn.now.wall};
  for (std::size_t i = first; i < end; ++i) {
    const dns::Name& name = answer.names[i];
    const Verdict verdict = in_force.decide_by_exceptions(asking, name);
    if (const auto handled = carry_out(turn, {verdict, &name, true})) return handled;
    // What is behind it in the chain is excepted, too.
    if (verdict.allows() && i < answer.chain_count) i = answer.chain_count - 1;
  }
  return std::nullopt;
}

/// Blocks where the ruling says so. What another one said before stays on record where not.
std::optional<Handler::Handled> Handler::carry_out(Turn& turn, const Ruling& ruling) {
  if (!ruling.verdict.matched) return std::nullopt;
  const Ruling before = turn.ruling;
  if (ruling.verdict.blocks()) {
    turn.ruling = ruling;
    if (const auto handled = block(turn)) return handled;
    turn.ruling = before.verdict.blocks() ? Ruling{} : before;
    return std::nullopt;
  }
  if (!before.verdict.matched || before.verdict.blocks()) turn.ruling = ruling;
  return std::nullopt;
}

void Handler::judge_addresses(const Turn& turn, const cache::Answer& answer, Verdict& verdict) {
  const policy::Generation& generation = turn.policy.generation();
  if (!generation.may_precede(*turn.group, Trigger::response_ip, verdict)) return;
  for (const IpAddress& address : answer.addresses) {
    take_better(verdict,
                generation.decide(*turn.group, Trigger::response_ip, address, turn.exemption));
  }
}

/// True where the query waits to learn more of the servers. They are asked for only where they can
/// change the verdict; what cannot be learnt in time matches nothing, and what no zone wants to
/// wait for is asked for meanwhile.
bool Handler::judge_servers(Turn& turn, const dns::Name& name, Verdict& verdict) {
  const std::uint16_t group = *turn.group;
  const policy::Generation& generation = turn.policy.generation();
  const bool by_address = generation.may_precede(group, Trigger::nsip, verdict);
  if (!by_address && !generation.may_precede(group, Trigger::nsdname, verdict)) return false;
  const bool waits_for_addresses = generation.may_precede_once_known(group, Trigger::nsip, verdict);
  const bool waits_for_names =
      waits_for_addresses || generation.may_precede_once_known(group, Trigger::nsdname, verdict);
  const MonoTime give_up_at =
      turn.asker.received + milliseconds(settings_.held()->answer_deadline_ms);
  const ServerFactOptions options{.min_labels = settings_.held()->min_ns_dots + std::size_t{1},
                                  .want_addresses = by_address};
  std::vector<Finding> findings;
  if (turn.findings != nullptr) findings = *turn.findings;
  if (turn.given != nullptr) findings.push_back(finding_of(*turn.given));
  ServerFacts facts;
  for (bool is_late = give_up_at <= turn.now.mono;; is_late = true) {
    CachedFacts source(cache_, findings, turn.now.mono, is_late);
    facts = server_facts(name, options, source);
    const auto waited_for = std::ranges::partition(facts.missing, [&](const cache::Key& key) {
      return key.qtype == RRType::ns ? !waits_for_names : !waits_for_addresses;
    });
    for (auto key = facts.missing.begin(); key != waited_for.begin(); ++key) ask_for(turn, *key);
    if (waited_for.empty()) break;
    if (wait_for_facts(turn, {waited_for.begin(), waited_for.end()}, give_up_at)) return true;
  }
  if (!facts.is_whole) stats_.servers_unknown.add();
  take_better(verdict, generation.decide_servers(group, facts.names, turn.exemption));
  for (const IpAddress& address : facts.addresses) {
    take_better(verdict, generation.decide(group, Trigger::nsip, address, turn.exemption));
  }
  return false;
}

/// Asks for all of `missing` and has the query wait for one of them; false where it cannot.
bool Handler::wait_for_facts(Turn& turn, std::span<const cache::Key> missing, MonoTime give_up_at) {
  if (turn.asker.waits >= limits::kWaitsPerQuery) return false;
  Pending* awaited = nullptr;
  for (const cache::Key& key : missing) {
    Pending* pending = ask_for(turn, key);
    if (awaited == nullptr) awaited = pending;
  }
  if (awaited == nullptr || !pending_.add_waiter(*awaited, turn.asker, turn.path)) return false;
  awaited->waiters.back().stale_tried = true;
  keep_findings(turn, awaited->waiters.back());
  pending_.set_due(*awaited, give_up_at);
  return true;
}

/// Has a fact looked up; null where nobody can wait for it.
Pending* Handler::ask_for(const Turn& turn, const cache::Key& key) {
  Pending* pending = pending_.find(key);
  if (pending == nullptr) pending = start(key, turn.asker.client, turn.now.mono);
  if (pending == nullptr || pending->deadline <= turn.now.mono) return nullptr;
  pending->wants_plain = true;
  return pending;
}

/// The rule's owner: a part of the name that it matched, or what an RPZ would have it as.
dns::Name Handler::matched_owner(const Turn& turn) const {
  const Ruling& ruling = turn.ruling;
  const Verdict& verdict = ruling.verdict;
  if (verdict.trigger == Trigger::qname) {
    return ruling.name->without_left(ruling.name->label_count() - verdict.matched_labels);
  }
  return policy::rpz_owner(turn.policy.generation().rule(verdict));
}

}  // namespace postern::server
