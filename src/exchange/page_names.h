// PageNames: the pages that Exchange brings, by the paths of their URLs; and which page a request
// is for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::exchange {

/// The page that a request's path is for, as the table writes it: lower case, without escapes and
/// without what follows the page ("/ecp/ddi/ddiservice.svc" of "/ecp/DDI/DDIService.svc/GetList"),
/// folders that are a version as "version". Nothing where the path names no page that IIS would
/// run. Of a longer path the first kMaxPageText octets count.
inline constexpr std::size_t kMaxPageText = 512;
std::optional<std::string> page_of(std::string_view stem);

/// A set of pages. Never changes; any thread may read it.
class PageNames {
 public:
  static constexpr std::size_t kMaxPages = 100'000;

  /// Reads packs/exchange/pages.list's format: "pack NAME DATE", folders at the beginning of a
  /// line, pages behind them on indented ones. An error names its line.
  static Result<PageNames> read(std::string_view text);

  /// Of a page as `page_of` writes it. O(log pages).
  bool has(std::string_view page) const;
  std::size_t size() const { return pages_.size(); }

 private:
  std::vector<std::string> pages_;  ///< Sorted.
};

/// Those that Exchange brings: built in.
const PageNames& exchange_pages();

}  // namespace postern::exchange
