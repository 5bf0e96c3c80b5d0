// The record of one query: what was asked, what was decided, what was answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/time.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::event {

/// A short text kept inline, so that a record is one block and a ring needs no allocation.
/// Longer text is cut.
template <std::size_t N>
class ShortText {
 public:
  ShortText() = default;
  explicit ShortText(std::string_view text) { assign(text); }
  void assign(std::string_view text) {
    size_ = static_cast<std::uint8_t>(text.size() < N ? text.size() : N);
    for (std::size_t i = 0; i < size_; ++i) octets_[i] = text[i];
  }
  std::string_view view() const { return {octets_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  static_assert(N < 256);
  std::uint8_t size_ = 0;
  std::array<char, N> octets_{};
};

enum class Transport : std::uint8_t { udp, tcp, dot, doh, doq };
std::string_view to_string(Transport transport);
std::optional<Transport> transport_from_text(std::string_view text);

/// What became of the query.
enum class Disposition : std::uint8_t {
  answered,  ///< No rule matched.
  allowed,   ///< A rule allowed it.
  blocked,   ///< A rule blocked it (any blocking action).
  observed,  ///< A log-only zone would have blocked it.
  refused,   ///< The client may not ask, or the message was malformed.
  failed,    ///< SERVFAIL: no upstream, bogus, too slow.
};
std::string_view to_string(Disposition disposition);
std::optional<Disposition> disposition_from_text(std::string_view text);

/// Where the answer came from.
enum class Source : std::uint8_t { policy, cache, stale, resolver, local, none };
std::string_view to_string(Source source);

enum class Security : std::uint8_t { unknown, insecure, secure, bogus };
std::string_view to_string(Security security);

/// One query. A fixed-size value, copied whole through rings.
struct Query {
  WallTime at{};
  std::uint64_t trace_id = 0;  ///< 40 random bits; shown as eight characters, see `trace_text`.
  std::uint64_t generation = 0;
  IpAddress client;
  std::uint16_t client_port = 0;
  Transport transport = Transport::udp;
  dns::Name qname;
  dns::RRType qtype{};
  dns::RRClass qclass = dns::RRClass::in;
  dns::Rcode rcode = dns::Rcode::noerror;
  Disposition disposition = Disposition::answered;
  Source source = Source::none;
  Security security = Security::unknown;
  std::int32_t ede = -1;  ///< An RFC 8914 code, or -1.
  std::uint32_t latency_us = 0;
  ShortText<32> group;
  bool in_hours = false;        ///< The group had its policy of some hours.
  ShortText<32> zone;           ///< The policy zone that decided; empty where none did.
  ShortText<16> action;         ///< policy::to_string(Action), or the block answer.
  std::uint32_t rule_line = 0;  ///< In the zone's source; 0 where there is none.
  bool has_matched = false;
  dns::Name matched;              ///< The rule's owner, where `has_matched`.
  bool matched_wildcard = false;  ///< The owner covers names below it.
  bool matched_in_chain = false;  ///< A CNAME, SVCB or other target matched, not the question.

  /// Never dropped by a full queue.
  bool is_threat() const {
    return disposition == Disposition::blocked || disposition == Disposition::observed;
  }
};

/// Eight characters of Crockford's base 32, lower case.
std::string trace_text(std::uint64_t trace_id);
/// Nothing unless it is eight such characters (case and i/l/o confusions forgiven).
std::optional<std::uint64_t> trace_from_text(std::string_view text);

/// Where the answer to a query led the client.
struct AnswerPath {
  const dns::Name& qname;
  std::span<const dns::Name> names;  ///< The chain of CNAMEs in its order, then other targets.
  std::span<const IpAddress> addresses;
};

/// Takes records from a worker. Called on the worker's thread; must not wait.
class QuerySink {
 public:
  virtual ~QuerySink() = default;
  /// Of each answer that the resolver has found and policy has let pass, after the record of its
  /// query: not of those from the cache.
  virtual void learn(const AnswerPath& /*path*/) {}
  virtual void record(const Query& query) = 0;
};

}  // namespace postern::event
