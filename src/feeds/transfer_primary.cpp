#include "feeds/transfer_primary.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/evp.h>

#include "dns/name.h"

namespace postern::feeds {
namespace {

constexpr std::uint16_t kDnsPort = 53, kTlsPort = 853;
constexpr std::string_view kPin = "pin-sha256=";
constexpr std::size_t kDigestOctets = 32, kDigestBase64 = 44;

Unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Errc::invalid_input, "\"" + std::string(text) +
                                       "\" is not a primary: " + std::string(why) +
                                       "; write 192.0.2.1, 192.0.2.1:53, tcp://192.0.2.1 or "
                                       "tls://192.0.2.1:853#ns.example");
}

// Nothing where `text` is not base64 of 32 octets.
Octets digest_from(std::string_view text) {
  std::array<std::uint8_t, kDigestOctets + 1> octets{};  // The padding stands for one.
  if (text.size() != kDigestBase64 || text[43] != '=' || text[42] == '=') return {};
  const auto* const base64 = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DecodeBlock(octets.data(), base64, kDigestBase64) != static_cast<int>(octets.size())) {
    return {};
  }
  return {octets.begin(), octets.begin() + kDigestOctets};
}

// What stands behind "#": a name, pins, or both.
Result<void> read_identity(std::string_view text, std::string_view identity, Primary& out) {
  while (!identity.empty()) {
    const std::string_view part = identity.substr(0, identity.find('&'));
    identity.remove_prefix(std::min(identity.size(), part.size() + 1));
    if (part.starts_with(kPin)) {
      out.tls_pins.push_back(digest_from(part.substr(kPin.size())));
      if (out.tls_pins.back().empty()) return bad(text, "the pin is no SHA-256 digest in base64");
      continue;
    }
    const auto name = dns::Name::from_text(part);
    if (!name || name->is_root() || !out.tls_name.empty()) {
      return bad(text, "the name does not read");
    }
    out.tls_name = name->to_display();
  }
  return {};
}

}  // namespace

Result<Primary> primary_from_text(std::string_view text) {
  Primary primary;
  std::string_view rest = text;
  if (const std::size_t scheme_end = rest.find("://"); scheme_end != std::string_view::npos) {
    const std::string_view scheme = rest.substr(0, scheme_end);
    rest.remove_prefix(scheme_end + 3);
    if (scheme == "tcp") {
      primary.transport = Primary::Transport::tcp;
    } else if (scheme == "tls") {
      primary.transport = Primary::Transport::tls;
    } else if (scheme != "udp") {
      return bad(text, "the transport is none of udp, tcp, tls");
    }
  }
  const bool is_tls = primary.transport == Primary::Transport::tls;
  std::string_view identity;
  if (const std::size_t hash = rest.find('#'); hash != std::string_view::npos) {
    if (!is_tls) return bad(text, "only tls:// has a name");
    identity = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
    if (identity.empty()) return bad(text, "the name behind # is missing");
  }
  const auto endpoint = Endpoint::from_text(rest, is_tls ? kTlsPort : kDnsPort);
  if (!endpoint) return bad(text, endpoint.error().text);
  if (endpoint->port == 0) return bad(text, "port 0");
  primary.endpoint = *endpoint;
  POSTERN_CHECK(read_identity(text, identity, primary));
  return primary;
}

}  // namespace postern::feeds
