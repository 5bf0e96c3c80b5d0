// Preview: what a list would do here, as the gate sees it, beside the running server.
#pragma once

#include "base/result.h"
#include "feeds/feeds.h"
#include "feeds/gate_report.h"
#include "feeds/obtain.h"

namespace postern::feeds {

/// Judges the content as that of the feed `source`, against the rules that the server has in force:
/// of the newest image in `options.cache_dir`, for the feeds and groups of `options`. A feed that
/// is not among these is taken for one more at their end, for every group. Nothing is written.
/// Errors: as those of compiling.
Result<GateReport> preview(Options options, const Source& source, const Content& content,
                           const policy::Traffic& traffic);

}  // namespace postern::feeds
