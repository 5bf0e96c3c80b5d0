// Which format a text has, by counting what its first lines look like.
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "base/ip.h"
#include "intel/format.h"
#include "intel/text.h"
#include "intel/whole_feed.h"

namespace postern::intel {
namespace {

constexpr std::size_t kLookedAtLines = 200;

bool is_unbound(std::string_view line) {
  return line.starts_with("local-zone:") || line.starts_with("local-data:") || line == "server:";
}

bool is_dnsmasq(std::string_view line) {
  return line.starts_with("address=/") || line.starts_with("server=/") ||
         line.starts_with("local=/");
}

bool is_adblock(std::string_view line) {
  return line.starts_with("||") || line.starts_with("@@") || line.starts_with("[Adblock");
}

bool is_rpz(std::string_view line) {
  if (line.starts_with("$TTL") || line.starts_with("$ORIGIN")) return true;
  std::string_view rest = line;
  const std::string_view owner = take_word(rest);
  if (same_word(owner, "CNAME") || same_word(owner, "SOA")) return true;  // Owner left out.
  for (int i = 0; i < 3; ++i) {
    const std::string_view word = take_word(rest);
    if (same_word(word, "CNAME") || same_word(word, "SOA")) return true;
  }
  return false;
}

// "192.0.2.1", "192.0.2.0/24", "192.0.2.1:8080": a line of trails among names.
bool is_bare_address(std::string_view line) {
  return IpPrefix::from_text(line).has_value() || Endpoint::from_text(line, 1).has_value();
}

bool is_hosts(std::string_view line) {
  const std::string_view first = take_word(line);
  return IpAddress::from_text(first).has_value() && !take_word(line).empty();
}

std::optional<Format> format_of(std::string_view line) {
  if (is_unbound(line)) return Format::unbound;
  if (is_dnsmasq(line)) return Format::dnsmasq;
  if (is_adblock(line)) return Format::adblock;
  if (is_hosts(line)) return Format::hosts;
  if (is_bare_address(line)) return Format::maltrail;
  if (is_rpz(line)) return Format::rpz;
  if (line.find_first_of(",\t") != std::string_view::npos) return Format::csv;
  if (line.starts_with("*.")) return Format::wildcard;
  if (line.find('.') != std::string_view::npos && line.find(' ') == std::string_view::npos) {
    return Format::domains;
  }
  return std::nullopt;
}

// By the words that only this kind of JSON has, as early as they can be expected.
Format guess_json(std::string_view text) {
  constexpr std::size_t kLookedAtOctets = 65'536;
  text = text.substr(0, kLookedAtOctets);
  const auto has = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
  if (has("\"bundle\"") || has("\"spec_version\"") || has("\"pattern_type\"")) return Format::stix;
  if (has("\"to_ids\"") || has("\"Attribute\"")) return Format::misp;
  return Format::json;
}

}  // namespace

std::optional<Format> guess_format(std::string_view text) {
  text = without_bom(text);
  if (looks_like_json(text)) return guess_json(text);
  std::array<std::size_t, kFormatCount> hits{};
  for (std::size_t lines = 0; lines < kLookedAtLines && !text.empty();) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#' || line.front() == '!' || line.front() == ';') continue;
    ++lines;
    if (line.size() > kMaxLineOctets) continue;
    if (const auto format = format_of(line)) ++hits[static_cast<std::size_t>(*format)];
  }
  // A list of wildcards has bare names in between; it is one if it has any wildcard.
  const auto at = [&](Format format) -> std::size_t& {
    return hits[static_cast<std::size_t>(format)];
  };
  if (at(Format::wildcard) > 0) at(Format::wildcard) += std::exchange(at(Format::domains), 0);
  // So is a list of trails, if it has any address on a line of its own.
  if (at(Format::maltrail) > 0) at(Format::maltrail) += std::exchange(at(Format::domains), 0);
  const auto most = std::ranges::max_element(hits);
  if (*most == 0) return std::nullopt;
  return static_cast<Format>(most - hits.begin());
}

}  // namespace postern::intel
