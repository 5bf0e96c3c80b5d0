#include "policy/in_force.h"

namespace postern::policy {

ExceptionTable::Asker InForce::asker_of(const Asking& asking) const {
  const Group& group = generation_.groups()[asking.group];
  return {
      .client = asking.client, .group = group.name, .tenant = group.tenant, .hours = group.hours};
}

std::uint16_t InForce::group_during(const Group& of, std::uint16_t group, WallTime now) {
  for (const During& during : of.during) {
    if (during.schedule->holds(now)) return during.group;
  }
  return group;
}

Verdict InForce::decide(const Asking& asking, const dns::Name& name) const {
  const Verdict verdict = decide_by_exceptions(asking, name);
  return verdict.matched ? verdict : generation_.decide(asking.group, name, asking.exemption);
}

Verdict InForce::decide_by_exceptions(const Asking& asking, const dns::Name& name) const {
  if (exceptions_.empty()) return {};
  const auto found = exceptions_.find(asker_of(asking), name, asking.now);
  if (!found) return {};
  return {.matched = true,
          .action = exceptions_.action(*found),
          .zone = kExceptionZone,
          .rule = *found,
          .trigger = Trigger::qname,
          .matched_labels = exceptions_.label_count(*found),
          .scope = exceptions_.scope(*found),
          .order = 0};
}

const ZoneOptions& InForce::zone(const Verdict& verdict) const {
  return is_exception(verdict) ? exceptions_.answers() : generation_.zone(verdict.zone);
}

BlockPlan InForce::plan(std::uint16_t group, const Verdict& verdict) const {
  if (!is_exception(verdict)) return generation_.plan(group, verdict);
  return block_plan(exceptions_.answers(), generation_.groups()[group]);
}

std::uint32_t InForce::line(const Verdict& verdict) const {
  return is_exception(verdict) ? exceptions_.id(verdict.rule) : generation_.line(verdict);
}

std::string InForce::rule_text(const Verdict& verdict) const {
  if (!is_exception(verdict)) return generation_.rule_text(verdict);
  const Exception exception = exceptions_.at(verdict.rule);
  return pattern_text(exception.name, exception.scope);
}

}  // namespace postern::policy
