#include "intel/format.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "intel/feed_sink.h"
#include "intel/readers.h"
#include "intel/text.h"
#include "intel/whole_feed.h"

namespace postern::intel {
namespace {

using std::string_view_literals::operator""sv;

struct FormatEntry {
  Format format;
  std::string_view name;
  void (*read)(std::string_view text, FeedSink& sink);
  bool one_rule_a_line;  // About as many rules as lines: worth reserving memory for.
};

constexpr std::array kFormats = {
    FormatEntry{Format::hosts, "hosts"sv, read_hosts, true},
    FormatEntry{Format::domains, "domains"sv, read_domains, true},
    FormatEntry{Format::wildcard, "wildcard"sv, read_domains, true},
    FormatEntry{Format::adblock, "adblock"sv, read_adblock, true},
    FormatEntry{Format::dnsmasq, "dnsmasq"sv, read_dnsmasq, true},
    FormatEntry{Format::unbound, "unbound"sv, read_unbound, false},
    FormatEntry{Format::rpz, "rpz"sv, read_rpz, false},
    FormatEntry{Format::csv, "csv"sv, read_csv, true},
    FormatEntry{Format::stix, "stix"sv, read_stix, false},
    FormatEntry{Format::misp, "misp"sv, read_misp, false},
    FormatEntry{Format::maltrail, "maltrail"sv, read_maltrail, true},
    FormatEntry{Format::json, "json"sv, read_json, false},
};
static_assert(kFormats.size() == kFormatCount);

const FormatEntry& entry_of(Format format) {
  const auto* found = std::ranges::find(kFormats, format, &FormatEntry::format);
  POSTERN_ASSERT(found != kFormats.end());
  return *found;
}

void reserve(std::string_view text, const FeedOptions& options, FeedContent& content) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  // "name\n" becomes a length octet, the name and the root's: one octet more than the line. A line
  // may have more than a name: reserve for the usual size of one, and grow where that is too
  // little.
  constexpr std::size_t kUsualNameOctets = 24;
  const std::size_t rules = std::min(lines, options.max_rules);
  content.rules.reserve(rules, std::min(text.size() + lines, rules * kUsualNameOctets));
}

}  // namespace

std::string_view to_string(Format format) {
  return entry_of(format).name;
}

std::optional<Format> format_from_text(std::string_view text) {
  for (const FormatEntry& entry : kFormats) {
    if (entry.name == text) return entry.format;
  }
  return std::nullopt;
}

Result<FeedContent> read_feed(std::string_view text, const FeedOptions& options) {
  text = without_bom(text);
  POSTERN_CHECK(check_is_text(text, options.format));
  const FormatEntry& entry = entry_of(options.format);
  FeedContent content;
  if (entry.one_rule_a_line) reserve(text, options, content);
  FeedSink sink(options, content);
  entry.read(text, sink);
  POSTERN_CHECK(sink.finish());
  if (content.rules.size() == 0) return Unexpected(no_rules_error(text, content, options.format));
  return content;
}

}  // namespace postern::intel
