#include "windows/binxml_runner.h"

#include <algorithm>
#include <charconv>

#include "windows/little_endian.h"

namespace postern::windows {
namespace {

constexpr std::uint8_t kFragmentHeader = 0x0F;
constexpr std::uint8_t kTemplateInstance = 0x0C;

}  // namespace

void BinXmlRunner::begin_chunk(OctetView chunk) {
  chunk_ = chunk;
  names_.clear();
  plan_count_ = 0;
  ++stamp_;
  if (plans_.size() > kPlansKept) plans_.resize(kPlansKept);
  for (const auto& plan : plans_) let_go_of_excess(plan.get());
  for (const auto& plan : scratch_) let_go_of_excess(plan.get());
}

void BinXmlRunner::let_go_of_excess(Plan* plan) {
  if (plan && plan->steps.capacity() > kStepsKept) plan->steps = {};
}

BinXmlRunner::Outcome BinXmlRunner::run(std::size_t begin, std::size_t end, BinXmlSink& sink,
                                        WorkBudget& budget, bool trust_definitions) {
  sink_ = &sink;
  budget_ = &budget;
  trust_definitions_ = trust_definitions;
  whole_ = true;
  in_attribute_ = false;
  values_.clear();
  const std::size_t at = fragment({begin, std::min(end, chunk_.size()), Dependencies::present}, 0);
  return {at, whole_ && !budget.is_spent()};
}

std::size_t BinXmlRunner::fragment(const BinXmlRange& range, std::size_t depth) {
  if (depth == kMaxDepth) {
    whole_ = false;
    return range.end;
  }
  // Nearly all are one template's instance.
  std::size_t at = range.begin;
  if (at + 4 < range.end && chunk_[at] == kFragmentHeader) at += 4;
  if (at < range.end && chunk_[at] == kTemplateInstance) {
    const auto found = read_template_instance(chunk_, at + 1, range.end);
    instance(at + 1, range.end, depth);
    return found ? std::min(found->end + 1, range.end) : range.end;
  }
  Plan& plan = scratch(depth * 2);
  compile_binxml(chunk_, range, plan, names_, *budget_);
  if (!plan.whole) whole_ = false;
  steps({plan, 0, plan.steps.size()}, {}, depth, {});
  return plan.end;
}

void BinXmlRunner::instance(std::size_t at, std::size_t end, std::size_t depth) {
  const auto found = read_template_instance(chunk_, at, end);
  if (!found || !budget_->spend(1 + found->count)) {
    whole_ = false;
    return;
  }
  if (!found->whole) whole_ = false;
  const Values values = read_values(*found);
  if (const Plan* plan = plan_of(*found, depth)) {
    if (!plan->whole) whole_ = false;
    steps({*plan, 0, plan->steps.size()}, values, depth, {});
  } else {
    whole_ = false;
    raw_values(values, depth);
  }
  values_.resize(values.first);
}

BinXmlRunner::Values BinXmlRunner::read_values(const TemplateInstance& instance) {
  const Values values{values_.size(), instance.count};
  const std::uint8_t* descriptor = chunk_.data() + instance.descriptors;
  std::size_t at = instance.descriptors + std::size_t{instance.count} * 4;
  for (std::uint32_t i = 0; i < instance.count; ++i, descriptor += 4) {
    const std::size_t size = std::min<std::size_t>(little_u16(descriptor), instance.end - at);
    values_.push_back({descriptor[2], chunk_.subspan(at, size)});
    at += size;
  }
  return values;
}

/// Nothing where the definition is not there, or is another's.
const Plan* BinXmlRunner::plan_of(const TemplateInstance& instance, std::size_t depth) {
  const auto key = static_cast<std::uint32_t>(instance.definition);
  const auto definition = read_template_definition(chunk_, key);
  if (!definition || (!trust_definitions_ && definition->id != instance.id)) return nullptr;
  std::size_t slot = key * std::size_t{2654435761U} % kSlots;
  while (slots_[slot].stamp == stamp_ && slots_[slot].definition != key) slot = (slot + 1) % kSlots;
  if (slots_[slot].stamp == stamp_) {
    const Plan& known = *plans_[slots_[slot].plan];
    return known.steps.empty() ? nullptr : &known;
  }
  const BinXmlRange range{definition->begin, definition->end, Dependencies::present};
  const bool cached = plan_count_ < kMaxCached;
  if (cached && plan_count_ == plans_.size()) plans_.push_back(std::make_unique<Plan>());
  Plan& plan = cached ? *plans_[plan_count_] : scratch(depth * 2 + 1);
  compile_binxml(chunk_, range, plan, names_, *budget_);
  // What came out short for want of budget is no other record's.
  if (cached && !budget_->is_spent()) {
    slots_[slot] = {key, stamp_, static_cast<std::uint32_t>(plan_count_++)};
  }
  return plan.steps.empty() ? nullptr : &plan;
}

Plan& BinXmlRunner::scratch(std::size_t depth) {
  auto& plan = scratch_[depth];
  if (!plan) plan = std::make_unique<Plan>();
  return *plan;
}

/// Without a template nobody knows what the values are; they are told all the same.
void BinXmlRunner::raw_values(const Values& values, std::size_t depth) {
  sink_->open("Event", KnownName::event);
  sink_->content();
  for (std::size_t i = 0; i < values.count; ++i) {
    const BinXmlValue item = values_[values.first + i];
    if (item.octets.empty() || item.is_null() || !budget_->spend(4)) continue;
    if (item.type() == ValueType::binxml && !item.is_array()) {
      const std::size_t at = offset_of(item.octets);
      fragment({at, at + item.octets.size(), Dependencies::absent}, depth + 1);
      continue;
    }
    char name[16] = "Value";
    const char* const end = std::to_chars(name + 5, name + sizeof name, i).ptr;
    char* const kept = names_.reserve(sizeof name);
    std::copy_n(name, sizeof name, kept);
    sink_->open(names_.commit(kept, kept + (end - name)), KnownName::other);
    sink_->content();
    sink_->value(item, false);
    sink_->close();
  }
  sink_->close();
}

bool BinXmlRunner::spend(const PlanStep& step) {
  return budget_->spend_on_text(step.text.size());
}

void BinXmlRunner::steps(const Steps& steps, const Values& values, std::size_t depth,
                         const Override& item) {
  std::size_t open = 0;
  for (std::size_t i = steps.begin; i < steps.end; ++i) {
    const PlanStep& step = steps.plan.steps[i];
    if (!spend(step)) break;
    switch (step.kind) {
      case PlanStep::Kind::open:
        // The first element of a repetition is the repetition itself.
        if ((i != steps.begin || item.index == PlanStep::kNone) &&
            repeated(steps.plan, i, values, depth)) {
          i = step.offset;
          continue;
        }
        ++open;
        in_attribute_ = false;
        sink_->open(step.text, step.known);
        break;
      case PlanStep::Kind::attribute:
        in_attribute_ = true;
        sink_->attribute(step.text, step.known);
        break;
      case PlanStep::Kind::content:
        in_attribute_ = false;
        sink_->content();
        break;
      case PlanStep::Kind::close:
        --open;
        in_attribute_ = false;
        sink_->close();
        break;
      case PlanStep::Kind::text:
        sink_->text(step.text);
        break;
      case PlanStep::Kind::literal:
        sink_->value({static_cast<std::uint8_t>(step.index), octets_of(step.text)}, false);
        break;
      case PlanStep::Kind::value:
        value(step, values, depth, item.index == i ? item : Override{});
        break;
      case PlanStep::Kind::instance:
        if (depth + 1 < kMaxDepth)
          instance(step.offset, chunk_.size(), depth + 1);
        else
          whole_ = false;
        break;
    }
  }
  for (; open > 0; --open) sink_->close();
}

/// Tells the element once for each item of the array that is its content; false where it is not.
bool BinXmlRunner::repeated(const Plan& plan, std::size_t open, const Values& values,
                            std::size_t depth) {
  const PlanStep& element = plan.steps[open];
  if (element.repeat == PlanStep::kNone) return false;
  const std::size_t index = plan.steps[element.repeat].index;
  if (index >= values.count) return false;
  const BinXmlValue array = values_[values.first + index];
  if (!array.is_array() || array.octets.empty()) return false;
  ArrayItems items(array);
  while (const auto item = items.next()) {
    if (budget_->is_spent()) break;
    steps({plan, open, element.offset + std::size_t{1}}, values, depth, {element.repeat, *item});
  }
  return true;
}

void BinXmlRunner::value(const PlanStep& step, const Values& values, std::size_t depth,
                         const Override& item) {
  if (step.index >= values.count) {
    whole_ = false;
    sink_->value({}, step.optional);
    return;
  }
  const BinXmlValue value =
      item.index == PlanStep::kNone ? values_[values.first + step.index] : item.item;
  if (value.type() == ValueType::binxml && !value.is_array() && !in_attribute_) {
    if (value.octets.empty()) return;
    const std::size_t at = offset_of(value.octets);
    fragment({at, at + value.octets.size(), Dependencies::absent}, depth + 1);
    return;
  }
  if (budget_->spend_on_text(value.octets.size())) sink_->value(value, step.optional);
}

}  // namespace postern::windows
