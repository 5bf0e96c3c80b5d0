// The published collections as the API hands them out, and who may read them.
#pragma once

#include <vector>

#include "api/api.h"
#include "feeds/zone_server.h"

namespace postern::app {

/// `admits` of each reads the collection's secret files when it is asked.
std::vector<api::TaxiiCollection> collections_of(const feeds::ZoneServer& zones);

}  // namespace postern::app
