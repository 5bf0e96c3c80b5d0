// Where the readers of all formats put what they find: rules, and lines passed over.
//
// Keeps the promises that hold for every format: each line is counted once, the first skipped
// ones are kept with a text, no name is taken that lint refuses, no bound is passed, and the
// records of one owner become one rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dns/name.h"
#include "intel/feed_name.h"
#include "intel/format.h"
#include "policy/rule.h"

namespace postern::intel {

/// What a rule says about the name or prefix it is for.
struct RuleKind {
  policy::Trigger trigger = policy::Trigger::qname;
  policy::Scope scope = policy::Scope::exact;
  policy::Action action = policy::Action::block;
  policy::Rank rank = policy::Rank::normal;
};

/// For one feed, one thread. Borrows the options and the content.
class FeedSink {
 public:
  /// So that one name cannot fill the memory with records; no answer carries more.
  static constexpr std::size_t kMaxRecordsPerOwner = 64;
  static constexpr std::size_t kMaxRdataOctets = 4096;

  FeedSink(const FeedOptions& options, FeedContent& content)
      : options_(options), content_(content) {}
  FeedSink(const FeedSink&) = delete;
  FeedSink& operator=(const FeedSink&) = delete;

  const FeedOptions& options() const { return options_; }

  /// The next line begins; rules and skips are of it until the next call.
  void next_line() { line_ = static_cast<std::uint32_t>(++content_.lines); }
  /// For readers that know their lines otherwise: where they are, and at the end how many.
  void at_line(std::size_t line) {
    line_ = static_cast<std::uint32_t>(line);
    note_ = policy::kNoNote;
  }
  void count_lines(std::string_view text);
  /// The same for formats whose unit is no line: an item begins, and is counted for itself
  /// wherever the one before it stood.
  void at_item(std::size_t line) {
    at_line(line);
    last_skipped_line_ = 0;
  }

  /// What is known of the rules of this line or item; holds until the next one, and not for local
  /// data.
  void annotate(const policy::RuleNote& note);

  /// The line has no rule, and nothing is wrong with it.
  void ignore() { ++content_.lines_ignored; }
  /// The line is passed over: "`about` `why`". `about` is quoted and shortened; may be empty.
  /// Further calls for the same line are not counted.
  void skip(std::string_view about, std::string_view why);

  /// Reads and lints a name; false: the line was skipped with the reason.
  bool read_name(std::string_view text, dns::Name& out);
  /// Lints a name that was read otherwise; false: the line was skipped with the reason.
  bool accept_name(const dns::Name& name);

  /// Lints a prefix; false: the line was skipped with the reason. `kind` says what for.
  bool accept_prefix(const IpPrefix& prefix, const RuleKind& kind);

  /// `kind.trigger` is one that has a name. What blocks a name that `LintOptions` protects is
  /// skipped with the reason, here and below.
  void add(const dns::Name& name, const RuleKind& kind);
  /// `kind.trigger` is one that has a prefix.
  void add(const IpPrefix& prefix, const RuleKind& kind);
  /// One record of local data. All records of one owner (trigger, name or prefix, scope and rank)
  /// become one rule, which stands where the first of them stood. A CNAME is alone: of it and
  /// others the first counts. False: skipped with the reason.
  bool add_record(const dns::Name& name, const RuleKind& kind, policy::LocalRecord record);
  bool add_record(const IpPrefix& prefix, const RuleKind& kind, policy::LocalRecord record);
  /// The same with the rdata as text: "A", "192.0.2.1". False: skipped with the reason.
  bool add_record_text(const dns::Name& name, const RuleKind& kind, std::string_view type,
                       std::string_view rdata);

  /// What holds for the zone as a whole (policy::ZoneRules).
  void set_soa(policy::ZoneSoa soa) { soa_ = std::move(soa); }
  void set_closest_encloser(bool on) { closest_encloser_ = on; }

  /// A rule of the feed is marked so; the strictest marking is the feed's.
  void mark(Tlp tlp);
  /// All rules of the feed are marked so at least, those that are still to come too.
  void mark_all(Tlp tlp);

  /// The feed as a whole is of no use; the first failure counts.
  void fail(Error error);
  /// True once `fail` was called or a bound reached: readers stop.
  bool stopped() const { return error_.has_value(); }

  /// To be called once, at the end.
  Result<void> finish();

 private:
  // A record of an owner, and the owner's next one.
  struct Link {
    std::uint32_t record;
    std::uint32_t next;
  };

  // All rules of local data for one owner have one key; so may others.
  struct OwnerKey {
    std::uint64_t hash;
    std::uint32_t rule;
  };

  // Why a record was not taken; empty: it was.
  using Refusal = std::string_view;

  bool is_forced(const dns::Name& name) const;
  bool accept_rule(const dns::Name& name, const RuleKind& kind);
  void add_rule(const policy::Rule& made);
  bool add_record_to(policy::Rule owner, policy::LocalRecord record);
  void skip_owner(const policy::Rule& owner, std::string_view why);
  std::uint32_t record_index(policy::LocalRecord record);
  Refusal append_record(std::uint32_t owner, std::uint32_t record);
  std::vector<policy::LocalRecord> records_of(std::uint32_t owner) const;
  void merge_owners();
  void merge_run(std::span<OwnerKey> run);
  void place_local_data();

  const FeedOptions& options_;
  FeedContent& content_;
  std::uint32_t line_ = 0;
  std::uint32_t last_skipped_line_ = 0;
  std::uint32_t note_ = policy::kNoNote;                    // Of the line at hand.
  std::map<policy::RuleNote, std::uint32_t> note_indices_;  // Equal notes are kept once.
  std::optional<Error> error_;

  // Local data. While reading, Rule::data is the index of an owner: a run of records for one
  // of them. `merge_owners` joins the runs of the same one, `place_local_data` makes Rule::data the
  // index of the owner's record set. Equal records and sets are kept once: feeds that send a
  // million names to one walled garden are common, and a map of their names would cost more than
  // all else.
  std::vector<std::uint32_t> first_link_;  // Of each owner; kMerged: another owner has them.
  std::vector<Link> links_;
  policy::Rule last_owner_;  // The one added last, if there is one.
  std::unordered_map<std::string, std::uint32_t> record_indices_;  // A record's octets to index.
  std::vector<policy::LocalRecord> records_;
  std::uint32_t last_record_ = 0;  // Index of the one added last, once there is one.

  std::optional<policy::ZoneSoa> soa_;
  bool closest_encloser_ = false;
};

}  // namespace postern::intel
