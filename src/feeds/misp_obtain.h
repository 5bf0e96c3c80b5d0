// MISP feeds in: a folder of events on a web server, with a manifest.json that lists them.
#pragma once

#include <string_view>

#include "feeds/obtain.h"

namespace postern::feeds {

/// Whether the address of a feed of this format is that of a folder: it ends in "/" or in
/// "/manifest.json". Any other is one file of events.
bool is_misp_folder(intel::Format format, std::string_view url);

/// Fetches the manifest and the events that are new or have changed since the stored copy, which
/// they are put into; events that the manifest no longer lists are taken out. An event that cannot
/// be had or read is left as it was, and asked for again at the next poll; so are those that there
/// is no more time for.
Result<Obtained> obtain_misp_folder(const Job& job, const std::string& url,
                                    const std::atomic<bool>& cancelled, const Hands& hands);

}  // namespace postern::feeds
