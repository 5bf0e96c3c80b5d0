#include "api/assets.h"

#include <array>

// Made by postern_embed (cmake/embed.cmake).
extern "C" {
extern const unsigned char postern_web_index_html[];
extern const unsigned long postern_web_index_html_size;
extern const unsigned char postern_web_app_js[];
extern const unsigned long postern_web_app_js_size;
extern const unsigned char postern_web_app_css[];
extern const unsigned long postern_web_app_css_size;
extern const unsigned char postern_web_favicon_svg[];
extern const unsigned long postern_web_favicon_svg_size;
extern const unsigned char postern_openapi_yaml[];
extern const unsigned long postern_openapi_yaml_size;
}

namespace postern::api {
namespace {

std::string_view text_at(const unsigned char* octets, unsigned long size) {
  return {reinterpret_cast<const char*>(octets), size};
}

}  // namespace

std::span<const Asset> assets() {
  static const std::array<Asset, 4> all = {{
      {"/", "text/html; charset=utf-8",
       text_at(postern_web_index_html, postern_web_index_html_size)},
      {"/app.js", "text/javascript; charset=utf-8",
       text_at(postern_web_app_js, postern_web_app_js_size)},
      {"/app.css", "text/css; charset=utf-8",
       text_at(postern_web_app_css, postern_web_app_css_size)},
      {"/favicon.svg", "image/svg+xml",
       text_at(postern_web_favicon_svg, postern_web_favicon_svg_size)},
  }};
  return all;
}

const Asset* asset_at(std::string_view path) {
  for (const Asset& asset : assets()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

std::string_view openapi_text() {
  return text_at(postern_openapi_yaml, postern_openapi_yaml_size);
}

}  // namespace postern::api
