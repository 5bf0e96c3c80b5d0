// Record data between its text form and its wire form.
//
// Text: RFC 1035 §5.1, RFC 3597 §5 (`\# n hex` for any type, and for all unknown ones), each
// type's own RFC. Wire forms here are uncompressed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/types.h"

namespace postern::dns {

/// Wire form of RDATA tokens ("10 mail.example.com." for MX). Relative names are completed
/// with `origin`. Errors name the token.
Result<Octets> rdata_from_text(RRType type, std::string_view text, const Name& origin);

/// Presentation form, or `\# n hex` for unknown types and RDATA that does not read as its type.
/// `message` holds the names that may be compressed (for RDATA from a packet: the packet; for
/// plain RDATA: the same view as `rdata`, offset 0).
std::string rdata_to_text(RRType type, OctetView message, std::size_t rdata_offset,
                          std::size_t rdata_size);
std::string rdata_to_text(RRType type, OctetView rdata);

/// The names that a client would follow from this record: the target of CNAME, DNAME,
/// SVCB/HTTPS (not "."), NS, MX, SRV, PTR. Nothing for other types or "." targets.
/// Reads at most one.
bool rdata_target(RRType type, OctetView message, const Record& record, Name& target);

/// Copies RDATA out of a message with its names expanded (RFC 3597 §4's types). False on
/// RDATA that does not read.
bool expand_rdata(OctetView message, const Record& record, Octets& out);

}  // namespace postern::dns
