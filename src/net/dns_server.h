// Another DNS server as people write it down: where it is, how it is spoken to and recognised.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/octets.h"
#include "base/result.h"

namespace postern::net {

struct DnsServer {
  enum class Transport : std::uint8_t { udp, tcp, tls };

  Transport transport = Transport::udp;
  Endpoint endpoint{};
  std::string tls_name{};  ///< The name the certificate must carry; empty: the address itself.
  /// SHA-256 of the SubjectPublicKeyInfo of certificates to be trusted whatever their name and
  /// issuer (RFC 7858 §4.2); empty: name and issuer decide.
  std::vector<Octets> tls_pins{};
  std::string tls_ca_file{};  ///< Authorities that may have signed it; empty: the system's.
};

/// "192.0.2.1", "udp://192.0.2.1:53", "tcp://…", "tls://192.0.2.1:853#dns.example",
/// "tls://192.0.2.1#pin-sha256=BASE64" (also behind a name and "&"). Port 53, and 853 for TLS,
/// where none is said.
Result<DnsServer> dns_server_from_text(std::string_view text);

}  // namespace postern::net
