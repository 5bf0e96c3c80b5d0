#include "exchange/contacts.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/ip.h"
#include "exchange/known_good.h"
#include "exchange/verdict.h"
#include "intel/feed_name.h"

namespace postern::exchange {
namespace {

constexpr std::size_t kMaxHostOctets = 253;

/// The scheme that ends at `colon`.
bool is_scheme(std::string_view text, std::size_t colon) {
  static constexpr std::array kSchemes =
      std::to_array<std::string_view>({"https", "http", "ftp", "wss", "ws"});
  return std::ranges::any_of(kSchemes, [&](std::string_view scheme) {
    return colon >= scheme.size() &&
           lower(text.substr(colon - scheme.size(), scheme.size())) == scheme;
  });
}

/// What stands between "//" and the end of the host; empty where there is no whole one.
std::string host_at(std::string_view text) {
  constexpr std::string_view kHostLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:@";
  const std::size_t end = std::min(text.find_first_not_of(kHostLetters), text.size());
  std::string_view host = text.substr(0, end);
  if (host.size() > kMaxHostOctets) return {};
  if (const std::size_t user = host.rfind('@'); user != std::string_view::npos) {
    host.remove_prefix(user + 1);
  }
  return lower(host.substr(0, host.find(':')));
}

}  // namespace

std::vector<Detail> contacts_in(std::string_view text) {
  std::vector<Detail> out;
  for (std::size_t at = text.find("://"); at != std::string_view::npos && out.size() < kMaxContacts;
       at = text.find("://", at + 3)) {
    if (!is_scheme(text, at)) continue;
    const std::string host = host_at(text.substr(at + 3));
    if (host.empty()) continue;
    Detail detail;
    detail.value = host;
    if (IpAddress::from_text(host)) {
      detail.name = kAddressDetail;
    } else if (host.find('.') != std::string::npos && intel::read_domain(host)) {
      detail.name = kDomainDetail;
    } else {
      continue;
    }
    if (std::ranges::find(out, detail) == out.end()) out.push_back(std::move(detail));
  }
  return out;
}

}  // namespace postern::exchange
