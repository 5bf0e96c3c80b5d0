#include "server/blocked_answer.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/assert.h"
#include "base/octets.h"
#include "cache/cache.h"
#include "dns/rdata.h"
#include "dns/writer.h"
#include "server/answer.h"

namespace postern::server {

namespace {

using dns::RRType;
using policy::Action;
using policy::BlockAnswer;

constexpr std::uint16_t kQuestionName = 0xc00c;

// The SOA we make up so that the answer can be cached for the zone's TTL (RFC 2308 §3). Its
// names say that no such zone exists; MINIMUM is filled in.
constexpr std::string_view kSoaNames{"\7postern\7invalid\0\6nobody\7invalid\0", 33};
constexpr std::uint32_t kSoaSerial = 1;
constexpr std::uint32_t kSoaRefresh = 3600;
constexpr std::uint32_t kSoaRetry = 600;
constexpr std::uint32_t kSoaExpire = 86'400;
constexpr std::size_t kSoaOctets = kSoaNames.size() + 20;

void write_soa_rdata(ByteWriter& writer, std::uint32_t minimum) {
  writer.octets(octets_of(kSoaNames));
  for (const std::uint32_t value : {kSoaSerial, kSoaRefresh, kSoaRetry, kSoaExpire, minimum}) {
    writer.u32(value);
  }
}

/// Header, question, and a record head that points to the question's name.
class Scribe {
 public:
  Scribe(const Asker& asker, std::span<std::uint8_t> out)
      : out_(out), size_(write_bare(asker, dns::Rcode::noerror, 0, out)) {}

  void record_head(ByteWriter& writer, RRType type, std::uint32_t ttl, std::size_t rdata_octets) {
    writer.u16(kQuestionName);
    writer.u16(static_cast<std::uint16_t>(type));
    writer.u16(static_cast<std::uint16_t>(dns::RRClass::in));
    writer.u32(ttl);
    writer.u16(static_cast<std::uint16_t>(rdata_octets));
  }

  bool answer(RRType type, std::uint32_t ttl, OctetView rdata) {
    ByteWriter writer(out_.subspan(size_));
    record_head(writer, type, ttl, rdata.size());
    writer.octets(rdata);
    if (!writer.ok()) return false;
    size_ += writer.size();
    store_u16(&out_[6], static_cast<std::uint16_t>(load_u16(&out_[6]) + 1));
    return true;
  }

  /// No such name, or no such data: the SOA alone.
  std::size_t negative(dns::Rcode rcode, std::uint32_t ttl) {
    out_[3] = static_cast<std::uint8_t>(out_[3] | static_cast<unsigned>(rcode));
    ByteWriter writer(out_.subspan(size_));
    record_head(writer, RRType::soa, ttl, kSoaOctets);
    write_soa_rdata(writer, ttl);
    // Fits by kMinBlockedOctets.
    POSTERN_ASSERT(writer.ok());
    store_u16(&out_[8], 1);
    return size_ + writer.size();
  }

  std::size_t size() const { return size_; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t size_;
};

Blocked written(std::size_t size) {
  return {.kind = BlockedKind::written, .size = size};
}

Blocked truncated(const Asker& asker, std::span<std::uint8_t> out) {
  return {.kind = BlockedKind::truncated,
          .size = write_bare(asker, dns::Rcode::noerror, dns::flag::tc, out)};
}

/// The address of the question's type, or NODATA.
Blocked write_address(const std::optional<IpAddress>& v4, const std::optional<IpAddress>& v6,
                      std::uint32_t ttl, const Asker& asker, std::span<std::uint8_t> out) {
  Scribe scribe(asker, out);
  const RRType qtype = asker.qtype();
  const bool is_any = qtype == RRType::any;
  bool any = false;
  if (v4 && (is_any || qtype == RRType::a)) any |= scribe.answer(RRType::a, ttl, v4->octets());
  if (v6 && (is_any || qtype == RRType::aaaa)) {
    any |= scribe.answer(RRType::aaaa, ttl, v6->octets());
  }
  if (any) return written(scribe.size());
  return written(scribe.negative(dns::Rcode::noerror, ttl));
}

Blocked write_local_data(const policy::BlockPlan& plan, const Asker& asker,
                         const dns::Name& matched, std::span<std::uint8_t> out) {
  const RRType qtype = asker.qtype();
  const std::uint32_t zone_ttl = plan.zone->ttl_s;
  Scribe scribe(asker, out);
  bool any = false;
  for (const policy::LocalRecord& record : plan.local_data) {
    const std::uint32_t ttl =
        std::min(record.ttl != 0 ? record.ttl : zone_ttl, plan.zone->max_ttl_s);
    if (record.type == RRType::cname) {
      const auto target = rewrite_target(matched, record.rdata);
      // Blocked it is, whatever the rule had wanted to show instead.
      if (!target) return written(scribe.negative(dns::Rcode::nxdomain, zone_ttl));
      // What PASSTHRU was before it had a name of its own; for a wildcard it may come by chance.
      if (*target == matched) return {.kind = BlockedKind::pass};
      // Whoever does not want recursion is not to learn what the cache holds for the target.
      const bool is_followed =
          qtype != RRType::cname && qtype != RRType::any && asker.query.header.has(dns::flag::rd);
      if (is_followed) {
        return {.kind = BlockedKind::follow, .target = *target, .ttl_s = ttl};
      }
      if (!scribe.answer(RRType::cname, ttl, target->wire())) return truncated(asker, out);
      any = true;
    } else if (record.type == qtype || qtype == RRType::any) {
      if (!scribe.answer(record.type, ttl, record.rdata)) return truncated(asker, out);
      any = true;
    }
  }
  if (any) return written(scribe.size());
  return written(scribe.negative(dns::Rcode::noerror, zone_ttl));
}

Blocked write_block_answer(const policy::BlockPlan& plan, const Asker& asker,
                           std::span<std::uint8_t> out) {
  const policy::ZoneOptions& zone = *plan.zone;
  switch (plan.answer) {
    case BlockAnswer::nxdomain:
      return written(Scribe(asker, out).negative(dns::Rcode::nxdomain, zone.ttl_s));
    case BlockAnswer::nodata:
      return written(Scribe(asker, out).negative(dns::Rcode::noerror, zone.ttl_s));
    case BlockAnswer::null_address: {
      constexpr std::array<std::uint8_t, 16> kZero{};
      return write_address(IpAddress(), IpAddress::from_octets(kZero), zone.ttl_s, asker, out);
    }
    case BlockAnswer::sinkhole:
      return write_address(zone.sinkhole_v4, zone.sinkhole_v6, zone.ttl_s, asker, out);
    case BlockAnswer::refused:
      break;
  }
  return written(write_bare(asker, dns::Rcode::refused, 0, out));
}

std::uint32_t ttl_of(const dns::Record& record, const Rewritten& rewritten) {
  if (rewritten.stale) return cache::kStaleTtlS;
  return record.ttl > rewritten.age_s ? record.ttl - rewritten.age_s : 0;
}

/// RFC 2308 §3: without a SOA, "no such name" and "no such data" could not be cached.
bool add_soa(dns::MessageWriter& writer, const dns::Name& owner, const Rewritten& rewritten) {
  const std::uint32_t ttl =
      rewritten.stale ? std::min(rewritten.ttl_s, cache::kStaleTtlS) : rewritten.ttl_s;
  std::array<std::uint8_t, kSoaOctets> rdata;
  ByteWriter soa(rdata);
  write_soa_rdata(soa, ttl);
  return writer.record(dns::Section::authority, {owner, RRType::soa, dns::RRClass::in, ttl, rdata});
}

Blocked write_without_soa(const policy::BlockPlan& plan, const Asker& asker,
                          const dns::Name& matched, std::span<std::uint8_t> out) {
  if (plan.use_block_answer) return write_block_answer(plan, asker, out);
  switch (plan.action) {
    case Action::nxdomain:
      return written(Scribe(asker, out).negative(dns::Rcode::nxdomain, plan.zone->ttl_s));
    case Action::nodata:
      return written(Scribe(asker, out).negative(dns::Rcode::noerror, plan.zone->ttl_s));
    case Action::drop:
      return {.kind = BlockedKind::silent};
    case Action::tcp_only:
      if (asker.is_udp()) return truncated(asker, out);
      return {.kind = BlockedKind::pass};
    case Action::local_data:
      return write_local_data(plan, asker, matched, out);
    case Action::pass:
    case Action::block:
    case Action::refuse:
      break;
  }
  return written(write_bare(asker, dns::Rcode::refused, 0, out));
}

}  // namespace

/// The SOA of the policy zone in the additional section tells which zone it was (RPZ draft §6);
/// where it fits.
std::size_t append_policy_soa(std::span<std::uint8_t> message, std::size_t size,
                              const policy::ZoneSoa& soa, std::uint32_t ttl_s) {
  ByteWriter writer(message.subspan(size));
  writer.octets(soa.origin.wire());
  writer.u16(static_cast<std::uint16_t>(RRType::soa));
  writer.u16(static_cast<std::uint16_t>(dns::RRClass::in));
  writer.u32(std::min(soa.ttl, ttl_s));
  writer.u16(static_cast<std::uint16_t>(soa.rdata.size()));
  writer.octets(soa.rdata);
  if (!writer.ok()) return size;
  store_u16(&message[10], static_cast<std::uint16_t>(load_u16(&message[10]) + 1));
  return size + writer.size();
}

Blocked write_blocked(const policy::BlockPlan& plan, const Asker& asker, const dns::Name& matched,
                      std::span<std::uint8_t> out) {
  POSTERN_ASSERT(plan.zone != nullptr && out.size() >= kMinBlockedOctets);
  Blocked blocked = write_without_soa(plan, asker, matched, out);
  if (blocked.kind == BlockedKind::written && plan.soa != nullptr) {
    blocked.size = append_policy_soa(out, blocked.size, *plan.soa, plan.zone->ttl_s);
  }
  return blocked;
}

Blocked write_rewritten(const Asker& asker, const Rewritten& rewritten,
                        std::span<std::uint8_t> out) {
  const auto view = dns::MessageView::parse(rewritten.target_answer);
  const dns::Rcode rcode = view ? view->rcode() : dns::Rcode::servfail;
  dns::MessageWriter writer(out, out.size());
  writer.header(asker.query.header.id, answer_flags(asker.query.header));
  bool fits = writer.echo_question(asker.octets, asker.query.question_end) &&
              writer.record(dns::Section::answer, {asker.qname(), RRType::cname, dns::RRClass::in,
                                                   rewritten.ttl_s, rewritten.target.wire()});
  Octets rdata;
  dns::Name last = rewritten.target;  // The end of the chain: what there is no data for.
  bool has_data = false;
  if (view) {
    view->for_each_record([&](dns::Section section, const dns::Record& record) {
      if (section != dns::Section::answer) return false;
      // Signatures stay out: the answer as a whole is ours, and signed by nobody.
      if (record.type == RRType::rrsig) return true;
      if (!dns::expand_rdata(rewritten.target_answer, record, rdata)) return true;
      has_data |= record.type == asker.qtype();
      std::size_t offset = 0;
      if (record.type == RRType::cname) (void)last.assign_from_wire(rdata, offset);
      fits = fits && writer.record(section, {record.owner, record.type, record.rr_class,
                                             ttl_of(record, rewritten), rdata});
      return fits;
    });
  }
  const bool is_negative =
      rcode == dns::Rcode::nxdomain || (rcode == dns::Rcode::noerror && !has_data);
  if (is_negative) fits = fits && add_soa(writer, last, rewritten);
  if (!fits) return truncated(asker, out);
  writer.set_rcode(rcode);
  return written(writer.size());
}

std::optional<dns::Name> rewrite_target(const dns::Name& qname, OctetView rdata) {
  constexpr std::size_t kStarLabel = 2;  // "\1*"
  const bool is_wildcard = rdata.size() > kStarLabel && rdata[0] == 1 && rdata[1] == '*';
  const auto base = dns::Name::from_labels(is_wildcard ? rdata.subspan(kStarLabel) : rdata);
  if (!base) return std::nullopt;
  if (!is_wildcard) return *base;
  const auto joined = base->with_prefix(qname);
  if (!joined) return std::nullopt;
  return *joined;
}

}  // namespace postern::server
