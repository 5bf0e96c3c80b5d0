// Mistakes in the lists of names to block that stand in the file itself: a person means what he
// writes, but hardly that everybody's names are blocked, or the organisation's own.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "config/checks.h"
#include "intel/lint.h"

namespace postern::config {
namespace {

/// What is wrong with blocking a name or "*.name"; nothing where the file forces it. A name below
/// an own domain is what such lists are for.
std::optional<intel::NameFault> fault_of(std::string_view pattern, const intel::LintOptions& lint) {
  const bool is_wildcard = pattern.starts_with("*.");
  const auto name = dns::Name::from_text(is_wildcard ? pattern.substr(2) : pattern);
  if (!name) return std::nullopt;
  const auto scope = is_wildcard ? policy::Scope::at_and_below : policy::Scope::exact;
  const auto fault = intel::refused_as_block(*name, scope, lint);
  if (fault != intel::NameFault::own_domain) return fault;
  const bool holds_one = std::ranges::any_of(
      lint.own_domains, [&](const dns::Name& domain) { return domain.is_at_or_below(*name); });
  return holds_one ? fault : std::nullopt;
}

}  // namespace

void check_own_lists(const Draft& draft, const Node& root, Problems& problems) {
  intel::LintOptions lint{.skips_shared = true};
  const auto add_names = [](const std::vector<std::string>& texts, std::vector<dns::Name>& names) {
    for (const std::string& text : texts) {
      if (const auto name = dns::Name::from_text(text)) names.push_back(*name);
    }
  };
  add_names(draft.config.gate_own_domains, lint.own_domains);
  add_names(draft.config.force, lint.forced);
  const auto check_list = [&](const std::vector<std::string>& patterns, const Node& parent,
                              std::string_view key, const std::string& path) {
    const Node* list = node_at(parent, key);
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const auto fault = fault_of(patterns[i], lint);
      if (!fault) continue;
      const bool has_item =
          list != nullptr && list->kind == Node::Kind::list && i < list->children.size();
      const Place place = has_item ? list->children[i].place : place_of(parent, key);
      const bool is_own = *fault == intel::NameFault::own_domain;
      problems.add(place, has_item ? fmt::format("{}[{}]", path, i) : path,
                   fmt::format("\"{}\" {}", patterns[i],
                               is_own ? "blocks a domain of gate.own_domains"
                                      : "is a public suffix, which blocks everybody's names"),
                   "remove it, or if it is meant add the name to policy.force");
    }
  };
  const Config& config = draft.config;
  check_list(config.block, root, "policy.block", "policy.block");
  for (std::size_t i = 0; i < config.tenants.size(); ++i) {
    check_list(config.tenants[i].block, *draft.tenant_nodes[i], "block",
               item_path("tenants", i, "block"));
  }
  for (std::size_t i = 0; i < config.groups.size(); ++i) {
    check_list(config.groups[i].block, *draft.group_nodes[i], "block",
               item_path("groups", i, "block"));
  }
  for (std::size_t i = 0; i < config.during.size(); ++i) {
    check_list(config.during[i].block, *draft.during_nodes[i], "block",
               item_path("during", i, "block"));
  }
}

}  // namespace postern::config
