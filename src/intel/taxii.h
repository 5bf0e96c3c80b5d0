// What a TAXII 2.1 server says (OASIS TAXII 2.1 §4, §5): JSON to values, nothing asked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::intel {

/// What a person configures: a discovery resource (§4.1.1), or an API root (§4.2.1).
struct TaxiiEntry {
  /// As the server writes them, the default one first; empty: the resource is an API root itself.
  std::vector<std::string> api_roots;
};
inline constexpr std::size_t kMaxTaxiiRoots = 32;

/// Errors: `invalid_input`, it is neither.
Result<TaxiiEntry> read_taxii_entry(std::string_view json);

/// A collection that a server has (§5.2.1).
struct TaxiiCollection {
  std::string id;
  std::string title;
  std::string alias;
  bool can_read = false;
};
inline constexpr std::size_t kMaxTaxiiCollections = 10'000;

/// The collections of an API root (§5.1.1). Errors: `invalid_input`, `limit_exceeded`.
Result<std::vector<TaxiiCollection>> read_taxii_collections(std::string_view json);

/// An envelope (§3.7): a page of a collection's objects.
struct TaxiiPage {
  std::vector<std::string_view> objects;  ///< Each one's text, within the page's.
  bool more = false;                      ///< There is another page; `next` leads to it.
  std::string next;
};
inline constexpr std::size_t kMaxTaxiiNextOctets = 4096;

/// Errors: `invalid_input`, it is no envelope, or was cut off.
Result<TaxiiPage> read_taxii_page(std::string_view json);

/// The title of an error message (§3.6.1), shortened to what fits a log; empty where there is none.
std::string taxii_error_title(std::string_view json);

}  // namespace postern::intel
