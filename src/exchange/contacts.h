// Names and addresses that a page or a command of an intruder speaks of: whom it may call.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "exchange/finding.h"

namespace postern::exchange {

/// Of one text at most so many: a page of links is no list of intruders.
inline constexpr std::size_t kMaxContacts = 16;

/// Hosts of URLs (http, https, ftp, ws, wss) in a text, each once, in their order: details of the
/// names kDomainDetail and kAddressDetail, which become indicators where a finding is proof and
/// IndicatorLint lets them pass. O(text).
std::vector<Detail> contacts_in(std::string_view text);

}  // namespace postern::exchange
