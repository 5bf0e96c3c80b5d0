// Rule images as somebody might make them: the checksum is set right first, so that all that
// stands behind it is read.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "policy/extract.h"
#include "policy/generation.h"
#include "policy/image_writer.h"
#include "policy/testing.h"

namespace postern::policy {
namespace {

void ask(const std::shared_ptr<const RuleImage>& image) {
  const auto from = Generation::create(testing::frame_of(*image), {image});
  if (!from) return;
  const auto carry_out = [&](const Verdict& verdict) {
    if (verdict.blocks()) (*from)->plan(0, verdict);
    if (verdict.matched) (*from)->rule_text(verdict);
  };
  for (const char* text : {"a.b.c.example", "bad.example", "www.bad.example", "com", ".", "b.com",
                           "data.example", "ns.example"}) {
    const dns::Name name = *dns::Name::from_text(text);
    carry_out((*from)->decide(0, name));
    carry_out((*from)->decide_servers(0, {&name, 1}));
    (*from)->explain(0, name);
  }
  for (const char* text : {"192.0.2.1", "2001:db8::1", "10.0.0.1"}) {
    for (const Trigger trigger : {Trigger::client_ip, Trigger::response_ip, Trigger::nsip}) {
      carry_out((*from)->decide(0, trigger, *IpAddress::from_text(text)));
    }
  }
  for (std::uint16_t zone = 0; zone < image->zones().size(); ++zone) {
    (*from)->for_each_rule(zone, [](const Rule&, std::span<const LocalRecord>) {});
    const std::vector<ZoneRules> extracted = extract_rules(*image, {&zone, 1});
    const ZoneContent again{"z", "", &extracted[0]};
    const auto octets = std::make_shared<const Octets>(*build_image({&again, 1}, 1));
    POSTERN_ASSERT(RuleImage::open(*octets, octets).has_value());
  }
}

void fuzz_image(const std::uint8_t* data, std::size_t size) {
  const auto octets = std::make_shared<Octets>(data, data + size);
  if (size >= sizeof(image::Header)) {
    const std::uint64_t total = size;
    const std::uint64_t check = XXH3_64bits(data + image::kCheckedFrom, size - image::kCheckedFrom);
    std::memcpy(octets->data() + offsetof(image::Header, total_octets), &total, sizeof total);
    std::memcpy(octets->data() + offsetof(image::Header, check), &check, sizeof check);
  }
  if (const auto image = RuleImage::open(*octets, octets)) ask(*image);
}

}  // namespace
}  // namespace postern::policy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::policy::fuzz_image(data, size);
  return 0;
}
