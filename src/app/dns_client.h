// DnsClient: one question to one server, for `postern query`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/octets.h"
#include "base/result.h"
#include "base/time.h"
#include "dns/message.h"

namespace postern::app {

struct DnsQuestion {
  Endpoint server;
  dns::Question question;
  bool over_tcp = false;
  bool dnssec_ok = false;
  milliseconds timeout{5000};  ///< For one try; over UDP there are two.
};

struct DnsReply {
  Octets message;  ///< A whole message that parses and answers the question.
  bool over_tcp = false;
  microseconds latency{0};
};

/// Asks, over TCP again where the answer came truncated. Errors: nobody there, no answer in time,
/// an answer that does not parse.
Result<DnsReply> ask_dns(const DnsQuestion& question);

/// The query's octets: RD set, EDNS with 1232 octets.
Octets make_dns_query(const DnsQuestion& question, std::uint16_t id);
/// True where `message` parses and answers `question` with this id.
bool is_answer_to(OctetView message, const dns::Question& question, std::uint16_t id);

/// A reply as text for people, and as a JSON object.
std::string view_dns_reply(const DnsReply& reply, const DnsQuestion& question);
std::string dns_reply_json(const DnsReply& reply, const DnsQuestion& question);

}  // namespace postern::app
