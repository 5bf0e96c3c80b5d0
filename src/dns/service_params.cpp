#include "dns/service_params.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "dns/encoding.h"

namespace postern::dns {
namespace {

// Keys that have a form of their own; IANA "DNS SVCB".
enum Key : std::uint16_t {
  kMandatory = 0,
  kAlpn = 1,
  kNoDefaultAlpn = 2,
  kPort = 3,
  kIpv4Hint = 4,
  kEch = 5,
  kIpv6Hint = 6,
  kDohPath = 7,
  kOhttp = 8,
};

constexpr std::string_view kKeyNames[] = {"mandatory", "alpn",     "no-default-alpn",
                                          "port",      "ipv4hint", "ech",
                                          "ipv6hint",  "dohpath",  "ohttp"};
constexpr std::uint16_t kInvalidKey = 65535;  // RFC 9460 §14.3.2.

std::optional<std::uint16_t> number_from_text(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text[0] == '0')) return {};
  return value;
}

std::optional<std::uint16_t> key_from_text(std::string_view text) {
  const auto* const found = std::find(std::begin(kKeyNames), std::end(kKeyNames), text);
  if (found != std::end(kKeyNames)) return static_cast<std::uint16_t>(found - kKeyNames);
  if (!text.starts_with("key")) return {};
  const auto number = number_from_text(text.substr(3));
  if (!number || *number == kInvalidKey) return {};
  return number;
}

void append_key(std::uint16_t key, std::string& out) {
  if (key < std::size(kKeyNames)) {
    out += kKeyNames[key];
  } else {
    out += "key" + std::to_string(key);
  }
}

void append_u16(std::uint16_t value, Octets& out) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

// Splits at commas that no backslash precedes, and undoes the backslashes (RFC 9460 A.1).
// Empty items stay: the caller refuses them.
std::vector<Octets> split_list(OctetView value) {
  std::vector<Octets> items(1);
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == ',') {
      items.emplace_back();
      continue;
    }
    if (value[at] == '\\' && at + 1 < value.size()) ++at;
    items.back().push_back(value[at]);
  }
  return items;
}

Unexpected<Error> bad(std::string_view key, OctetView value) {
  return fail(Errc::invalid_input,
              shown(text_of(value)) + " is not a value for " + std::string(key));
}

Result<void> parse_alpn(OctetView value, Octets& out) {
  for (const Octets& item : split_list(value)) {
    if (item.empty() || item.size() > 255) return bad("alpn", value);
    out.push_back(static_cast<std::uint8_t>(item.size()));
    out.insert(out.end(), item.begin(), item.end());
  }
  return {};
}

Result<void> parse_mandatory(OctetView value, Octets& out) {
  std::vector<std::uint16_t> keys;
  for (const Octets& item : split_list(value)) {
    const auto key = key_from_text(text_of(item));
    if (!key || *key == kMandatory) return bad("mandatory", value);
    keys.push_back(*key);
  }
  std::sort(keys.begin(), keys.end());
  if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) return bad("mandatory", value);
  for (const std::uint16_t key : keys) append_u16(key, out);
  return {};
}

Result<void> parse_hints(std::uint16_t key, OctetView value, Octets& out) {
  for (const Octets& item : split_list(value)) {
    if (!append_from_ip(text_of(item), key == kIpv4Hint ? 4 : 16, out)) {
      return bad(kKeyNames[key], value);
    }
  }
  return {};
}

Result<void> parse_value(std::uint16_t key, OctetView value, Octets& out) {
  switch (key) {
    case kMandatory:
      return parse_mandatory(value, out);
    case kAlpn:
      return parse_alpn(value, out);
    case kIpv4Hint:
    case kIpv6Hint:
      return parse_hints(key, value, out);
    case kPort: {
      const auto port = number_from_text(text_of(value));
      if (!port) return bad("port", value);
      append_u16(*port, out);
      return {};
    }
    case kEch: {
      Base64Reader reader;
      if (value.empty() || !reader.add(text_of(value), out) || !reader.finish()) {
        return bad("ech", value);
      }
      return {};
    }
    case kNoDefaultAlpn:
    case kOhttp:
      if (!value.empty()) return bad(kKeyNames[key], value);
      return {};
    case kDohPath:
      if (value.empty()) return bad("dohpath", value);
      break;
    default:
      break;
  }
  out.assign(value.begin(), value.end());
  return {};
}

bool print_alpn(OctetView value, std::string& out) {
  Octets list;
  ByteReader reader(value);
  if (value.empty()) return false;
  while (reader.left() > 0) {
    const OctetView item = reader.take(reader.u8());
    if (item.empty()) return false;  // Cut off, or an empty id: RFC 9460 §7.1.1 has none.
    if (!list.empty()) list.push_back(',');
    for (const std::uint8_t octet : item) {
      if (octet == ',' || octet == '\\') list.push_back('\\');
      list.push_back(octet);
    }
  }
  append_quoted(list, out);
  return true;
}

bool print_mandatory(OctetView value, std::string& out) {
  if (value.empty() || value.size() % 2 != 0) return false;
  int previous = kMandatory;
  for (std::size_t at = 0; at < value.size(); at += 2) {
    const std::uint16_t key = load_u16(&value[at]);
    if (key <= previous || key == kInvalidKey) return false;
    previous = key;
    if (at > 0) out += ',';
    append_key(key, out);
  }
  return true;
}

bool print_hints(std::size_t size, OctetView value, std::string& out) {
  if (value.empty() || value.size() % size != 0) return false;
  for (std::size_t at = 0; at < value.size(); at += size) {
    if (at > 0) out += ',';
    append_ip(value.subspan(at, size), out);
  }
  return true;
}

bool print_value(std::uint16_t key, OctetView value, std::string& out) {
  if (key == kNoDefaultAlpn || key == kOhttp) return value.empty();
  if (key > kOhttp && value.empty()) return true;
  out += '=';
  switch (key) {
    case kMandatory:
      return print_mandatory(value, out);
    case kAlpn:
      return print_alpn(value, out);
    case kIpv4Hint:
      return print_hints(4, value, out);
    case kIpv6Hint:
      return print_hints(16, value, out);
    case kPort:
      if (value.size() != 2) return false;
      out += std::to_string(load_u16(value.data()));
      return true;
    case kEch:
      append_base64(value, out);
      return !value.empty();
    default:
      append_quoted(value, out);
      return !value.empty();
  }
}

// The value of `wanted` among whole parameters; nothing where it is missing.
std::optional<OctetView> find_param(OctetView params, std::uint16_t wanted) {
  ByteReader reader(params);
  while (reader.left() > 0) {
    const std::uint16_t key = reader.u16();
    const OctetView value = reader.take(reader.u16());
    if (key == wanted) return value;
  }
  return {};
}

// The first key that `mandatory` names and that is not there; nothing if all is well.
std::optional<std::uint16_t> missing_key(OctetView params) {
  const OctetView mandatory = find_param(params, kMandatory).value_or(OctetView{});
  for (std::size_t at = 0; at + 1 < mandatory.size(); at += 2) {
    const std::uint16_t key = load_u16(&mandatory[at]);
    if (!find_param(params, key)) return key;
  }
  return {};
}

}  // namespace

Result<void> ServiceParams::add(std::string_view token) {
  const std::size_t equals = token.find('=');
  const auto key = key_from_text(token.substr(0, equals));
  if (!key) {
    return fail(Errc::invalid_input, shown(token) + " is not a service parameter (key=value)");
  }
  std::string_view text;
  if (equals != std::string_view::npos) {
    text = token.substr(equals + 1);
    // The value in quotes, if the last of them ends the token.
    if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
      text = text.substr(1, text.size() - 2);
    }
  }
  Octets value;
  if (!append_unescaped(text, value)) {
    return fail(Errc::invalid_input, shown(token) + " has a bad escape");
  }
  Param param{*key, {}};
  POSTERN_CHECK(parse_value(*key, value, param.value));
  if (param.value.size() > 65535) {
    return fail(Errc::limit_exceeded, shown(token) + " is over 65535 octets");
  }
  params_.push_back(std::move(param));
  return {};
}

Result<void> ServiceParams::finish(Octets& out) {
  const auto by_key = [](const Param& a, const Param& b) { return a.key < b.key; };
  const auto same_key = [](const Param& a, const Param& b) { return a.key == b.key; };
  std::sort(params_.begin(), params_.end(), by_key);
  const auto twice = std::adjacent_find(params_.begin(), params_.end(), same_key);
  if (twice != params_.end()) {
    std::string key;
    append_key(twice->key, key);
    return fail(Errc::invalid_input, "the service parameter " + key + " stands there twice");
  }
  const std::size_t start = out.size();
  for (const Param& param : params_) {
    append_u16(param.key, out);
    append_u16(static_cast<std::uint16_t>(param.value.size()), out);
    out.insert(out.end(), param.value.begin(), param.value.end());
  }
  if (const auto missing = missing_key(OctetView(out).subspan(start))) {
    std::string key;
    append_key(*missing, key);
    return fail(Errc::invalid_input, "the mandatory service parameter " + key + " is missing");
  }
  return {};
}

bool print_service_params(OctetView params, std::string& out) {
  ByteReader reader(params);
  int previous = -1;
  while (reader.left() > 0) {
    const std::uint16_t key = reader.u16();
    const OctetView value = reader.take(reader.u16());
    if (!reader.ok() || key <= previous || key == kInvalidKey) return false;
    previous = key;
    out += ' ';
    append_key(key, out);
    if (!print_value(key, value, out)) return false;
  }
  return !missing_key(params);
}

}  // namespace postern::dns
