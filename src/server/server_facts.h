// Which servers are authoritative for a name: what the NSDNAME and NSIP triggers look at.
//
// libunbound does not say which servers it asked, so they are asked for: the NS records of the
// name and of the names above it, and where needed the servers' addresses, each through the same
// resolver and cache as any question. Only while there are such rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ip.h"
#include "cache/cache.h"
#include "dns/name.h"

namespace postern::server {

/// Where answers to further questions come from.
class FactSource {
 public:
  enum class State : std::uint8_t {
    known,    ///< `answer` is set.
    unknown,  ///< Asked for, and nobody could say.
    missing,  ///< To be asked for.
  };
  struct Fact {
    State state = State::missing;
    const cache::Answer* answer = nullptr;  ///< Valid until the next call.
  };

  virtual ~FactSource() = default;
  virtual Fact find(const cache::Key& key) = 0;
};

struct ServerFacts {
  std::vector<dns::Name> names;      ///< The nearest zone's first.
  std::vector<IpAddress> addresses;  ///< Of `names`, if they were wanted.
  std::vector<cache::Key> missing;   ///< What to ask for; then the rest may follow.
  bool is_whole = true;              ///< No question was unknown.
};

/// How far up: the NS records of names with fewer labels are not looked at. 2: no top-level
/// domains, nor the root (BIND's min-ns-dots 1).
struct ServerFactOptions {
  std::size_t min_labels = 2;
  bool want_addresses = false;
};

/// Names above a name that are looked at, servers in all, addresses in all: over any real
/// delegation, and a bound on the questions that one query can cause.
inline constexpr std::size_t kMaxZonesLookedAt = 8;
inline constexpr std::size_t kMaxServers = 16;
inline constexpr std::size_t kMaxServerAddresses = 64;

/// What `source` knows of the servers of `name`. Pure.
ServerFacts server_facts(const dns::Name& name, const ServerFactOptions& options,
                         FactSource& source);

}  // namespace postern::server
