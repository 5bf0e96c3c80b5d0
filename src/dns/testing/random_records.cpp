#include "dns/testing/random_records.h"

#include <algorithm>
#include <array>

#include "dns/message.h"
#include "dns/rdata_format.h"
#include "dns/writer.h"

namespace postern::dns {
namespace {

using Random = std::mt19937;

std::uint8_t octet(Random& random) {
  return static_cast<std::uint8_t>(random());
}

void add_octets(std::size_t count, Random& random, Octets& out) {
  for (; count > 0; --count) out.push_back(octet(random));
}

void add_letters(std::size_t count, Random& random, Octets& out) {
  for (; count > 0; --count) out.push_back(static_cast<std::uint8_t>('a' + random() % 26));
}

void add(OctetView octets, Octets& out) {
  out.insert(out.end(), octets.begin(), octets.end());
}

void add_name(Random& random, Octets& out) {
  add(random_name(random).wire(), out);
}

void add_string(std::size_t min, Random& random, Octets& out) {
  const std::size_t size = min + random() % 20;
  out.push_back(static_cast<std::uint8_t>(size));
  add_octets(size, random, out);
}

// NINFO, RKEY, DSYNC, UINFO to UNSPEC, NXNAME, AVC to IPN, TA: ldns has no mnemonics for them.
bool does_ldns_lack(unsigned type) {
  return type == 56 || type == 57 || type == 66 || (type >= 100 && type <= 103) || type == 128 ||
         (type >= 258 && type <= 264) || type == 32768;
}

void add_bitmap(Random& random, Octets& out) {
  for (unsigned window = 0; window < 256; window += 1U + octet(random)) {
    const unsigned size = 14 + octet(random) % 19;
    out.push_back(static_cast<std::uint8_t>(window));
    out.push_back(static_cast<std::uint8_t>(size));
    for (unsigned at = 0; at < size; ++at) {
      unsigned bits = octet(random) | (at + 1 == size ? 1U : 0U);
      for (unsigned bit = 0; bit < 8; ++bit) {
        if (does_ldns_lack(window * 256 + at * 8 + bit)) bits &= ~(0x80U >> bit);
      }
      out.push_back(static_cast<std::uint8_t>(bits));
    }
  }
}

void add_location(Random& random, Octets& out) {
  out.push_back(0);
  for (int i = 0; i < 3; ++i) {
    const auto digit = 1 + random() % 9;
    out.push_back(static_cast<std::uint8_t>(digit << 4 | random() % 10));
  }
  for (const std::uint32_t degrees : {90U, 180U}) {
    const auto angle = static_cast<std::uint32_t>(random() % (2 * degrees * 3600000 + 1));
    const std::size_t at = out.size();
    out.resize(at + 4);
    store_u32(&out[at], 0x80000000 - degrees * 3600000 + angle);
  }
  add_octets(4, random, out);
}

void add_prefixes(Random& random, Octets& out) {
  for (std::size_t count = 1 + random() % 3; count > 0; --count) {
    const bool is_v4 = random() % 2 == 0;
    const std::size_t size = random() % (is_v4 ? 5 : 17);
    out.push_back(0);
    out.push_back(is_v4 ? 1 : 2);
    out.push_back(static_cast<std::uint8_t>(random() % (is_v4 ? 33 : 129)));
    out.push_back(static_cast<std::uint8_t>((random() % 2) << 7 | size));
    add_octets(size, random, out);
    if (size > 0) out.back() |= 1;
  }
}

void add_gateway(Random& random, Octets& out) {
  const unsigned kind = random() % 4;
  out.push_back(octet(random));
  out.push_back(static_cast<std::uint8_t>(kind));
  out.push_back(static_cast<std::uint8_t>(1 + random() % 3));
  if (kind == 1) add_octets(4, random, out);
  if (kind == 2) add_octets(16, random, out);
  if (kind == 3) add_name(random, out);
  add_octets(1 + random() % 40, random, out);
}

void add_host_identity(Random& random, Octets& out) {
  const std::size_t tag = 1 + random() % 30;
  const std::size_t key = 1 + random() % 60;
  add(Octets{static_cast<std::uint8_t>(tag), octet(random), 0, static_cast<std::uint8_t>(key)},
      out);
  add_octets(tag + key, random, out);
  for (std::size_t count = random() % 3; count > 0; --count) add_name(random, out);
}

void add_param(unsigned key, OctetView value, Octets& out) {
  add(Octets{static_cast<std::uint8_t>(key >> 8), static_cast<std::uint8_t>(key),
             static_cast<std::uint8_t>(value.size() >> 8), static_cast<std::uint8_t>(value.size())},
      out);
  add(value, out);
}

void add_service_params(Random& random, Octets& out) {
  const auto maybe = [&random] { return random() % 2 == 0; };
  Octets value;
  const bool has_port = maybe();
  if (has_port && maybe()) add_param(0, Octets{0, 3}, out);  // The port is mandatory.
  if (maybe()) {
    for (std::size_t count = 1 + random() % 3; count > 0; --count) {
      value.push_back(3);
      add_letters(3, random, value);
    }
    add_param(1, value, out);
    if (maybe()) add_param(2, {}, out);
  }
  if (has_port) add_param(3, Octets{octet(random), octet(random)}, out);
  for (const unsigned key : {4U, 5U, 6U, 1000U, 65534U}) {
    if (maybe()) continue;
    value.clear();
    if (key >= 1000) {
      add_letters(1 + random() % 30, random, value);
    } else {
      add_octets(key == 4 ? 8 : key == 6 ? 32 : 1 + random() % 30, random, value);
    }
    add_param(key, value, out);
  }
}

void add_field(Field field, Random& random, Octets& out) {
  switch (field) {
    case Field::u8:
    case Field::algorithm:
      return add_octets(1, random, out);
    case Field::u16:
    case Field::type:
    case Field::cert_type:
      return add_octets(2, random, out);
    case Field::u32:
    case Field::ttl:
    case Field::ipv4:
      return add_octets(4, random, out);
    case Field::time:
      out.push_back(octet(random) & 0x7f);
      return add_octets(3, random, out);
    case Field::ipv6:
      return add_octets(16, random, out);
    case Field::locator:
    case Field::eui64:
      return add_octets(8, random, out);
    case Field::eui48:
      return add_octets(6, random, out);
    case Field::name:
      return add_name(random, out);
    case Field::string:
    case Field::optional_string:
      return add_string(0, random, out);
    case Field::strings:
      for (std::size_t count = 1 + random() % 4; count > 0; --count) add_string(0, random, out);
      return;
    case Field::tag:
      return add(octets_of("\x05issue"), out);
    case Field::text:
    case Field::optional_text:
    case Field::hex:
    case Field::base64:
    case Field::optional_base64:
      return add_octets(1 + random() % 60, random, out);
    case Field::salt:
      return add_string(0, random, out);
    case Field::base32:  // SHA-1, the only hash there is (RFC 5155 §11).
      out.push_back(20);
      return add_octets(20, random, out);
    case Field::bitmap:
      return add_bitmap(random, out);
    case Field::location:
      return add_location(random, out);
    case Field::prefixes:
      return add_prefixes(random, out);
    case Field::services:
      add_octets(4, random, out);
      out.push_back(random() % 2 == 0 ? 6 : 17);
      add_octets(1 + random() % 20, random, out);
      out.back() |= 1;
      return;
    case Field::gateway:
      return add_gateway(random, out);
    case Field::host_identity:
      return add_host_identity(random, out);
    case Field::service_params:
      return add_service_params(random, out);
  }
}

}  // namespace

Name random_name(Random& random) {
  Octets wire;
  const bool is_odd = random() % 4 == 0;
  for (std::size_t labels = random() % 7; labels > 0; --labels) {
    const std::size_t size = 1 + random() % (random() % 10 == 0 ? 30 : 8);
    wire.push_back(static_cast<std::uint8_t>(size));
    for (std::size_t i = 0; i < size; ++i) {
      wire.push_back(is_odd ? octet(random) : static_cast<std::uint8_t>('a' + random() % 26));
    }
  }
  for (const char mistaken : {'"', '@'}) {
    std::replace(wire.begin(), wire.end(), static_cast<std::uint8_t>(mistaken), std::uint8_t{'x'});
  }
  wire.push_back(0);
  std::size_t offset = 0;
  return Name::from_wire(wire, offset).value();
}

std::vector<RRType> known_types() {
  std::vector<RRType> types = {RRType::null, static_cast<RRType>(731), static_cast<RRType>(65280)};
  for (unsigned value = 1; value <= 65535; ++value) {
    const auto type = static_cast<RRType>(value);
    if (!rdata_fields(type).empty()) types.push_back(type);
  }
  return types;
}

Octets random_rdata(RRType type, Random& random) {
  Octets rdata;
  const std::string_view fields = rdata_fields(type);
  for (const char field : fields) add_field(static_cast<Field>(field), random, rdata);
  if (fields.empty()) add_octets(random() % 40, random, rdata);
  return rdata;
}

Octets random_message(Random& random, std::size_t max_records) {
  static const std::vector<RRType> types = known_types();
  std::array<std::uint8_t, 4096> buffer;
  MessageWriter writer(buffer, 512 + random() % 3500);
  writer.header(static_cast<std::uint16_t>(random()), flag::qr | flag::rd | flag::ra);
  const Name zone = random_name(random);
  writer.question({zone, types[random() % types.size()], RRClass::in});
  writer.reserve(40);
  std::size_t count = random() % (max_records + 1);
  for (unsigned section = 0; count > 0; --count) {
    section = std::min(section + (random() % 3 == 0 ? 1U : 0U), 2U);
    const auto owner = zone.with_prefix(random_name(random));
    const RRType type = types[random() % types.size()];
    writer.record(static_cast<Section>(section),
                  {owner.value_or(zone), type, RRClass::in, 300, random_rdata(type, random)});
  }
  const Octets cookie(8, octet(random));
  const MessageWriter::Option option{EdnsOption::cookie, cookie};
  if (random() % 2 == 0) writer.opt(1232, Rcode::noerror, random() % 2 == 0, {&option, 1});
  const OctetView message = writer.message();
  return {message.begin(), message.end()};
}

}  // namespace postern::dns
