#include "intel/rpz_owner.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/octets.h"

namespace postern::intel {
namespace {

using policy::Trigger;
using std::string_view_literals::operator""sv;

constexpr std::size_t kV4Parts = 4;
constexpr std::size_t kV6Groups = 8;
constexpr std::string_view kZeros = "zz";

constexpr RpzOwnerFault kNoPrefix =
    "is no prefix in the form of a policy zone; write 24.0.2.0.192.rpz-ip for 192.0.2.0/24, "
    "48.zz.db8.2001.rpz-ip for 2001:db8::/48";
constexpr RpzOwnerFault kBadLength =
    "does not begin with a prefix length from 1 to 32, or for IPv6 to 128; correct it";
constexpr RpzOwnerFault kEveryAddress = "stands for every address there is; remove it";
constexpr RpzOwnerFault kBadPart = "has a part that is no number up to 255; correct it";
constexpr RpzOwnerFault kBadGroup =
    "has a group that is no hexadecimal number up to ffff; correct it";
constexpr RpzOwnerFault kTwoZeros = "has zz more than once; write the zeros of one of them out";
constexpr RpzOwnerFault kLastZeros = "has zz as its eighth group; write 0";
constexpr RpzOwnerFault kBadGroupCount =
    "has neither eight groups nor zz once in place of those that are zero; correct it";
constexpr RpzOwnerFault kHostBits =
    "has bits set behind its prefix length; write zeros there, or the length that is meant";
constexpr RpzOwnerFault kUnknownTrigger =
    "is a trigger that is not known; there are rpz-ip, rpz-client-ip, rpz-nsip and rpz-nsdname";

struct TriggerLabel {
  std::string_view label;
  Trigger trigger;
};

constexpr std::array kTriggerLabels = {
    TriggerLabel{"rpz-client-ip"sv, Trigger::client_ip},
    TriggerLabel{"rpz-ip"sv, Trigger::response_ip},
    TriggerLabel{"rpz-nsdname"sv, Trigger::nsdname},
    TriggerLabel{"rpz-nsip"sv, Trigger::nsip},
};

/// Where the last label begins in the wire form; of the root 0.
std::size_t last_label_offset(std::string_view wire) {
  std::size_t last = 0;
  for (std::size_t at = 0; wire[at] != '\0'; at += 1 + static_cast<unsigned char>(wire[at]))
    last = at;
  return last;
}

/// The name whose wire form ends before `size`; what is there becomes the root label.
dns::Name first_octets(const dns::Name& name, std::size_t size) {
  std::array<std::uint8_t, dns::Name::kMaxOctets> octets{};
  std::ranges::copy(name.wire().first(size), octets.begin());
  return *dns::Name::from_labels(OctetView(octets).first(size + 1));
}

/// Labels of a name, from the left; views into the name. More than a prefix has are cut off.
struct Labels {
  static constexpr std::size_t kMax = 1 + kV6Groups + 1;

  std::array<std::string_view, kMax> text{};
  std::size_t count = 0;

  std::span<const std::string_view> all() const { return std::span(text).first(count); }
};

Labels first_labels(std::string_view wire) {
  Labels labels;
  for (std::size_t at = 0; at < wire.size() && labels.count < Labels::kMax;) {
    const std::size_t size = static_cast<unsigned char>(wire[at]);
    labels.text[labels.count++] = wire.substr(at + 1, size);
    at += 1 + size;
  }
  return labels;
}

std::optional<unsigned> number(std::string_view text, int base, unsigned max) {
  unsigned value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

bool has_bits_behind(OctetView octets, unsigned length) {
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto begin = static_cast<unsigned>(i) * 8;
    const unsigned kept = length > begin ? std::min(length - begin, 8U) : 0U;
    if ((octets[i] & (0xffU >> kept)) != 0) return true;
  }
  return false;
}

Result<IpPrefix, RpzOwnerFault> prefix_of(OctetView octets, unsigned length) {
  if (has_bits_behind(octets, length)) return Unexpected(kHostBits);
  const IpAddress address = IpAddress::from_octets(octets);
  // ::ffff:192.0.2.0/120 is 192.0.2.0/24 (RFC 4291 §2.5.5.2). Its first 96 bits are not all zero,
  // so that no shorter length has come so far.
  const unsigned skipped = static_cast<unsigned>(octets.size()) * 8 - address.bit_count();
  if (length == skipped) return Unexpected(kEveryAddress);
  return IpPrefix(address, length - skipped);
}

Result<IpPrefix, RpzOwnerFault> read_v4(std::span<const std::string_view> parts, unsigned length) {
  if (length > 32) return Unexpected(kBadLength);
  std::array<std::uint8_t, kV4Parts> octets{};
  for (std::size_t i = 0; i < kV4Parts; ++i) {
    const auto octet = number(parts[i], 10, 255);
    if (!octet) return Unexpected(kBadPart);
    octets[kV4Parts - 1 - i] = static_cast<std::uint8_t>(*octet);
  }
  return prefix_of(octets, length);
}

Result<IpPrefix, RpzOwnerFault> read_v6(std::span<const std::string_view> groups, unsigned length) {
  const auto zeros = std::ranges::count(groups, kZeros);
  if (zeros > 1) return Unexpected(kTwoZeros);
  const bool fits = zeros == 1 ? groups.size() <= kV6Groups : groups.size() == kV6Groups;
  if (!fits) return Unexpected(kBadGroupCount);
  std::array<std::uint8_t, 2 * kV6Groups> octets{};
  std::size_t at = 0;  // Of the group, from the right.
  for (const std::string_view text : groups) {
    if (text == kZeros) {
      if (at + 1 == kV6Groups) return Unexpected(kLastZeros);
      at += kV6Groups + 1 - groups.size();
      continue;
    }
    const auto group = number(text, 16, 0xffff);
    if (!group) return Unexpected(kBadGroup);
    store_u16(octets.data() + 2 * (kV6Groups - 1 - at), static_cast<std::uint16_t>(*group));
    ++at;
  }
  return prefix_of(octets, length);
}

Result<IpPrefix, RpzOwnerFault> read_prefix(std::span<const std::string_view> labels) {
  if (labels.size() < 2) return Unexpected(kNoPrefix);
  const auto length = number(labels.front(), 10, 128);
  if (!length) return Unexpected(kBadLength);
  if (*length == 0) return Unexpected(kEveryAddress);
  const auto parts = labels.subspan(1);
  const bool is_v4 = parts.size() == kV4Parts && std::ranges::count(parts, kZeros) == 0;
  return is_v4 ? read_v4(parts, *length) : read_v6(parts, *length);
}

}  // namespace

Result<RpzOwner, RpzOwnerFault> read_rpz_owner(const dns::Name& owner) {
  RpzOwner out;
  const std::string_view wire = text_of(owner.wire());
  const std::size_t last = last_label_offset(wire);
  const std::string_view last_label = wire.substr(last + 1, static_cast<unsigned char>(wire[last]));
  if (last_label.starts_with("rpz-")) {
    const auto* found = std::ranges::find(kTriggerLabels, last_label, &TriggerLabel::label);
    if (found == kTriggerLabels.end()) return Unexpected(kUnknownTrigger);
    out.trigger = found->trigger;
    if (policy::has_prefix(out.trigger)) {
      const auto prefix = read_prefix(first_labels(wire.substr(0, last)).all());
      if (!prefix) return Unexpected(prefix.error());
      out.prefix = *prefix;
      return out;
    }
  }
  out.name = out.trigger == Trigger::nsdname ? first_octets(owner, last) : owner;
  if (text_of(out.name.wire()).starts_with("\1*")) {
    out.scope = policy::Scope::below;
    out.name = out.name.without_left(1);
  }
  return out;
}

}  // namespace postern::intel
