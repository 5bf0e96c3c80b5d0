#include "feeds/image_memory.h"

#include <utility>

namespace postern::feeds {

Result<HeldImage> hold_image(SharedMemory memory) {
  POSTERN_CHECK(memory.seal());
  const std::uint64_t size = POSTERN_TRY(memory.size());
  if (!policy::image_checksum_holds(size, [&](std::uint64_t at, std::span<std::uint8_t> into) {
        return memory.read_at(at, into);
      })) {
    return fail(Errc::corrupt, "the rule image is damaged: its checksum does not hold");
  }
  HeldImage held;
  held.memory = std::make_shared<const SharedMemory>(std::move(memory));
  held.mapping = POSTERN_TRY(Mapping::of(*held.memory));
  held.image = POSTERN_TRY(policy::RuleImage::open_checked(held.mapping->octets(), held.mapping));
  held.mapping->let_go();
  return held;
}

}  // namespace postern::feeds
