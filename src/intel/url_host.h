// The host of a URL in a feed, and whether the URL is all there is of it.
#pragma once

#include <string_view>

#include "base/result.h"

namespace postern::intel {

/// Views into the URL.
struct UrlHost {
  std::string_view host;    ///< A name or an address, without "[" and "]", port and user.
  bool whole_host = false;  ///< Neither path (but "/"), query nor fragment: the URL is the host.
};

/// What is wrong with a URL, to be read behind it. Static text.
using UrlFault = std::string_view;

/// Takes a URL apart (RFC 3986 §3): "https://user@bad.example:8080/x", also without a scheme.
/// The host is not looked into. A fault where there is none.
Result<UrlHost, UrlFault> host_of_url(std::string_view url);

}  // namespace postern::intel
