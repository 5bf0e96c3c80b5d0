// The console's files, carried inside the binary.
#pragma once

#include <span>
#include <string_view>

namespace postern::api {

struct Asset {
  std::string_view path;  ///< "/app.js"; the page itself is "/".
  std::string_view content_type;
  std::string_view body;
};

/// All of them, built from web/ by the build.
std::span<const Asset> assets();
/// Null where there is none of that path.
const Asset* asset_at(std::string_view path);

/// docs/reference/openapi.yaml as it was when this was built.
std::string_view openapi_text();

}  // namespace postern::api
