#include "exchange/time_check.h"

#include <string_view>

#include "exchange/known_good.h"
#include "exchange/page_names.h"
#include "exchange/server_place.h"

namespace postern::exchange {
namespace {

constexpr std::chrono::hours kDay{24};

/// The page that a file beneath one of Exchange's folders is.
bool is_exchange_page(std::string_view path) {
  const std::string low = "/" + lower(path);
  for (const std::string_view root :
       {"/frontend/httpproxy", "/clientaccess/exchweb", "/clientaccess"}) {
    const std::size_t at = low.rfind(std::string(root) + "/");
    if (at == std::string::npos) continue;
    const auto page = page_of(std::string_view(low).substr(at + root.size()));
    return page && exchange_pages().has(*page);
  }
  return false;
}

}  // namespace

std::optional<Finding> check_times(const PageTimes& page) {
  if (!is_web(server_place(page.path).zone) || is_exchange_page(page.path)) return std::nullopt;
  const bool is_set_back = page.created + kDay < page.name_created;
  const bool is_set = page.created_is_whole && !page.name_is_whole;
  if (!is_set_back && !is_set) return std::nullopt;
  Finding out;
  out.rule = "F-07";
  out.title = is_set_back ? "A page whose time was set back" : "A page whose time was set";
  out.tier = Tier::hunt;
  out.confidence = is_set_back ? (is_set ? 70 : 60) : 50;
  out.attack = {"T1070.006"};
  out.at = page.name_created;
  out.place.path = page.path;
  const auto text = [](WallTime at) {
    return to_string(std::chrono::floor<std::chrono::days>(at));
  };
  out.details = {{"created, as it says", text(page.created)},
                 {"created, as the file system has it", text(page.name_created)}};
  if (is_set) out.details.push_back({"sign", "whole seconds"});
  return out;
}

}  // namespace postern::exchange
