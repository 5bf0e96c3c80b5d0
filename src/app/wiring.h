// Wiring: what each module is told, made of the configuration. No I/O; the start of all of it
// is in service.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/api.h"
#include "app/places.h"
#include "base/result.h"
#include "config/config.h"
#include "devices/devices.h"
#include "feeds/feeds.h"
#include "feeds/question_memory.h"
#include "feeds/zone_server.h"
#include "intel/packs.h"
#include "journal/sqlite_journal.h"
#include "resolve/factory.h"
#include "server/server.h"

namespace postern::app {

/// The sources in policy order: the allow list, the block list (where they hold names), the packs,
/// the feeds; and the groups over them, the default one first.
feeds::Options feeds_options(const config::Config& config, const Places& places,
                             std::uint64_t seed);

/// `hash_key` is for the memory's table, `client_key` for a new file.
feeds::QuestionMemoryOptions question_options(const config::Config& config, const Places& places,
                                              std::uint64_t hash_key, std::uint64_t client_key);

feeds::GateOrder gate_order(const api::FeedDecision& decision);

/// The zones of which other name servers may tell us news, and those that they may have of us.
feeds::ZoneServerOptions zone_server_options(const config::Config& config, const Places& places);

/// How one feed of the file is read: for `check`, which reads without fetching.
feeds::Source source_of(const config::Feed& feed, const config::Config& config);

/// How blocks by exceptions are answered.
policy::ZoneOptions exception_answers(const config::Config& config);

/// The own lists of tenants and groups.
std::vector<policy::Exception> own_lists(const config::Config& config);

/// Where devices of groups are looked for.
devices::Options device_options(const config::Config& config);
server::Settings settings_of(const config::Config& config);
/// Two random numbers: one may be guessed from what clients are shown, the other never.
struct Seeds {
  std::uint64_t trace = 0;
  std::uint64_t secret = 0;
};
/// `cores` stands for a count of 0.
server::Options server_options(const config::Config& config, unsigned cores, const Seeds& seeds);

resolve::RecursorOptions recursor_options(const config::Config& config, unsigned cores);
/// An error where a server's text is none.
Result<resolve::ForwarderOptions> forwarder_options(const config::ForwardZone& zone);

journal::SqliteOptions journal_options(const config::Config& config, const Places& places);

}  // namespace postern::app
