#include "api/origin.h"

#include <algorithm>
#include <string>

namespace postern::api {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos;
}

/// "[::1]:8080" to "::1", "localhost:8080" to "localhost"; nothing where it is malformed.
std::optional<std::string_view> without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == host.npos) return std::nullopt;
    const std::string_view rest = host.substr(end + 1);
    if (!rest.empty() && !(rest.starts_with(':') && is_port(rest.substr(1)))) return std::nullopt;
    return host.substr(1, end - 1);
  }
  const std::size_t colon = host.find(':');
  if (colon == host.npos) return host;
  if (!is_port(host.substr(colon + 1))) return std::nullopt;
  return host.substr(0, colon);
}

}  // namespace

bool host_is_ours(std::string_view host, const std::optional<Endpoint>& listen,
                  std::span<const std::string> names) {
  const auto name = without_port(host);
  if (!name) return false;
  const std::string lowered = lower(*name);
  if (lowered == "localhost" || std::ranges::find(names, lowered) != names.end()) return true;
  const auto address = IpAddress::from_text(*name);
  if (!address) return false;
  if (address->is_loopback()) return true;
  return listen && (listen->address.is_unspecified() || listen->address == *address);
}

bool origin_is_ours(const Request& request, std::span<const std::string> names) {
  if (!request.fetch_site.empty() && request.fetch_site != "same-origin" &&
      request.fetch_site != "none") {
    return false;
  }
  if (request.origin.empty()) return true;
  const std::string origin = lower(request.origin);
  const std::string host = lower(request.host);
  if (origin == "http://" + host || origin == "https://" + host) return true;
  return std::ranges::any_of(
      names, [&origin](const std::string& name) { return origin == "https://" + name; });
}

}  // namespace postern::api
