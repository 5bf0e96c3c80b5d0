// Resolver: who finds the answers that are not in the cache.
//
// One interface; recursion (libunbound), forwarding, and the table that routes between
// them by zone stand behind it. A resolver works on its own threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/metric.h"
#include "base/octets.h"
#include "base/time.h"
#include "dns/message.h"
#include "dns/types.h"

namespace postern::resolve {

enum class Security : std::uint8_t { indeterminate, insecure, secure, bogus };

struct Request {
  dns::Question question;
  bool checking_disabled = false;  ///< Bogus data is wanted all the same (RFC 4035 §3.2.2).
  std::uint64_t ticket = 0;        ///< The asker's own; comes back with the reply.
  /// Who asks, as a keyed hash: when much is under way each party gets its share (shares.h).
  std::uint64_t party = 0;
  MonoTime deadline{};  ///< After it the asker no longer waits; a reply still comes.
};

enum class ReplyKind : std::uint8_t {
  answer,     ///< What was found.
  failed,     ///< The question was asked, and nobody could answer it.
  not_tried,  ///< Our own trouble: too much under way, no time left, stopping. Says nothing about
              ///< the question, so it must not be remembered of it.
};

struct Reply {
  std::uint64_t ticket = 0;
  ReplyKind kind = ReplyKind::answer;
  /// A whole message that parses: id 0, the question asked for, QR set, RRSIG and NSEC records
  /// included where there are any, no OPT. For failures too (then it is SERVFAIL and empty).
  Octets message;
  Security security = Security::indeterminate;
  std::optional<dns::EdeCode> ede;  ///< Why it failed, or what upstream said.
  std::string ede_text;             ///< For the client; no secrets, at most 120 octets.
};

/// Where replies go. Called on the resolver's threads, or from inside `resolve`.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void deliver(Reply reply) = 0;
};

class Resolver {
 public:
  virtual ~Resolver() = default;

  /// Starts finding an answer; each accepted request gets exactly one `deliver`, by about its
  /// deadline plus a second at the latest. False: the queue is full, nothing will come. Any
  /// thread. `sink` must live until its replies have come or the resolver is stopped.
  virtual bool resolve(const Request& request, ReplySink& sink) = 0;

  /// Ends the threads; requests under way are answered SERVFAIL. Once.
  virtual void stop() = 0;

  virtual void collect(Metrics& metrics) const = 0;
};

}  // namespace postern::resolve
