// The RPZ cases: policy zones, what the world beyond holds, questions, and what clients get.
//
// Start at `read_cases`, then `play`: each question goes through the reader of policy zones, the
// policy engine and the server's handler with its cache, in simulated time. How a file is written
// is in tests/rpz/README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "dns/name.h"
#include "dns/types.h"
#include "event/query.h"
#include "policy/generation.h"

namespace postern::rpz_cases {

/// A policy zone as it stands in a file.
struct ZoneText {
  policy::ZoneOptions options;
  std::string text;
  bool is_whole = false;            ///< It has its own SOA and origin.
  std::vector<std::size_t> unread;  ///< Lines of `text`, from 1, that must be skipped.
};

/// What the servers of the world say.
struct World {
  std::vector<std::string> records;  ///< "www.example. 300 A 192.0.2.1".
  std::vector<dns::Name> is_signed;  ///< All at and below these has signatures.
  std::vector<dns::Name> fails;      ///< SERVFAIL, at and below.
};

/// What cases have in common.
struct Setting {
  std::size_t line = 0;
  std::vector<ZoneText> zones;
  World world;
  std::uint32_t min_ns_dots = 1;
};

struct Case {
  std::size_t line = 0;
  std::shared_ptr<const Setting> setting;
  std::string section;  ///< Of the draft.
  std::string name;     ///< As written: escapes, case.
  dns::RRType type{};
  IpAddress client;
  event::Transport transport = event::Transport::udp;
  std::uint16_t flags = 0;
  bool edns = true;
  bool dnssec_ok = false;
  std::uint16_t udp_octets = 1232;
  std::string want;
};

struct Cases {
  std::vector<Case> all;
  std::string error;  ///< "LINE: what is wrong with it"; empty: nothing.
};

Cases read_cases(std::string_view text);

/// What is wrong with how the zones of a setting are read: lines that were skipped and should not
/// have been, and the other way round. Empty: nothing.
std::string fault_of_zones(const Setting& setting);

/// What the client gets, in the words of the files; the same again from a warm cache, else that is
/// said too.
std::string play(const Case& each);

}  // namespace postern::rpz_cases
