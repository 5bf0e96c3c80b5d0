#include "resolve/shares.h"

#include "base/assert.h"

namespace postern::resolve {

void Shares::give_back(std::uint64_t party) {
  std::uint32_t& held = held_[bucket_of(party)];
  POSTERN_ASSERT(taken_ > 0 && held > 0);
  --taken_;
  --held;
}

}  // namespace postern::resolve
