// Any octets as a registry hive: all that can be reached from its root within bounds.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/octets.h"
#include "windows/hive.h"

namespace {

using postern::windows::Hive;
using postern::windows::RegistryKey;

void walk(const Hive& hive, const RegistryKey& key, int depth, int& left) {
  if (depth == 6 || --left < 0) return;
  for (const auto& value : hive.values(key).items) {
    POSTERN_ASSERT(value.data.size() <= Hive::kMaxValue);
    static_cast<void>(value.text());
    static_cast<void>(value.texts());
    static_cast<void>(value.number());
  }
  for (const RegistryKey& inner : hive.subkeys(key).items) walk(hive, inner, depth + 1, left);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto hive = Hive::open({data, size});
  if (!hive) return 0;
  const auto root = hive->root();
  if (!root) return 0;
  int left = 200;
  walk(*hive, *root, 0, left);
  const auto setup = hive->find("Microsoft\\ExchangeServer\\v15\\Setup");
  if (setup) static_cast<void>(hive->value(*setup, "MsiInstallPath"));
  return 0;
}
