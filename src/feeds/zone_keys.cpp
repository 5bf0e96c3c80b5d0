#include "feeds/zone_keys.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace postern::feeds {

ZoneKeys ZoneKeyLoader::load(const std::vector<TransferKey>& keys) {
  ZoneKeys loaded{.must_sign = !keys.empty(), .known = {}};
  for (const TransferKey& key : keys) {
    auto read = load_key(key);
    const std::string prefix = "TSIG key " + key.name.to_display() + ": ";
    if (read) {
      std::erase_if(told_, [&](const std::string& text) { return text.starts_with(prefix); });
      loaded.known.push_back(std::make_shared<const dns::TsigKey>(std::move(*read)));
      continue;
    }
    const std::string text = prefix + read.error().text + "; requests signed with it are refused";
    if (std::ranges::find(told_, text) != told_.end()) continue;
    told_.push_back(text);
    log_.error("zones", text);
  }
  return loaded;
}

}  // namespace postern::feeds
