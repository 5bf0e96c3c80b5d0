// The option table: every option's path, kind, default, range, help, and where its value goes.
//
// Start at kOptions in options.cpp. The parser, the defaults, the reference, the JSON schema
// and the example file all read this one table; list items (feeds, groups, forward zones)
// have a table of their own with paths relative to the item.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "config/config.h"

namespace postern::config {

enum class Kind : std::uint8_t {
  count,         ///< A whole number.
  seconds,       ///< A whole number of seconds.
  milliseconds,  ///< A whole number of milliseconds.
  days,          ///< A whole number of days.
  octets,        ///< A size: 67108864 or 64MiB.
  flag,          ///< true or false.
  choice,        ///< One of Spec::choices.
  text,          ///< Any text.
  character,     ///< One ASCII character.
  path,          ///< A file or folder.
  paths,         ///< A list of them.
  name,          ///< A domain name.
  names,         ///< A list of domain names.
  windows,       ///< A list of "mon-fri 21:00-07:00".
  macs,          ///< A list of "00:1a:2b:3c:4d:5e".
  client_ids,    ///< A list of names of clients: printable, at most 32 octets each.
  patterns,      ///< A list of names and "*.name".
  label,         ///< [a-z0-9][a-z0-9._-]*, at most 32 octets: what feeds and groups are called.
  labels,        ///< A list of them.
  address_v4,
  address_v6,
  prefixes,   ///< A list of addresses and prefixes.
  endpoint,   ///< "192.0.2.1:53", "[2001:db8::1]:53".
  endpoints,  ///< A list of them.
  url,        ///< http:// or https://.
  urls,       ///< A list of them.
  contacts,   ///< A list of "mailto:who@example.com", "tel:+1-201-555-0123".
  servers,    ///< A list of "udp://192.0.2.1:53", "tcp://…", "tls://192.0.2.1:853#name".
};

/// For the reference: "whole number", "list of names", …
std::string_view to_string(Kind kind);

enum class Applies : std::uint8_t { at_reload, at_restart };
enum class Presence : std::uint8_t { optional, required };

inline constexpr std::uint64_t kNoMax = std::numeric_limits<std::uint64_t>::max();

/// What is known of one option, its binding apart.
struct Spec {
  std::string_view path;
  Kind kind{};
  std::string_view fallback;  ///< The default as in the file; empty: unset.
  std::uint64_t min = 0;      ///< In the kind's unit; for numbers only.
  std::uint64_t max = kNoMax;
  Applies applies = Applies::at_reload;
  std::string_view help;          ///< One sentence or two.
  std::string_view choices = {};  ///< "a|b|c", for Kind::choice.
  Presence presence = Presence::optional;
};

/// A value read and checked. A choice is its index; numbers are in the kind's unit.
using Value = std::variant<bool, std::uint64_t, std::string, IpAddress, Endpoint, dns::Name,
                           std::vector<std::string>, std::vector<IpPrefix>, std::vector<Endpoint>,
                           std::vector<MacAddress>>;

/// Where an option's value goes, and whether two Targets have the same one.
template <class Target>
struct Binding {
  void (*set)(Target&, const Value&);
  bool (*same)(const Target&, const Target&);
};

template <class Target>
struct Option {
  Spec spec;
  Binding<Target> binding;
};

/// All sorted by path.
std::span<const Option<Config>> config_options();
std::span<const Option<Feed>> feed_options();
std::span<const Option<Group>> group_options();
std::span<const Option<Tenant>> tenant_options();
std::span<const Option<Schedule>> schedule_options();
std::span<const Option<During>> during_options();
std::span<const Option<ForwardZone>> forward_options();
std::span<const Option<Key>> key_options();
std::span<const Option<Publish>> publish_options();
std::span<const Option<Vote>> vote_options();

/// The lists of items: what each is called, and its items' options.
struct ListSpec {
  std::string_view path;
  Applies applies;
  std::string_view help;
  std::vector<Spec> options;
  std::string_view example;  ///< One item, as in the file.
};
std::vector<ListSpec> list_specs();
/// The plain options' specs, sorted by path.
std::vector<Spec> config_specs();

}  // namespace postern::config
