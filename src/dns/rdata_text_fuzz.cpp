// Record data of any type: octets to text to octets, and text to octets to text. The first two
// octets are the type.
#include "base/assert.h"
#include "dns/rdata.h"

namespace postern::dns {
namespace {

// Text that is not the generic form stands for exactly these octets, but for names' case.
void from_octets(RRType type, OctetView rdata) {
  if (rdata.size() > 65535) return;
  const std::string text = rdata_to_text(type, rdata);
  if (text.starts_with("\\#")) return;
  const auto again = rdata_from_text(type, text, Name());
  POSTERN_ASSERT(again && again->size() == rdata.size());
  POSTERN_ASSERT(rdata_to_text(type, *again) == text);
}

void from_text(RRType type, std::string_view text) {
  const auto rdata = rdata_from_text(type, text, Name());
  if (!rdata) {
    POSTERN_ASSERT(!rdata.error().text.empty());
    return;
  }
  const auto again = rdata_from_text(type, rdata_to_text(type, *rdata), Name());
  POSTERN_ASSERT(again == *rdata);
}

void run(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return;
  const auto type = static_cast<RRType>(load_u16(data));
  const OctetView rest(data + 2, size - 2);
  from_octets(type, rest);
  from_text(type, text_of(rest));
}

}  // namespace
}  // namespace postern::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::dns::run(data, size);
  return 0;
}
