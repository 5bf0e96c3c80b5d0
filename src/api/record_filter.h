// What a request asks of the journal: parameters to a journal::Filter, and the same filter
// applied to records as they come.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "api/query_string.h"
#include "base/result.h"
#include "base/time.h"
#include "journal/journal.h"

namespace postern::api {

/// Reads "2026-03-02", "2026-03-02T08:00:00Z" with fraction or offset (RFC 3339), "90s", "30m",
/// "1h", "2d" (that long before `now`; "-1h" is the same) or "now". An error names these forms.
Result<WallTime> time_from_text(std::string_view text, WallTime now);

/// The filter of since, until, client, name, below, disposition, zone, group, type, rcode, trace.
/// An error names the parameter and what it takes.
Result<journal::Filter> filter_from(const Params& params, WallTime now);

/// An error that names the first parameter that is neither one of filter_from's nor in `more`:
/// a filter that was misspelt must not silently find everything.
Result<void> check_known(const Params& params, std::initializer_list<std::string_view> more);
/// The same where filter_from's are not taken either.
Result<void> check_only(const Params& params, std::initializer_list<std::string_view> known);

/// A whole number from `least` to `most`; `otherwise` where the parameter is absent.
Result<std::size_t> number_from(const Params& params, std::string_view name, std::size_t otherwise,
                                std::size_t most);

/// True for a record that the filter lets through, as the journal would. Times are not looked at.
bool passes(const journal::Filter& filter, const event::Query& query);

}  // namespace postern::api
