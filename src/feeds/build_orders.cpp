#include "feeds/build_orders.h"

#include <utility>

namespace postern::feeds {
namespace {

enum class Kind : std::uint8_t { read = 1, build, outcome };

class Writer {
 public:
  explicit Writer(Kind kind) { number(static_cast<std::uint64_t>(kind)); }

  void number(std::uint64_t value) {
    octets_.resize(octets_.size() + 8);
    store_u32(&octets_[octets_.size() - 8], static_cast<std::uint32_t>(value >> 32));
    store_u32(&octets_[octets_.size() - 4], static_cast<std::uint32_t>(value));
  }
  void text(std::string_view text) { octets(octets_of(text)); }
  void octets(OctetView octets) {
    number(octets.size());
    octets_.insert(octets_.end(), octets.begin(), octets.end());
  }
  Octets finish() && { return std::move(octets_); }

 private:
  Octets octets_;
};

class Reader {
 public:
  Reader(OctetView octets, Kind kind) : reader_(octets) {
    ok_ = number() == static_cast<std::uint64_t>(kind);
  }

  std::uint64_t number() {
    const std::uint64_t high = reader_.u32();
    return (high << 32) | reader_.u32();
  }
  bool flag() { return number() != 0; }
  /// At most `last`, else it fails.
  std::uint64_t number_to(std::uint64_t last) {
    const std::uint64_t value = number();
    ok_ = ok_ && value <= last;
    return value <= last ? value : 0;
  }
  OctetView octets() { return reader_.take(number()); }
  std::string text() { return std::string(text_of(octets())); }
  dns::Name name() {
    const auto name = dns::Name::from_labels(octets());
    ok_ = ok_ && name.has_value();
    return name.value_or(dns::Name());
  }
  bool ok() const { return ok_ && reader_.ok(); }
  bool is_whole() const { return ok() && reader_.left() == 0; }

 private:
  ByteReader reader_;
  bool ok_ = true;
};

// The names tell the compiler how many members there are: a new one has to be added here.
void write(Writer& out, const intel::FeedOptions& options) {
  const auto& [format, scope, allow, origin, csv, json, url_hosts, min_confidence, now, lint,
               max_rules] = options;
  const auto& [column, separator, has_header] = csv;
  const auto& [field, removed] = json;
  out.number(static_cast<std::uint64_t>(format));
  out.number(scope ? 1 + static_cast<std::uint64_t>(*scope) : 0);
  out.number(allow ? 1 : 0);
  out.number(origin ? 1 : 0);
  if (origin) out.octets(origin->wire());
  out.text(column);
  out.number(static_cast<unsigned char>(separator));
  out.number(has_header ? 1 : 0);
  out.text(field);
  out.text(removed);
  out.number(url_hosts ? 1 : 0);
  out.number(min_confidence);
  out.number(now ? 1 : 0);
  if (now) out.number(static_cast<std::uint64_t>(now->time_since_epoch().count()));
  const auto& [skips_shared, own_domains, forced] = lint;
  out.number(skips_shared ? 1 : 0);
  for (const std::vector<dns::Name>* names : {&own_domains, &forced}) {
    out.number(names->size());
    for (const dns::Name& name : *names) out.octets(name.wire());
  }
  out.number(max_rules);
}

intel::FeedOptions read_options(Reader& in) {
  intel::FeedOptions options;
  options.format = static_cast<intel::Format>(in.number_to(intel::kFormatCount - 1));
  constexpr auto kLastScope = static_cast<std::uint64_t>(policy::Scope::at_and_below);
  const std::uint64_t scope = in.number_to(1 + kLastScope);
  if (scope > 0) options.scope = static_cast<policy::Scope>(scope - 1);
  options.allow = in.flag();
  if (in.flag()) options.origin = in.name();
  options.csv.column = in.text();
  options.csv.separator = static_cast<char>(in.number_to(255));
  options.csv.has_header = in.flag();
  options.json.field = in.text();
  options.json.removed = in.text();
  options.url_hosts = in.flag();
  options.min_confidence = static_cast<unsigned>(in.number_to(100));
  if (in.flag()) options.now = WallTime(microseconds(static_cast<std::int64_t>(in.number())));
  options.lint.skips_shared = in.flag();
  for (std::vector<dns::Name>* names : {&options.lint.own_domains, &options.lint.forced}) {
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) names->push_back(in.name());
  }
  options.max_rules = in.number();
  return options;
}

void write(Writer& out, const ReadFacts& facts) {
  out.number(facts.rules);
  out.number(facts.lines_skipped);
  out.text(facts.first_skipped);
  out.text(facts.sha256);
  out.number(facts.soa ? 1 : 0);
  if (!facts.soa) return;
  out.octets(facts.soa->origin.wire());
  out.number(facts.soa->ttl);
  out.octets(facts.soa->rdata);
}

ReadFacts read_facts(Reader& in) {
  ReadFacts facts;
  facts.rules = in.number();
  facts.lines_skipped = in.number();
  facts.first_skipped = in.text();
  facts.sha256 = in.text();
  if (!in.flag()) return facts;
  policy::ZoneSoa& soa = facts.soa.emplace();
  soa.origin = in.name();
  soa.ttl = static_cast<std::uint32_t>(in.number_to(0xffffffff));
  const OctetView rdata = in.octets();
  soa.rdata.assign(rdata.begin(), rdata.end());
  return facts;
}

}  // namespace

Octets to_octets(const ReadOrder& order) {
  Writer out(Kind::read);
  write(out, order.format);
  out.number(static_cast<std::uint64_t>(order.origin));
  return std::move(out).finish();
}

std::optional<ReadOrder> read_order_from(OctetView octets) {
  Reader in(octets, Kind::read);
  ReadOrder order;
  order.format = read_options(in);
  order.origin = static_cast<Origin>(in.number_to(static_cast<std::uint64_t>(Origin::primary)));
  return in.is_whole() ? std::optional(std::move(order)) : std::nullopt;
}

namespace {

void write(Writer& out, const std::optional<policy::Votes>& votes) {
  out.number(votes ? 1 : 0);
  if (!votes) return;
  const auto& [zones, need, doubts, doubt_need, by_confidence, half_life_s] = *votes;
  for (const std::vector<std::uint16_t>* list : {&zones, &doubts}) {
    out.number(list->size());
    for (const std::uint16_t zone : *list) out.number(zone);
  }
  out.number(need);
  out.number(doubt_need);
  out.number(by_confidence ? 1 : 0);
  out.number(half_life_s);
}

std::optional<policy::Votes> read_votes(Reader& in) {
  if (!in.flag()) return std::nullopt;
  policy::Votes votes;
  for (std::vector<std::uint16_t>* list : {&votes.zones, &votes.doubts}) {
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      list->push_back(static_cast<std::uint16_t>(in.number_to(policy::kNoZone)));
    }
  }
  votes.need = static_cast<std::uint32_t>(in.number_to(0xffffffff));
  votes.doubt_need = static_cast<std::uint32_t>(in.number_to(0xffffffff));
  votes.by_confidence = in.flag();
  votes.half_life_s = static_cast<std::uint32_t>(in.number_to(0xffffffff));
  return votes;
}

}  // namespace

Octets to_octets(const BuildOrder& order) {
  Writer out(Kind::build);
  out.number(order.key);
  out.number(static_cast<std::uint64_t>(order.now.time_since_epoch().count()));
  out.number(order.zones.size());
  for (const ZoneOrder& zone : order.zones) {
    out.text(zone.name);
    out.text(zone.source);
    out.number(zone.input);
    out.number(zone.image_zone ? std::uint64_t{1} + *zone.image_zone : 0);
    write(out, zone.votes);
    out.number(zone.is_written ? 1 : 0);
    out.number(zone.before ? std::uint64_t{1} + zone.before->image_zone : 0);
    out.number(zone.before ? zone.before->input : 0);
  }
  return std::move(out).finish();
}

std::optional<BuildOrder> build_order_from(OctetView octets) {
  Reader in(octets, Kind::build);
  BuildOrder order;
  order.key = in.number();
  order.now = WallTime(microseconds(static_cast<std::int64_t>(in.number())));
  const std::uint64_t zones = in.number();
  for (std::uint64_t i = 0; i < zones && in.ok(); ++i) {
    ZoneOrder& zone = order.zones.emplace_back();
    zone.name = in.text();
    zone.source = in.text();
    zone.input = static_cast<std::uint32_t>(in.number_to(0xffffffff));
    const std::uint64_t image_zone = in.number_to(policy::kNoZone);
    if (image_zone > 0) zone.image_zone = static_cast<std::uint16_t>(image_zone - 1);
    zone.votes = read_votes(in);
    zone.is_written = in.flag();
    const std::uint64_t zone_before = in.number_to(policy::kNoZone);
    const auto input_before = static_cast<std::uint32_t>(in.number_to(0xffffffff));
    if (zone_before > 0) {
      zone.before = {input_before, static_cast<std::uint16_t>(zone_before - 1)};
    }
  }
  return in.is_whole() ? std::optional(std::move(order)) : std::nullopt;
}

Octets to_octets(const BuildOutcome& outcome) {
  Writer out(Kind::outcome);
  out.number(outcome.error ? 1 : 0);
  if (outcome.error) {
    out.number(static_cast<std::uint64_t>(outcome.error->code));
    out.text(outcome.error->text);
  }
  write(out, outcome.facts);
  return std::move(out).finish();
}

namespace {

/// Or nothing, of what read no text.
bool is_sha256(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  return text.empty() || (text.size() == kDigits &&
                          text.find_first_not_of("0123456789abcdef") == std::string_view::npos);
}

}  // namespace

std::optional<BuildOutcome> outcome_from(OctetView octets) {
  Reader in(octets, Kind::outcome);
  BuildOutcome outcome;
  if (in.flag()) {
    const std::uint64_t code = in.number_to(static_cast<std::uint64_t>(Errc::corrupt));
    outcome.error = Error{static_cast<Errc>(code), in.text()};
  }
  outcome.facts = read_facts(in);
  const bool is_sound = in.is_whole() && is_sha256(outcome.facts.sha256) &&
                        outcome.facts.first_skipped.size() <= kMaxSkippedOctets;
  return is_sound ? std::optional(std::move(outcome)) : std::nullopt;
}

}  // namespace postern::feeds
