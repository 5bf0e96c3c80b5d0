#include "intel/indicator_ledger.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/assert.h"
#include "base/ip.h"
#include "intel/timestamp.h"

namespace postern::intel {
namespace {

constexpr std::string_view kFirstLine = "postern-indicators 2";
constexpr std::string_view kIdPrefix = "indicator--";

using Entry = IndicatorLedger::Entry;

// What of a note is said to others.
policy::RuleNote said_of(const policy::RuleNote& note) {
  policy::RuleNote said;
  said.valid_until_s = note.valid_until_s;
  said.confidence = note.confidence;
  said.sharing = note.sharing;
  return said;
}

// The ids of STIX 2.1 §7.2.1.4, which every reader knows without being sent them.
std::string_view marking_id(policy::Sharing sharing) {
  switch (sharing) {
    case policy::Sharing::clear:
      return "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9";
    case policy::Sharing::green:
      return "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";
    case policy::Sharing::amber:
      return "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82";
    default:
      return {};
  }
}

// In a LIKE "_" would stand for any character.
std::string below_of(const std::string& name) {
  if (name.find('_') == std::string::npos) return fmt::format("LIKE '%.{}'", name);
  std::string text = "MATCHES '^.*[.]";
  for (const char c : name) text += c == '.' ? "[.]" : std::string(1, c);
  return text + "$'";
}

std::string pattern_of(const BlockedOwner& owner) {
  if (owner.is_prefix) {
    const auto prefix = IpPrefix::from_text(owner.text);
    const bool is_v4 = prefix && prefix->address().is_v4();
    const bool is_host = prefix && prefix->length() == (is_v4 ? 32U : 128U);
    return fmt::format("[{}:value = '{}']", is_v4 ? "ipv4-addr" : "ipv6-addr",
                       is_host ? prefix->address().to_text() : owner.text);
  }
  const std::string itself = fmt::format("domain-name:value = '{}'", owner.text);
  const std::string below = "domain-name:value " + below_of(owner.text);
  if (!owner.below) return "[" + itself + "]";
  return owner.itself ? fmt::format("[{} OR {}]", itself, below) : "[" + below + "]";
}

// Names that need no escape anywhere, neither in JSON nor in a pattern.
bool can_be_said(const BlockedOwner& owner) {
  const std::string_view others = owner.is_prefix ? ".:/" : "-_.";
  return !owner.text.empty() && std::ranges::all_of(owner.text, [others](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

bool has_any(const std::vector<std::string>& wanted, std::string_view value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

/// Of "indicator--…"; nothing where it is no such id.
std::optional<Uuid> uuid_of(std::string_view id) {
  if (!id.starts_with(kIdPrefix)) return std::nullopt;
  id.remove_prefix(kIdPrefix.size());
  std::string digits(id);
  std::erase(digits, '-');
  Uuid uuid{};
  if (digits.size() != 2 * uuid.size()) return std::nullopt;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    const char* const at = digits.data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, uuid[i], 16);
    if (error != std::errc() || end != at + 2) return std::nullopt;
  }
  return to_text(uuid) == id ? std::optional(uuid) : std::nullopt;
}

bool passes(const Entry& entry, const IndicatorFilter& filter) {
  return filter.versions.empty() ||
         std::ranges::any_of(filter.versions, [&](const std::string& version) {
           if (version == "last" || version == "first" || version == "all") return true;
           const auto at = read_timestamp(version);
           return at && at->time_since_epoch().count() == entry.added_us;
         });
}

template <class Number>
bool take_number(std::string_view& line, Number& out) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const auto [stop, error] = std::from_chars(line.data(), line.data() + end, out);
  if (error != std::errc() || stop != line.data() + end || end == line.size()) return false;
  line.remove_prefix(end + 1);
  return true;
}

bool read_entry(std::string_view line, Entry& entry) {
  unsigned flags = 0;
  unsigned sharing = 0;
  unsigned confidence = 0;
  const bool read = take_number(line, entry.created_us) && take_number(line, entry.added_us) &&
                    take_number(line, flags) && take_number(line, entry.owner.note.valid_until_s) &&
                    take_number(line, confidence) && take_number(line, sharing);
  if (!read || flags > 15 || confidence > 255 ||
      sharing > static_cast<unsigned>(policy::Sharing::red)) {
    return false;
  }
  entry.revoked = (flags & 1) != 0;
  entry.owner.is_prefix = (flags & 2) != 0;
  entry.owner.itself = (flags & 4) != 0;
  entry.owner.below = (flags & 8) != 0;
  entry.owner.note.confidence = static_cast<std::uint8_t>(confidence);
  entry.owner.note.sharing = static_cast<policy::Sharing>(sharing);
  entry.owner.text = line;
  return can_be_said(entry.owner);
}

Uuid id_of(const Uuid& space, const Entry& entry) {
  return named_uuid(space, fmt::format("{} {}", entry.owner.text, entry.created_us));
}

}  // namespace

std::string to_text(const Uuid& uuid) {
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", uuid[i]);
  }
  return text;
}

Uuid named_uuid(const Uuid& space, std::string_view name) {
  std::string text(reinterpret_cast<const char*>(space.data()), space.size());
  text += name;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  POSTERN_ASSERT(done == 1 && size >= 16);
  Uuid uuid;
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x50);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

void IndicatorLedger::index() {
  by_added_.resize(entries_.size());
  std::iota(by_added_.begin(), by_added_.end(), 0U);
  std::ranges::sort(by_added_, {}, [this](std::uint32_t i) { return entries_[i].added_us; });
}

void IndicatorLedger::forget_oldest_revoked() {
  std::vector<std::int64_t> times;
  for (const Entry& entry : entries_) {
    if (entry.revoked) times.push_back(entry.added_us);
  }
  if (times.size() <= kMaxRevoked) return;
  const auto first_kept = times.end() - static_cast<std::ptrdiff_t>(kMaxRevoked);
  std::ranges::nth_element(times, first_kept);
  std::erase_if(entries_, [oldest = *first_kept](const Entry& entry) {
    return entry.revoked && entry.added_us < oldest;
  });
}

IndicatorLedger IndicatorLedger::update(std::vector<BlockedOwner> blocked, WallTime now) const {
  IndicatorLedger next(space_);
  next.left_out_ = static_cast<std::size_t>(
      std::erase_if(blocked, [](const BlockedOwner& owner) { return !can_be_said(owner); }));
  std::ranges::sort(blocked, {}, &BlockedOwner::text);
  if (blocked.size() > kMaxIndicators) {
    next.left_out_ += blocked.size() - kMaxIndicators;
    blocked.resize(kMaxIndicators);
  }
  const std::int64_t now_us = now.time_since_epoch().count();
  std::int64_t stamp_us = std::max(now_us, last_added_us() + 1);
  const std::int64_t forget_us =
      now_us - std::chrono::duration_cast<microseconds>(kRevokedKept).count();
  const auto say = [&](Entry entry) {
    entry.added_us = stamp_us++;
    if (entry.created_us == 0) entry.created_us = entry.added_us;
    entry.id = id_of(space_, entry);
    next.entries_.push_back(std::move(entry));
  };
  const auto take_back = [&](const Entry& entry) {
    if (entry.revoked && entry.added_us < forget_us) return;
    if (entry.revoked) return next.entries_.push_back(entry);
    Entry gone = entry;
    gone.revoked = true;
    say(std::move(gone));
  };
  auto old = entries_.begin();
  for (BlockedOwner& owner : blocked) {
    owner.note = said_of(owner.note);
    for (; old != entries_.end() && old->owner.text < owner.text; ++old) take_back(*old);
    // Who has not asked since is still to be told of those that were taken back.
    const Entry* live = nullptr;
    for (; old != entries_.end() && old->owner.text == owner.text; ++old) {
      if (old->revoked) {
        take_back(*old);
      } else {
        live = &*old;
      }
    }
    if (live == nullptr) {
      say({.owner = std::move(owner)});
    } else if (live->owner == owner) {
      next.entries_.push_back(*live);
    } else {
      say({.owner = std::move(owner), .created_us = live->created_us});
    }
  }
  for (; old != entries_.end(); ++old) take_back(*old);
  next.forget_oldest_revoked();
  next.index();
  return next;
}

std::string IndicatorLedger::to_text() const {
  std::string text = std::string(kFirstLine) + "\n";
  for (const Entry& entry : entries_) {
    const unsigned flags = (entry.revoked ? 1U : 0U) | (entry.owner.is_prefix ? 2U : 0U) |
                           (entry.owner.itself ? 4U : 0U) | (entry.owner.below ? 8U : 0U);
    text += fmt::format("{} {} {} {} {} {} {}\n", entry.created_us, entry.added_us, flags,
                        entry.owner.note.valid_until_s, entry.owner.note.confidence,
                        static_cast<unsigned>(entry.owner.note.sharing), entry.owner.text);
  }
  return text;
}

Result<IndicatorLedger> IndicatorLedger::from_text(std::string_view text, const Uuid& space) {
  IndicatorLedger ledger(space);
  bool is_first = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (std::exchange(is_first, false)) {
      if (line != kFirstLine) return fail(Errc::corrupt, "it is no list of indicators");
      continue;
    }
    Entry entry;
    const bool is_next =
        read_entry(line, entry) &&
        (ledger.entries_.empty() || ledger.entries_.back().owner.text <= entry.owner.text);
    if (!is_next || ledger.entries_.size() >= kMaxIndicators + kMaxRevoked) {
      return fail(Errc::corrupt, "the list of indicators is damaged");
    }
    entry.id = id_of(space, entry);
    ledger.entries_.push_back(std::move(entry));
  }
  ledger.index();
  return ledger;
}

IndicatorLedger::Page IndicatorLedger::page(const IndicatorFilter& filter) const {
  Page page;
  if (!has_any(filter.types, "indicator") || !has_any(filter.spec_versions, "2.1")) return page;
  std::vector<Uuid> ids;
  for (const std::string& id : filter.ids) {
    if (const auto uuid = uuid_of(id)) ids.push_back(*uuid);
  }
  std::int64_t after_us = filter.next_us;
  if (filter.added_after) {
    after_us = std::max(after_us, filter.added_after->time_since_epoch().count());
  }
  auto at = std::ranges::upper_bound(by_added_, after_us, {},
                                     [this](std::uint32_t i) { return entries_[i].added_us; });
  for (; at != by_added_.end(); ++at) {
    const Entry& entry = entries_[*at];
    if (!filter.ids.empty() && std::ranges::find(ids, entry.id) == ids.end()) continue;
    if (!passes(entry, filter)) continue;
    page.more = page.entries.size() >= filter.limit;
    if (page.more) break;
    page.entries.push_back(&entry);
  }
  return page;
}

std::string indicator_id(const IndicatorLedger::Entry& entry) {
  return std::string(kIdPrefix) + to_text(entry.id);
}

std::string stix_time(std::int64_t at_us) {
  const WallTime at{microseconds(at_us)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

std::string indicator_json(const IndicatorLedger::Entry& entry) {
  const BlockedOwner& owner = entry.owner;
  std::string json = fmt::format(
      R"({{"type":"indicator","spec_version":"2.1","id":"{}","created":"{}","modified":"{}",)"
      R"("name":"{}","indicator_types":["malicious-activity"],"pattern":"{}",)"
      R"("pattern_type":"stix","valid_from":"{}")",
      indicator_id(entry), stix_time(entry.created_us), stix_time(entry.added_us), owner.text,
      pattern_of(owner), stix_time(entry.created_us));
  // Later than valid_from (STIX 2.1 §4.7); what ended before is revoked anyway.
  const std::int64_t until_us = std::int64_t{owner.note.valid_until_s} * 1'000'000;
  if (until_us > entry.created_us)
    json += fmt::format(R"(,"valid_until":"{}")", stix_time(until_us));
  if (owner.note.confidence != policy::RuleNote::kNoConfidence) {
    json += fmt::format(R"(,"confidence":{})", owner.note.confidence);
  }
  if (const std::string_view id = marking_id(owner.note.sharing); !id.empty()) {
    json += fmt::format(R"(,"object_marking_refs":["{}"])", id);
  }
  if (entry.revoked) json += R"(,"revoked":true)";
  return json + "}";
}

std::string manifest_json(const IndicatorLedger::Entry& entry) {
  const std::string at = stix_time(entry.added_us);
  return fmt::format(R"({{"id":"{}","date_added":"{}","version":"{}",)"
                     R"("media_type":"application/stix+json;version=2.1"}})",
                     indicator_id(entry), at, at);
}

}  // namespace postern::intel
