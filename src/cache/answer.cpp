// From a resolver's message to a stored answer, and from that to what one client gets.
#include <algorithm>
#include <array>
#include <cstring>

#include "cache/cache.h"
#include "cache/targets.h"
#include "dns/rdata.h"
#include "dns/writer.h"

namespace postern::cache {
namespace {

using dns::MessageView;
using dns::Record;
using dns::RRType;
using dns::Section;

/// A negative answer without an SOA record should not be cached (RFC 2308 §5); this long it is all
/// the same, so that one misconfigured zone is not asked again for every query.
constexpr std::uint32_t kNoSoaTtlS = 5;

enum class Kind : std::uint8_t { positive, negative, failure };

bool is_answer(const MessageView& message) {
  const dns::Header& header = message.header();
  const std::size_t records =
      std::size_t{header.answer_count} + header.authority_count + header.additional_count;
  return records <= kMaxAnswerRecords && header.has(dns::flag::qr) && !header.has(dns::flag::tc) &&
         header.opcode() == dns::Opcode::query && header.question_count == 1 &&
         message.question().has_value() && static_cast<unsigned>(message.rcode()) < 16;
}

bool is_dnssec(RRType type) {
  return type == RRType::rrsig || type == RRType::nsec || type == RRType::nsec3 ||
         type == RRType::dnskey || type == RRType::ds;
}

/// What an authority section is for: denial, and whom to ask. Addresses have no place there.
bool is_for_authority(RRType type) {
  return type == RRType::soa || type == RRType::ns || is_dnssec(type);
}

/// Which records of a resolver's message are stored.
struct Selection {
  RRType qtype;
  bool strip_dnssec;
  const Reached& reached;
  const dns::Name& last;  ///< Where the chain ends: the question's name where there is none.
  bool holds_ns = true;   ///< In the authority section.

  /// Of the additional section nothing: it holds the addresses of names that the client has not
  /// asked for, so that policy has not judged them. Where it needs them it asks.
  bool holds(Section section, const Record& record) const {
    if (dns::is_meta(record.type)) return false;  // OPT, and TSIG, which covers one hop.
    if (strip_dnssec && is_dnssec(record.type) && record.type != qtype && qtype != RRType::any) {
      return false;
    }
    // A SOA of another zone says nothing about the name (RFC 2308 §2), and would give it its TTL.
    if (record.type == RRType::soa && section == Section::authority) {
      return last.is_at_or_below(record.owner);
    }
    if (section == Section::authority) {
      return is_for_authority(record.type) && (holds_ns || record.type != RRType::ns);
    }
    return section == Section::answer && reached.holds(record);
  }
};

/// Whether what is stored of the message says nothing but whom else to ask (RFC 1034 §4.3.2).
bool is_referral(const MessageView& message, const Selection& selection) {
  if (message.rcode() != dns::Rcode::noerror) return false;
  bool has_answer = false;
  bool has_ns = false;
  bool has_soa = false;
  message.for_each_record([&](Section section, const Record& record) {
    if (!selection.holds(section, record)) return true;
    has_answer = has_answer || section == Section::answer;
    has_ns = has_ns || record.type == RRType::ns;
    has_soa = has_soa || record.type == RRType::soa;
    return !has_answer && section != Section::additional;
  });
  return !has_answer && has_ns && !has_soa;
}

/// A TTL with its upper bit set counts as 0: RFC 2181 §8.
std::uint32_t sane_ttl(std::uint32_t ttl) {
  return ttl > 0x7fffffff ? 0 : ttl;
}

/// How long a negative answer holds by its SOA record: RFC 2308 §5.
std::uint32_t soa_ttl(const Record& soa) {
  constexpr std::size_t kLeastSoaOctets = 22;  // Two root names and five numbers.
  if (soa.rdata.size() < kLeastSoaOctets) return 0;
  return std::min(sane_ttl(soa.ttl), sane_ttl(load_u32(&soa.rdata[soa.rdata.size() - 4])));
}

/// How long a message may be served.
struct Life {
  Kind kind = Kind::failure;
  std::uint32_t ttl_s = 0;
};

Life life_of(const MessageView& message, const Selection& selection, const Options& options) {
  const dns::Rcode rcode = message.rcode();
  if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain) {
    return {Kind::failure, options.failure_ttl_s};
  }
  std::uint32_t answer_ttl = options.max_ttl_s;
  std::uint32_t denial_ttl = kNoSoaTtlS;
  bool has_soa = false;
  bool has_answer = false;
  message.for_each_record([&](Section section, const Record& record) {
    if (section == Section::answer && selection.holds(section, record)) {
      answer_ttl = std::min(answer_ttl, sane_ttl(record.ttl));
      has_answer = has_answer || record.type == selection.qtype || selection.qtype == RRType::any;
    }
    if (section == Section::authority && record.type == RRType::soa && !has_soa &&
        selection.holds(section, record)) {
      has_soa = true;
      denial_ttl = soa_ttl(record);
    }
    return section != Section::additional;
  });
  if (has_answer && rcode == dns::Rcode::noerror) return {Kind::positive, answer_ttl};
  // The end of a chain of CNAMEs may be negative: then the chain's TTLs count as well.
  return {Kind::negative, std::min({answer_ttl, denial_ttl, options.max_negative_ttl_s})};
}

/// What the TTLs of an answer become.
struct Rules {
  Life life;
  const Options& options;
};

/// Writes the message anew: without what is stripped, with id 0, TTLs capped. Not a copy with
/// holes: compression pointers would point at the wrong places, or into the header. Fills in
/// `answer.question_end` and `answer.ttl_offsets`.
bool rewrite(const MessageView& message, const Selection& selection, const Rules& rules,
             dns::MessageWriter& writer, Answer& answer) {
  const Life& life = rules.life;
  const Options& options = rules.options;
  const auto rcode = static_cast<std::uint16_t>(message.rcode());
  writer.header(0, static_cast<std::uint16_t>(dns::flag::qr | dns::flag::ra | rcode));
  bool fits = writer.question(*message.question());
  answer.question_end = static_cast<std::uint16_t>(writer.size());
  Octets rdata;
  message.for_each_record([&](Section section, const Record& record) {
    if (!selection.holds(section, record)) return true;
    std::uint32_t ttl = std::min(sane_ttl(record.ttl), options.max_ttl_s);
    if (life.kind == Kind::negative && section == Section::authority &&
        record.type == RRType::soa) {
      ttl = std::min(soa_ttl(record), options.max_negative_ttl_s);
    }
    rdata.clear();
    fits = fits && dns::expand_rdata(message.octets(), record, rdata) &&
           writer.record(section, {record.owner, record.type, record.rr_class, ttl, rdata});
    if (fits) answer.ttl_offsets.push_back(static_cast<std::uint16_t>(writer.last_ttl_offset()));
    return fits;
  });
  return fits;
}

}  // namespace

dns::Rcode Answer::rcode() const {
  constexpr std::size_t kRcodeAt = 3;  // Its lower half (RFC 1035 §4.1.1).
  return wire.size() > kRcodeAt ? static_cast<dns::Rcode>(wire[kRcodeAt] & 0xfU)
                                : dns::Rcode::servfail;
}

std::optional<Answer> make_answer(const MessageView& message, bool secure, bool strip_dnssec,
                                  const Options& options) {
  if (!is_answer(message)) return std::nullopt;
  Answer answer;
  const auto reached = collect_targets(message, answer);
  if (!reached) return std::nullopt;
  const dns::Name& qname = message.question()->qname;
  const dns::Name& last = answer.chain_count == 0 ? qname : answer.names[answer.chain_count - 1];
  Selection selection{message.question()->qtype, strip_dnssec, *reached, last};
  if (is_referral(message, selection)) {
    if (!message.header().has(dns::flag::aa)) return std::nullopt;
    selection.holds_ns = false;  // By who knows the zone it is a denial, without its SOA.
  }
  const Life life = life_of(message, selection, options);
  answer.ttl_s = life.ttl_s;
  answer.secure = secure;

  std::array<std::uint8_t, dns::kMaxMessageOctets> buffer;
  dns::MessageWriter writer(buffer, buffer.size());
  if (!rewrite(message, selection, {life, options}, writer, answer)) return std::nullopt;
  answer.wire.assign(writer.message().begin(), writer.message().end());
  answer.ttl_offsets.shrink_to_fit();
  return answer;
}

std::optional<Answer> make_answer(OctetView message, bool secure, bool strip_dnssec,
                                  const Options& options) {
  const auto view = MessageView::parse(message);
  return view ? make_answer(*view, secure, strip_dnssec, options) : std::nullopt;
}

std::size_t write_for_client(const Answer& answer, OctetView query, std::size_t question_end,
                             const Serving& serving, std::span<std::uint8_t> out) {
  const std::size_t size = answer.wire.size();
  if (out.size() < size || query.size() < question_end || question_end != answer.question_end ||
      question_end < dns::kHeaderOctets) {
    return 0;
  }
  std::memcpy(out.data(), answer.wire.data(), size);
  std::memcpy(out.data(), query.data(), 2);
  const auto asked =
      static_cast<std::uint16_t>(load_u16(&query[2]) & (dns::flag::rd | dns::flag::cd));
  const auto told = static_cast<std::uint16_t>(load_u16(&answer.wire[2]) & 0xf);
  const std::uint16_t ad = serving.set_ad ? dns::flag::ad : std::uint16_t{0};
  store_u16(&out[2], static_cast<std::uint16_t>(dns::flag::qr | dns::flag::ra | asked | told | ad));
  // The client's own letters (0x20); owner names that point here take them over.
  std::memcpy(&out[dns::kHeaderOctets], &query[dns::kHeaderOctets],
              question_end - dns::kHeaderOctets);
  for (const std::uint16_t offset : answer.ttl_offsets) {
    const std::uint32_t ttl = load_u32(&out[offset]);
    const std::uint32_t left = ttl > serving.age_s ? ttl - serving.age_s : 0;
    store_u32(&out[offset], serving.stale ? kStaleTtlS : left);
  }
  return size;
}

}  // namespace postern::cache
