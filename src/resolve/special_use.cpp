#include "resolve/special_use.h"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "dns/writer.h"

namespace postern::resolve {
namespace {

// RFC 6303 §3: the SOA's numbers, and the TTL of everything in such a zone.
constexpr std::uint32_t kTtlS = 10'800;
constexpr std::uint32_t kSerial = 1, kRefreshS = 3600, kRetryS = 1200, kExpireS = 604'800;

struct Row {
  std::string_view zone;
  SpecialUse use;
};

constexpr Row kNames[] = {
    {"localhost.", SpecialUse::localhost},
    {"invalid.", SpecialUse::absent},
    {"test.", SpecialUse::absent},
    {"local.", SpecialUse::absent},
    {"onion.", SpecialUse::absent},
    {"alt.", SpecialUse::absent},
    {"internal.", SpecialUse::absent},
    {"home.arpa.", SpecialUse::empty},
    {"resolver.arpa.", SpecialUse::no_data},
    {"0.in-addr.arpa.", SpecialUse::empty},
    {"10.in-addr.arpa.", SpecialUse::empty},
    {"127.in-addr.arpa.", SpecialUse::loopback},
    {"254.169.in-addr.arpa.", SpecialUse::empty},
    {"168.192.in-addr.arpa.", SpecialUse::empty},
    {"2.0.192.in-addr.arpa.", SpecialUse::empty},
    {"100.51.198.in-addr.arpa.", SpecialUse::empty},
    {"113.0.203.in-addr.arpa.", SpecialUse::empty},
    {"255.255.255.255.in-addr.arpa.", SpecialUse::empty},
    {"d.f.ip6.arpa.", SpecialUse::empty},
    {"8.e.f.ip6.arpa.", SpecialUse::empty},
    {"9.e.f.ip6.arpa.", SpecialUse::empty},
    {"a.e.f.ip6.arpa.", SpecialUse::empty},
    {"b.e.f.ip6.arpa.", SpecialUse::empty},
    {"8.b.d.0.1.0.0.2.ip6.arpa.", SpecialUse::empty},
};

dns::Name name_of(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  POSTERN_ASSERT(name.has_value());
  return *name;
}

/// "::" or "::1" as a reverse name.
std::string reverse_of_all_zeros_but(char last) {
  std::string text(1, last);
  for (int i = 0; i < 31; ++i) text += ".0";
  return text + ".ip6.arpa.";
}

/// The name in a `loopback` zone that has a PTR record: ::1 is a zone of its own.
dns::Name loopback_name(const dns::Name& zone) {
  return zone == name_of("127.in-addr.arpa.") ? name_of("1.0.0.127.in-addr.arpa.") : zone;
}

bool is_below_arpa(const dns::Name& zone) {
  return zone.label_count() > 1;
}

Octets soa_rdata(const dns::Name& zone) {
  const dns::Name mailbox = name_of("nobody.invalid.");
  Octets rdata(zone.wire().begin(), zone.wire().end());
  rdata.insert(rdata.end(), mailbox.wire().begin(), mailbox.wire().end());
  for (const std::uint32_t number : {kSerial, kRefreshS, kRetryS, kExpireS, kTtlS}) {
    std::array<std::uint8_t, 4> octets{};
    store_u32(octets.data(), number);
    rdata.insert(rdata.end(), octets.begin(), octets.end());
  }
  return rdata;
}

/// Collects an answer's records; the header's rcode last.
class Answer {
 public:
  Answer(const SpecialUseTable::Zone& zone, const dns::Question& question)
      : zone_(zone), question_(question), buffer_(1024), writer_(buffer_, buffer_.size()) {
    writer_.header(0, dns::flag::qr | dns::flag::aa | dns::flag::rd | dns::flag::ra);
    writer_.question(question);
  }

  bool asks(dns::RRType type) const {
    return question_.qtype == type || question_.qtype == dns::RRType::any;
  }
  void add(dns::RRType type, OctetView rdata) {
    found_ |= writer_.record(dns::Section::answer,
                             {question_.qname, type, dns::RRClass::in, kTtlS, rdata});
  }
  void add(dns::RRType type, const dns::Name& target) { add(type, target.wire()); }

  /// With the SOA for a negative answer, RFC 2308 §2.
  Octets finish(dns::Rcode rcode_if_none) {
    if (!found_) {
      writer_.record(dns::Section::authority, {zone_.name, dns::RRType::soa, dns::RRClass::in,
                                               kTtlS, soa_rdata(zone_.name)});
      writer_.set_rcode(rcode_if_none);
    }
    buffer_.resize(writer_.size());
    return std::move(buffer_);
  }

 private:
  const SpecialUseTable::Zone& zone_;
  const dns::Question& question_;
  Octets buffer_;
  dns::MessageWriter writer_;
  bool found_ = false;
};

void add_localhost(Answer& answer) {
  if (answer.asks(dns::RRType::a))
    answer.add(dns::RRType::a, std::array<std::uint8_t, 4>{127, 0, 0, 1});
  if (answer.asks(dns::RRType::aaaa)) {
    std::array<std::uint8_t, 16> loopback{};
    loopback.back() = 1;
    answer.add(dns::RRType::aaaa, loopback);
  }
}

}  // namespace

SpecialUseTable::SpecialUseTable() {
  const auto add = [&](std::string_view text, SpecialUse use) {
    const dns::Name name = name_of(text);
    zones_.emplace(name, Zone{name, use});
  };
  for (const Row& row : kNames) add(row.zone, row.use);
  for (int i = 16; i < 32; ++i) add(std::to_string(i) + ".172.in-addr.arpa.", SpecialUse::empty);
  for (int i = 64; i < 128; ++i) add(std::to_string(i) + ".100.in-addr.arpa.", SpecialUse::empty);
  add(reverse_of_all_zeros_but('0'), SpecialUse::empty);
  add(reverse_of_all_zeros_but('1'), SpecialUse::loopback);
}

const SpecialUseTable::Zone* SpecialUseTable::find(const dns::Question& question) const {
  static constexpr std::string_view kTops[] = {"arpa",  "localhost", "invalid", "test",
                                               "local", "onion",     "alt",     "internal"};
  const std::size_t labels = question.qname.label_count();
  if (labels == 0) return nullptr;
  // Nearly every name ends here: its last label is none of ours.
  const dns::Name top = question.qname.without_left(labels - 1);
  const std::string_view top_text = text_of(top.wire().subspan(1, top.wire()[0]));
  bool is_candidate = false;
  for (const std::string_view candidate : kTops) is_candidate |= candidate == top_text;
  if (!is_candidate) return nullptr;

  for (std::size_t skipped = 0; skipped < labels; ++skipped) {
    const auto found = zones_.find(question.qname.without_left(skipped));
    if (found == zones_.end()) continue;
    const bool is_parents =
        question.qtype == dns::RRType::ds && skipped == 0 && is_below_arpa(found->second.name);
    return is_parents ? nullptr : &found->second;
  }
  return nullptr;
}

Octets special_use_answer(const SpecialUseTable::Zone& zone, const dns::Question& question) {
  const bool at_apex = question.qname == zone.name;
  Answer answer(zone, question);
  if (zone.use == SpecialUse::absent) return answer.finish(dns::Rcode::nxdomain);
  if (zone.use == SpecialUse::localhost) {
    add_localhost(answer);
    return answer.finish(dns::Rcode::noerror);
  }
  if (at_apex && answer.asks(dns::RRType::soa)) answer.add(dns::RRType::soa, soa_rdata(zone.name));
  if (at_apex && answer.asks(dns::RRType::ns)) answer.add(dns::RRType::ns, zone.name);
  bool exists = at_apex || zone.use == SpecialUse::no_data;
  if (zone.use == SpecialUse::loopback) {
    const dns::Name loopback = loopback_name(zone.name);
    if (question.qname == loopback && answer.asks(dns::RRType::ptr)) {
      answer.add(dns::RRType::ptr, name_of("localhost."));
    }
    exists |= loopback.is_at_or_below(question.qname);
  }
  return answer.finish(exists ? dns::Rcode::noerror : dns::Rcode::nxdomain);
}

}  // namespace postern::resolve
