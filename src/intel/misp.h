// What the format misp takes of an attribute.
#pragma once

#include <string_view>

namespace postern::intel {

/// Whether attributes of the type ("domain", "ip-dst|port") become rules.
bool is_misp_indicator(std::string_view type);

}  // namespace postern::intel
