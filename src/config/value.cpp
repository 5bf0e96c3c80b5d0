#include "config/value.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/suggest.h"
#include "intel/feed_name.h"
#include "intel/lint.h"
#include "policy/client_id.h"
#include "policy/schedule.h"

namespace postern::config {
namespace {

/// Why a value is refused.
struct Refusal {
  std::string text;
  std::string advice;
};
template <class T>
using Read = std::expected<T, Refusal>;

std::unexpected<Refusal> refuse(std::string text, std::string advice) {
  return std::unexpected(Refusal{std::move(text), std::move(advice)});
}

/// Values in messages: quoted, cut where long.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  if (text.size() <= kShown) return fmt::format("\"{}\"", text);
  return fmt::format("\"{}…\"", text.substr(0, kShown));
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// "in seconds", for advice on numbers.
std::string_view unit_of(Kind kind) {
  switch (kind) {
    case Kind::seconds:
      return " in seconds";
    case Kind::milliseconds:
      return " in milliseconds";
    case Kind::days:
      return " in days";
    default:
      return "";
  }
}

Read<std::uint64_t> in_range(const Spec& spec, std::uint64_t value, std::string_view text) {
  if (value >= spec.min && value <= spec.max) return value;
  return refuse(
      fmt::format("{} is out of range", quoted(text)),
      fmt::format("write a number{} from {} to {}", unit_of(spec.kind), spec.min, spec.max));
}

Read<std::uint64_t> whole_number(const Spec& spec, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && is_digits(text)) value = kNoMax;
  if (!is_digits(text)) {
    return refuse(fmt::format("{} is not a whole number", quoted(text)),
                  fmt::format("write digits alone{}, e.g. {}", unit_of(spec.kind),
                              is_digits(spec.fallback) ? spec.fallback : "60"));
  }
  return in_range(spec, value, text);
}

Read<std::uint64_t> size_octets(const Spec& spec, std::string_view text) {
  constexpr std::pair<std::string_view, unsigned> kUnits[] = {
      {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}, {"B", 0}};
  std::string_view digits = text;
  unsigned shift = 0;
  for (const auto& [unit, bits] : kUnits) {
    if (!text.ends_with(unit)) continue;
    digits.remove_suffix(unit.size());
    while (digits.ends_with(' ')) digits.remove_suffix(1);
    shift = bits;
    break;
  }
  std::uint64_t value = 0;
  if (!is_digits(digits)) {
    return refuse(fmt::format("{} is not a size", quoted(text)),
                  "write octets, or a whole number with KiB, MiB, GiB or TiB: 64MiB");
  }
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.size() > 18 || value > (kNoMax >> shift))
    value = kNoMax;
  else
    value <<= shift;
  return in_range(spec, value, text);
}

Read<bool> flag(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off"}) {
    if (text == no) return false;
  }
  return refuse(fmt::format("{} is neither true nor false", quoted(text)), "write true or false");
}

Read<std::uint64_t> choice(const Spec& spec, std::string_view text) {
  const auto choices = choices_of(spec);
  const auto at = std::ranges::find(choices, text);
  if (at != choices.end()) return static_cast<std::uint64_t>(at - choices.begin());
  const auto near = nearest(text, choices);
  return refuse(fmt::format("{} is not one of {}", quoted(text), fmt::join(choices, ", ")),
                near ? fmt::format("did you mean {}?", *near) : "write one of them");
}

Read<dns::Name> name(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (!std::ranges::all_of(text, is_ascii)) {
    return refuse(fmt::format("{} is not in ASCII", quoted(text)),
                  "write the name in its xn-- form (\"idn2 NAME\" prints it)");
  }
  if (text.find_first_of(" \t/:@") != std::string_view::npos) {
    return refuse(fmt::format("{} is not a domain name", quoted(text)),
                  "write the name alone: no scheme, path or port");
  }
  const auto read = dns::Name::from_text(text);
  if (!read) {
    return refuse(fmt::format("{} is not a domain name: {}", quoted(text), to_string(read.error())),
                  "write it as example.com");
  }
  return *read;
}

/// What is wrong with a name of policy.allow or policy.block, and what to do.
Refusal refusal_of(std::string_view text, intel::NameFault fault) {
  switch (fault) {
    case intel::NameFault::wildcard:
      return {fmt::format("{} is not a name or \"*.name\"", quoted(text)),
              "\"*.\" may stand only at the front, before a name"};
    case intel::NameFault::bad_character:
      return {fmt::format("{} has a character that no domain name has", quoted(text)),
              "write the name alone, as example.com or \"*.example.com\""};
    default:
      break;
  }
  // "is a URL; write the host name alone".
  const std::string_view sentence = intel::advice(fault);
  const std::size_t end = sentence.find("; ");
  return {fmt::format("{} {}", quoted(text), sentence.substr(0, end)),
          std::string(end == std::string_view::npos ? "remove it" : sentence.substr(end + 2))};
}

/// What is taken here is what the reader of feeds takes as a line: it is read by it later.
Read<std::string> pattern(std::string_view text) {
  if (text.starts_with("||") || text.starts_with("@@")) {
    return refuse(fmt::format("{} is adblock syntax", quoted(text)),
                  "write \"*.name\" for a name and all below it, \"name\" for it alone");
  }
  if (text.find_first_of(",; \t") != std::string_view::npos) {
    return refuse(fmt::format("{} is more than one name", quoted(text)), "write one name an item");
  }
  const bool is_wildcard = text.starts_with("*.");
  std::string_view bare = is_wildcard ? text.substr(2) : text;
  if (bare.size() > 1 && bare.ends_with('.'))
    bare.remove_suffix(1);  // An address may have one too.
  const auto read = intel::read_domain(bare);
  const auto fault = read ? intel::refused_as_rule(*read) : std::optional(read.error());
  if (fault) return std::unexpected(refusal_of(text, *fault));
  return (is_wildcard ? "*." : "") + read->to_display();
}

Read<MacAddress> mac(std::string_view text) {
  const auto read = MacAddress::from_text(text);
  if (read && !read->is_zero()) return *read;
  return refuse(fmt::format("{} is not a hardware address", quoted(text)),
                "write six pairs of hexadecimal digits: 00:1a:2b:3c:4d:5e");
}

Read<std::string> client_id(std::string_view text) {
  if (policy::ClientId::from_text(text)) return std::string(text);
  return refuse(fmt::format("{} is not what a client can be called", quoted(text)),
                "write up to 32 letters, digits and marks, no spaces, as the forwarder sends it");
}

Read<std::string> window(std::string_view text) {
  const auto read = policy::window_from_text(text);
  if (!read) {
    return refuse(fmt::format("{} {}", quoted(text), read.error().text),
                  "write days, a space, and from-to");
  }
  return std::string(text);
}

Read<std::string> host_name(std::string_view text) {
  const auto read = name(text);
  if (!read) return std::unexpected(read.error());
  return read->to_display();
}

Read<IpAddress> address(std::string_view text, IpAddress::Family family) {
  const bool wants_v4 = family == IpAddress::Family::v4;
  auto read = IpAddress::from_text(text);
  if (read && read->family() == family) return *read;
  return refuse(fmt::format("{} is not an IPv{} address", quoted(text), wants_v4 ? 4 : 6),
                wants_v4 ? "write it as 192.0.2.1" : "write it as 2001:db8::1");
}

Read<IpPrefix> prefix(std::string_view text) {
  auto read = IpPrefix::from_text(text);
  if (read) return *read;
  const std::size_t slash = text.find('/');
  const auto base = IpAddress::from_text(text.substr(0, slash));
  unsigned length = 0;
  if (base && slash != std::string_view::npos && is_digits(text.substr(slash + 1))) {
    const std::string_view digits = text.substr(slash + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (digits.size() <= 3 && length <= base->bit_count()) {
      return refuse(fmt::format("{} has bits set past its length", quoted(text)),
                    fmt::format("did you mean {} or {}?", IpPrefix(*base, length).to_text(),
                                base->to_text()));
    }
  }
  return refuse(fmt::format("{} is not an address or prefix", quoted(text)),
                "write it as 192.0.2.0/24, 2001:db8::/32 or an address alone");
}

Read<Endpoint> endpoint(std::string_view text) {
  auto read = Endpoint::from_text(text);
  if (read) return *read;
  if (IpAddress::from_text(text)) {
    const bool is_v6 = text.find(':') != std::string_view::npos;
    return refuse(fmt::format("{} has no port", quoted(text)),
                  fmt::format("write {}",
                              is_v6 ? fmt::format("'[{}]:53'", text) : fmt::format("{}:53", text)));
  }
  return refuse(fmt::format("{} is not an address with a port", quoted(text)),
                "write it as 127.0.0.1:53 or '[::1]:53'");
}

/// "user:password@host:port" or the host alone, of a URL (RFC 3986 section 3.2).
bool is_authority(std::string_view text) {
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    text.remove_prefix(at + 1);
  }
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) return false;
  if (bracket > 0 && !IpAddress::from_text(text.substr(1, bracket - 1))) return false;
  const std::size_t colon = text.find(':', bracket);
  const std::string_view host = text.substr(0, std::min(colon, text.size()));
  if (bracket > 0 && host.size() != bracket + 1) return false;
  if (bracket == 0 && (host.empty() || host.find_first_of("[]") != std::string_view::npos)) {
    return false;
  }
  if (colon == std::string_view::npos) return true;
  unsigned port = 0;
  const std::string_view digits = text.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return is_digits(digits) && digits.size() <= 5 && port > 0 && port <= 65'535;
}

Read<std::string> url(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  std::string scheme(text.substr(0, scheme_end));
  std::ranges::transform(scheme, scheme.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return refuse(fmt::format("{} is not an http or https URL", quoted(text)),
                  "write https://…, or give a local file as path");
  }
  const std::string_view rest = text.substr(scheme_end + 3);
  const bool has_odd = std::ranges::any_of(text, [](char c) { return c <= ' ' || c == '\x7f'; });
  if (has_odd || !is_authority(rest.substr(0, rest.find_first_of("/?#")))) {
    return refuse(fmt::format("{} is not a URL", quoted(text)), "write https://host/path");
  }
  return fmt::format("{}://{}", scheme, rest);
}

/// A URI by which people are reached: what structured errors may tell clients.
Read<std::string> contact(std::string_view text) {
  constexpr std::size_t kMaxContact = 100;
  const auto is_plain = [](char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '<' && c != '>';
  };
  const bool is_mail = text.starts_with("mailto:") && text.find('@', 8) != std::string_view::npos &&
                       !text.ends_with('@');
  const std::string_view number = text.substr(0, 4) == "tel:" ? text.substr(4) : "";
  const bool is_number = number.find_first_of("0123456789") != std::string_view::npos;
  if ((is_mail || is_number) && text.size() <= kMaxContact && std::ranges::all_of(text, is_plain)) {
    return std::string(text);
  }
  return refuse(fmt::format("{} is no contact of at most 100 octets", quoted(text)),
                "write mailto:who@example.com or tel:+1-201-555-0123");
}

/// What a TLS server must show: its name, the digests of its keys, or both, with "&" between.
bool is_tls_identity(std::string_view text) {
  constexpr std::string_view kPin = "pin-sha256=";
  constexpr std::size_t kDigestBase64 = 44;  // Of 32 octets.
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    const bool is_pin = part.starts_with(kPin) && part.size() == kPin.size() + kDigestBase64;
    if (!is_pin && !name(part)) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
  return false;
}

Read<std::string> server(std::string_view text) {
  constexpr std::string_view kAdvice =
      "write 192.0.2.1, udp://192.0.2.1:53, tcp://192.0.2.1:53 or tls://192.0.2.1:853#its.name";
  std::string_view rest = text;
  std::string_view scheme = "udp";
  if (const std::size_t at = text.find("://"); at != std::string_view::npos) {
    scheme = text.substr(0, at);
    rest = text.substr(at + 3);
  }
  if (scheme != "udp" && scheme != "tcp" && scheme != "tls") {
    return refuse(fmt::format("{}: no transport is called {}", quoted(text), quoted(scheme)),
                  std::string(kAdvice));
  }
  if (const std::size_t hash = rest.find('#'); hash != std::string_view::npos) {
    if (scheme != "tls" || !is_tls_identity(rest.substr(hash + 1))) {
      return refuse(
          fmt::format("{}: behind \"#\" stands a server's name or pin-sha256=…, for tls:// alone",
                      quoted(text)),
          std::string(kAdvice));
    }
    rest = rest.substr(0, hash);
  }
  if (!Endpoint::from_text(rest, 53)) {
    return refuse(fmt::format("{} is not an address of a server", quoted(text)),
                  std::string(kAdvice));
  }
  return std::string(text);
}

Read<std::string> label(std::string_view text) {
  if (is_label(text)) return std::string(text);
  return refuse(fmt::format("{} cannot be a name here", quoted(text)),
                "use a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or digit, at most 32");
}

Read<std::string> plain_text(std::string_view text) {
  constexpr std::size_t kMaxText = 4096;  // PATH_MAX of Linux; nothing here is longer.
  const bool has_control = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  if (text.empty()) return refuse("it is empty", "write a value or remove the key");
  if (has_control || text.size() > kMaxText) {
    return refuse("it has control characters or is over 4096 octets", "write plain text");
  }
  return std::string(text);
}

Read<std::string> path_text(std::string_view text) {
  if (!text.starts_with('~')) return plain_text(text);
  return refuse(fmt::format("{} begins with \"~\", which only shells understand", quoted(text)),
                "write the path in full, from / on");
}

Read<std::string> character(std::string_view text) {
  if (text.size() == 1 && static_cast<unsigned char>(text.front()) < 0x80 && text != "\"" &&
      text != "\n") {
    return std::string(text);
  }
  return refuse(fmt::format("{} is not one character", quoted(text)),
                "write one, such as ',' or ';' or \"\\t\"");
}

/// `read` as a Value or as a problem.
template <class T>
std::optional<Value> settle(Read<T>& read, const Node& node, const std::string& path,
                            Problems& problems) {
  if (read) return Value(std::move(*read));
  problems.add(node.place, path, read.error().text, read.error().advice);
  return std::nullopt;
}

/// Lists are searched for doubles up to here: the search is quadratic.
constexpr std::size_t kMaxCompared = 1000;

/// Each item by `read_item`; a single value stands for a list of one.
template <class T, class ReadItem>
std::optional<Value> read_list(const Node& node, const std::string& path, Problems& problems,
                               ReadItem read_item) {
  std::vector<T> items;
  bool is_good = true;
  const auto take = [&](const Node& item, const std::string& item_path) {
    Read<T> read =
        item.kind == Node::Kind::scalar
            ? read_item(item.text)
            : Read<T>(refuse(fmt::format("{} where a value belongs", to_string(item.kind)),
                             "write one value an item"));
    if (!read) {
      problems.add(item.place, item_path, read.error().text, read.error().advice);
      is_good = false;
      return;
    }
    if (items.size() < kMaxCompared && std::ranges::find(items, *read) != items.end()) {
      problems.add(item.place, item_path, fmt::format("{} is there twice", quoted(item.text)),
                   "keep one of them");
      is_good = false;
      return;
    }
    items.push_back(std::move(*read));
  };
  if (node.kind == Node::Kind::scalar) {
    take(node, path);
  } else {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      take(node.children[i], fmt::format("{}[{}]", path, i));
    }
  }
  if (!is_good) return std::nullopt;
  return Value(std::move(items));
}

bool is_list(Kind kind) {
  switch (kind) {
    case Kind::paths:
    case Kind::names:
    case Kind::windows:
    case Kind::macs:
    case Kind::client_ids:
    case Kind::patterns:
    case Kind::labels:
    case Kind::prefixes:
    case Kind::endpoints:
    case Kind::urls:
    case Kind::contacts:
    case Kind::servers:
      return true;
    default:
      return false;
  }
}

std::optional<Value> read_any_list(const Spec& spec, const Node& node, const std::string& path,
                                   Problems& problems) {
  switch (spec.kind) {
    case Kind::prefixes:
      return read_list<IpPrefix>(node, path, problems, prefix);
    case Kind::endpoints:
      return read_list<Endpoint>(node, path, problems, endpoint);
    case Kind::names:
      return read_list<std::string>(node, path, problems, host_name);
    case Kind::windows:
      return read_list<std::string>(node, path, problems, window);
    case Kind::macs:
      return read_list<MacAddress>(node, path, problems, mac);
    case Kind::client_ids:
      return read_list<std::string>(node, path, problems, client_id);
    case Kind::patterns:
      return read_list<std::string>(node, path, problems, pattern);
    case Kind::labels:
      return read_list<std::string>(node, path, problems, label);
    case Kind::urls:
      return read_list<std::string>(node, path, problems, url);
    case Kind::contacts:
      return read_list<std::string>(node, path, problems, contact);
    case Kind::servers:
      return read_list<std::string>(node, path, problems, server);
    default:
      return read_list<std::string>(node, path, problems, path_text);
  }
}

}  // namespace

std::vector<std::string_view> choices_of(const Spec& spec) {
  std::vector<std::string_view> choices;
  std::string_view rest = spec.choices;
  while (!rest.empty()) {
    const std::size_t bar = rest.find('|');
    choices.push_back(rest.substr(0, bar));
    rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
  }
  return choices;
}

bool is_label(std::string_view text) {
  const auto is_alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > policy::ZoneOptions::kMaxNameOctets) return false;
  return is_alnum(text.front()) && std::ranges::all_of(text, [&](char c) {
           return is_alnum(c) || c == '.' || c == '_' || c == '-';
         });
}

std::optional<Value> read_value(const Spec& spec, const Node& node, const std::string& path,
                                Problems& problems) {
  if (node.kind == Node::Kind::null) {
    problems.add(node.place, path, "there is no value", "write one, or remove the key");
    return std::nullopt;
  }
  const bool fits =
      node.kind == Node::Kind::scalar || (node.kind == Node::Kind::list && is_list(spec.kind));
  if (!fits) {
    problems.add(node.place, path,
                 fmt::format("{} where {} belongs", to_string(node.kind),
                             is_list(spec.kind) ? "a list" : "a single value"),
                 fmt::format("write a {}", to_string(spec.kind)));
    return std::nullopt;
  }
  if (is_list(spec.kind)) return read_any_list(spec, node, path, problems);

  const auto give = [&](auto&& read) { return settle(read, node, path, problems); };
  switch (spec.kind) {
    case Kind::octets:
      return give(size_octets(spec, node.text));
    case Kind::flag:
      return give(flag(node.text));
    case Kind::choice:
      return give(choice(spec, node.text));
    case Kind::name:
      return give(name(node.text));
    case Kind::label:
      return give(label(node.text));
    case Kind::address_v4:
      return give(address(node.text, IpAddress::Family::v4));
    case Kind::address_v6:
      return give(address(node.text, IpAddress::Family::v6));
    case Kind::endpoint:
      return give(endpoint(node.text));
    case Kind::url:
      return give(url(node.text));
    case Kind::text:
      return give(plain_text(node.text));
    case Kind::path:
      return give(path_text(node.text));
    case Kind::character:
      return give(character(node.text));
    default:
      return give(whole_number(spec, node.text));
  }
}

void place_in(std::string_view folder, Kind kind, Value& value) {
  if (folder.empty() || (kind != Kind::path && kind != Kind::paths)) return;
  const auto place = [&](std::string& path) {
    if (path.starts_with('/')) return;
    path = fmt::format("{}{}{}", folder, folder.ends_with('/') ? "" : "/", path);
  };
  if (auto* const path = std::get_if<std::string>(&value)) place(*path);
  if (auto* const paths = std::get_if<std::vector<std::string>>(&value)) {
    std::ranges::for_each(*paths, place);
  }
}

}  // namespace postern::config
