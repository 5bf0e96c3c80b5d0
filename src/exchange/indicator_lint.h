// IndicatorLint: what a sweep found may be told to others as an indicator, or not: what is one's
// own, everybody's, or nobody's stays out, and is counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "dns/name.h"
#include "exchange/known_good.h"

namespace postern::exchange {

/// Why something is no indicator.
enum class Refusal : std::uint8_t {
  not_public,  ///< An address that no stranger has.
  own,         ///< Of the own networks or domains, as the user names them.
  no_name,     ///< No domain name.
  reserved,    ///< A name that the resolver answers itself, or a prefix that no rule may be of.
  shared,      ///< A public suffix, or a name below which strangers have theirs.
  well_known,  ///< Of a site that half of the world uses.
  empty_file,  ///< The hash of nothing, or of a line end.
  known_good,  ///< The hash of a file of Microsoft's.
};
inline constexpr std::size_t kRefusals = 8;

/// "not a public address", "of the own network", …
std::string_view to_string(Refusal refusal);

/// What the user calls his own.
struct OwnThings {
  std::vector<IpPrefix> networks;
  std::vector<dns::Name> domains;  ///< With all below them.
};

class IndicatorLint {
 public:
  /// `known` may be nullptr. Both must outlive it.
  IndicatorLint(const OwnThings& own, const KnownGood* known) : own_(own), known_(known) {}

  /// Nothing: it may be told.
  std::optional<Refusal> of_address(const IpAddress& address) const;
  /// `text`: as it was found. On success `name` is what to tell.
  std::optional<Refusal> of_name(std::string_view text, dns::Name& name) const;
  std::optional<Refusal> of_hash(const Sha256& hash) const;

 private:
  const OwnThings& own_;
  const KnownGood* known_;
};

/// True for names of sites that half of the world uses, and all below them.
bool is_well_known(const dns::Name& name);

}  // namespace postern::exchange
