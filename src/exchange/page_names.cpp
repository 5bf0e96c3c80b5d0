#include "exchange/page_names.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/octets.h"
#include "exchange/known_good.h"
#include "exchange/url_text.h"

// packs/exchange/pages.list, put there by postern_embed.
extern "C" {
extern const unsigned char postern_exchange_pages[];
extern const unsigned long postern_exchange_pages_size;
}

namespace postern::exchange {
namespace {

/// Up to the end of the first part that is a page's name; empty where none is.
std::string_view up_to_page(std::string_view path) {
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find_first_of("/\\", begin), path.size());
    std::string_view part = path.substr(begin, end - begin);
    // "x.aspx;a=b" is x.aspx to many who pass it on.
    part = part.substr(0, part.find(';'));
    if (is_page_extension(extension_of(part))) return path.substr(0, begin + part.size());
    begin = end + 1;
  }
  return {};
}

Result<void> take_line(std::string_view line, std::string& folder,
                       std::vector<std::string>& pages) {
  if (!line.starts_with(' ')) {
    if (!line.starts_with('/') || !line.ends_with('/')) {
      return fail(Errc::invalid_input, "a folder begins and ends with \"/\"");
    }
    folder = line;
    return {};
  }
  if (folder.empty()) return fail(Errc::invalid_input, "a page without a folder");
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view name = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    if (name.empty()) continue;
    if (!is_page_extension(extension_of(name))) {
      return fail(Errc::invalid_input, fmt::format("\"{}\" is no page", name));
    }
    if (pages.size() == PageNames::kMaxPages) {
      return fail(Errc::limit_exceeded, fmt::format("over {} pages", PageNames::kMaxPages));
    }
    pages.push_back(folder + std::string(name));
  }
  return {};
}

}  // namespace

std::optional<std::string> page_of(std::string_view stem) {
  stem = stem.substr(0, kMaxPageText);
  std::string plain;
  if (stem.find('%') != std::string_view::npos) {
    decode_escapes(stem, plain);
    stem = plain;
  }
  const std::string_view page = up_to_page(stem);
  if (page.empty()) return std::nullopt;
  return "/" + normal_path(page);
}

Result<PageNames> PageNames::read(std::string_view text) {
  PageNames out;
  std::string folder;
  std::size_t number = 0;
  bool has_header = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    if (!has_header) {
      if (!line.starts_with("pack ")) {
        return fail(Errc::invalid_input, fmt::format("line {}: no \"pack NAME DATE\"", number));
      }
      has_header = true;
      continue;
    }
    auto taken = take_line(line, folder, out.pages_);
    if (!taken) return Unexpected(std::move(taken).error().context(fmt::format("line {}", number)));
  }
  std::ranges::sort(out.pages_);
  return out;
}

bool PageNames::has(std::string_view page) const {
  return std::ranges::binary_search(pages_, page);
}

const PageNames& exchange_pages() {
  static const PageNames pages = [] {
    auto read = PageNames::read(text_of({postern_exchange_pages, postern_exchange_pages_size}));
    POSTERN_ASSERT(read.has_value());
    return *std::move(read);
  }();
  return pages;
}

}  // namespace postern::exchange
