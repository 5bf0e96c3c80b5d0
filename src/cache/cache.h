// Answers by question. Time is an argument; one thread owns a Cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/metric.h"
#include "base/octets.h"
#include "base/time.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::cache {

/// What an answer depends on besides the question: RFC 4035 §3.2.
struct Key {
  dns::Name qname{};
  dns::RRType qtype{};
  dns::RRClass qclass = dns::RRClass::in;
  bool dnssec_ok = false;
  bool checking_disabled = false;

  friend bool operator==(const Key&, const Key&) = default;
};

/// Named bounds of one cache.
struct Options {
  std::size_t max_octets = 32U << 20;       ///< Wire answers and their bookkeeping.
  std::uint32_t max_ttl_s = 86'400;         ///< RFC 8767 §4 suggests a cap of days; ours is one.
  std::uint32_t max_negative_ttl_s = 3600;  ///< RFC 2308 §5 (1 to 3 hours).
  std::uint32_t failure_ttl_s = 5;          ///< SERVFAIL, RFC 9520 §3.2 (1 s to 5 min).
  std::uint32_t stale_for_s = 86'400;       ///< How long past expiry an entry may serve, RFC 8767.
  std::uint64_t hash_key = 0;               ///< Secret, random per process.
};

struct Stats {
  Counter hits, misses, stale_hits, inserts, evictions;
};

/// Steps of a chain, and other targets, in one answer: over any real ones (libunbound follows 11
/// steps); each one costs a policy decision per query.
inline constexpr std::size_t kMaxChain = 16;
inline constexpr std::size_t kMaxSiblings = 32;
inline constexpr std::size_t kMaxAnswerNames = kMaxChain + kMaxSiblings;

/// Records in one answer, what is stripped from it included: far over what real ones have.
inline constexpr std::size_t kMaxAnswerRecords = 1000;

/// The TTL of records that are past their own (RFC 8767 §4).
inline constexpr std::uint32_t kStaleTtlS = 30;

/// A stored answer. `wire` is a whole message with id 0, no OPT record, and TTLs as they were
/// when it was stored; `ttl_offsets` say where they stand. `names` and `addresses` are what policy
/// must look at besides the question: where its records send a client, and their addresses and
/// hints. Targets of MX, SRV, NS and PTR are not among them: a client asks for these by name.
struct Answer {
  Octets wire;
  std::uint32_t ttl_s =
      0;                ///< For how long it may be served: the least TTL, by RFC 2308 if negative.
  bool secure = false;  ///< Validated: AD may be set (RFC 4035 §3.2.3).
  std::optional<dns::EdeCode> ede;
  std::string ede_text;            ///< What the resolver said with `ede`.
  std::uint16_t question_end = 0;  ///< Offset past the question of `wire`.
  std::vector<std::uint16_t> ttl_offsets;
  /// First the chain of CNAMEs in order, those that a DNAME makes included: a client goes through
  /// all of it. Then the siblings, each once: targets of SVCB and HTTPS, and of links that
  /// contradict the chain; a client may go to any one of them.
  std::vector<dns::Name> names;
  std::size_t chain_count = 0;  ///< How many of `names` are the chain.
  std::vector<IpAddress> addresses;

  /// Of the message's header; SERVFAIL where there is none.
  dns::Rcode rcode() const;
};

/// Makes an Answer of a resolver's message: checks it, collects TTLs and names, and keeps only what
/// answers the question: no additional section, no record of a name that neither is the question's
/// nor is reached from it by CNAME and DNAME records, no SOA of a zone that does not hold the last
/// of these (RFC 2308 §2).
///
/// Nothing where the message is not the answer to one question, is a referral, may not be cached in
/// any way (TC=1), has over kMaxAnswerRecords, or holds what policy could not look at: an address
/// or service record that does not read, over kMaxChain steps or kMaxSiblings other targets.
///
/// `strip_dnssec`: leave out RRSIG, NSEC, NSEC3, DNSKEY and DS for DO=0, but never the type that
/// was asked for (RFC 4035 §3.2.1). TTLs: RFC 2181 §8 and 5.2, negative ones RFC 2308 §5, capped in
/// `wire` too. `ttl_s` may be 0: good for the client that waits, not kept by `Cache::insert`.
std::optional<Answer> make_answer(const dns::MessageView& message, bool secure, bool strip_dnssec,
                                  const Options& options);
/// The same of octets; nothing where they do not parse.
std::optional<Answer> make_answer(OctetView message, bool secure, bool strip_dnssec,
                                  const Options& options);

class Cache {
 public:
  enum class State : std::uint8_t { miss, fresh, stale };

  struct Hit {
    State state = State::miss;
    const Answer* answer = nullptr;  ///< Valid until the next non-const call.
    std::uint32_t age_s = 0;         ///< To take off each TTL (not below 0; stale: answer with 30).
    bool prefetch = false;           ///< Fresh, popular, and in the last tenth of its life: said
                                     ///< at each hit, so the caller must know what is under way.
  };

  explicit Cache(const Options& options);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  /// No allocation; about 100 ns on a warm hit.
  Hit find(const Key& key, MonoTime now);
  /// Replaces what was there, with one exception: a failure never replaces an answer that may
  /// still be served stale (RFC 8767 §5). An answer whose TTL is 0 is
  /// not kept. The oldest, least used entries make room.
  void insert(const Key& key, Answer answer, MonoTime now);
  void clear();

  std::size_t size() const;
  /// Never over `Options::max_octets`; allocations are counted with their overhead.
  std::size_t octets() const;
  const Stats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// How one client is served.
struct Serving {
  std::uint32_t age_s = 0;  ///< Hit::age_s: taken off each TTL.
  bool stale = false;       ///< Each TTL is kStaleTtlS instead.
  bool set_ad = false;      ///< Validated, and the client understands AD (RFC 6840 §5.8).
};

/// Copies a stored answer to `out` for a client: its id, its own question octets (0x20 case),
/// its RD and CD bits, RA set, AD as told, TTLs aged. Returns the size, or 0 where `out` is too
/// small: then the caller truncates. No OPT: the caller adds it. `query` must ask what `answer`
/// answers, up to case: where the questions differ in size the result is 0 too. 20 to 100 ns.
std::size_t write_for_client(const Answer& answer, OctetView query, std::size_t question_end,
                             const Serving& serving, std::span<std::uint8_t> out);

}  // namespace postern::cache
