// Markings of the Traffic Light Protocol: who may be told what a feed says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/rule_note.h"

namespace postern::intel {

/// FIRST's TLP 2.0, from the least to the most strict. "white" of TLP 1.0 is clear.
enum class Tlp : std::uint8_t { clear, green, amber, amber_strict, red };
std::string_view to_string(Tlp tlp);

policy::Sharing sharing_of(Tlp tlp);

/// "amber", "TLP:AMBER+STRICT", "tlp:white", in any case.
std::optional<Tlp> tlp_from_text(std::string_view text);

/// By the id of a STIX marking definition: those of TLP 1.0 are part of STIX 2.1 (§7.2.1.4), those
/// of TLP 2.0 of OASIS' common objects.
std::optional<Tlp> tlp_from_stix_id(std::string_view id);

}  // namespace postern::intel
