// Reading messages: a fast path for queries, and a checked view over any message.
//
// Wire format RFC 1035 §4.1; EDNS RFC 6891. Nothing here allocates or copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::dns {

inline constexpr std::size_t kHeaderOctets = 12;
inline constexpr std::size_t kMaxMessageOctets = 65535;

/// Bits of the second header word (RFC 1035 §4.1.1, RFC 4035 §3).
namespace flag {
inline constexpr std::uint16_t qr = 0x8000, aa = 0x0400, tc = 0x0200, rd = 0x0100, ra = 0x0080,
                               ad = 0x0020, cd = 0x0010;
}

/// The twelve octets of a header. `rcode` is the lower four bits only.
struct Header {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;  ///< The whole second word, opcode and rcode included.
  std::uint16_t question_count = 0;
  std::uint16_t answer_count = 0;
  std::uint16_t authority_count = 0;
  std::uint16_t additional_count = 0;

  bool has(std::uint16_t bit) const { return (flags & bit) != 0; }
  Opcode opcode() const { return static_cast<Opcode>((flags >> 11) & 0xf); }
  Rcode rcode() const { return static_cast<Rcode>(flags & 0xf); }

  /// Nothing if there are fewer than twelve octets.
  static std::optional<Header> read(OctetView message);
};

struct Question {
  Name qname;
  RRType qtype = RRType::a;
  RRClass qclass = RRClass::in;

  friend bool operator==(const Question&, const Question&) = default;
};

/// The OPT pseudo-record (RFC 6891 §6.1).
struct Edns {
  std::uint16_t udp_octets = 512;  ///< As sent; below 512 means 512 (§6.2.3).
  std::uint8_t extended_rcode = 0;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  OctetView options;  ///< RDATA, checked to be whole options. In the message's memory.
};

/// EDNS option codes (IANA).
enum class EdnsOption : std::uint16_t {
  nsid = 3,
  client_subnet = 8,
  expire = 9,
  cookie = 10,
  tcp_keepalive = 11,
  padding = 12,
  chain = 13,
  extended_error = 15,
  report_channel = 18,
  client_mac = 65001,     ///< dnsmasq's: the hardware address of who asks, six octets.
  client_device = 65073,  ///< Nominum's: the same in base64, or as text.
  client_name = 65074,    ///< Nominum's: what who asks is called.
};

/// The payload of the first option with this code; nothing where there is none.
std::optional<OctetView> find_option(const Edns& edns, EdnsOption code);

/// Why a query cannot be answered in the ordinary way.
enum class QueryError : std::uint8_t {
  not_a_query,      ///< Under twelve octets, or QR is set: drop without an answer.
  format,           ///< FORMERR.
  not_implemented,  ///< NOTIMP: an opcode other than QUERY.
  bad_version,      ///< BADVERS: EDNS version over 0 (RFC 6891 §6.1.3).
};

/// A client's query, as the server's hot path needs it.
struct Query {
  Header header;
  Question question;
  std::size_t question_end = 0;  ///< Offset past the question: octets 12 to here can be echoed
                                 ///< as they are, which keeps the client's case (0x20).
  std::optional<Edns> edns;

  bool dnssec_ok() const { return edns && edns->dnssec_ok; }
  /// The largest UDP answer the client takes, at least 512 (RFC 6891 §6.2.5).
  std::size_t udp_octets() const;
};

/// The most additional records of a query: OPT, TSIG or SIG(0), and some to spare.
inline constexpr unsigned kMaxQueryAdditional = 4;

/// Reads a query. One question exactly (RFC 9619), no answer or authority records, at most one OPT
/// and kMaxQueryAdditional additional records, of which others (TSIG, SIG(0)) are walked over and
/// ignored: FORMERR otherwise, before any is looked at.
/// On error `partial` holds what was read before it: at least the header unless the
/// error is `not_a_query`; `question_end` is 0 unless the question was whole.
/// About 60 ns.
Result<void, QueryError> parse_query(OctetView message, Query& partial);

/// One record of a message, in place.
struct Record {
  Name owner;
  RRType type{};
  RRClass rr_class{};
  std::uint32_t ttl = 0;
  std::size_t ttl_offset = 0;    ///< Where the TTL's four octets stand in the message.
  std::size_t rdata_offset = 0;  ///< Names inside may be compressed: read against the message.
  OctetView rdata;
};

enum class Section : std::uint8_t { answer, authority, additional };

enum class MessageError : std::uint8_t { too_short, bad_name, bad_record, trailing_octets };

std::string_view to_string(MessageError error);

/// A whole message checked once: every record lies inside it, every owner name reads,
/// every name inside the RDATA of the RFC 1035 types, SRV, NAPTR, DNAME, RP, … reads too, and
/// reading them all once takes at most kMaxNameSteps. Holds a view: the octets must outlive it.
class MessageView {
 public:
  /// Labels and compression pointers of all names together: some tenth of a millisecond. Twice
  /// what the densest zone transfer has; pointers to pointers could make it millions.
  static constexpr std::size_t kMaxNameSteps = 128U << 10;

  static Result<MessageView, MessageError> parse(OctetView message);

  OctetView octets() const { return octets_; }
  const Header& header() const { return header_; }
  /// The first question; nothing where there is none.
  const std::optional<Question>& question() const { return question_; }
  const std::optional<Edns>& edns() const { return edns_; }
  /// The full twelve-bit code.
  Rcode rcode() const;
  std::size_t question_end() const { return question_end_; }

  /// Calls `visit(Section, const Record&)` for each record in order, OPT too; the walk
  /// ends early where it returns false.
  template <class Visit>
  void for_each_record(Visit&& visit) const {
    std::size_t offset = question_end_;
    Record record;
    const std::uint16_t counts[] = {header_.answer_count, header_.authority_count,
                                    header_.additional_count};
    for (int section = 0; section < 3; ++section) {
      for (unsigned i = 0; i < counts[section]; ++i) {
        if (!read_record(octets_, offset, record)) return;  // Cannot be: checked in `parse`.
        if (!visit(static_cast<Section>(section), static_cast<const Record&>(record))) return;
      }
    }
  }

 private:
  MessageView() = default;

  OctetView octets_;
  Header header_;
  std::optional<Question> question_;
  std::optional<Edns> edns_;
  std::size_t question_end_ = kHeaderOctets;

 public:
  /// Reads the record at `offset` and moves past it; false, with `offset` unmoved, if it
  /// is not whole.
  static bool read_record(OctetView message, std::size_t& offset, Record& out);
};

}  // namespace postern::dns
