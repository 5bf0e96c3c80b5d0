#include "intel/url_host.h"

#include <algorithm>
#include <cstddef>

namespace postern::intel {
namespace {

constexpr UrlFault kNoHost = "is a URL without a host; correct it";
constexpr UrlFault kBadPort = "has a port that is no number; correct it";

}  // namespace

Result<UrlHost, UrlFault> host_of_url(std::string_view url) {
  UrlHost out;
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    // A URL may hold another one behind its path: only what comes before the first "/" is a scheme.
    if (url.find_first_of("/?#") > scheme) url.remove_prefix(scheme + 3);
  }
  const std::size_t end = std::min(url.find_first_of("/?#\\"), url.size());
  const std::string_view behind = url.substr(end);
  out.whole_host = behind.empty() || behind == "/";
  std::string_view authority = url.substr(0, end);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return Unexpected(kNoHost);
    out.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    out.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (out.host.empty()) return Unexpected(kNoHost);
  if (port.empty()) return out;
  const bool is_number =
      port.front() == ':' &&
      std::all_of(port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) return Unexpected(kBadPort);
  return out;
}

}  // namespace postern::intel
