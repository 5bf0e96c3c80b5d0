// A second implementation (NLnet Labs' ldns) must read what we write, and we what it writes.
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include "dns/encoding.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/rdata_format.h"
#include "dns/testing/random_records.h"
#include "dns/zone_text.h"

namespace postern::dns {
namespace {

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using LdnsRecord = std::unique_ptr<ldns_rr, Freeing<ldns_rr_free>>;
using LdnsPacket = std::unique_ptr<ldns_pkt, Freeing<ldns_pkt_free>>;
using CText = std::unique_ptr<char, Freeing<std::free>>;
using COctets = std::unique_ptr<std::uint8_t, Freeing<std::free>>;

// Names are in lower case in one and as they came in the other: lowers all, data too.
std::string lower_hex(OctetView octets) {
  Octets lowered(octets.begin(), octets.end());
  for (std::uint8_t& octet : lowered) {
    if (octet >= 'A' && octet <= 'Z') octet = static_cast<std::uint8_t>(octet + 32);
  }
  std::string out;
  append_hex(lowered, out);
  return out;
}

std::string hex(OctetView octets) {
  std::string out;
  append_hex(octets, out);
  return out;
}

// RDATA as ldns writes it: behind the owner, type, class, TTL and size.
Octets rdata_of(const ldns_rr* record) {
  std::uint8_t* raw = nullptr;
  std::size_t size = 0;
  if (ldns_rr2wire(&raw, record, LDNS_SECTION_ANSWER, &size) != LDNS_STATUS_OK) return {};
  const COctets owned(raw);
  const OctetView wire(raw, size);
  std::size_t at = 0;
  if (!skip_name(wire, at) || at + 10 > size) return {};
  return {wire.begin() + static_cast<std::ptrdiff_t>(at + 10), wire.end()};
}

Octets record_wire(const Name& owner, RRType type, OctetView rdata) {
  Octets wire(owner.wire().begin(), owner.wire().end());
  for (const unsigned value :
       {static_cast<unsigned>(type), 1U, 0U, 300U, static_cast<unsigned>(rdata.size())}) {
    wire.push_back(static_cast<std::uint8_t>(value >> 8));
    wire.push_back(static_cast<std::uint8_t>(value));
  }
  wire.insert(wire.end(), rdata.begin(), rdata.end());
  return wire;
}

void compare_text(RRType type, const Octets& rdata) {
  static const Name owner = Name::from_text("owner.example").value();
  const std::string text = rdata_to_text(type, rdata);
  SCOPED_TRACE(to_string(type) + " " + text + " " + hex(rdata));
  ASSERT_FALSE(text.starts_with("\\#") && !rdata_fields(type).empty());
  ASSERT_EQ(rdata_from_text(type, text, Name()), rdata);
  // RESINFO is younger than ldns 1.8.3, TA it knows by name only.
  if (type == RRType::resinfo || type == RRType::ta) return;

  // Ours, read by ldns.
  ldns_rr* raw = nullptr;
  const std::string line = owner.to_text() + " 300 IN " + to_string(type) + " " + text;
  const ldns_status status = ldns_rr_new_frm_str(&raw, line.c_str(), 0, nullptr, nullptr);
  const LdnsRecord from_text(raw);
  ASSERT_EQ(status, LDNS_STATUS_OK) << ldns_get_errorstr_by_id(status);
  ASSERT_EQ(hex(rdata_of(from_text.get())), hex(rdata));

  // Its, read by us; but for services by name, which would take a file to look up.
  if (type == RRType::wks) return;
  raw = nullptr;
  std::size_t at = 0;
  const Octets wire = record_wire(owner, type, rdata);
  ASSERT_EQ(ldns_wire2rr(&raw, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER), LDNS_STATUS_OK);
  const LdnsRecord from_wire(raw);
  const CText its_text(ldns_rr2str(from_wire.get()));
  ZoneTextReader reader(its_text.get(), Name(), 0);
  ZoneRecord record;
  const bool reads = reader.next(record);
  ASSERT_TRUE(reads) << its_text.get() << (reader.error() ? reader.error()->text : "");
  ASSERT_EQ(record.owner, owner);
  ASSERT_EQ(record.type, type);
  ASSERT_EQ(hex(record.rdata), hex(rdata)) << its_text.get();
}

TEST(Ldns, ReadsOurTextAndWeReadIts) {
  std::mt19937 random(11);
  for (const RRType type : known_types()) {
    for (int i = 0; i < 30; ++i) {
      compare_text(type, random_rdata(type, random));
    }
  }
}

LdnsPacket ldns_packet(OctetView message) {
  ldns_pkt* raw = nullptr;
  if (ldns_wire2pkt(&raw, message.data(), message.size()) != LDNS_STATUS_OK) raw = nullptr;
  return LdnsPacket(raw);
}

// All that a message says, a record a line; OPT apart, which ldns keeps in its own fields.
std::string summary(const ldns_pkt* packet) {
  std::string out;
  for (const ldns_rr_list* section :
       {ldns_pkt_answer(packet), ldns_pkt_authority(packet), ldns_pkt_additional(packet)}) {
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(section); ++i) {
      const ldns_rr* record = ldns_rr_list_rr(section, i);
      const ldns_rdf* owner = ldns_rr_owner(record);
      out += lower_hex({ldns_rdf_data(owner), ldns_rdf_size(owner)}) + " " +
             std::to_string(ldns_rr_get_type(record)) + " " + std::to_string(ldns_rr_ttl(record)) +
             " " + lower_hex(rdata_of(record)) + "\n";
    }
  }
  if (ldns_pkt_edns(packet)) {
    out += "EDNS " + std::to_string(ldns_pkt_edns_udp_size(packet)) +
           (ldns_pkt_edns_do(packet) ? " DO" : "") + "\n";
  }
  return out;
}

std::string summary(const MessageView& view) {
  std::string out;
  view.for_each_record([&](Section, const Record& record) {
    if (record.type == RRType::opt) return true;
    Octets rdata;
    EXPECT_TRUE(expand_rdata(view.octets(), record, rdata));
    out += lower_hex(record.owner.wire()) + " " +
           std::to_string(static_cast<unsigned>(record.type)) + " " + std::to_string(record.ttl) +
           " " + lower_hex(rdata) + "\n";
    return true;
  });
  if (view.edns()) {
    out += "EDNS " + std::to_string(view.edns()->udp_octets) +
           (view.edns()->dnssec_ok ? " DO" : "") + "\n";
  }
  return out;
}

TEST(Ldns, ReadsOurMessagesAndWeReadIts) {
  std::mt19937 random(12);
  for (int i = 0; i < 500; ++i) {
    const Octets message = random_message(random, 12);
    const auto ours = MessageView::parse(message);
    ASSERT_TRUE(ours) << to_string(ours.error());
    const LdnsPacket theirs = ldns_packet(message);
    ASSERT_TRUE(theirs) << hex(message);
    ASSERT_EQ(summary(*ours), summary(theirs.get()));

    // Back from ldns, which compresses in its own way.
    std::uint8_t* raw = nullptr;
    std::size_t size = 0;
    ASSERT_EQ(ldns_pkt2wire(&raw, theirs.get(), &size), LDNS_STATUS_OK);
    const COctets owned(raw);
    const auto back = MessageView::parse({raw, size});
    ASSERT_TRUE(back) << to_string(back.error()) << " " << hex({raw, size});
    ASSERT_EQ(back->question(), ours->question());
    ASSERT_EQ(summary(*back), summary(*ours));
  }
}

Octets mutated(Octets message, std::mt19937& random) {
  for (auto count = 1 + random() % 3; count > 0; --count) {
    const std::size_t at = random() % message.size();
    switch (random() % 5) {
      case 0:
        message[at] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        message[at] = static_cast<std::uint8_t>(message[at] ^ (1U << (random() % 8)));
        break;
      case 2:
        message.resize(std::max<std::size_t>(at, 1));
        break;
      case 3:
        message[at] = 0xc0;
        break;
      default:
        message.erase(message.begin() + static_cast<std::ptrdiff_t>(at));
        break;
    }
    if (message.empty()) message.push_back(0);
  }
  return message;
}

// What makes ldns 1.8.3 judge a message otherwise than we do: a record whose data does not read
// as its type, or of a type that only it knows. It refuses a message for data that is too short,
// where we check only names and show the rest as octets, so that one odd record does not cost a
// client the others; data that is too long it reads on behind the last field, not behind the
// data's end, and so mistakes all that follows. And the options of an OPT it does not read.
bool has_odd_record(OctetView message) {
  const auto header = Header::read(message);
  std::size_t offset = kHeaderOctets;
  if (!header || header->question_count != 1 || !skip_name(message, offset)) return false;
  offset += 4;
  Record record;
  while (offset < message.size() && MessageView::read_record(message, offset, record)) {
    const std::string text =
        rdata_to_text(record.type, message, record.rdata_offset, record.rdata.size());
    const bool unknown_to_both = to_string(record.type).starts_with("TYPE");
    if (record.type == RRType::opt || (text.starts_with("\\#") && !unknown_to_both)) return true;
  }
  return false;
}

TEST(Ldns, JudgesMutatedMessagesAsWeDo) {
  std::mt19937 random(13);
  int both = 0;
  int neither = 0;
  for (int i = 0; i < 20000; ++i) {
    const Octets message = mutated(random_message(random, 6), random);
    SCOPED_TRACE(hex(message));
    const auto ours = MessageView::parse(message);
    const LdnsPacket theirs = ldns_packet(message);
    if (ours && theirs) {
      ++both;
      if (summary(*ours) != summary(theirs.get())) {
        EXPECT_TRUE(has_odd_record(message)) << summary(*ours) << summary(theirs.get());
      }
    } else if (ours) {
      EXPECT_TRUE(has_odd_record(message));
    } else if (theirs) {
      // It follows pointers forward and into the header, and does not look behind the message.
      const bool stricter =
          ours.error() == MessageError::bad_name || ours.error() == MessageError::trailing_octets;
      EXPECT_TRUE(stricter || has_odd_record(message)) << to_string(ours.error());
    } else {
      ++neither;
    }
  }
  EXPECT_GT(both, 4000);
  EXPECT_GT(neither, 4000);
}

}  // namespace
}  // namespace postern::dns
