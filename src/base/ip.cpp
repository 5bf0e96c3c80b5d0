#include "base/ip.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

#include "base/assert.h"

namespace postern {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Result<unsigned> number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) {
    return fail(Errc::invalid_input,
                "\"" + std::string(text) + "\" is not a number from 0 to " + std::to_string(max));
  }
  return value;
}

}  // namespace

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  const std::uint8_t octets[] = {a, b, c, d};
  return from_octets(octets);
}

IpAddress IpAddress::from_octets(OctetView octets) {
  POSTERN_ASSERT(octets.size() == 4 || octets.size() == 16);
  IpAddress address;
  if (octets.size() == 16) {
    if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin())) {
      return from_octets(octets.subspan(12));
    }
    address.family_ = Family::v6;
  }
  std::copy(octets.begin(), octets.end(), address.octets_.begin());
  return address;
}

Result<IpAddress> IpAddress::from_text(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN + 1] = {};
  std::uint8_t octets[16];
  if (text.size() < sizeof terminated && text.find('\0') == std::string_view::npos) {
    std::copy(text.begin(), text.end(), terminated);
    if (inet_pton(AF_INET, terminated, octets) == 1) return from_octets({octets, 4});
    if (inet_pton(AF_INET6, terminated, octets) == 1) return from_octets({octets, 16});
  }
  return fail(Errc::invalid_input, "\"" + std::string(text) + "\" is not an IP address");
}

std::string IpAddress::to_text() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, octets_.data(), text, sizeof text);
  return text;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return octets_[0] == 127;
  return octets_[15] == 1 &&
         std::all_of(octets_.begin(), octets_.end() - 1, [](std::uint8_t o) { return o == 0; });
}

bool IpAddress::is_unspecified() const {
  return std::all_of(octets_.begin(), octets_.end(), [](std::uint8_t o) { return o == 0; });
}

IpPrefix::IpPrefix(const IpAddress& address, unsigned length)
    : length_(static_cast<std::uint8_t>(length)) {
  POSTERN_ASSERT(length <= address.bit_count());
  std::array<std::uint8_t, 16> octets{};
  const OctetView from = address.octets();
  std::copy(from.begin(), from.end(), octets.begin());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const unsigned kept = length > i * 8 ? std::min(length - static_cast<unsigned>(i) * 8, 8U) : 0U;
    octets[i] = static_cast<std::uint8_t>(octets[i] & (0xff00U >> kept));
  }
  address_ = IpAddress::from_octets(OctetView(octets).first(from.size()));
}

Result<IpPrefix> IpPrefix::from_text(std::string_view text) {
  const std::size_t slash = text.find('/');
  const IpAddress address = POSTERN_TRY(IpAddress::from_text(text.substr(0, slash)));
  if (slash == std::string_view::npos) return IpPrefix(address, address.bit_count());
  const unsigned length = POSTERN_TRY(number(text.substr(slash + 1), address.bit_count()));
  const IpPrefix prefix(address, length);
  if (prefix.address() != address) {
    return fail(Errc::invalid_input, "\"" + std::string(text) + "\" has host bits set; write " +
                                         prefix.to_text() + " or " + address.to_text());
  }
  return prefix;
}

bool IpPrefix::contains(const IpAddress& address) const {
  if (address.family() != address_.family()) return false;
  return IpPrefix(address, length_).address_ == address_;
}

std::string IpPrefix::to_text() const {
  return address_.to_text() + "/" + std::to_string(length_);
}

Result<Endpoint> Endpoint::from_text(std::string_view text, std::uint16_t default_port) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return fail(Errc::invalid_input, "\"" + std::string(text) + "\" lacks the closing ]");
    }
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) {
      return fail(Errc::invalid_input, "\"" + std::string(text) + "\" is not an endpoint");
    }
    if (!rest.empty()) port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
  }
  Endpoint endpoint{POSTERN_TRY(IpAddress::from_text(host)), default_port};
  if (!port.empty()) {
    endpoint.port = static_cast<std::uint16_t>(POSTERN_TRY(number(port, 65535)));
  } else if (default_port == 0) {
    return fail(Errc::invalid_input, "\"" + std::string(text) + "\" lacks a port");
  }
  return endpoint;
}

std::string Endpoint::to_text() const {
  const std::string host = address.to_text();
  return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace postern
