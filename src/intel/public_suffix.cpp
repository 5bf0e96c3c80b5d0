#include "intel/public_suffix.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <libpsl.h>

#include "base/octets.h"
#include "intel/text.h"

// packs/shared-hosting/domains.txt, put there by postern_embed.
extern "C" {
extern const unsigned char postern_shared_hosting[];
extern const unsigned long postern_shared_hosting_size;
}

namespace postern::intel {
namespace {

/// No suffix of either list has more labels.
constexpr std::size_t kMostLabels = 6;

std::vector<std::string> sorted_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.front() != '#') lines.emplace_back(line);
  }
  std::ranges::sort(lines);
  return lines;
}

const std::vector<std::string>& hosts() {
  static const std::vector<std::string> lines =
      sorted_lines(text_of({postern_shared_hosting, postern_shared_hosting_size}));
  return lines;
}

bool is_suffix(const std::string& text, int section) {
  return psl_is_public_suffix2(psl_builtin(), text.c_str(), section | PSL_TYPE_NO_STAR_RULE) != 0;
}

/// The list has the name itself, not only all names at its place.
bool is_listed(const std::string& text, int section) {
  if (!is_suffix(text, section)) return false;
  return !is_suffix("a-name-that-no-list-has" + text.substr(text.find('.')), section);
}

}  // namespace

Shared shared_kind(const dns::Name& name) {
  const std::size_t labels = name.label_count();
  if (labels <= 1) return Shared::registry;
  if (labels > kMostLabels) return Shared::no;
  const std::string text = name.to_display();
  if (std::ranges::binary_search(hosts(), text)) return Shared::hosting;
  if (is_listed(text, PSL_TYPE_ICANN)) return Shared::registry;
  if (is_listed(text, PSL_TYPE_PRIVATE)) return Shared::suffix;
  return Shared::no;
}

bool is_registry(const dns::Name& name) {
  const std::size_t labels = name.label_count();
  if (labels <= 1) return true;
  return labels <= kMostLabels && is_listed(name.to_display(), PSL_TYPE_ICANN);
}

}  // namespace postern::intel
