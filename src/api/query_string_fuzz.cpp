// Any target either is refused or gives parameters that are what they were after another round.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/limits.h"
#include "api/origin.h"
#include "api/record_filter.h"
#include "api/routes.h"
#include "base/assert.h"

namespace {

std::string escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<std::uint8_t>(c);
    out += '%';
    out += kHex[octet >> 4];
    out += kHex[octet & 15];
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace api = postern::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto params = api::Params::from_query(text);
  if (params) {
    POSTERN_ASSERT(params->all().size() <= api::kMaxParams);
    std::string again;
    for (const auto& [name, value] : params->all()) {
      again += escaped(name) + "=" + escaped(value) + "&";
    }
    const auto second = api::Params::from_query(again);
    POSTERN_ASSERT(second.has_value() && second->all() == params->all());
    const postern::WallTime now(std::chrono::hours(24 * 365 * 50));
    const auto filter = api::filter_from(*params, now);
    if (filter) api::passes(*filter, postern::event::Query{});
  }
  std::string capture;
  (void)api::basic_credentials(text);
  std::string second;
  for (const api::Route& route : api::routes()) {
    (void)api::path_fits(route.pattern, text, capture, second);
  }
  (void)api::host_is_ours(text, postern::Endpoint{});
  (void)api::session_from_cookie(text);
  (void)api::bearer_token(text);
  return 0;
}
