// Internationalised names (IDNA 2008): the only place that knows libidn2.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "intel/feed_name.h"

namespace postern::intel {

/// "bücher.example" to "xn--bcher-kva.example". The text is UTF-8; anything that IDNA 2008
/// with the UTS 46 mapping does not allow is `bad_idn`.
Result<std::string, NameFault> to_a_labels(std::string_view text);

}  // namespace postern::intel
