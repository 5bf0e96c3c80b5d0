// From a zone's primary to rules: the transfer, the zone as text, and what a feed is checked for.
#include <utility>

#include "feeds/builder.h"
#include "feeds/obtain.h"
#include "feeds/store.h"

namespace postern::feeds {
namespace {

// The copy in force as it was written to disk: what changes are asked for against after a restart.
// Nothing where it is not there or not that copy; then the whole zone is transferred.
std::shared_ptr<const ZoneCopy> load_base(const Job& job) {
  if (!job.stored) return nullptr;
  const CopyStore store(job.stored->folder);
  const auto copy = store.load(job.feed, job.stored->source, job.max_octets);
  if (!copy || copy->facts.sha256 != job.stored->sha256) return nullptr;
  const auto mapping = Mapping::of(copy->text);
  if (!mapping) return nullptr;
  auto zone = ZoneCopy::from_text(text_of((*mapping)->octets()), job.transfer->source.zone,
                                  job.transfer->limits);
  if (!zone || !zone->soa()) return nullptr;
  return std::make_shared<const ZoneCopy>(std::move(*zone));
}

}  // namespace

Result<Obtained> obtain_zone(const Job& job, const std::atomic<bool>& cancelled,
                             const Hands& hands) {
  TransferRequest request = *job.transfer;
  if (!request.base) request.base = load_base(job);
  Transferred transferred = POSTERN_TRY(transfer(request, cancelled));
  Obtained obtained;
  obtained.soa = transferred.soa;
  obtained.how = std::move(transferred.how);
  if (!transferred.zone) {
    obtained.not_modified = true;
    obtained.content.zone = std::move(request.base);
    return obtained;
  }
  const std::string text = transferred.zone->to_text();
  if (text.size() > job.max_octets) {
    return fail(Errc::limit_exceeded,
                "over " + std::to_string(job.max_octets) +
                    " octets as text; raise the feed's max_size if the zone is meant to be that "
                    "large");
  }
  obtained.text = POSTERN_TRY(SharedMemory::of(octets_of(text)));
  obtained.content = POSTERN_TRY(hands.builder.read(*obtained.text, job.format, Origin::primary));
  obtained.content.zone = std::move(transferred.zone);
  return obtained;
}

}  // namespace postern::feeds
