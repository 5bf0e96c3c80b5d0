// Any octets as a program, and as a version resource by itself.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/octets.h"
#include "windows/pe.h"
#include "windows/pe_links.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pe = postern::windows::read_pe(postern::OctetView{data, size});
  if (pe) {
    POSTERN_ASSERT(pe->sections.size() <= 96);
    POSTERN_ASSERT(pe->module_name.size() <= 260);
  }
  if (const auto links = postern::windows::read_pe_links({data, size})) {
    POSTERN_ASSERT(links->imports.size() <= postern::windows::PeLinks::kMaxImports);
    POSTERN_ASSERT(links->exports.size() <= postern::windows::PeLinks::kMaxExports);
  }
  const auto info = postern::windows::read_version_info({data, size});
  if (info) {
    POSTERN_ASSERT(info->texts.size() <= 256);
    for (const auto& [name, text] : info->texts)
      POSTERN_ASSERT(info->text(name).size() <= size * 2);
  }
  return 0;
}
