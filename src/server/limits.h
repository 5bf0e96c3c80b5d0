// The named bounds of the server module.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "dns/message.h"
#include "dns/name.h"

namespace postern::server::limits {

/// Questions that one worker has put to the resolver and not heard of again. Beyond: a stale answer
/// or SERVFAIL.
inline constexpr std::size_t kPendingQuestions = 16'384;
/// Clients that wait, in one worker: about 0.7 kB each.
inline constexpr std::size_t kWaiters = 16'384;
/// Clients that wait for one question: each of its deadlines looks at all of them.
inline constexpr std::size_t kWaitersPerQuestion = 1'000;
/// How often one query waits before it fails, each time for another question: twice is usual, for a
/// name and for what a rule shows instead; more where rules ask for servers. What these come to is
/// kept until it is answered, about 0.4 kB each beside the answers, which are shared.
inline constexpr std::uint8_t kWaitsPerQuery = 48;
/// How long after its deadline a reply may still come before its question is forgotten.
inline constexpr seconds kReplyGrace{10};
/// Questions whose refresh failed lately; a stale answer serves at once while one is in here.
inline constexpr std::size_t kRecentFailures = 1'024;
/// RFC 8767 §5: how long before a failed refresh is tried again.
inline constexpr seconds kFailureRecheck{30};
/// The largest answer over UDP that can be configured.
inline constexpr std::size_t kUdpOctets = 4096;
/// A query's header and question: what must be kept of it to answer later.
inline constexpr std::size_t kKeptQueryOctets = dns::kHeaderOctets + dns::Name::kMaxOctets + 4;
/// An explanation to a client (RFC 8914 §2), longer ones are cut.
inline constexpr std::size_t kEdeTextOctets = 128;
/// The same as JSON (structured_error.h): three contacts of 100 octets, an organization of 64. What
/// is longer is not sent.
inline constexpr std::size_t kStructuredErrorOctets = 640;
/// Rounds of receiving from one UDP socket before others have their turn.
inline constexpr int kUdpBatchesPerRound = 8;
/// The resolver's replies taken in one go, and for how long, before clients have their turn.
inline constexpr int kRepliesPerRound = 16;
inline constexpr milliseconds kRepliesTime{1};
/// How long `stop` waits for answers under way.
inline constexpr seconds kStopGrace{1};

}  // namespace postern::server::limits
