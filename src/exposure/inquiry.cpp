#include "exposure/inquiry.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "exposure/limits.h"
#include "exposure/spf.h"

namespace postern::exposure {
namespace {

using dns::RRType;

/// Collects what is wanted, each question once.
class Wants {
 public:
  explicit Wants(const Answers& answers) : answers_(answers) {}

  void add(const dns::Name& name, RRType type) { add(Question{name, type}); }
  void add(const Question& question) {
    if (question.name.is_root()) return;
    if (answers_.contains(question) || std::ranges::find(list_, question) != list_.end()) return;
    list_.push_back(question);
  }
  void add_addresses(const dns::Name& name) {
    add(name, RRType::a);
    add(name, RRType::aaaa);
  }
  std::vector<Question> take() && { return std::move(list_); }

 private:
  const Answers& answers_;
  std::vector<Question> list_;
};

/// Names below the domain that are asked for because they are customary, not because a record
/// names them: what wildcards answer, too.
std::vector<Question> customary_questions(const dns::Name& domain, const Pack& pack) {
  std::vector<Question> out;
  const auto add = [&](std::string_view label, RRType type) {
    const Question question{below(domain, label), type};
    const bool is_new = std::ranges::find(out, question) == out.end();
    if (!question.name.is_root() && is_new) out.push_back(question);
  };
  add("autodiscover", RRType::a);
  add("autodiscover", RRType::aaaa);
  add("_autodiscover._tcp", RRType::srv);
  add("_dmarc", RRType::txt);
  add("_mta-sts", RRType::txt);
  for (const std::string& label : pack.labels_of(Slot::alias)) add(label, RRType::cname);
  for (const std::string& label : pack.labels_of(Slot::srv)) add(label, RRType::srv);
  for (const std::string& label : pack.labels_of(Slot::host)) {
    add(label, RRType::a);
    add(label, RRType::aaaa);
  }
  for (const Slot slot : {Slot::dkim, Slot::dkim_key}) {
    for (const std::string& label : pack.labels_of(slot)) {
      add(label + "._domainkey", RRType::txt);
    }
  }
  return out;
}

void want_wildcards(const Question& question, const Nonces& nonces, Wants& wants) {
  const dns::Name parent = question.name.without_left(1);
  for (const std::string& nonce : {nonces.first, nonces.second}) {
    wants.add(below(parent, nonce), question.type);
  }
}

/// Names of the first addresses of a host.
void want_reverse(const dns::Name& host, const Answers& answers, Wants& wants) {
  std::size_t count = 0;
  for (const IpAddress& address : addresses_of(host, answers)) {
    if (++count > kMaxReverse) return;
    wants.add(reverse_question(address));
  }
}

void want_exchangers(const dns::Name& domain, const Answers& answers, Wants& wants) {
  const Answer* const mx = find_answer(answers, {domain, RRType::mx});
  const bool is_secure = mx != nullptr && mx->secure;
  for (const dns::Name& host : exchangers(domain, answers)) {
    wants.add_addresses(host);
    want_reverse(host, answers, wants);
    // DANE counts only where all of it is signed (RFC 7672 §2.2).
    if (is_secure) wants.add(below(host, "_25._tcp"), RRType::tlsa);
  }
}

/// What is wanted once the domain is known to be there. Asked again with every answer: what is
/// there already costs a look into the map.
void want_rest(const Inquiry& inquiry, const std::vector<Question>& customary, Wants& wants) {
  const dns::Name& domain = inquiry.domain();
  const Answers& answers = inquiry.answers();
  wants.add_addresses(domain);
  for (const Question& question : walk_spf(domain, answers).wanted) wants.add(question);
  want_exchangers(domain, answers, wants);
  for (const Question& question : customary) {
    wants.add(question);
    const Answer* const answer = find_answer(answers, question);
    if (answer != nullptr && answer->is_positive()) {
      want_wildcards(question, inquiry.nonces(), wants);
    }
  }
  want_reverse(below(domain, "autodiscover"), answers, wants);
  const Answer* const srv =
      find_answer(answers, {below(domain, "_autodiscover._tcp"), RRType::srv});
  if (srv == nullptr) return;
  for (std::size_t i = 0; i < std::min<std::size_t>(srv->records.size(), 2); ++i) {
    if (!srv->records[i].target.is_root()) wants.add_addresses(srv->records[i].target);
  }
}

bool same_data(const Answer& a, const Answer& b) {
  if (!a.aliases.empty() && !b.aliases.empty() &&
      a.aliases.front().target == b.aliases.front().target) {
    return true;
  }
  return std::ranges::any_of(a.records, [&](const Record& record) {
    return std::ranges::find(b.records, record.data, &Record::data) != b.records.end();
  });
}

}  // namespace

dns::Name below(const dns::Name& domain, std::string_view label) {
  const auto left = dns::Name::from_text(label);
  if (!left) return {};
  const auto name = domain.with_prefix(*left);
  return name ? *name : dns::Name();
}

std::vector<dns::Name> exchangers(const dns::Name& domain, const Answers& answers) {
  const Answer* const mx = find_answer(answers, {domain, RRType::mx});
  if (mx == nullptr || mx->outcome == Outcome::unknown) return {};
  std::vector<const Record*> records;
  for (const Record& record : mx->records) {
    if (!record.target.is_root()) records.push_back(&record);
  }
  std::ranges::stable_sort(records, {}, [](const Record* record) { return record->preference; });
  std::vector<dns::Name> out;
  for (const Record* record : records) {
    if (out.size() >= kMaxExchangers) break;
    if (std::ranges::find(out, record->target) == out.end()) out.push_back(record->target);
  }
  if (mx->records.empty() && !addresses_of(domain, answers).empty()) out.push_back(domain);
  return out;
}

std::vector<IpAddress> addresses_of(const dns::Name& name, const Answers& answers) {
  std::vector<IpAddress> out;
  for (const RRType type : {RRType::a, RRType::aaaa}) {
    const Answer* const answer = find_answer(answers, {name, type});
    if (answer == nullptr) continue;
    for (const Record& record : answer->records) out.push_back(record.address);
  }
  return out;
}

Question reverse_question(const IpAddress& address) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  const OctetView octets = address.octets();
  for (std::size_t i = octets.size(); i-- > 0;) {
    if (address.is_v4()) {
      text += std::to_string(octets[i]) + ".";
    } else {
      text += {kDigits[octets[i] & 0xfU], '.', kDigits[octets[i] >> 4U], '.'};
    }
  }
  const auto name = dns::Name::from_text(text + (address.is_v4() ? "in-addr.arpa" : "ip6.arpa"));
  POSTERN_ASSERT(name.has_value());
  return {*name, RRType::ptr};
}

Wildness wildness_of(const Question& question, const Answers& answers, const Nonces& nonces) {
  const Answer* const answer = find_answer(answers, question);
  if (answer == nullptr || question.name.is_root()) return Wildness::unknown;
  const dns::Name parent = question.name.without_left(1);
  const Answer* const first = find_answer(answers, {below(parent, nonces.first), question.type});
  const Answer* const second = find_answer(answers, {below(parent, nonces.second), question.type});
  for (const Answer* probe : {first, second}) {
    if (probe != nullptr && probe->is_positive() && same_data(*answer, *probe)) {
      return Wildness::wildcard;
    }
  }
  if (first == nullptr || second == nullptr || first->outcome == Outcome::unknown ||
      second->outcome == Outcome::unknown) {
    return Wildness::unknown;
  }
  const bool is_wild = first->is_positive() && second->is_positive();
  return is_wild && !same_data(*first, *second) ? Wildness::wildcard : Wildness::own;
}

Inquiry::Inquiry(const dns::Name& domain, const Pack& pack, const Nonces& nonces)
    : domain_(domain), nonces_(nonces), customary_(customary_questions(domain, pack)) {}

std::vector<Question> Inquiry::next() {
  Wants wants(answers_);
  const Question first{domain_, RRType::mx};
  const Answer* const mx = find_answer(answers_, first);
  if (mx == nullptr) {
    wants.add(first);
  } else if (mx->outcome == Outcome::unknown) {
    // Perhaps all is; two more are enough to tell, and what they say is shown.
    wants.add(domain_, RRType::txt);
    wants.add(below(domain_, "autodiscover"), RRType::a);
  } else if (mx->outcome != Outcome::no_name) {  // Else nothing is below it (RFC 8020).
    want_rest(*this, customary_, wants);
  }
  std::vector<Question> out;
  unasked_ = 0;
  for (const Question& question : std::move(wants).take()) {
    if (asked_.contains(question)) continue;
    if (asked_.size() >= kMaxQuestions) {
      ++unasked_;
      continue;
    }
    asked_.insert(question);
    out.push_back(question);
  }
  is_exhausted_ = out.empty();
  return out;
}

void Inquiry::take(const Question& question, Answer answer) {
  if (!asked_.contains(question) || answers_.contains(question)) return;
  while (!answer.records.empty()) {
    std::size_t octets = 0;
    for (const Record& record : answer.records) octets += record.text.size() + record.data.size();
    if (kept_records_ + answer.records.size() <= kMaxRecordsKept &&
        kept_octets_ + octets <= kMaxTextKept) {
      kept_octets_ += octets;
      break;
    }
    // Halved rather than one by one: a hostile answer is not worth more work.
    const std::size_t keep = answer.records.size() / 2;
    answer.left_out += answer.records.size() - keep;
    answer.records.resize(keep);
  }
  kept_records_ += answer.records.size();
  answers_.emplace(question, std::move(answer));
  is_exhausted_ = false;
}

void Inquiry::give_up(std::string_view why) {
  for (const Question& question : asked_) {
    answers_.try_emplace(question, unknown_answer(std::string(why)));
  }
  asked_.insert({domain_, RRType::mx});
  answers_.try_emplace({domain_, RRType::mx}, unknown_answer(std::string(why)));
  is_exhausted_ = true;
}

}  // namespace postern::exposure
