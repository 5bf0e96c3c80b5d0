#include "net/dns_server.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/evp.h>

#include "dns/name.h"

namespace postern::net {
namespace {

constexpr std::uint16_t kDnsPort = 53, kDotPort = 853;
constexpr std::string_view kPin = "pin-sha256=";
constexpr std::size_t kDigestOctets = 32, kDigestBase64 = 44;

Unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Errc::invalid_input, "\"" + std::string(text) +
                                       "\" is not a server: " + std::string(why) +
                                       "; write 192.0.2.1, udp://192.0.2.1:53, tcp://192.0.2.1 or "
                                       "tls://192.0.2.1:853#dns.example");
}

/// Nothing where `text` is not base64 of 32 octets.
Octets digest_from(std::string_view text) {
  // 44 characters decode to 33 octets, of which the padding takes one.
  std::array<std::uint8_t, kDigestOctets + 1> octets{};
  if (text.size() != kDigestBase64 || text[43] != '=' || text[42] == '=') return {};
  const int count =
      EVP_DecodeBlock(octets.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (count != static_cast<int>(octets.size())) return {};
  return {octets.begin(), octets.begin() + kDigestOctets};
}

}  // namespace

Result<DnsServer> dns_server_from_text(std::string_view text) {
  DnsServer server;
  std::string_view rest = text;
  if (const std::size_t scheme_end = rest.find("://"); scheme_end != std::string_view::npos) {
    const std::string_view scheme = rest.substr(0, scheme_end);
    if (scheme == "tcp") {
      server.transport = DnsServer::Transport::tcp;
    } else if (scheme == "tls") {
      server.transport = DnsServer::Transport::tls;
    } else if (scheme != "udp") {
      return bad(text, "the transport is none of udp, tcp, tls");
    }
    rest.remove_prefix(scheme_end + 3);
  }
  const bool is_tls = server.transport == DnsServer::Transport::tls;
  std::string_view identity;
  if (const std::size_t hash = rest.find('#'); hash != std::string_view::npos) {
    if (!is_tls) return bad(text, "only tls:// has a name");
    identity = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
    if (identity.empty()) return bad(text, "the name after # is missing");
  }
  const auto endpoint = Endpoint::from_text(rest, is_tls ? kDotPort : kDnsPort);
  if (!endpoint) return bad(text, endpoint.error().text);
  if (endpoint->port == 0) return bad(text, "port 0");
  server.endpoint = *endpoint;
  while (!identity.empty()) {
    const std::string_view part = identity.substr(0, identity.find('&'));
    identity.remove_prefix(std::min(identity.size(), part.size() + 1));
    if (part.starts_with(kPin)) {
      Octets digest = digest_from(part.substr(kPin.size()));
      if (digest.empty()) return bad(text, "the pin is not the base64 of a SHA-256 digest");
      server.tls_pins.push_back(std::move(digest));
    } else {
      const auto name = dns::Name::from_text(part);
      if (!name || name->is_root() || !server.tls_name.empty())
        return bad(text, "the name does not read");
      server.tls_name = name->to_display();
    }
  }
  return server;
}

}  // namespace postern::net
