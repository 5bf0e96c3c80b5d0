#include "intel/tlp.h"

#include <array>

#include "intel/text.h"

namespace postern::intel {
namespace {

using std::string_view_literals::operator""sv;

struct Marking {
  std::string_view text;
  Tlp tlp;
};

constexpr std::array kNames = {
    Marking{"clear"sv, Tlp::clear},
    Marking{"white"sv, Tlp::clear},
    Marking{"green"sv, Tlp::green},
    Marking{"amber"sv, Tlp::amber},
    Marking{"amber+strict"sv, Tlp::amber_strict},
    Marking{"red"sv, Tlp::red},
};

constexpr std::array kIds = {
    Marking{"613f2e26-407d-48c7-9eca-b8e91df99dc9"sv, Tlp::clear},
    Marking{"34098fce-860f-48ae-8e50-ebd3cc5e41da"sv, Tlp::green},
    Marking{"f88d31f6-486f-44da-b317-01333bde0b82"sv, Tlp::amber},
    Marking{"5e57c739-391a-4eb3-b6be-7d15ca92d5ed"sv, Tlp::red},
    Marking{"94868c89-83c2-464b-929b-a1a8aa3c8487"sv, Tlp::clear},
    Marking{"bab4a63c-aed9-4cf5-a766-dfca5abac2bb"sv, Tlp::green},
    Marking{"55d920b0-5e8b-4f79-9ee9-91f868d9b421"sv, Tlp::amber},
    Marking{"939a9414-2ddd-4d32-a0cd-375ea402b003"sv, Tlp::amber_strict},
    Marking{"e828b379-4e03-4974-9ac4-e53a884c97c1"sv, Tlp::red},
};

}  // namespace

std::string_view to_string(Tlp tlp) {
  switch (tlp) {
    case Tlp::clear:
      return "clear";
    case Tlp::green:
      return "green";
    case Tlp::amber:
      return "amber";
    case Tlp::amber_strict:
      return "amber+strict";
    case Tlp::red:
      return "red";
  }
  return "unknown";
}

policy::Sharing sharing_of(Tlp tlp) {
  // One more: of a Tlp none is nothing.
  return static_cast<policy::Sharing>(static_cast<std::uint8_t>(tlp) + 1);
}

std::optional<Tlp> tlp_from_text(std::string_view text) {
  if (text.size() > 4 && same_word(text.substr(0, 4), "tlp:")) text.remove_prefix(4);
  for (const Marking& marking : kNames) {
    if (same_word(text, marking.text)) return marking.tlp;
  }
  return std::nullopt;
}

std::optional<Tlp> tlp_from_stix_id(std::string_view id) {
  constexpr std::string_view kType = "marking-definition--";
  if (!id.starts_with(kType)) return std::nullopt;
  id.remove_prefix(kType.size());
  for (const Marking& marking : kIds) {
    if (same_word(id, marking.text)) return marking.tlp;
  }
  return std::nullopt;
}

}  // namespace postern::intel
