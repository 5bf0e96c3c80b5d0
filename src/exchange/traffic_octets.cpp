// TrafficFacts as octets, and back: numbers of as many octets as they need, texts behind their
// size. A change of the form needs another kForm.
#include <limits>

#include "exchange/traffic.h"

namespace postern::exchange {
namespace {

constexpr std::uint8_t kForm = 1;

class Writer {
 public:
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) {
      out_.push_back(static_cast<std::uint8_t>(value | 0x80U));
    }
    out_.push_back(static_cast<std::uint8_t>(value));
  }
  /// What may be below nothing.
  void signed_number(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    number((bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  void text(std::string_view value) {
    number(value.size());
    out_.insert(out_.end(), value.begin(), value.end());
  }
  void seen(const Seen& value) {
    signed_number(value.at);
    number(value.line);
    number(value.offset);
  }
  Octets take() { return std::move(out_); }

 private:
  Octets out_;
};

/// Past the end, or at a number that is none, it fails for good, and hands out nothing.
class Reader {
 public:
  Reader(OctetView octets, std::string_view path) : in_(octets), path_(path) {}

  bool ok() const { return in_.ok() && ok_; }
  bool at_end() const { return in_.left() == 0; }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t octet = in_.u8();
      value |= std::uint64_t{octet & 0x7FU} << shift;
      if ((octet & 0x80U) == 0) return ok() ? value : 0;
    }
    ok_ = false;
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t bits = number();
    return static_cast<std::int64_t>((bits >> 1U) ^ (~(bits & 1U) + 1));
  }
  std::uint32_t small_number() {
    const std::uint64_t value = number();
    if (value > std::numeric_limits<std::uint32_t>::max()) ok_ = false;
    return ok() ? static_cast<std::uint32_t>(value) : 0;
  }
  std::string text() {
    const std::uint64_t size = number();
    if (size > in_.left()) ok_ = false;
    return ok() ? std::string(text_of(in_.take(static_cast<std::size_t>(size)))) : std::string();
  }
  Second second() {
    const Second value = signed_number();
    if (value < -kLastSecond || value > kLastSecond) ok_ = false;
    return ok() ? value : 0;
  }
  Seen seen() {
    Seen out;
    out.at = second();
    out.path = path_;
    out.line = number();
    out.offset = number();
    return out;
  }
  /// How many items follow: each has an octet at least, so that none is made that is not there.
  std::uint64_t count() {
    const std::uint64_t value = number();
    if (value > in_.left()) ok_ = false;
    return ok() ? value : 0;
  }

 private:
  ByteReader in_;
  std::string_view path_;
  bool ok_ = true;
};

void put(Writer& out, const ClientDay& day) {
  out.number(day.octets);
  out.number(day.requests);
  out.number(day.users);
  out.number(day.largest ? 1 : 0);
  if (!day.largest) return;
  out.number(day.largest->octets);
  out.seen(day.largest->seen);
  out.text(day.largest->stem);
  out.text(day.largest->agent);
  out.text(day.largest->user);
}

void take(Reader& in, ClientDay& day) {
  day.octets = in.number();
  day.requests = in.number();
  day.users = in.number();
  if (in.number() == 0) return;
  LargestAnswer& largest = day.largest.emplace();
  largest.octets = in.number();
  largest.seen = in.seen();
  largest.stem = in.text();
  largest.agent = in.text();
  largest.user = in.text();
}

void put(Writer& out, const PageVisits& visits) {
  out.number(visits.count);
  out.seen(visits.first);
  out.number((visits.posted ? 1U : 0U) | (visits.no_referer ? 2U : 0U));
  out.number(visits.agent_hash);
  out.text(visits.agent);
  out.text(visits.user);
  out.number(visits.agents.size());
  for (const std::uint64_t hash : visits.agents) out.number(hash);
  out.number(visits.rates.size());
  for (const auto& [slot, rate] : visits.rates) {
    out.signed_number(slot);
    out.number(rate.posts);
    out.number(rate.small);
    out.number(rate.swings);
    out.number(rate.sized);
  }
}

void take(Reader& in, PageVisits& visits) {
  visits.count = in.number();
  visits.first = in.seen();
  const std::uint64_t flags = in.number();
  visits.posted = (flags & 1U) != 0;
  visits.no_referer = (flags & 2U) != 0;
  visits.agent_hash = in.number();
  visits.agent = in.text();
  visits.user = in.text();
  for (std::uint64_t left = in.count(); left > 0 && in.ok(); --left) visits.see_agent(in.number());
  for (std::uint64_t left = in.count(); left > 0 && in.ok(); --left) {
    PageVisits::Rate& rate = visits.rates[in.second()];
    rate.posts = in.small_number();
    rate.small = in.small_number();
    rate.swings = in.small_number();
    rate.sized = in.small_number();
  }
}

void put(Writer& out, const PageMisses& misses) {
  out.number(misses.count);
  out.seen(misses.first);
  out.number(misses.first_missing ? 1 : 0);
  if (misses.first_missing) out.seen(*misses.first_missing);
}

void take(Reader& in, PageMisses& misses) {
  misses.count = in.number();
  misses.first = in.seen();
  if (in.number() != 0) misses.first_missing = in.seen();
}

void put(Writer& out, const Failures& failures) {
  out.number(failures.count);
  out.seen(failures.first);
  out.number(failures.clients.size());
  for (const auto& [client, times] : failures.clients) {
    out.text(client);
    out.number(times);
  }
}

void take(Reader& in, Failures& failures) {
  failures.count = in.number();
  failures.first = in.seen();
  for (std::uint64_t left = in.count(); left > 0 && in.ok(); --left) {
    const std::string client = in.text();
    failures.see_client(client, in.number());
  }
}

template <class Value>
void put(Writer& out, const RankedMap<Value>& map) {
  const auto items = map.items();
  out.number(items.size());
  for (const auto& item : items) {
    out.text(*item.key);
    put(out, *item.value);
  }
}

template <class Value>
void take(Reader& in, RankedMap<Value>& map) {
  for (std::uint64_t left = in.count(); left > 0 && in.ok(); --left) {
    const std::string key = in.text();
    Value value;
    take(in, value);
    Value* const room = in.ok() ? map.of(key) : nullptr;
    if (room != nullptr) *room = std::move(value);
  }
}

void put(Writer& out, const SourceTraffic& traffic) {
  out.number(traffic.days.size());
  if (traffic.days.empty()) return;
  for (const DayNumber day : traffic.days) out.signed_number(Second{day} * 86'400);
  out.signed_number(traffic.first.value_or(0));
  out.number(traffic.left_out);
  put(out, traffic.client_days);
  put(out, traffic.visits);
  put(out, traffic.misses);
  put(out, traffic.failures);
  out.number(traffic.agents.size());
  for (const auto& [hash, at] : traffic.agents) {
    out.number(hash);
    out.signed_number(at);
  }
}

void take(Reader& in, SourceTraffic& traffic) {
  const std::uint64_t days = in.count();
  if (days == 0) return;
  for (std::uint64_t left = days; left > 0 && in.ok(); --left) {
    traffic.days.insert(static_cast<DayNumber>(in.second() / 86'400));
  }
  traffic.first = in.second();
  traffic.left_out = in.number();
  take(in, traffic.client_days);
  take(in, traffic.visits);
  take(in, traffic.misses);
  take(in, traffic.failures);
  for (std::uint64_t left = in.count(); left > 0 && in.ok(); --left) {
    const std::uint64_t hash = in.number();
    traffic.see_agent(hash, in.second());
  }
}

}  // namespace

Octets octets_of_traffic(const TrafficFacts& facts) {
  Writer out;
  out.number(kForm);
  put(out, facts.iis);
  put(out, facts.proxy);
  return out.take();
}

Result<TrafficFacts> traffic_of_octets(OctetView octets, std::string_view path) {
  Reader in(octets, path);
  TrafficFacts out;
  if (in.number() != kForm) return fail(Errc::corrupt, "facts of traffic: another form");
  take(in, out.iis);
  take(in, out.proxy);
  if (!in.ok() || !in.at_end()) return fail(Errc::corrupt, "facts of traffic: damaged");
  return out;
}

}  // namespace postern::exchange
