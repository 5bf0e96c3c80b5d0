// Verdict: who keeps a domain's mail, and whether an Exchange server of its own is likely to stand
// in the internet; with what says so.
//
// Start at `judge`. The truth table is docs/operating/exposure.md, and verdict_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exposure/inquiry.h"
#include "exposure/pack.h"
#include "exposure/signs.h"

namespace postern::exposure {

enum class Hosting : std::uint8_t {
  onprem,  ///< An Exchange server of their own, likely.
  hybrid,  ///< The same, joined to Exchange Online.
  exchange_online,
  google_workspace,
  gateway,  ///< A filter takes the mail; `behind` says what is known of the rest.
  vendor_hosted,
  other_server,  ///< A server of their own that is not Exchange.
  no_mail,       ///< None is taken (RFC 7505), or nothing is there to take it.
  no_such_domain,
  unknown,
};

/// "on-premises", "hybrid", …: one word, for JSON and CSV.
std::string_view to_string(Hosting hosting);
/// "on-premises Exchange likely": for people.
std::string_view title_of(Hosting hosting);

/// Whether an Exchange server that somebody must patch is likely to be reached from outside.
enum class Exposure : std::uint8_t { likely, possible, unlikely, not_known };

std::string_view to_string(Exposure exposure);

struct Verdict {
  Hosting hosting = Hosting::unknown;
  int confidence = 0;                 ///< 0 to 100, in `hosting`.
  Hosting behind = Hosting::unknown;  ///< Of a gateway.
  int behind_confidence = 0;
  Exposure exposure = Exposure::not_known;
  std::string provider;  ///< Who takes the mail: "Proofpoint", "mx.example.net"; "" for nobody.
  std::string advice;    ///< One sentence: what to do about it.
  std::vector<std::string> because;  ///< Sentences, the weightiest first.
  bool is_complete = true;  ///< False: what decides could not be asked; `because` says why.
  Signs signs;
};

/// Weighs all that is known. Pure; linear in the signs.
Verdict judge(const Inquiry& inquiry, const Pack& pack);

}  // namespace postern::exposure
