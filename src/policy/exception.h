// Exceptions: names that some clients may ask for, or may not, whatever the zones say.
//
// Start at Exception; exception_table.h looks them up.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "dns/name.h"
#include "policy/rule.h"

namespace postern::policy {

/// Whom an exception is for.
struct Audience {
  /// From the least specific to the most: of two that a client is in, the later one decides.
  enum class Kind : std::uint8_t { everyone, tenant, group, clients };

  Kind kind = Kind::everyone;
  std::string name{};  ///< Of a tenant or group.
  IpPrefix clients{};  ///< Of Kind::clients.

  auto operator<=>(const Audience&) const = default;
};

/// "everyone", "tenant acme", "group kids", "clients 192.0.2.0/24".
std::string to_text(const Audience& audience);

struct Exception {
  /// As the one who keeps it numbers it; 0 for those of the configuration, which have no number.
  std::uint32_t id = 0;
  dns::Name name{};
  Scope scope = Scope::exact;    ///< `exact` or `at_and_below`.
  Action action = Action::pass;  ///< `pass` or `block`.
  Audience audience{};
  WallTime since{};
  std::optional<WallTime> until{};  ///< From that moment on it does not hold; unset: it has no end.
  std::string owner{};              ///< Who made it.
  std::string reason{};

  bool operator==(const Exception&) const = default;
};

/// "name.example", "*.name.example" for the name and all below it, "*" for every name.
std::string pattern_text(const dns::Name& name, Scope scope);

}  // namespace postern::policy
