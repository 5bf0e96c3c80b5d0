// SPF (RFC 7208): what a domain's record says about who sends its mail, includes and redirects
// followed within the RFC's budget of ten look-ups.
//
// Nothing is evaluated for a sender: what is wanted are the names of services and the addresses of
// own servers. Start at `walk_spf`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "exposure/answer.h"

namespace postern::exposure {

/// Terms that cause DNS queries in one evaluation (RFC 7208 §4.6.4).
inline constexpr unsigned kMaxSpfLookups = 10;
/// Terms of one record that are read. The largest in use have some tens.
inline constexpr std::size_t kMaxSpfTerms = 500;

enum class SpfTermKind : std::uint8_t { all, include, redirect, a, mx, ptr, exists, ip, other };

struct SpfTerm {
  SpfTermKind kind = SpfTermKind::other;
  char qualifier = '+';
  std::string domain;          ///< As written; "" where it is the record's own.
  std::optional<IpPrefix> ip;  ///< Of `ip`.
};

struct SpfText {
  std::vector<SpfTerm> terms;
  std::vector<std::string> problems;  ///< What does not read, in words.
};

/// A TXT record that is an SPF record: "v=spf1" and a blank or the end (§4.5).
bool is_spf(std::string_view text);
/// Reads one; unreadable terms are named and left out.
SpfText read_spf(std::string_view text);

/// A name that sends for the domain.
struct SpfSender {
  dns::Name name;
  bool is_direct = false;  ///< Named by the domain's own records, not by those of a service.
  Record named_by;         ///< The TXT record with the term.
};

struct SpfWalk {
  enum class State : std::uint8_t {
    none,     ///< No SPF record.
    whole,    ///< Followed to the end, or to the end of the budget.
    waiting,  ///< `wanted` must be asked before this can be said.
    unknown,  ///< The first record cannot be had.
  };
  State state = State::none;
  std::vector<Question> wanted;
  std::vector<SpfSender> senders;   ///< include: and redirect= names, in the order of reading.
  std::vector<IpPrefix> addresses;  ///< ip4: and ip6: of the domain's own records.
  bool sends_by_mx = false;         ///< "mx" without a name, in own records.
  bool sends_by_a = false;          ///< "a", the same.
  unsigned lookups = 0;             ///< Counted as the RFC does; kMaxSpfLookups + 1: too many.
  std::string all;                  ///< "-all", "~all", …; "" where nothing says so.
  std::optional<Record> record;     ///< The first one.
  std::vector<std::string> problems;
};

/// Follows what is in `answers`. Own records are those at or below `domain`. Asks for nothing
/// twice, ends on loops, and never wants more than the budget. Linear in the records it reads.
SpfWalk walk_spf(const dns::Name& domain, const Answers& answers);

}  // namespace postern::exposure
