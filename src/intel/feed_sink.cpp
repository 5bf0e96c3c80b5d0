#include "intel/feed_sink.h"

#include <algorithm>
#include <compare>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "dns/rdata.h"
#include "intel/lint.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::uint32_t kMerged = 0xfffffffe;
constexpr std::string_view kTooManyRecords = "has more than 64 records; remove some";
constexpr std::uint32_t kFeedRecordTtl = 3600;  // Of records whose format states no TTL.

constexpr std::string_view kSecondCname =
    "has a CNAME and another record, where a CNAME must be alone; only the first counts";

std::uint64_t owner_hash(const policy::Rule& rule) {
  const bool is_prefix = policy::has_prefix(rule.trigger);
  const OctetView octets = is_prefix ? rule.prefix.address().octets() : rule.name.wire();
  const std::uint64_t what = std::hash<std::string_view>()(text_of(octets));
  return what + rule.prefix.length() * 1009ULL + static_cast<std::uint64_t>(rule.trigger) * 257 +
         static_cast<std::uint64_t>(rule.scope) * 31 + static_cast<std::uint64_t>(rule.rank);
}

// Orders rules, in no particular way, by all that makes them rules of one owner. A rule has a
// prefix or a name; the other one is as it was made.
std::strong_ordering compare_owners(const policy::Rule& a, const policy::Rule& b) {
  if (const auto order = a.trigger <=> b.trigger; order != 0) return order;
  if (const auto order = a.scope <=> b.scope; order != 0) return order;
  if (const auto order = a.rank <=> b.rank; order != 0) return order;
  if (const auto order = a.prefix <=> b.prefix; order != 0) return order;
  return text_of(a.name.wire()) <=> text_of(b.name.wire());
}

// Two records have the same key only if they are the same.
std::string record_key(const policy::LocalRecord& record) {
  std::uint8_t head[8];
  store_u16(head, static_cast<std::uint16_t>(record.type));
  store_u32(head + 2, record.ttl);
  store_u16(head + 6, static_cast<std::uint16_t>(record.rdata.size()));
  std::string key(text_of({head, sizeof head}));
  key.append(text_of(record.rdata));
  return key;
}

policy::Rule rule_of(const RuleKind& kind) {
  policy::Rule rule;
  rule.trigger = kind.trigger;
  rule.scope = kind.scope;
  rule.action = kind.action;
  rule.rank = kind.rank;
  return rule;
}

policy::Rule rule_of(const dns::Name& name, const RuleKind& kind) {
  POSTERN_ASSERT(!policy::has_prefix(kind.trigger));
  policy::Rule rule = rule_of(kind);
  rule.name = name;
  return rule;
}

policy::Rule rule_of(const IpPrefix& prefix, const RuleKind& kind) {
  POSTERN_ASSERT(policy::has_prefix(kind.trigger));
  policy::Rule rule = rule_of(kind);
  rule.prefix = prefix;
  return rule;
}

}  // namespace

void FeedSink::count_lines(std::string_view text) {
  content_.lines = static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
  if (!text.empty() && text.back() != '\n') ++content_.lines;
}

void FeedSink::skip(std::string_view about, std::string_view why) {
  if (line_ != 0 && line_ == last_skipped_line_) return;
  last_skipped_line_ = line_;
  ++content_.lines_skipped;
  if (content_.skipped.size() >= FeedContent::kMaxSkippedKept) return;
  std::string text = about.empty() ? std::string(why) : fmt::format("{} {}", shown(about), why);
  content_.skipped.push_back({line_, std::move(text)});
}

bool FeedSink::read_name(std::string_view text, dns::Name& out) {
  const auto name = read_domain(text);
  if (!name) {
    if (text.empty()) {
      skip({}, "an empty name; write one or remove the line");
    } else {
      skip(text, advice(name.error()));
    }
    return false;
  }
  const auto fault = refused_as_rule(*name);
  if (fault && !is_forced(*name)) {
    skip(text, advice(*fault));
    return false;
  }
  out = *name;
  return true;
}

bool FeedSink::accept_name(const dns::Name& name) {
  const auto fault = refused_as_rule(name);
  if (!fault || is_forced(name)) return true;
  skip(name.to_display(), advice(*fault));
  return false;
}

bool FeedSink::is_forced(const dns::Name& name) const {
  const std::vector<dns::Name>& forced = options_.lint.forced;
  return std::ranges::find(forced, name) != forced.end();
}

bool FeedSink::accept_rule(const dns::Name& name, const RuleKind& kind) {
  if (options_.allow || kind.action == policy::Action::pass) return true;
  const auto fault = refused_as_block(name, kind.scope, options_.lint);
  if (fault) skip(name.to_display(), advice(*fault));
  return !fault;
}

bool FeedSink::accept_prefix(const IpPrefix& prefix, const RuleKind& kind) {
  const policy::Action action = options_.allow ? policy::Action::pass : kind.action;
  const auto fault = refused_as_rule(prefix, kind.trigger, action);
  if (fault) skip(prefix.to_text(), advice(*fault));
  return !fault;
}

void FeedSink::add(const dns::Name& name, const RuleKind& kind) {
  if (!accept_rule(name, kind)) return;
  add_rule(rule_of(name, kind));
}

void FeedSink::add(const IpPrefix& prefix, const RuleKind& kind) {
  add_rule(rule_of(prefix, kind));
}

bool FeedSink::add_record(const dns::Name& name, const RuleKind& kind, policy::LocalRecord record) {
  if (!accept_rule(name, {kind.trigger, kind.scope, policy::Action::local_data})) return false;
  return add_record_to(rule_of(name, kind), std::move(record));
}

bool FeedSink::add_record(const IpPrefix& prefix, const RuleKind& kind,
                          policy::LocalRecord record) {
  return add_record_to(rule_of(prefix, kind), std::move(record));
}

void FeedSink::mark_all(Tlp tlp) {
  mark(tlp);
  content_.rules.set_sharing(std::max(content_.rules.sharing(), sharing_of(tlp)));
}

void FeedSink::annotate(const policy::RuleNote& note) {
  note_ = policy::kNoNote;
  if (note == policy::RuleNote{}) return;
  const auto [entry, is_new] = note_indices_.try_emplace(note, 0);
  if (is_new) entry->second = content_.rules.add_note(note);
  note_ = entry->second;
}

void FeedSink::add_rule(const policy::Rule& made) {
  if (content_.rules.size() >= std::min(options_.max_rules, policy::ZoneRules::kMaxRules)) {
    fail({Errc::limit_exceeded,
          fmt::format("more than {} rules; take a smaller list, or split it into several feeds",
                      content_.rules.size())});
    return;
  }
  policy::Rule rule = made;
  rule.line = line_;
  if (options_.allow) {
    rule.action = policy::Action::pass;
    if (rule.rank == policy::Rank::important_block) rule.rank = policy::Rank::important_pass;
  }
  if (rule.action == policy::Action::local_data) {
    // ZoneRules takes local data only once its records are there: until then the rule is a
    // `pass` with data, which no other rule is.
    rule.action = policy::Action::pass;
    rule.data = static_cast<std::uint32_t>(first_link_.size()) - 1;
  } else {
    rule.note = note_;
  }
  content_.rules.add(rule);
}

bool FeedSink::add_record_to(policy::Rule owner, policy::LocalRecord record) {
  if (record.rdata.size() > kMaxRdataOctets) {
    skip({}, "record data of over 4096 octets; shorten it");
    return false;
  }
  owner.action = policy::Action::local_data;
  if (options_.allow) {
    add_rule(owner);
    return true;
  }
  const std::uint32_t index = record_index(std::move(record));
  if (first_link_.empty() || compare_owners(last_owner_, owner) != 0) {
    first_link_.push_back(kNone);
    last_owner_ = owner;
    add_rule(owner);
  }
  const Refusal refusal = append_record(static_cast<std::uint32_t>(first_link_.size()) - 1, index);
  if (!refusal.empty()) skip_owner(owner, refusal);
  return refusal.empty();
}

void FeedSink::skip_owner(const policy::Rule& owner, std::string_view why) {
  skip(policy::has_prefix(owner.trigger) ? owner.prefix.to_text() : owner.name.to_display(), why);
}

FeedSink::Refusal FeedSink::append_record(std::uint32_t owner, std::uint32_t record) {
  bool is_alone = records_[record].type == dns::RRType::cname;
  std::size_t count = 0;
  std::uint32_t* end = &first_link_[owner];
  for (; *end != kNone; end = &links_[*end].next) {
    const std::uint32_t other = links_[*end].record;
    if (other == record) return {};
    is_alone = is_alone || records_[other].type == dns::RRType::cname;
    ++count;
  }
  if (is_alone && count > 0) return kSecondCname;
  if (count >= kMaxRecordsPerOwner) return kTooManyRecords;
  *end = static_cast<std::uint32_t>(links_.size());
  links_.push_back({record, kNone});
  return {};
}

bool FeedSink::add_record_text(const dns::Name& name, const RuleKind& kind, std::string_view type,
                               std::string_view rdata) {
  const auto rr_type = dns::rr_type_from_text(type);
  if (!rr_type || dns::is_meta(*rr_type)) {
    skip(type, "is not a type of record that can be answered; use A, AAAA, CNAME, TXT …");
    return false;
  }
  auto octets = dns::rdata_from_text(*rr_type, rdata, dns::Name());
  if (!octets) {
    skip(rdata,
         fmt::format("is no data for {}: {}", dns::to_string(*rr_type), octets.error().text));
    return false;
  }
  return add_record(name, kind, {*rr_type, kFeedRecordTtl, *std::move(octets)});
}

void FeedSink::mark(Tlp tlp) {
  content_.tlp = std::max(content_.tlp.value_or(tlp), tlp);
}

void FeedSink::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

Result<void> FeedSink::finish() {
  if (error_) return Unexpected(*std::move(error_));
  if (!links_.empty()) {
    merge_owners();
    place_local_data();
  }
  if (soa_) content_.rules.set_soa(*std::move(soa_));
  content_.rules.set_closest_encloser(closest_encloser_);
  return {};
}

std::uint32_t FeedSink::record_index(policy::LocalRecord record) {
  // A list that sends its names to one place repeats one record, line after line.
  if (!records_.empty() && records_[last_record_] == record) return last_record_;
  const auto [entry, is_new] =
      record_indices_.try_emplace(record_key(record), static_cast<std::uint32_t>(records_.size()));
  if (is_new) records_.push_back(std::move(record));
  last_record_ = entry->second;
  return last_record_;
}

std::vector<policy::LocalRecord> FeedSink::records_of(std::uint32_t owner) const {
  std::vector<policy::LocalRecord> records;
  for (std::uint32_t at = first_link_[owner]; at != kNone; at = links_[at].next) {
    records.push_back(records_[links_[at].record]);
  }
  return records;
}

// Sorting numbers, rather than keeping a map of names: a fifth of the time, and no text can make
// it slow.
void FeedSink::merge_owners() {
  std::vector<OwnerKey> keys;
  keys.reserve(first_link_.size());
  for (std::size_t i = 0; i < content_.rules.size(); ++i) {
    const policy::Rule rule = content_.rules.at(i);
    if (rule.data == policy::kNoData) continue;
    keys.push_back({owner_hash(rule), static_cast<std::uint32_t>(i)});
  }
  std::ranges::sort(keys, {}, [](const OwnerKey& key) { return std::pair(key.hash, key.rule); });
  for (std::size_t begin = 0; begin < keys.size();) {
    std::size_t end = begin + 1;
    while (end < keys.size() && keys[end].hash == keys[begin].hash) ++end;
    if (end - begin > 1) merge_run(std::span(keys).subspan(begin, end - begin));
    begin = end;
  }
}

// Joins the owners of a run that are the same, into the first of each.
void FeedSink::merge_run(std::span<OwnerKey> run) {
  // Owners of one hash by chance or by design: bring the same ones together, in their order.
  std::ranges::stable_sort(run, [&](const OwnerKey& a, const OwnerKey& b) {
    return compare_owners(content_.rules.at(a.rule), content_.rules.at(b.rule)) < 0;
  });
  policy::Rule first = content_.rules.at(run.front().rule);
  for (const OwnerKey& key : run.subspan(1)) {
    const policy::Rule rule = content_.rules.at(key.rule);
    if (compare_owners(first, rule) != 0) {
      first = rule;
      continue;
    }
    for (std::uint32_t at = first_link_[rule.data]; at != kNone; at = links_[at].next) {
      const Refusal refusal = append_record(first.data, links_[at].record);
      if (refusal.empty()) continue;
      at_line(rule.line);
      skip_owner(rule, refusal);
      break;
    }
    first_link_[rule.data] = kMerged;
  }
}

// Copies the rules, with Rule::data pointing at record sets, each set once.
void FeedSink::place_local_data() {
  policy::ZoneRules placed;
  placed.reserve(content_.rules.size(), 0);
  placed.set_notes(content_.rules.notes());
  placed.set_sharing(content_.rules.sharing());
  std::unordered_map<std::string, std::uint32_t> set_indices;
  std::string key;
  for (std::size_t i = 0; i < content_.rules.size(); ++i) {
    policy::Rule rule = content_.rules.at(i);
    if (rule.data != policy::kNoData) {
      if (first_link_[rule.data] == kMerged) continue;
      key.clear();
      for (std::uint32_t at = first_link_[rule.data]; at != kNone; at = links_[at].next) {
        const std::uint32_t record = links_[at].record;
        key.append(reinterpret_cast<const char*>(&record), sizeof record);
      }
      const auto [entry, is_new] = set_indices.try_emplace(key, 0);
      if (is_new) entry->second = placed.add_local_data(records_of(rule.data));
      rule.data = entry->second;
      rule.action = policy::Action::local_data;
    }
    placed.add(rule);
  }
  content_.rules = std::move(placed);
}

}  // namespace postern::intel
