// Finding: one thing a sweep found, whoever found it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace postern::exchange {

/// How far an intruder got, as one finding alone says. In this order: worse is greater.
enum class Tier : std::uint8_t {
  hunt,       ///< Worth a look; says nothing by itself.
  probe,      ///< Somebody looked whether the hole is there; scanners do that.
  exposed,    ///< A hole or a setting that lets one in; nobody needs to have come.
  attempt,    ///< An attack that is not seen to have succeeded.
  exploited,  ///< An attack that succeeded, or what one left behind.
};

/// "hunt", "probe", "exposed", "attempt", "exploited".
std::string_view to_string(Tier tier);
std::optional<Tier> tier_of(std::string_view text);

/// Where the evidence of a finding is.
struct Place {
  std::string path;  ///< Beneath the swept root, '/' between parts; in an archive "a.zip!/b/c".
  std::uint64_t line = 0;    ///< From 1; 0 where the file has none.
  std::uint64_t record = 0;  ///< Of an event log: its record id; else 0.
  std::uint64_t offset = 0;  ///< In octets, of the line, the record or the key of a hive.

  bool operator==(const Place&) const = default;
};

/// A name and what it says, to be shown as it is: text of a hostile server, never markup.
struct Detail {
  std::string name, value;

  bool operator==(const Detail&) const = default;
};

/// One finding. Text in it may come from an attacker: octets that are no printable UTF-8 are
/// escaped by whoever shows it.
struct Finding {
  std::string rule;   ///< "PL-01", a Sigma id, "yara:NAME".
  std::string title;  ///< One line for a person.
  Tier tier{};
  int confidence = 0;               ///< 0 to 100.
  std::vector<std::string> attack;  ///< ATT&CK ids: "T1190".
  std::vector<std::string> cve;     ///< "CVE-2021-26855".
  std::optional<WallTime> at;       ///< When it happened; nothing where nothing says.
  Place place;
  std::string actor;  ///< The address or account behind it; empty where unknown.
  std::vector<Detail> details;
  std::string author;  ///< Of a rule that is somebody else's, whose licence wants it said.

  bool operator==(const Finding&) const = default;
};

}  // namespace postern::exchange
