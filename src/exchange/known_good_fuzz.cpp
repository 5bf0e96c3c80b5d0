// Any octets as a table of known files: refused, or every look-up stays within them. And as the
// texts that a table is made from: what comes out can be opened.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "exchange/known_good.h"

namespace {

using postern::exchange::KnownGood;
using postern::exchange::KnownGoodBuilder;

void look_up(const KnownGood& table) {
  const auto empty = postern::exchange::sha256_of(
      "0000000000000000000000000000000000000000000000000000000000000000");
  static_cast<void>(table.find(*empty));
  static_cast<void>(table.has_path("frontend/httpproxy/owa/auth/logon.aspx"));
  for (const std::string_view name : table.page_names()) POSTERN_ASSERT(table.has_name(name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const postern::OctetView octets{data, size};
  if (const auto table = KnownGood::open(octets)) {
    // Only what the builder sorted is found again; here only the bounds matter.
    static_cast<void>(table->has_name("logon.aspx"));
    static_cast<void>(table->has_path("owa/auth/logon.aspx"));
  }
  KnownGoodBuilder builder;
  if (!builder.add_builds("build_idx,build\n0,15.1.2176.2\n7,15.1.2242.4\n")) return 0;
  const std::string csv = "sha256,path,build_idx\n" + std::string(postern::text_of(octets));
  if (!builder.add_files(csv)) return 0;
  const auto made = builder.finish();
  if (!made) return 0;
  const auto table = KnownGood::open(*made);
  POSTERN_ASSERT(table.has_value());
  look_up(*table);
  return 0;
}
