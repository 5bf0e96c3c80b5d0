// Whether a web page is a shell, by what it does: F-06, PS-08, PL-17.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"

namespace postern::exchange {

/// One thing that speaks against a page.
struct PageSign {
  std::string rule;  ///< "F-06", "PS-08", "PL-17".
  int confidence = 0;
  std::string what;  ///< A sentence for a person, without anything of the page.

  bool operator==(const PageSign&) const = default;
};

/// What speaks against a page, the strongest first; empty where nothing does. From 80 on it is a
/// shell, from 50 on worth a look; nothing below 50 is said. `name` decides by its extension how
/// the page is read. Cost: a few passes over the first kMaxPageOctets and what is hidden in them.
std::vector<PageSign> check_page(std::string_view name, OctetView content);

/// True where `content` has code for the server though its name is no page's: a picture with
/// <%…%> in it. Cheap: one search.
bool has_server_code(OctetView content);

}  // namespace postern::exchange
