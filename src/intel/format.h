// Feed formats: text in, rules with line numbers out.
//
// Start at `read_feed`. Each format has its own file (hosts.cpp, adblock.cpp, …) and a
// fuzz target; what a line of each means for subdomains is in docs/reference/feed-formats.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "dns/name.h"
#include "intel/tlp.h"
#include "policy/rule.h"

namespace postern::intel {

enum class Format : std::uint8_t {
  hosts,     ///< "0.0.0.0 name [alias…]": exact names.
  domains,   ///< A name a line: exact, unless `FeedOptions::scope` says otherwise.
  wildcard,  ///< "*.example.com": the name and all below it; a bare name: exact.
  adblock,   ///< "||example.org^" and its DNS modifiers.
  dnsmasq,   ///< "address=/example.com/…", "local=/…/", "server=/…/": name and all below.
  unbound,   ///< "local-zone:", "local-data:".
  rpz,       ///< A zone file, RPZ draft; all triggers and actions.
  csv,       ///< Columns named by `FeedOptions::csv`.
  stix,      ///< A STIX 2.1 bundle: the patterns of its indicators.
  misp,      ///< MISP events, or what a search for attributes gives.
  maltrail,  ///< A name or an address a line: the name and all below it; answers by address.
  json,      ///< Objects, with a field named by `FeedOptions::json`.
};
inline constexpr std::size_t kFormatCount = 12;

std::string_view to_string(Format format);
std::optional<Format> format_from_text(std::string_view text);

struct CsvOptions {
  std::string column = "domain";  ///< Header name, or a number from 1 where there is no header.
  char separator = ',';
  bool has_header = true;
};

struct JsonOptions {
  /// Where an object has the indicator; "a.b" is field b of the object or objects in field a.
  std::string field = "domain";
  /// A field beside it: what has a time there that has come, or anything else that is neither
  /// null, false nor empty, is no longer on the list. Empty: there is none.
  std::string removed;
};

/// What lint looks at beyond what no feed may have (lint.h).
struct LintOptions {
  /// Rules that block public suffixes or own domains are skipped. Not where the gate judges the
  /// feed: there an update that has such rules is held as a whole.
  bool skips_shared = false;
  std::vector<dns::Name> own_domains{};
  std::vector<dns::Name> forced{};  ///< Owners of rules that are meant, whatever they are.
};

struct FeedOptions {
  Format format = Format::domains;
  /// Overrides what a plain line means for subdomains; for hosts, domains, csv, for the names of
  /// stix, misp, maltrail and json, and for the "*." lines of wildcard.
  std::optional<policy::Scope> scope;
  /// Turns the feed into an allow list: every block rule becomes a pass rule.
  bool allow = false;
  /// For rpz: the zone's origin; taken from the SOA record's owner if empty.
  std::optional<dns::Name> origin;
  CsvOptions csv;
  JsonOptions json;
  /// For stix, misp, maltrail, json: a URL blocks its host. Else only one without a path does.
  bool url_hosts = false;
  /// For stix: indicators that state a lower confidence (0 to 100) are skipped.
  unsigned min_confidence = 0;
  /// When the feed is read: what is valid only later or no longer is skipped. Unset: all is valid.
  std::optional<WallTime> now;
  LintOptions lint;
  std::size_t max_rules = 20'000'000;
};

/// A line, or of JSON an object, that was passed over.
struct SkippedLine {
  std::uint32_t line = 0;  ///< Where it begins.
  std::string text;        ///< What is wrong with it and what to do.
};

struct FeedContent {
  static constexpr std::size_t kMaxSkippedKept = 100;  ///< All are counted, the first ones kept.

  policy::ZoneRules rules;
  /// For stix and misp: the strictest marking of anything that became a rule.
  std::optional<Tlp> tlp;
  std::uint64_t lines = 0;
  std::uint64_t lines_skipped = 0;
  std::vector<SkippedLine> skipped;
  std::uint64_t lines_ignored =
      0;  ///< Comments, blank lines, cosmetic rules: nothing wrong with them.
};

/// Reads a feed's text (already decompressed). One bad line is skipped and counted; it never
/// fails the feed. An error only where the whole is not such a feed: HTML, binary, empty of
/// rules, over a limit. `not_found`: comments alone, as a feed may have on a quiet day;
/// `limit_exceeded`: too many rules or octets; `invalid_input`: all else.
Result<FeedContent> read_feed(std::string_view text, const FeedOptions& options);

/// Guesses the format of a text from its first lines; for `postern feed add` and error hints.
std::optional<Format> guess_format(std::string_view text);

}  // namespace postern::intel
