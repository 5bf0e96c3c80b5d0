// From a source to rules: read or fetch, unpack, parse, and refuse what is absurd.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "feeds/feeds.h"
#include "feeds/fetcher.h"
#include "feeds/files.h"
#include "feeds/image_memory.h"
#include "feeds/store.h"
#include "feeds/taxii.h"
#include "feeds/transfer.h"
#include "feeds/unpack_turn.h"

namespace postern::feeds {

class Builder;

/// The rules of one copy.
struct Content {
  /// As they were read, until an image has them.
  std::shared_ptr<const HeldRules> rules;
  /// The image that has them then, and as which of its zones. Without an image, too: none yet.
  HeldImage held;
  std::uint16_t image_zone = 0;
  std::uint64_t lines_skipped = 0;
  std::string first_skipped;
  /// Of the text; where votes are counted, of whose they are and of their texts.
  std::string sha256;
  std::shared_ptr<const ZoneCopy> zone;  ///< Of a transferred zone, what changes are applied to.
  /// Read as the feed was configured before, and in force until it is read as it is now.
  bool is_of_old_source = false;
  /// Of a zone of votes: its rules are counted when an image is built.
  bool is_counted = false;

  std::optional<FileStamp> stamp;  ///< Of the local file that it was read from.

  bool is_there() const { return rules || held.image || is_counted; }
  std::uint64_t rule_count() const {
    if (rules) return rules->count;
    return held.image ? held.image->zones()[image_zone].rule_count() : 0;
  }
};

/// True for what comes from another machine.
bool is_remote(const Source& source);
/// Whether a feed's updates come into force by themselves, and only if nothing speaks against them.
bool is_guarded(const Source& source);

/// Tells where a feed comes from: the copy of another source is not this one's. A zone is the same
/// whichever of its primaries gave it.
std::string source_digest(const Source& source);

/// Whether the operator wrote the text with his own hands, or it came from afar: over the web, or
/// as a zone or collection from its server, which is whole or does not come at all.
enum class Origin : std::uint8_t { local, remote, primary };
Origin origin_of(const Source& source);

inline constexpr std::size_t kMaxSkippedOctets = 1000;  ///< Of `first_skipped`.

/// What a text says, read as a feed.
struct ParsedCopy {
  policy::ZoneRules rules;
  std::uint64_t lines_skipped = 0;
  std::string first_skipped;
  std::string sha256;  ///< Of the text.
};

/// Parses one copy. Refused (`invalid_input`): what is no such feed, and what has no rules. Also a
/// remote text that begins with mark-up, whose rules are all bare words without a dot, or, read as
/// a list of names (domains, hosts, wildcard), has more lines that are none. A local text of
/// comments only is a list that its owner emptied, and fine; so is a zone without rules. Whether
/// the rules are too few or too many is for the gate to say (intel/gate.h).
Result<ParsedCopy> parse_copy(std::string_view text, const intel::FeedOptions& format,
                              Origin origin);

/// Where on disk the copy in force is kept.
struct StoredCopy {
  std::string folder;  ///< Of the CopyStore.
  std::string source;  ///< Digest of where the feed comes from.
  std::string sha256;  ///< Of the text in force: no other will do.
};

/// A poll of a collection.
struct TaxiiRequest {
  TaxiiSource source;
  TaxiiMark mark;         ///< Of the copy at hand.
  bool is_whole = false;  ///< Everything is to be asked for.
};

/// What a download is to fetch.
struct Job {
  std::string feed;               ///< Its name.
  std::uint64_t ticket = 0;       ///< Comes back with the outcome.
  std::vector<std::string> urls;  ///< Tried in this order.
  std::string fetched_from;       ///< Digest of the URL that `validators` belong to.
  Validators validators;
  intel::FeedOptions format;
  std::uint64_t max_octets = 0;
  seconds timeout{};
  std::optional<TransferRequest> transfer;  ///< Instead of URLs.
  std::optional<TaxiiRequest> taxii;        ///< Instead of both.
  std::optional<StoredCopy> stored;         ///< Its base, where the request has none.
};

struct Obtained {
  bool not_modified = false;  ///< The copy at hand is the newest; no content.
  Content content;
  std::optional<SharedMemory> text;  ///< Sealed. None with `not_modified`.
  UnpackTurns::Turn turn;            ///< Of the text, where it was unpacked.
  Validators validators;
  std::string fetched_from;
  std::optional<Soa>
      soa;          ///< Of the zone; with `not_modified` too. `content.zone` may then be set.
  std::string how;  ///< Of a transfer or poll, for the log.
  std::optional<TaxiiMark> taxii;  ///< Of a collection; with `not_modified` too.
};

/// What a server said that does not want to be asked so often.
struct Postponed {
  seconds retry_after{0};
};

/// Who unpacks and reads what is obtained.
struct Hands {
  UnpackTurns& turns;
  const Builder& builder;
};

/// Fetches from the first URL that gives a good copy. The error names what was wrong with each.
Result<Obtained> obtain(const Job& job, const std::atomic<bool>& cancelled, const Hands& hands,
                        Postponed& postponed);

/// The same for a job with a transfer: its zone as text and rules.
Result<Obtained> obtain_zone(const Job& job, const std::atomic<bool>& cancelled,
                             const Hands& hands);

/// The same for a job with a collection: what is new in it, put into the stored copy.
Result<Obtained> obtain_collection(const Job& job, const std::atomic<bool>& cancelled,
                                   const Hands& hands, Postponed& postponed);

}  // namespace postern::feeds
