#include "exposure/signs.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "exposure/text_match.h"

namespace postern::exposure {
namespace {

using dns::RRType;

constexpr std::size_t kMaxSigns = 300;
constexpr std::size_t kMaxNotes = 30;

struct OwnRule {
  std::string_view id, means;
  int weight;
};
// What records say without a provider's name in them. Weights are those of
// docs/operating/exposure.md.
constexpr OwnRule kOwnAutodiscover{"own-autodiscover", "autodiscover is at an address of its own",
                                   60};
constexpr OwnRule kInternalAutodiscover{
    "internal-autodiscover", "autodiscover is at an address that only the inside reaches", 70};
constexpr OwnRule kForeignAutodiscover{"foreign-autodiscover",
                                       "autodiscover is at a host that no rule knows", 45};
constexpr OwnRule kOwnService{"own-service", "the SRV record of autodiscover names an own host",
                              50};
constexpr OwnRule kForeignService{
    "foreign-service", "the SRV record of autodiscover names a host that no rule knows", 35};
constexpr OwnRule kSameNetwork{"same-network", "autodiscover is in one network with the mail hosts",
                               35};
constexpr OwnRule kInSpf{"autodiscover-sends", "SPF lets autodiscover's address send mail", 40};

/// Gathers the signs of one inquiry.
class SignReader {
 public:
  SignReader(const Inquiry& inquiry, const Pack& pack)
      : inquiry_(inquiry), pack_(pack), answers_(inquiry.answers()), domain_(inquiry.domain()) {}

  Signs read();

 private:
  const Answer* positive(const dns::Name& name, RRType type);
  Sign sign_of(const Rule& rule, const Record& record) const;
  std::optional<Sign> best(Slot slot, const dns::Name& value, const Record& record) const;
  void add(Sign sign);
  void add_own(const OwnRule& rule, Slot slot, const Record& record);
  void note(std::string text);

  void read_exchangers();
  Where where_is(Slot slot, const dns::Name& host, const Record& record);
  void read_autodiscover();
  void read_service();
  const Record* neighbour(const dns::Name& host, const std::vector<IpAddress>& addresses) const;
  const Record* neighbour_of_autodiscover();
  void relate();
  void read_spf();
  void read_selectors();
  void read_hosts();
  void read_texts();
  void read_reverse();
  void read_security();
  void read_gaps();
  void for_labels(Slot slot, const std::function<void(const Rule&, const std::string&)>& visit);

  const Inquiry& inquiry_;
  const Pack& pack_;
  const Answers& answers_;
  const dns::Name& domain_;
  Signs out_;
};

Signs SignReader::read() {
  read_exchangers();
  read_autodiscover();
  read_service();
  read_spf();
  relate();
  read_selectors();
  read_hosts();
  read_texts();
  read_reverse();
  read_security();
  read_gaps();
  return std::move(out_);
}

/// The answer of a customary name, where somebody wrote it; null otherwise, with a note where a
/// wildcard did.
const Answer* SignReader::positive(const dns::Name& name, RRType type) {
  const Question question{name, type};
  const Answer* const answer = find_answer(answers_, question);
  if (answer == nullptr || !answer->is_positive()) return nullptr;
  switch (wildness_of(question, answers_, inquiry_.nonces())) {
    case Wildness::own:
      return answer;
    case Wildness::wildcard:
      note(fmt::format("every name below {} has this {} record: what {} says does not count",
                       name.without_left(1).to_display(), dns::to_string(type), name.to_display()));
      return nullptr;
    case Wildness::unknown:
      note(
          fmt::format("whether every name below {} has this {} record is not known: what {} says "
                      "does not count",
                      name.without_left(1).to_display(), dns::to_string(type), name.to_display()));
      return nullptr;
  }
  return nullptr;
}

Sign SignReader::sign_of(const Rule& rule, const Record& record) const {
  const Provider& provider = pack_.provider_of(rule);
  return {.rule = rule.id,
          .provider = provider.title,
          .role = provider.role,
          .slot = rule.slot,
          .weight = rule.weight,
          .means = rule.means.empty() ? provider.title : rule.means,
          .record = record};
}

/// The heaviest rule of a slot without labels that fits.
std::optional<Sign> SignReader::best(Slot slot, const dns::Name& value,
                                     const Record& record) const {
  const Rule* found = nullptr;
  for (const Rule& rule : pack_.rules) {
    if (rule.slot != slot || !fits(rule, value)) continue;
    if (found == nullptr || rule.weight > found->weight) found = &rule;
  }
  return found == nullptr ? std::nullopt : std::optional(sign_of(*found, record));
}

void SignReader::add(Sign sign) {
  if (out_.list.size() < kMaxSigns) out_.list.push_back(std::move(sign));
}

void SignReader::add_own(const OwnRule& rule, Slot slot, const Record& record) {
  add({.rule = std::string(rule.id),
       .provider = "",
       .role = Role::exchange,
       .slot = slot,
       .weight = rule.weight,
       .means = std::string(rule.means),
       .record = record});
}

void SignReader::note(std::string text) {
  const bool is_new = std::ranges::find(out_.notes, text) == out_.notes.end();
  if (is_new && out_.notes.size() < kMaxNotes) out_.notes.push_back(std::move(text));
}

Where SignReader::where_is(Slot slot, const dns::Name& host, const Record& record) {
  Where where{.host = host, .addresses = addresses_of(host, answers_), .record = record};
  where.is_internal =
      !where.addresses.empty() && std::ranges::all_of(where.addresses, is_internal_address);
  where.sign = best(slot, host, record);
  if (where.sign) {
    where.place = Place::known;
  } else if (host.is_at_or_below(domain_)) {
    where.place = where.addresses.empty() ? Place::dangling : Place::own;
  } else {
    where.place = Place::foreign;
  }
  return where;
}

void SignReader::read_exchangers() {
  const Answer* const mx = find_answer(answers_, {domain_, RRType::mx});
  if (mx == nullptr) return;
  out_.is_signed = mx->secure;
  out_.has_null_mx = mx->records.size() == 1 && mx->records.front().target.is_root();
  out_.is_implicit_mx = mx->outcome != Outcome::unknown && mx->records.empty();
  for (const dns::Name& host : exchangers(domain_, answers_)) {
    const auto named = std::ranges::find(mx->records, host, &Record::target);
    Record record;
    if (named != mx->records.end()) {
      record = *named;
    } else if (const Answer* a = find_answer(answers_, {domain_, RRType::a});
               a && !a->records.empty()) {
      record = a->records.front();
    } else if (const Answer* six = find_answer(answers_, {domain_, RRType::aaaa});
               six != nullptr && !six->records.empty()) {
      record = six->records.front();
    }
    Where where = where_is(Slot::mx, host, record);
    // An alias is against RFC 2181 §10.3, and common: it says who is behind an own name.
    const Answer* const a = find_answer(answers_, {host, RRType::a});
    if (where.place != Place::known && a != nullptr && !a->aliases.empty()) {
      const dns::Name& end = a->aliases.back().target;
      if (auto sign = best(Slot::mx, end, a->aliases.back())) {
        where.place = Place::known;
        where.sign = std::move(sign);
      }
    }
    if (where.sign) add(*where.sign);
    out_.exchangers.push_back(std::move(where));
  }
}

void SignReader::read_autodiscover() {
  const dns::Name name = below(domain_, "autodiscover");
  for (const RRType type : {RRType::a, RRType::aaaa}) {
    const Answer* const answer = positive(name, type);
    if (answer == nullptr || out_.autodiscover.place == Place::known) continue;
    for (const Record& alias : answer->aliases) {
      auto sign = best(Slot::autodiscover, alias.target, alias);
      if (!sign) continue;
      out_.autodiscover = {
          .place = Place::known, .sign = sign, .host = alias.target, .record = alias};
      add(*std::move(sign));
      break;
    }
    if (out_.autodiscover.place == Place::known) continue;
    const dns::Name end = answer->aliases.empty() ? name : answer->aliases.back().target;
    Where& where = out_.autodiscover;
    if (where.place == Place::none || where.place == Place::dangling) {
      where.host = end;
      where.record = answer->aliases.empty() ? answer->records.front() : answer->aliases.front();
      where.place = answer->records.empty()       ? Place::dangling
                    : end.is_at_or_below(domain_) ? Place::own
                                                  : Place::foreign;
    }
    for (const Record& record : answer->records) where.addresses.push_back(record.address);
  }
  Where& where = out_.autodiscover;
  if (where.place != Place::own && where.place != Place::foreign) return;
  where.is_internal = std::ranges::all_of(where.addresses, is_internal_address);
  add_own(where.is_internal           ? kInternalAutodiscover
          : where.place == Place::own ? kOwnAutodiscover
                                      : kForeignAutodiscover,
          Slot::autodiscover, where.record);
}

void SignReader::read_service() {
  const Answer* const answer = positive(below(domain_, "_autodiscover._tcp"), RRType::srv);
  if (answer == nullptr || answer->records.empty()) return;
  // "." says that there is no such service (RFC 2782).
  const auto first = std::ranges::find_if(
      answer->records, [](const Record& record) { return !record.target.is_root(); });
  if (first == answer->records.end()) return;
  out_.autodiscover_service = where_is(Slot::autodiscover, first->target, *first);
  const Where& where = out_.autodiscover_service;
  if (where.sign) {
    add(*where.sign);
  } else if (where.place != Place::dangling) {
    add_own(where.place == Place::own ? kOwnService : kForeignService, Slot::autodiscover, *first);
  }
}

/// The first record of a host that lies in one network with one of the addresses.
const Record* SignReader::neighbour(const dns::Name& host,
                                    const std::vector<IpAddress>& addresses) const {
  for (const RRType type : {RRType::a, RRType::aaaa}) {
    const Answer* const answer = find_answer(answers_, {host, type});
    if (answer == nullptr) continue;
    for (const Record& record : answer->records) {
      const auto is_near = [&](const IpAddress& address) {
        return are_neighbours(record.address, address);
      };
      if (std::ranges::any_of(addresses, is_near)) return &record;
    }
  }
  return nullptr;
}

/// A record of a host that takes mail, or that has a name of Exchange's, near autodiscover.
const Record* SignReader::neighbour_of_autodiscover() {
  const std::vector<IpAddress>& addresses = out_.autodiscover.addresses;
  for (const Where& exchanger : out_.exchangers) {
    if (exchanger.place == Place::known) continue;
    if (const Record* const record = neighbour(exchanger.host, addresses)) return record;
  }
  const Record* found = nullptr;
  for_labels(Slot::host, [&](const Rule& rule, const std::string& label) {
    if (found != nullptr || pack_.provider_of(rule).role != Role::exchange) return;
    const dns::Name host = below(domain_, label);
    const bool is_made =
        positive(host, RRType::a) != nullptr || positive(host, RRType::aaaa) != nullptr;
    if (is_made) found = neighbour(host, addresses);
  });
  return found;
}

/// How autodiscover's addresses stand to the others.
void SignReader::relate() {
  const Where& where = out_.autodiscover;
  if (where.place != Place::own && where.place != Place::foreign) return;
  const std::vector<IpAddress> site = addresses_of(domain_, answers_);
  out_.is_web_host = std::ranges::any_of(where.addresses, [&](const IpAddress& address) {
    return std::ranges::find(site, address) != site.end();
  });
  // On a web host all are neighbours of all.
  if (out_.is_web_host) return;
  if (const Record* const record = neighbour_of_autodiscover()) {
    add_own(kSameNetwork, Slot::mx, *record);
  }
  const bool is_in_spf = std::ranges::any_of(where.addresses, [&](const IpAddress& address) {
    return std::ranges::any_of(out_.spf.addresses, [&](const IpPrefix& prefix) {
      // A large one is a provider's.
      const bool is_small = prefix.length() >= (address.is_v4() ? 20U : 44U);
      return is_small && prefix.contains(address);
    });
  });
  if (is_in_spf && out_.spf.record) add_own(kInSpf, Slot::spf, *out_.spf.record);
}

void SignReader::read_spf() {
  out_.spf = walk_spf(domain_, answers_);
  for (const SpfSender& sender : out_.spf.senders) {
    auto sign = best(Slot::spf, sender.name, sender.named_by);
    if (!sign) continue;
    // What a service includes says something of the service.
    if (!sender.is_direct) sign->weight /= 3;
    if (sign->weight > 0) add(*std::move(sign));
  }
}

void SignReader::for_labels(Slot slot,
                            const std::function<void(const Rule&, const std::string&)>& visit) {
  for (const Rule& rule : pack_.rules) {
    if (rule.slot != slot) continue;
    for (const std::string& label : rule.labels) visit(rule, label);
  }
}

void SignReader::read_selectors() {
  for_labels(Slot::dkim, [&](const Rule& rule, const std::string& label) {
    const Answer* const answer = positive(below(domain_, label + "._domainkey"), RRType::txt);
    if (answer == nullptr) return;
    for (const Record& alias : answer->aliases) {
      if (!fits(rule, alias.target)) continue;
      add(sign_of(rule, alias));
      return;
    }
  });
  for_labels(Slot::dkim_key, [&](const Rule& rule, const std::string& label) {
    const Answer* const answer = positive(below(domain_, label + "._domainkey"), RRType::txt);
    if (answer == nullptr) return;
    for (const Record& record : answer->records) {
      if (!is_dkim_key(record.text) || !fits_text(rule, record.text)) continue;
      add(sign_of(rule, record));
      return;
    }
  });
}

void SignReader::read_hosts() {
  for_labels(Slot::alias, [&](const Rule& rule, const std::string& label) {
    const Answer* const answer = positive(below(domain_, label), RRType::cname);
    if (answer == nullptr || answer->records.empty()) return;
    if (fits(rule, answer->records.front().target)) add(sign_of(rule, answer->records.front()));
  });
  for_labels(Slot::srv, [&](const Rule& rule, const std::string& label) {
    const Answer* const answer = positive(below(domain_, label), RRType::srv);
    if (answer == nullptr) return;
    for (const Record& record : answer->records) {
      if (record.target.is_root() || !fits(rule, record.target)) continue;
      add(sign_of(rule, record));
      return;
    }
  });
  for_labels(Slot::host, [&](const Rule& rule, const std::string& label) {
    const dns::Name name = below(domain_, label);
    for (const RRType type : {RRType::a, RRType::aaaa}) {
      const Answer* const answer = positive(name, type);
      if (answer == nullptr || answer->records.empty()) continue;
      const dns::Name& end = answer->records.front().owner;
      const std::string value = end.is_at_or_below(domain_) ? "@own" : end.to_display();
      if (!fits_text(rule, value)) continue;
      add(sign_of(rule, answer->records.front()));
      return;
    }
  });
}

void SignReader::read_texts() {
  const auto read_slot = [&](Slot slot, const Answer* answer) {
    if (answer == nullptr) return;
    for (const Rule& rule : pack_.rules) {
      if (rule.slot != slot) continue;
      const auto found = std::ranges::find_if(
          answer->records, [&](const Record& record) { return fits_text(rule, record.text); });
      if (found != answer->records.end()) add(sign_of(rule, *found));
    }
  };
  read_slot(Slot::txt, find_answer(answers_, {domain_, RRType::txt}));
  const Answer* const dmarc = positive(below(domain_, "_dmarc"), RRType::txt);
  read_slot(Slot::dmarc, dmarc);
  if (dmarc == nullptr) return;
  for (const Record& record : dmarc->records) {
    if (!record.text.starts_with("v=DMARC1")) continue;
    out_.dmarc_policy = lower_text(tag_value(record.text, "p").value_or("none").substr(0, 20));
    return;
  }
}

/// Names of addresses tell whose they are where the host's own name does not.
void SignReader::read_reverse() {
  std::vector<IpAddress> addresses = out_.autodiscover.addresses;
  for (const Where& exchanger : out_.exchangers) {
    if (exchanger.place == Place::known) continue;
    addresses.insert(addresses.end(), exchanger.addresses.begin(), exchanger.addresses.end());
  }
  std::vector<std::string> said;
  for (const IpAddress& address : addresses) {
    const Answer* const answer = find_answer(answers_, reverse_question(address));
    if (answer == nullptr || answer->records.empty()) continue;
    auto sign = best(Slot::ptr, answer->records.front().target, answer->records.front());
    if (!sign || std::ranges::find(said, sign->rule) != said.end()) continue;
    said.push_back(sign->rule);
    add(*std::move(sign));
  }
}

void SignReader::read_security() {
  if (const Answer* sts = positive(below(domain_, "_mta-sts"), RRType::txt)) {
    out_.has_mta_sts = std::ranges::any_of(
        sts->records, [](const Record& record) { return record.text.starts_with("v=STSv1"); });
  }
  for (const Where& exchanger : out_.exchangers) {
    const Answer* const tlsa =
        find_answer(answers_, {below(exchanger.host, "_25._tcp"), RRType::tlsa});
    if (tlsa != nullptr && tlsa->secure && !tlsa->records.empty()) out_.has_dane = true;
  }
}

void SignReader::read_gaps() {
  for (const auto& [question, answer] : answers_) {
    if (answer.left_out > 0) {
      note(fmt::format("{}: {} records were too many to look at", to_string(question),
                       answer.left_out));
    }
    if (answer.outcome != Outcome::unknown) continue;
    if (out_.not_known.size() < kMaxNotes) {
      out_.not_known.push_back(fmt::format("{}: {}", to_string(question), answer.why));
    }
  }
  if (inquiry_.unasked() > 0) {
    note(fmt::format("{} more questions were not asked: that many are enough", inquiry_.unasked()));
  }
  for (const std::string& problem : out_.spf.problems) note("SPF: " + problem);
}

}  // namespace

bool are_neighbours(const IpAddress& a, const IpAddress& b) {
  if (a.family() != b.family()) return false;
  return IpPrefix(a, a.is_v4() ? 24 : 48).contains(b);
}

bool is_internal_address(const IpAddress& address) {
  struct Range {
    IpAddress address;
    unsigned length;
  };
  static const std::array kFour = {
      Range{IpAddress::v4(10, 0, 0, 0), 8},     Range{IpAddress::v4(172, 16, 0, 0), 12},
      Range{IpAddress::v4(192, 168, 0, 0), 16}, Range{IpAddress::v4(100, 64, 0, 0), 10},
      Range{IpAddress::v4(127, 0, 0, 0), 8},    Range{IpAddress::v4(169, 254, 0, 0), 16},
      Range{IpAddress::v4(0, 0, 0, 0), 8}};
  if (address.is_v4()) {
    return std::ranges::any_of(kFour, [&](const Range& range) {
      return IpPrefix(range.address, range.length).contains(address);
    });
  }
  const OctetView octets = address.octets();
  const bool is_unique_local = (octets[0] & 0xfeU) == 0xfc;                     // RFC 4193.
  const bool is_link_local = octets[0] == 0xfe && (octets[1] & 0xc0U) == 0x80;  // RFC 4291.
  return is_unique_local || is_link_local || address.is_loopback() || address.is_unspecified();
}

Signs read_signs(const Inquiry& inquiry, const Pack& pack) {
  return SignReader(inquiry, pack).read();
}

}  // namespace postern::exposure
