#include "exchange/compiled_page.h"

#include <algorithm>

#include "exchange/known_good.h"
#include "exchange/page_text.h"

namespace postern::exchange {
namespace {

constexpr std::string_view kSuffix = ".compiled";
constexpr std::size_t kMaxContent = 64 * 1024;

// `name="value"` in a text, entities of the five kinds decoded.
std::string attribute(std::string_view text, std::string_view name) {
  const std::string needle = std::string(name) + "=\"";
  std::size_t at = text.find(needle);
  while (at != std::string_view::npos && at > 0 && is_word_octet(text[at - 1])) {
    at = text.find(needle, at + 1);
  }
  if (at == std::string_view::npos) return {};
  at += needle.size();
  const std::size_t end = text.find('"', at);
  if (end == std::string_view::npos) return {};
  std::string out;
  for (std::size_t i = at; i < end; ++i) {
    if (text.substr(i).starts_with("&amp;")) {
      out += '&';
      i += 4;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_page(std::string_view path) {
  return is_page_extension(extension_of(path));
}

}  // namespace

bool is_compiled_page(std::string_view file_name) {
  if (file_name.size() <= kSuffix.size()) return false;
  const std::size_t end = file_name.size() - kSuffix.size();
  if (lower(file_name.substr(end)) != kSuffix) return false;
  const std::string_view hashed = file_name.substr(0, end);
  const std::string_view hash = extension_of(hashed);
  const bool hex =
      hash.size() >= 6 && hash.size() <= 8 && std::ranges::all_of(hash, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      });
  return hex && is_page(hashed.substr(0, hashed.size() - hash.size() - 1));
}

std::optional<CompiledPage> compiled_page(std::string_view file_name, OctetView content) {
  if (!is_compiled_page(file_name)) return std::nullopt;
  const PageText text = decode_page(content.first(std::min(content.size(), kMaxContent)));
  CompiledPage out;
  out.virtual_path = attribute(text.text, "virtualPath");
  out.assembly = attribute(text.text, "assembly");
  if (!is_page(out.virtual_path)) {
    std::string_view name = file_name.substr(0, file_name.size() - kSuffix.size());
    name.remove_suffix(extension_of(name).size() + 1);
    out.virtual_path = name;
  }
  return out;
}

}  // namespace postern::exchange
