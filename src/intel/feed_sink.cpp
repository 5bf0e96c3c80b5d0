#include "intel/feed_sink.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "dns/rdata.h"
#include "intel/lint.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

constexpr std::uint32_t kNoSet = 0xffffffff;
constexpr std::uint32_t kFeedRecordTtl = 3600;  // Of records whose format states no TTL.

std::string owner_key(const dns::Name& name, const RuleKind& kind) {
  std::string key(text_of(name.wire()));
  key.push_back(static_cast<char>(kind.scope));
  key.push_back(static_cast<char>(kind.rank));
  return key;
}

// Two sets have the same key only if they are the same: each field has a fixed size or states it.
std::string set_key(const std::vector<policy::LocalRecord>& set) {
  std::string key;
  for (const policy::LocalRecord& record : set) {
    std::uint8_t head[8];
    store_u16(head, static_cast<std::uint16_t>(record.type));
    store_u32(head + 2, record.ttl);
    store_u16(head + 6, static_cast<std::uint16_t>(record.rdata.size()));
    key.append(text_of({head, sizeof head}));
    key.append(text_of(record.rdata));
  }
  return key;
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
  if (const auto fault = refused_as_rule(*name)) {
    skip(text, advice(*fault));
    return false;
  }
  out = *name;
  return true;
}

bool FeedSink::accept_name(const dns::Name& name) {
  const auto fault = refused_as_rule(name);
  if (fault) skip(name.to_display(), advice(*fault));
  return !fault;
}

void FeedSink::add(const dns::Name& name, const RuleKind& kind) {
  if (content_.rules.size() >= std::min(options_.max_rules, policy::ZoneRules::kMaxRules)) {
    fail({Errc::limit_exceeded,
          fmt::format("more than {} rules; raise the feed's max_rules or take a smaller list",
                      content_.rules.size())});
    return;
  }
  policy::Rule rule;
  rule.name = name;
  rule.scope = kind.scope;
  rule.action = kind.action;
  rule.rank = kind.rank;
  rule.line = line_;
  if (options_.allow) {
    rule.action = policy::Action::pass;
    if (kind.rank == policy::Rank::important_block) rule.rank = policy::Rank::important_pass;
  }
  if (rule.action == policy::Action::local_data) {
    // ZoneRules takes local data only once its records are there: until then the rule is a
    // `pass` with data, which no other rule is.
    rule.action = policy::Action::pass;
    rule.data = static_cast<std::uint32_t>(set_of_owner_.size()) - 1;
  }
  content_.rules.add(rule);
}

bool FeedSink::add_record(const dns::Name& name, const RuleKind& kind, policy::LocalRecord record) {
  if (record.rdata.size() > kMaxRdataOctets) {
    skip({}, "record data of over 4096 octets; shorten it");
    return false;
  }
  RuleKind rule = kind;
  rule.action = policy::Action::local_data;
  if (options_.allow) {
    add(name, rule);
    return true;
  }
  const auto [entry, is_new] =
      owners_.try_emplace(owner_key(name, kind), static_cast<std::uint32_t>(set_of_owner_.size()));
  if (is_new) set_of_owner_.push_back(kNoSet);
  std::uint32_t& set = set_of_owner_[entry->second];
  if (set != kNoSet && sets_[set].size() >= kMaxRecordsPerOwner) {
    skip(name.to_display(), "has more than 64 records; remove some");
    return false;
  }
  set = set_with(set, std::move(record));
  if (is_new) add(name, rule);
  return true;
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

void FeedSink::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

Result<void> FeedSink::finish() {
  if (error_) return Unexpected(*std::move(error_));
  if (!sets_.empty()) place_local_data();
  return {};
}

// The index of `set` with one more record; sets are never changed, as owners share them.
std::uint32_t FeedSink::set_with(std::uint32_t set, policy::LocalRecord record) {
  RecordSet grown;
  if (set != kNoSet) grown = sets_[set];
  if (std::ranges::find(grown, record) != grown.end()) return set;
  grown.push_back(std::move(record));
  const auto [entry, is_new] =
      set_index_.try_emplace(set_key(grown), static_cast<std::uint32_t>(sets_.size()));
  if (is_new) sets_.push_back(std::move(grown));
  return entry->second;
}

// Copies the rules with Rule::data pointing at the record sets that are in use in the end.
void FeedSink::place_local_data() {
  policy::ZoneRules placed;
  placed.reserve(content_.rules.size(), 0);
  std::vector<std::uint32_t> index_of_set(sets_.size(), kNoSet);
  for (std::size_t i = 0; i < content_.rules.size(); ++i) {
    policy::Rule rule = content_.rules.at(i);
    if (rule.data != policy::kNoData) {
      const std::uint32_t set = set_of_owner_[rule.data];
      POSTERN_ASSERT(set != kNoSet);
      if (index_of_set[set] == kNoSet) {
        index_of_set[set] = placed.add_local_data(std::move(sets_[set]));
      }
      rule.data = index_of_set[set];
      rule.action = policy::Action::local_data;
    }
    placed.add(rule);
  }
  content_.rules = std::move(placed);
}

}  // namespace postern::intel
