// What was asked of the DNS and what came of it: records as values, or why there is none to be had.
//
// Start at `read_answer`. Four ends are kept apart, since only three of them say something about a
// domain: data, no data, no such name, and not known.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/octets.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::exposure {

struct Question {
  dns::Name name;
  dns::RRType type = dns::RRType::a;

  friend bool operator==(const Question&, const Question&) = default;
  friend auto operator<=>(const Question&, const Question&) = default;
};

/// "MX of example.com": for people.
std::string to_string(const Question& question);

/// One record, with what its type says taken out of the data.
struct Record {
  dns::Name owner;
  dns::RRType type{};
  std::uint32_t ttl = 0;
  std::string data;    ///< Presentation form, printable; cut where it is long.
  dns::Name target{};  ///< MX, SRV, CNAME, DNAME, PTR; the root where that is what it says.
  std::uint16_t preference = 0;  ///< MX; of SRV the priority.
  IpAddress address{};           ///< A, AAAA.
  std::string text{};            ///< TXT: its strings as one (RFC 7208 §3.3).
};

enum class Outcome : std::uint8_t {
  data,
  no_data,  ///< The name is there, records of this type are not.
  no_name,  ///< NXDOMAIN.
  unknown,  ///< Nobody could say; `why` does.
};

struct Answer {
  Outcome outcome = Outcome::unknown;
  std::string why{};              ///< Of `unknown`: "SERVFAIL: the authorities did not answer".
  bool secure = false;            ///< The resolver vouches for it (DNSSEC).
  std::vector<Record> aliases{};  ///< CNAME records on the way, in order.
  std::vector<Record> records{};  ///< Of the type that was asked for.
  std::size_t left_out = 0;       ///< Records that were too many to keep.

  /// Something was said of this name: records, or an alias, even where it leads nowhere.
  bool is_positive() const { return !records.empty() || !aliases.empty(); }
};

/// An answer that is none.
Answer unknown_answer(std::string why);

/// A response message as a resolver gives it. What does not read, or leads in a circle, is
/// `unknown`. Linear in the message.
Answer read_answer(OctetView message, const Question& question, bool secure);

/// All that was asked about one domain.
using Answers = std::map<Question, Answer>;

/// Null where it was not asked, or has not come yet.
const Answer* find_answer(const Answers& answers, const Question& question);

}  // namespace postern::exposure
