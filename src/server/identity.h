// What a query's EDNS options say of who asked the forwarder that it comes from.
#pragma once

#include "dns/message.h"
#include "policy/client_id.h"

namespace postern::server {

/// The hardware address (dnsmasq's --add-mac: option 65001 with its six octets, or 65073 with them
/// in base64 or as text) and the name of the client (--add-cpe-id: 65074). What is none of these,
/// or not readable, is not there. These codes are of the range for experiments (RFC 6891 §9), and
/// what they mean is a convention among forwarders. Believe it of those only who are known to
/// remove what their own clients say.
policy::Identity identity_in(const dns::Edns& edns);

}  // namespace postern::server
