// Signs: what the records about a domain say, each with the record and the rule that says so. The
// verdict weighs them; nothing is decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exposure/answer.h"
#include "exposure/inquiry.h"
#include "exposure/pack.h"
#include "exposure/spf.h"

namespace postern::exposure {

/// One record and what it says.
struct Sign {
  std::string rule;      ///< A pack's rule, or one of ours (docs/operating/exposure.md).
  std::string provider;  ///< Its title; "" for our own rules.
  Role role{};
  Slot slot{};
  int weight = 0;  ///< 1 to 100; 0: told, not weighed.
  std::string means;
  Record record;
};

/// Where something stands: who takes mail, or where autodiscover leads.
enum class Place : std::uint8_t {
  none,
  known,     ///< At a provider that a rule knows; `Where::sign` is the rule.
  own,       ///< At or below the domain, with addresses.
  foreign,   ///< At a name elsewhere that no rule knows.
  dangling,  ///< A name without addresses.
};

struct Where {
  Place place = Place::none;
  std::optional<Sign> sign{};
  dns::Name host{};
  std::vector<IpAddress> addresses{};
  Record record{};           ///< That says so.
  bool is_internal = false;  ///< All addresses are private ones (RFC 1918, 4193).
};

struct Signs {
  std::vector<Sign> list;
  /// Mail exchangers by preference; `place` is never `none`.
  std::vector<Where> exchangers;
  bool has_null_mx = false;     ///< RFC 7505.
  bool is_implicit_mx = false;  ///< No MX record: the domain's own address takes mail.
  Where autodiscover;           ///< By address or alias.
  Where autodiscover_service;   ///< By SRV record.
  bool is_web_host = false;     ///< Autodiscover is where the domain's own address is.
  SpfWalk spf;
  std::string dmarc_policy;  ///< "none", "quarantine", "reject"; "" for no record.
  bool has_mta_sts = false;
  bool is_signed = false;              ///< The MX answer is secure (DNSSEC).
  bool has_dane = false;               ///< TLSA records for a mail host (RFC 7672).
  std::vector<std::string> notes;      ///< What was seen and does not count, in words.
  std::vector<std::string> not_known;  ///< "MX of example.com: SERVFAIL".
};

/// Both addresses in one network of a size that one organisation has: /24, /48.
bool are_neighbours(const IpAddress& a, const IpAddress& b);
/// Reachable from nowhere but inside: RFC 1918, 4193, 6598, loopback, link local.
bool is_internal_address(const IpAddress& address);

/// Linear in the records, times the pack's rules.
Signs read_signs(const Inquiry& inquiry, const Pack& pack);

}  // namespace postern::exposure
