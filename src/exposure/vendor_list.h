// Lists of domains that people keep: CSV with a header and columns of their own, or a domain a
// line.
//
// A line that cannot be used is named and left out; it never fails the list. RFC 4180, with "," ";"
// tab or "|", whichever the first line has most of.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dns/name.h"

namespace postern::exposure {

inline constexpr std::size_t kMaxListOctets = 16U << 20;
inline constexpr std::size_t kMaxVendors = 20'000;  ///< About 10 kB of report each.
inline constexpr std::size_t kMaxColumns = 100;
inline constexpr std::size_t kMaxFieldOctets = 4'096;
inline constexpr std::size_t kMaxBadLines = 1'000;  ///< More of them: it is another kind of file.

struct Vendor {
  std::size_t line = 0;  ///< From 1, where its row begins.
  dns::Name domain;
  std::vector<std::string> fields;  ///< All columns, the domain's too, as they were written.
};

struct BadLine {
  std::size_t line = 0;
  std::string why;
};

struct VendorList {
  std::vector<std::string> header;  ///< Names of the columns; "domain" alone where there is none.
  std::size_t domain_column = 0;
  std::vector<Vendor> vendors;  ///< Each domain once.
  std::vector<BadLine> bad;     ///< Lines that are left out, and why.
  std::vector<BadLine> notes;   ///< Lines of no domain, or of one that stands above.
};

/// `column`: the name of the column with the domains, in any case, or its number from 1; without it
/// "domain", "website", "url" and their like are looked for. Errors: no such column, not UTF-8 but
/// UTF-16, over a bound.
Result<VendorList> read_vendor_list(std::string_view text, std::optional<std::string_view> column);

/// The domain of what a person writes for one: a name ("Bücher.example.", to A-labels by IDNA
/// 2008), a mail address, or a URL (without "www." then). Errors say what is wrong with it.
Result<dns::Name> domain_from_text(std::string_view text);

}  // namespace postern::exposure
