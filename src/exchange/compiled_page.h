// What ASP.NET leaves of each page that ran, though the page be deleted: F-04.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/octets.h"

namespace postern::exchange {

/// A file `<name>.<hash>.compiled` below Temporary ASP.NET Files.
struct CompiledPage {
  std::string virtual_path;  ///< "/owa/auth/x.aspx"; the name alone where the content has none.
  std::string assembly;      ///< "App_Web_ab12cd34"; empty where the content has none.
};

/// True for "x.aspx.f5dba9b9.compiled", any case.
bool is_compiled_page(std::string_view file_name);

/// The page of such a file, by its content (XML, UTF-8 or UTF-16), else by its name. Nothing where
/// the file is not of a page: App_Code and the like are compiled, too.
std::optional<CompiledPage> compiled_page(std::string_view file_name, OctetView content);

}  // namespace postern::exchange
