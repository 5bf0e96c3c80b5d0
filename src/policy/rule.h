// Rules: what a policy zone says about names, and how they are kept before compilation.
//
// Start at ZoneRules. Words as in the RPZ draft (draft-vixie-dnsop-dns-rpz-00).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/octets.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/types.h"
#include "policy/rule_note.h"

namespace postern::policy {

/// What of a question or its answer a rule looks at (RPZ draft §4).
enum class Trigger : std::uint8_t {
  qname,        ///< The name asked for, and each name that a chain of CNAMEs leads to.
  client_ip,    ///< Who asks.
  response_ip,  ///< An address in the answer.
  nsdname,      ///< The name of a server that is authoritative for the name or one above it.
  nsip,         ///< The address of such a server.
};
inline constexpr std::size_t kTriggerCount = 5;

std::string_view to_string(Trigger trigger);
/// Rules of such a trigger have a prefix, all others a name.
constexpr bool has_prefix(Trigger trigger) {
  return trigger != Trigger::qname && trigger != Trigger::nsdname;
}

/// Which names a rule's owner stands for.
enum class Scope : std::uint8_t {
  exact,         ///< The name alone.
  below,         ///< Every name below it, not itself: RPZ "*.name".
  at_and_below,  ///< Both.
};

/// What a rule asks for.
enum class Action : std::uint8_t {
  pass,        ///< Allow: RPZ PASSTHRU, an allow list, adblock "@@".
  block,       ///< Block, answered as the zone (or the client's group) says: BlockAnswer.
  nxdomain,    ///< RPZ "CNAME .".
  nodata,      ///< RPZ "CNAME *.".
  refuse,      ///< REFUSED.
  drop,        ///< RPZ "rpz-drop.": no answer at all.
  tcp_only,    ///< RPZ "rpz-tcp-only.": TC=1 over UDP.
  local_data,  ///< The rule's own records: RPZ local data, CNAME rewriting included.
};

std::string_view to_string(Action action);

/// How `Action::block` is answered.
enum class BlockAnswer : std::uint8_t {
  nxdomain,
  nodata,
  null_address,  ///< A 0.0.0.0, AAAA ::, NODATA for every other type.
  sinkhole,      ///< The zone's sinkhole addresses, NODATA for every other type.
  refused,
};

std::string_view to_string(BlockAnswer answer);

/// Rules of one zone that match one name are tried by rank first, then by how specific
/// they are. Only adblock syntax uses ranks ($important, then "@@", then block); all
/// rules of every other format are `normal`, so that the most specific one wins (RPZ).
enum class Rank : std::uint8_t { important_pass, important_block, pass, normal };

/// A record of local data. `rdata` is in uncompressed wire form.
struct LocalRecord {
  dns::RRType type{};
  std::uint32_t ttl = 0;
  Octets rdata{};

  bool operator==(const LocalRecord&) const = default;
};

inline constexpr std::uint32_t kNoData = 0xffffffff;

struct Rule {
  dns::Name name{};   ///< Of a rule whose trigger has a name.
  IpPrefix prefix{};  ///< Of a rule whose trigger has a prefix.
  Trigger trigger = Trigger::qname;
  Scope scope = Scope::exact;
  Action action = Action::block;
  Rank rank = Rank::normal;
  std::uint32_t line = 0;        ///< Where it stands in its source, from 1; 0 if it has none.
  std::uint32_t data = kNoData;  ///< Index into ZoneRules::local_data, for Action::local_data.
  std::uint32_t note = kNoNote;  ///< Index into ZoneRules::notes; not beside `data`.
};

/// The owner that a rule has in a response policy zone, relative to the zone (RPZ draft §4):
/// "32.1.2.0.192.rpz-ip", "ns.bad.example.rpz-nsdname"; for QNAME the name itself. A wildcard's
/// "*" is not part of it, nor is a suffix for which a name is too long.
dns::Name rpz_owner(const Rule& rule);

/// What a rule does, without its name: all that the compiler of a generation needs.
struct RuleTraits {
  Trigger trigger = Trigger::qname;
  Scope scope = Scope::exact;
  Action action = Action::block;
  Rank rank = Rank::normal;
};

/// The SOA record of a policy zone.
struct ZoneSoa {
  dns::Name origin{};
  std::uint32_t ttl = 0;
  Octets rdata{};  ///< In uncompressed wire form.
};

/// The rules of one source, packed: owner octets + 16 each. A value; filled by one thread,
/// then only read.
class ZoneRules {
 public:
  static constexpr std::size_t kMaxRules = 0x7fffffff;

  /// Appends. A rule with `Action::local_data` must have its data added before it.
  void add(const Rule& rule);
  /// A set of records for one owner; give the index to `Rule::data`.
  std::uint32_t add_local_data(std::vector<LocalRecord> records);
  /// What is known of rules; give the index to `Rule::note`.
  std::uint32_t add_note(const RuleNote& note);
  /// Those of another list, with their indices; this one has none yet.
  void set_notes(std::vector<RuleNote> notes) { notes_ = std::move(notes); }
  void reserve(std::size_t rules, std::size_t name_octets);
  /// As in a DNS zone (RFC 4592 §2.2.1, §3.3.1): a name that exists hides the wildcards above it,
  /// from itself and from the names below. Else a wildcard holds whatever else there is.
  void set_closest_encloser(bool on) { closest_encloser_ = on; }
  void set_soa(ZoneSoa soa) { soa_ = std::move(soa); }
  /// Every rule is marked with this at least, whatever its note says.
  void set_sharing(Sharing sharing) { sharing_ = sharing; }
  /// Since when a copy here has had those rules whose notes tell no time; 0: not known.
  void set_since(std::uint32_t since_s) { since_s_ = since_s; }
  /// Gives a rule that is there another note, an index of `add_note`; not one with local data.
  void set_note(std::size_t index, std::uint32_t note);

  std::size_t size() const { return entries_.size(); }
  Rule at(std::size_t index) const;
  RuleTraits traits_at(std::size_t index) const;
  std::uint32_t line_at(std::size_t index) const { return entries_[index].line; }
  /// Of a rule with Action::local_data: which of the local data.
  std::uint32_t data_at(std::size_t index) const { return entries_[index].data; }
  /// Which of the notes a rule has; kNoNote: none.
  std::uint32_t note_at(std::size_t index) const {
    return entries_[index].has_note != 0 ? entries_[index].data : kNoNote;
  }
  const std::vector<RuleNote>& notes() const { return notes_; }
  /// The wire form of rule `index`'s name; its trigger must have one. Valid until the next `add`.
  OctetView name_at(std::size_t index) const { return owner_at(index); }
  /// The prefix of rule `index`; its trigger must have one.
  IpPrefix prefix_at(std::size_t index) const;
  bool closest_encloser() const { return closest_encloser_; }
  const std::optional<ZoneSoa>& soa() const { return soa_; }
  Sharing sharing() const { return sharing_; }
  std::uint32_t since_s() const { return since_s_; }
  /// How many rules have this trigger.
  std::size_t count_of(Trigger trigger) const { return counts_[static_cast<std::size_t>(trigger)]; }
  const std::vector<LocalRecord>& local_data(std::uint32_t index) const { return data_[index]; }
  std::size_t local_data_count() const { return data_.size(); }
  /// Asks memory for a rule's entry, and for its name, that will be needed soon.
  void prefetch_entry(std::size_t index) const { __builtin_prefetch(&entries_[index]); }
  void prefetch(std::size_t index) const {
    __builtin_prefetch(owners_.data() + entries_[index].owner_offset);
  }
  std::size_t memory_octets() const;

  /// As octets for another process of this very program (the layout is this build's own), in
  /// pieces: about as many as `memory_octets`. Little but copying.
  void pack(const std::function<void(OctetView)>& write) const;
  /// What `pack` wrote. `corrupt` for anything else, whatever it is. 1 M rules: 0.05 s.
  static Result<ZoneRules> unpack(OctetView octets);
  /// Of what `pack` wrote, how many rules the first octets say there are; `unpack` makes sure.
  static constexpr std::size_t kPackedHeadOctets = 32;
  static Result<std::uint64_t> packed_count(OctetView head);

 private:
  struct Entry {
    std::uint64_t owner_offset : 40;
    std::uint64_t owner_size : 8;
    std::uint64_t scope : 4;
    std::uint64_t action : 4;
    std::uint64_t rank : 4;
    std::uint64_t trigger : 3;
    std::uint64_t has_note : 1;
    std::uint32_t line;
    std::uint32_t data;  // Or the note.
  };
  OctetView owner_at(const Entry& entry) const {
    return {owners_.data() + entry.owner_offset, entry.owner_size};
  }
  OctetView owner_at(std::size_t index) const { return owner_at(entries_[index]); }
  bool unpack_notes(ByteReader& reader);
  bool unpack_rest(ByteReader& reader);
  bool is_sound(const Entry& entry) const;

  std::vector<std::uint8_t> owners_;  ///< Names, and prefixes: length octet, then the address.
  std::vector<Entry> entries_;
  std::vector<std::vector<LocalRecord>> data_;
  std::vector<RuleNote> notes_;
  std::array<std::size_t, kTriggerCount> counts_{};
  std::optional<ZoneSoa> soa_;
  Sharing sharing_ = Sharing::unmarked;
  bool closest_encloser_ = false;
  std::uint32_t since_s_ = 0;
};

/// Replaces what every rule of a zone asks for, PASSTHRU included (RPZ draft §6.1).
struct Override {
  Action action = Action::nxdomain;          ///< Not `block`.
  std::vector<LocalRecord> local_data = {};  ///< For Action::local_data: the CNAME.

  bool operator==(const Override&) const = default;
};

/// A zone that has no source of its own: it blocks what enough of other zones have.
struct Votes {
  std::vector<std::uint16_t> zones;   ///< That vote; indices into the generation's zones.
  std::uint32_t need = 2;             ///< So many of them must block a name.
  std::vector<std::uint16_t> doubts;  ///< What one of these has …
  std::uint32_t doubt_need = 0;       ///< … needs so many votes; 0: is never blocked.
  bool by_confidence = false;         ///< A vote counts as much as its stated confidence.
  std::uint32_t half_life_s = 0;      ///< A vote counts half after so long; 0: it does not age.

  bool operator==(const Votes&) const = default;
};

/// Whether a query that a rule on its name or its client blocks is resolved before it is answered
/// (BIND's qname-wait-recurse).
enum class QnameWait : std::uint8_t {
  as_needed,  ///< Where an earlier zone has rules on what only the answer shows.
  never,      ///< Such rules are not heard then.
  always,     ///< So that who runs the name's servers cannot tell.
};

/// Why something is blocked, for programs: the sub-errors of draft-ietf-dnsop-structured-dns-error,
/// with its numbers.
enum class SubError : std::uint8_t {
  malware = 1,
  phishing = 2,
  spam = 3,
  spyware = 4,
  network_policy = 5,  ///< Of who runs the network.
  dns_policy = 6,      ///< Of who runs the resolver.
};

/// How a zone's verdicts are carried out.
struct ZoneOptions {
  static constexpr std::size_t kMaxNameOctets = 32;  ///< So that records can hold it inline.

  std::string name{};  ///< The feed's or list's name: [a-z0-9][a-z0-9._-]*, at most kMaxNameOctets.
  BlockAnswer answer = BlockAnswer::nxdomain;
  std::optional<IpAddress> sinkhole_v4{};
  std::optional<IpAddress> sinkhole_v6{};
  std::uint32_t ttl_s = 10;                  ///< Of the answers we make up.
  dns::EdeCode ede = dns::EdeCode::blocked;  ///< blocked, censored or filtered (RFC 8914).
  bool log_only = false;                     ///< Matches are recorded, nothing is blocked.
  std::optional<Override> policy_override{};
  /// Its `pass` rules take names out of its own other rules and mean nothing to the zones behind
  /// it: a list of names to block is not to decide what others let through.
  bool pass_is_own = false;
  std::uint32_t max_ttl_s = 604'800;    ///< Of local data.
  Sharing sharing = Sharing::unmarked;  ///< What its rules are marked with at least.
  std::optional<Votes> votes{};
  SubError sub_error = SubError::dns_policy;
  /// Queries with RD=0 are left alone (RPZ draft §6, BIND's recursive-only).
  bool recursive_only = true;
  /// Answers that are signed are rewritten for clients with DO, too, who can then not validate
  /// them. False: these are left alone.
  bool break_dnssec = true;
  QnameWait qname_wait = QnameWait::as_needed;
  /// Whether a query waits until the names, the addresses of servers are known that the zone has
  /// rules on. False: what the cache holds counts, and the rest is asked for meanwhile.
  bool nsdname_wait = true;
  bool nsip_wait = true;
  /// Names that its rules may be for although they belong to everybody, or to the organisation.
  std::vector<dns::Name> forced{};

  bool operator==(const ZoneOptions&) const = default;
};

}  // namespace postern::policy
