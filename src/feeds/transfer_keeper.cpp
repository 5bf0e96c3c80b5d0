#include "feeds/transfer_keeper.h"

#include <algorithm>
#include <utility>

namespace postern::feeds {
namespace {

// Of the zone that the rules were read from, wherever they are now.
std::optional<Soa> soa_in(const Content& content) {
  const policy::ZoneSoa* soa = nullptr;
  if (content.rules) {
    soa = content.rules->soa ? &*content.rules->soa : nullptr;
  } else if (content.held.image) {
    const policy::ImageZone& zone = content.held.image->zones()[content.image_zone];
    soa = zone.soa ? &*zone.soa : nullptr;
  }
  return soa != nullptr ? soa_of(soa->rdata) : std::nullopt;
}

}  // namespace

std::string shown_transfer(const TransferSource& source) {
  std::string text = source.zone.to_display() + " from ";
  for (std::size_t i = 0; i < source.primaries.size(); ++i) {
    if (i > 0) text += ", ";
    // Without name and pins.
    text += source.primaries[i].substr(0, source.primaries[i].find('#'));
  }
  return text;
}

std::vector<IpAddress> addresses_of(const TransferSource& source) {
  std::vector<IpAddress> addresses;
  for (const std::string& text : source.primaries) {
    if (const auto primary = net::dns_server_from_text(text)) {
      addresses.push_back(primary->endpoint.address);
    }
  }
  return addresses;
}

std::optional<MonoTime> expires_at(const FeedState& feed) {
  if (!feed.timers || feed.is_expired || !feed.content.is_there()) return std::nullopt;
  return feed.timers->expires_at();
}

std::string expired_text(const FeedState& feed) {
  const bool keeps = feed.source.transfer && feed.source.transfer->on_expire == OnExpire::keep;
  return std::string("EXPIRED: no primary was reached for longer than the zone's SOA allows; ") +
         (keeps ? "its old rules stay in force (on_expire: keep)"
                : "its rules are no longer in force (on_expire: drop)");
}

void Keeper::begin_timers(FeedState& feed, seconds first_retry) {
  const TransferSource& source = *feed.source.transfer;
  feed.timers.emplace(TimerBounds{source.min_refresh, source.max_refresh, first_retry});
}

// Of a last good copy that was read at the start: its timers go on from the last contact.
void Keeper::restore_timers(FeedState& feed, WallTime checked_at, const Now& now) {
  const auto soa = soa_in(feed.content);
  if (!soa) return;  // Then all of the zone is fetched at once.
  const microseconds age = std::max(now.wall - checked_at, microseconds(0));
  feed.timers->restore(*soa, now.mono - age, chance());
  feed.status.health = intel::Health::good;
  schedule(feed, now);
  feed.due = std::max(*feed.due, now.mono);
  feed.status.next_try = now.wall + (*feed.due - now.mono);
  if (*feed.timers->expires_at() <= now.mono) expire(feed);
}

TransferRequest Keeper::request_of(const FeedState& feed) const {
  TransferRequest request;
  request.source = *feed.source.transfer;
  if (feed.content.is_there() && !feed.content.is_of_old_source) request.base = feed.content.zone;
  request.limits.max_records = feed.source.format.max_rules;
  request.limits.max_octets = feed.source.max_octets;
  return request;
}

void Keeper::expire_old(const Now& now) {
  for (FeedState& feed : feeds_) {
    const auto expiry = expires_at(feed);
    if (expiry && *expiry <= now.mono) expire(feed);
  }
}

void Keeper::expire(FeedState& feed) {
  feed.is_expired = true;
  const std::string reason = feed.status.last_error.empty() ? "" : "; " + feed.status.last_error;
  feed.status.last_error = expired_text(feed) + reason;
  feed.status.health = intel::Health::stale;
  log_.error("feeds", feed.status.name + ": " + feed.status.last_error);
  if (feed.source.transfer->on_expire == OnExpire::keep) return;
  feed.status.health = intel::Health::failed;
  if (feed.canary) forget_held(feed);
  changes_.push_back({.name = feed.status.name,
                      .before = std::exchange(feed.content, {}),
                      .facts_before = std::exchange(feed.facts, {}),
                      .text = std::nullopt,
                      .turn = {}});
  must_publish_ = true;
}

void Keeper::notify(const dns::Name& zone, std::optional<std::uint32_t> serial, const Now& now) {
  for (FeedState& feed : feeds_) {
    if (!feed.timers || feed.source.transfer->zone != zone) continue;
    // To a zone that was dropped any serial is news.
    const auto said = feed.content.is_there() ? serial : std::nullopt;
    if (feed.timers->on_notify(said, now.mono) && !feed.fetching) schedule(feed, now);
  }
}

}  // namespace postern::feeds
