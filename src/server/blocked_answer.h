// What a client gets instead of the answer that policy withholds. Pure.
//
// Start at write_blocked. Nothing of an upstream's answer goes in: only the question, the rule
// and the zone's options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dns/name.h"
#include "policy/generation.h"
#include "server/asker.h"

namespace postern::server {

enum class BlockedKind : std::uint8_t {
  written,    ///< An answer of `size` octets, OPT not yet included.
  truncated,  ///< TC=1 was written: the client comes back by TCP.
  silent,     ///< No answer at all.
  pass,       ///< As if there were no rule: TCP-only by TCP, a CNAME to the name itself.
  follow,     ///< A CNAME to `target`: to be resolved, then written by write_rewritten. Not for
              ///< queries without recursion, which get the CNAME alone.
};

struct Blocked {
  BlockedKind kind = BlockedKind::written;
  std::size_t size = 0;
  dns::Name target = {};    ///< For `follow`.
  std::uint32_t ttl_s = 0;  ///< For `follow`: of the CNAME.
};

/// Room for the largest answer without data: a question and a SOA.
inline constexpr std::size_t kMinBlockedOctets = 352;

/// Adds `soa`, of a policy zone, to a finished message of `size` octets without an OPT, in the
/// additional section; its TTL is at most `ttl_s`. Gives the new size; `size` where it does not
/// fit.
std::size_t append_policy_soa(std::span<std::uint8_t> message, std::size_t size,
                              const policy::ZoneSoa& soa, std::uint32_t ttl_s);

/// Answers `asker` as `plan` says, in at most `out.size()` octets, at least kMinBlockedOctets.
/// `matched` is the name that was judged, the question or one that it leads to: a CNAME to a
/// wildcard takes its labels. The policy zone's SOA goes to the additional section if it fits.
/// AD is never set, AA neither (we are no authority). Never allocates; about 30 ns.
Blocked write_blocked(const policy::BlockPlan& plan, const Asker& asker, const dns::Name& matched,
                      std::span<std::uint8_t> out);

/// A rule's CNAME and what was found behind it. Views must outlive the call they are for.
struct Rewritten {
  const dns::Name& target;
  std::uint32_t ttl_s = 0;  ///< Of the CNAME.
  OctetView target_answer;  ///< A whole message that answers for `target`.
  std::uint32_t age_s = 0;  ///< To take off its TTLs.
  bool stale = false;       ///< Each of its TTLs is cache::kStaleTtlS instead.
};

/// The answer for a rewritten name: the CNAME, then what the target's answer section holds, and its
/// rcode. Where that is no such name or no such data, our SOA at the name that lacks it, for as
/// long as the CNAME (RFC 2308 §3). Truncated where it does not fit.
Blocked write_rewritten(const Asker& asker, const Rewritten& rewritten,
                        std::span<std::uint8_t> out);

/// Where a rule's CNAME leads for this name: "*.garden.example." takes the name's labels
/// (RPZ draft §3.1, "CNAME *.domain."). Nothing if that makes too long a name.
std::optional<dns::Name> rewrite_target(const dns::Name& qname, OctetView rdata);

}  // namespace postern::server
