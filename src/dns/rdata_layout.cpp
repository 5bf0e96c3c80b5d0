#include "dns/rdata_layout.h"

namespace postern::dns {

std::string_view name_layout(RRType type) {
  switch (static_cast<std::uint16_t>(type)) {
    case 2:   // NS
    case 3:   // MD
    case 4:   // MF
    case 5:   // CNAME
    case 7:   // MB
    case 8:   // MG
    case 9:   // MR
    case 12:  // PTR
    case 39:  // DNAME
      return "n";
    case 6:  // SOA
      return "nnddddd";
    case 14:  // MINFO
    case 17:  // RP
      return "nn";
    case 15:   // MX
    case 18:   // AFSDB
    case 21:   // RT
    case 36:   // KX
    case 107:  // LP
      return "wn";
    case 26:  // PX
      return "wnn";
    case 33:  // SRV
      return "wwwn";
    case 35:  // NAPTR
      return "wwsssn";
    case 24:  // SIG
    case 46:  // RRSIG
      return "wwdddwn*";
    case 30:   // NXT
    case 47:   // NSEC
    case 249:  // TKEY
    case 250:  // TSIG
      return "n*";
    case 64:  // SVCB
    case 65:  // HTTPS
      return "wn*";
    default:
      return {};
  }
}

bool may_compress(RRType type) {
  switch (static_cast<std::uint16_t>(type)) {
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 12:
    case 14:
    case 15:
      return true;
    default:
      return false;
  }
}

}  // namespace postern::dns
