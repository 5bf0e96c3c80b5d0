#include "event/query.h"

#include <algorithm>
#include <span>

namespace postern::event {
namespace {

constexpr std::array<std::string_view, 5> kTransports = {"udp", "tcp", "dot", "doh", "doq"};
constexpr std::array<std::string_view, 6> kDispositions = {"answered", "allowed", "blocked",
                                                           "observed", "refused", "failed"};
constexpr std::array<std::string_view, 6> kSources = {"policy",   "cache", "stale",
                                                      "resolver", "local", "none"};
constexpr std::array<std::string_view, 4> kSecurities = {"unknown", "insecure", "secure", "bogus"};

// Crockford's base 32 has no i, l, o and u, so that no digit is taken for another.
constexpr std::string_view kTraceDigits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kTraceLength = 8;  // Of 5 bits each: 40.

// An enumerator's word. A value from outside the enumeration (a damaged database) is "unknown".
template <class Enum>
std::string_view word_of(std::span<const std::string_view> words, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < words.size() ? words[index] : "unknown";
}

template <class Enum>
std::optional<Enum> value_of(std::span<const std::string_view> words, std::string_view text) {
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) return std::nullopt;
  return static_cast<Enum>(found - words.begin());
}

char folded(char c) {
  if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (c == 'i' || c == 'l') return '1';
  return c == 'o' ? '0' : c;
}

}  // namespace

std::string_view to_string(Transport transport) {
  return word_of(kTransports, transport);
}
std::optional<Transport> transport_from_text(std::string_view text) {
  return value_of<Transport>(kTransports, text);
}

std::string_view to_string(Disposition disposition) {
  return word_of(kDispositions, disposition);
}
std::optional<Disposition> disposition_from_text(std::string_view text) {
  return value_of<Disposition>(kDispositions, text);
}

std::string_view to_string(Source source) {
  return word_of(kSources, source);
}
std::string_view to_string(Security security) {
  return word_of(kSecurities, security);
}

std::string trace_text(std::uint64_t trace_id) {
  std::string text(kTraceLength, '0');
  for (std::size_t i = kTraceLength; i-- > 0;) {
    text[i] = kTraceDigits[trace_id & 31];
    trace_id >>= 5;
  }
  return text;
}

std::optional<std::uint64_t> trace_from_text(std::string_view text) {
  if (text.size() != kTraceLength) return std::nullopt;
  std::uint64_t trace_id = 0;
  for (const char c : text) {
    const std::size_t digit = kTraceDigits.find(folded(c));
    if (digit == std::string_view::npos) return std::nullopt;
    trace_id = (trace_id << 5) | digit;
  }
  return trace_id;
}

}  // namespace postern::event
