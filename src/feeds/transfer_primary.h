// Where a zone is transferred from: a primary server, and how it is recognised.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/octets.h"
#include "base/result.h"

namespace postern::feeds {

struct Primary {
  enum class Transport : std::uint8_t {
    udp_tcp,  ///< The serial is asked for over UDP first.
    tcp,
    tls,  ///< RFC 9103.
  };

  Transport transport = Transport::udp_tcp;
  Endpoint endpoint;
  std::string tls_name;          ///< That the certificate must carry; empty: the address.
  std::vector<Octets> tls_pins;  ///< SHA-256 of SubjectPublicKeyInfo; any of them will do.
};

/// "192.0.2.1", "192.0.2.1:5353", "tcp://192.0.2.1", "tls://192.0.2.1:853#ns.example",
/// "tls://192.0.2.1#pin-sha256=BASE64" (also behind a name and "&"). Port 53, and 853 for TLS,
/// where none is said.
Result<Primary> primary_from_text(std::string_view text);

}  // namespace postern::feeds
