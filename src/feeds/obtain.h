// From a source to rules: read or fetch, unpack, parse, and refuse what is absurd.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "feeds/feeds.h"
#include "feeds/fetcher.h"

namespace postern::feeds {

/// The rules of one copy.
struct Content {
  std::shared_ptr<const policy::ZoneRules> rules;  ///< Null: none yet.
  std::uint64_t lines_skipped = 0;
  std::string first_skipped;
  std::string sha256;  ///< Of the text.
  /// Read as the feed was configured before, and in force until it is read as it is now.
  bool is_of_old_source = false;

  std::uint64_t rule_count() const { return rules ? rules->size() : 0; }
};

/// Whether the operator wrote the text with his own hands or it came from afar.
enum class Origin : std::uint8_t { local, remote };

/// Parses one copy. Refused (`invalid_input`): what is no such feed, what has no rules, and what
/// has less than a tenth of `rules_before` if these are at least 20, or for a local text over a
/// thousand. Also a remote text that begins with mark-up, whose rules are all bare words without a
/// dot, or, read as a list of names (domains, hosts, wildcard), has more lines that are none. A
/// local text of comments only is a list that its owner emptied, and fine.
Result<Content> parse_copy(std::string_view text, const intel::FeedOptions& format, Origin origin,
                           std::uint64_t rules_before);

/// What a download is to fetch, and what it is compared with.
struct Job {
  std::string name;
  std::uint64_t ticket = 0;       ///< Comes back with the outcome.
  std::vector<std::string> urls;  ///< Tried in this order.
  std::string fetched_from;       ///< Digest of the URL that `validators` belong to.
  Validators validators;
  intel::FeedOptions format;
  std::uint64_t rules_before = 0;
  std::uint64_t max_octets = 0;
  seconds timeout{};
};

struct Obtained {
  bool not_modified = false;  ///< The copy at hand is the newest; no content.
  Content content;
  std::string text;
  Validators validators;
  std::string fetched_from;
};

/// Fetches from the first URL that gives a good copy. The error names what was wrong with each.
Result<Obtained> obtain(const Job& job, const std::atomic<bool>& cancelled);

}  // namespace postern::feeds
