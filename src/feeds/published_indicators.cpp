#include "feeds/published_indicators.h"

#include <chrono>
#include <utility>
#include <vector>

#include "feeds/files.h"

namespace postern::feeds {
namespace {

constexpr std::uint64_t kMaxFileOctets = 1U << 30;

intel::Uuid space_of(const dns::Name& zone) {
  return intel::named_uuid(intel::kPosternSpace, zone.to_text());
}

}  // namespace

std::string collection_id(const dns::Name& zone) {
  return intel::to_text(intel::named_uuid(space_of(zone), "collection"));
}

PublishedIndicators::PublishedIndicators(const dns::Name& zone, std::string path)
    : space_(space_of(zone)), path_(std::move(path)) {}

// Where they cannot be read, all are said anew.
intel::IndicatorLedger PublishedIndicators::load() const {
  if (const auto file = read_file(path_, kMaxFileOctets)) {
    if (auto kept = intel::IndicatorLedger::from_text(file->text, space_)) return std::move(*kept);
  }
  return intel::IndicatorLedger(space_);
}

Result<void> PublishedIndicators::update(const FlatPolicy& policy, std::uint64_t now_s) {
  std::vector<intel::BlockedOwner> blocked;
  left_out_ = 0;
  for (std::size_t i = 0; i < policy.size(); ++i) {
    if (auto owner = policy.blocked_owner(i, left_out_)) blocked.push_back(std::move(*owner));
  }
  const bool is_first = ledger_ == nullptr;
  const auto before = is_first ? std::make_shared<const intel::IndicatorLedger>(load()) : ledger_;
  const WallTime now{seconds(static_cast<std::int64_t>(now_s))};
  ledger_ = std::make_shared<const intel::IndicatorLedger>(before->update(std::move(blocked), now));
  left_out_ += ledger_->left_out();
  const bool is_same = ledger_->last_added_us() == before->last_added_us() &&
                       ledger_->entries().size() == before->entries().size();
  return is_same ? Result<void>() : replace_file(path_, ledger_->to_text());
}

}  // namespace postern::feeds
