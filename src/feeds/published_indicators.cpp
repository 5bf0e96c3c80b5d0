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

Result<intel::IndicatorLedger> PublishedIndicators::load() const {
  const auto file = read_file(path_, kMaxFileOctets);
  if (!file && file.error().code == Errc::not_found) return intel::IndicatorLedger(space_);
  if (!file) return Unexpected<Error>(file.error());
  return intel::IndicatorLedger::from_text(file->text, space_);
}

Result<void> PublishedIndicators::update(const FlatPolicy& policy, std::uint64_t now_s) {
  std::vector<intel::BlockedOwner> blocked;
  left_out_ = 0;
  for (std::size_t i = 0; i < policy.size(); ++i) {
    if (auto owner = policy.blocked_owner(i, left_out_)) blocked.push_back(std::move(*owner));
  }
  const bool is_first = ledger_ == nullptr;
  std::string lost;  // Why what was said before is not known.
  auto before = ledger_;
  if (is_first) {
    auto kept = load();
    if (!kept) lost = path_ + ": " + kept.error().text + "; all indicators are said anew";
    before = std::make_shared<const intel::IndicatorLedger>(kept ? *std::move(kept)
                                                                 : intel::IndicatorLedger(space_));
  }
  const WallTime now{seconds(static_cast<std::int64_t>(now_s))};
  ledger_ = std::make_shared<const intel::IndicatorLedger>(before->update(std::move(blocked), now));
  left_out_ += ledger_->left_out();
  const bool is_same = ledger_->last_added_us() == before->last_added_us() &&
                       ledger_->entries().size() == before->entries().size();
  if (!is_same) POSTERN_CHECK(replace_file(path_, ledger_->to_text()));
  if (!lost.empty()) return fail(Errc::corrupt, std::move(lost));
  return {};
}

}  // namespace postern::feeds
