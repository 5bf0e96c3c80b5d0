// Writing messages into a buffer of fixed size, with name compression.
//
// RFC 1035 §4.1.4 compression for owner names and for the RDATA names of the types that
// RFC 3597 §4 allows; everything else is written out. Never allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/octets.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::dns {

/// A record to be written: for the length of one call.
struct NewRecord {
  const Name& owner;
  RRType type;
  RRClass rr_class;
  std::uint32_t ttl;
  OctetView rdata;  ///< Uncompressed.
};

/// Builds one message from front to back: header, question, records by section, OPT.
///
/// A record that does not fit is not written, in part or whole; `record` says so and the
/// caller decides (truncate, or leave it out). Counts in the header are kept as it goes.
class MessageWriter {
 public:
  /// `limit` octets of `buffer` may be used, at most.
  MessageWriter(std::span<std::uint8_t> buffer, std::size_t limit);

  /// Must come first.
  void header(std::uint16_t id, std::uint16_t flags);
  /// The question as the client wrote it: `message[12, end)` of its query.
  bool echo_question(OctetView query, std::size_t question_end);
  bool question(const Question& question);

  /// Uncompressed RDATA in; names in it are compressed where allowed. Sections must come in
  /// order. False where it does not fit.
  bool record(Section section, const NewRecord& record);
  /// Where the TTL of the last record written stands in the message.
  std::size_t last_ttl_offset() const { return last_ttl_offset_; }

  /// Keeps `octets` free for an OPT to come.
  void reserve(std::size_t octets);

  /// One EDNS option to be written by `opt`.
  struct Option {
    EdnsOption code;
    OctetView payload;
  };
  /// The OPT record, into what was reserved and what else is left. Options that do not fit
  /// are left out, in order. `rcode`'s upper bits go here, its lower four to the header.
  bool opt(std::uint16_t udp_octets, Rcode rcode, bool dnssec_ok, std::span<const Option> options);

  void set_rcode(Rcode rcode);
  void set_flag(std::uint16_t bit);
  OctetView message() const { return {buffer_.data(), size_}; }
  std::size_t size() const { return size_; }

 private:
  /// Labels remembered for compression: the longest question, and in practice much more.
  static constexpr std::size_t kMaxTargets = 128;
  /// The node of the empty suffix. Node n is that of `targets_[n - 1]`.
  static constexpr std::size_t kRoot = 0;

  bool fits(std::size_t octets) const { return octets <= limit_ - reserved_ - size_; }
  bool put_octets(OctetView octets);
  bool put_name(OctetView labels);
  std::size_t find_child(std::size_t parent, const std::uint8_t* label) const;
  void remember(std::span<const std::uint8_t> starts, std::size_t at, std::size_t parent);
  bool put_rdata(RRType type, OctetView rdata);
  void count_record(Section section);

  std::span<std::uint8_t> buffer_;
  std::size_t limit_;
  std::size_t size_ = 0;
  std::size_t reserved_ = 0;
  std::size_t last_ttl_offset_ = 0;
  std::array<std::uint16_t, kMaxTargets> targets_{};  ///< Offsets of labels that can be pointed at.
  std::array<std::uint8_t, kMaxTargets> parents_{};   ///< Each label's node for what follows it.
  std::size_t target_count_ = 0;
  Section section_ = Section::answer;
};

/// The payload of an extended error option (RFC 8914 §2) in `buffer`: code and text, the
/// text cut (at a UTF-8 boundary) to fit. The view is of `buffer`.
OctetView write_extended_error(std::span<std::uint8_t> buffer, EdeCode code, std::string_view text);

}  // namespace postern::dns
