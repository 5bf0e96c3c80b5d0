// The plan of a quarantine: which files would be taken out of the tree, why, and what that breaks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evidence/record.h"
#include "evidence/witness.h"

namespace postern::evidence {

/// What somebody wants taken away, by the file that findings come in:
/// {"root":…, "case":…, "complete":true, "items":[{"path":…, "rule":…, "why":…, "sha256":…}]}
struct Findings {
  static constexpr std::size_t kMaxOctets = 64U << 20;
  static constexpr std::size_t kMaxItems = 100'000;

  struct Item {
    std::string path;    ///< Beneath the root; octets ("path_hex" where they are no UTF-8).
    std::string rule;    ///< "F-01", "yara:NAME".
    std::string why;     ///< A sentence.
    std::string sha256;  ///< As the sweep saw it; empty where it did not say.
  };

  std::string root;
  std::string case_name;
  bool complete = false;  ///< Whether the sweep had no errors.
  std::vector<Item> items;
};

/// Of any octets. `invalid_input` where it is not of that shape, with the number of the item.
Result<Findings> findings_from_json(std::string_view text);

struct PlanItem {
  std::string path;
  std::vector<std::string> rules;
  std::vector<std::string> why;
  std::string left_alone;  ///< Why nothing will be done with it; empty where it will be taken.
  Kept content;            ///< As it is now.
  files::Time modified;
  std::vector<std::string> breaks;  ///< A sentence each; none is known where there are none.

  bool operator==(const PlanItem&) const = default;
};

struct Plan {
  static constexpr std::string_view kFormat = "postern-quarantine-plan 1";

  std::string root;
  std::uint64_t root_inode = 0;
  std::string case_name;
  std::string made_at, who, host;
  bool complete = false;  ///< Whether the sweep it is from had no errors: else nothing is applied.
  std::vector<PlanItem> items;

  bool operator==(const Plan&) const = default;
};

/// Looks at each file as it is now, and for what names it. Reads only.
Result<Plan> make_plan(const Findings& findings, const Witness& witness);

std::string to_json(const Plan& plan);
/// The way back, of any octets. `invalid_input` where it is no plan.
Result<Plan> plan_from_json(std::string_view text);
/// For a person, in ASCII.
std::string to_text(const Plan& plan);

}  // namespace postern::evidence
