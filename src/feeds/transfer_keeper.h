// What the Keeper does for transferred zones only: its members in transfer_keeper.cpp, and these.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "feeds/keeper.h"

namespace postern::feeds {

/// "rpz.example from 192.0.2.1, tls://192.0.2.2".
std::string shown_transfer(const TransferSource& source);

/// The addresses of the primaries: who may send a NOTIFY.
std::vector<IpAddress> addresses_of(const TransferSource& source);

/// When the zone of a feed expires; nothing where it has none, or has expired.
std::optional<MonoTime> expires_at(const FeedState& feed);

/// What is said of one that has.
std::string expired_text(const FeedState& feed);

}  // namespace postern::feeds
