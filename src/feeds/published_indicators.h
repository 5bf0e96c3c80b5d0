// What a published zone blocks, as indicators: made anew with each generation, kept on disk so that
// their ids and times outlive the program.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "dns/name.h"
#include "feeds/flat_policy.h"
#include "intel/indicator_ledger.h"

namespace postern::feeds {

/// Of the collection that is the zone of that name.
std::string collection_id(const dns::Name& zone);

/// One thread.
class PublishedIndicators {
 public:
  /// `path`: of the file that they are kept in.
  PublishedIndicators(const dns::Name& zone, std::string path);

  /// Makes them of what the policy blocks. Some microseconds a rule. What is marked for nobody else
  /// (TLP:RED, TLP:AMBER+STRICT) is left out. The error is of keeping them on disk: they are made.
  Result<void> update(const FlatPolicy& policy, std::uint64_t now_s);

  /// Null until the first `update`.
  const std::shared_ptr<const intel::IndicatorLedger>& ledger() const { return ledger_; }
  /// Things that are blocked and not told: by their marking, or because STIX cannot say them.
  std::size_t left_out() const { return left_out_; }

 private:
  Result<intel::IndicatorLedger> load() const;

  const intel::Uuid space_;
  const std::string path_;
  std::shared_ptr<const intel::IndicatorLedger> ledger_;
  std::size_t left_out_ = 0;
};

}  // namespace postern::feeds
