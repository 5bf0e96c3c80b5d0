// Names from wire and from text: bounds, and that each form gives the other back.
#include "base/assert.h"
#include "dns/name.h"

namespace postern::dns {
namespace {

void from_wire(OctetView message) {
  for (std::size_t start = 0; start < message.size() && start < 300; ++start) {
    std::size_t offset = start;
    const auto name = Name::from_wire(message, offset);
    std::size_t skipped = start;
    POSTERN_ASSERT(skip_name(message, skipped).has_value() == name.has_value());
    POSTERN_ASSERT(offset == skipped && (name ? offset > start : offset == start));
    if (!name) continue;
    POSTERN_ASSERT(offset <= message.size() && name->wire().size() <= Name::kMaxOctets);
    POSTERN_ASSERT(Name::from_text(name->to_text()) == *name);
    POSTERN_ASSERT(Name::from_labels(name->wire()) == *name);
    POSTERN_ASSERT(name->is_at_or_below(Name()) && name->label_count() <= Name::kMaxLabels);
  }
}

void from_text(std::string_view text) {
  const auto name = Name::from_text(text);
  if (!name) return;
  POSTERN_ASSERT(Name::from_text(name->to_text()) == *name);
  std::size_t offset = 0;
  POSTERN_ASSERT(Name::from_wire(name->wire(), offset) == *name);
  const Name parent = name->without_left(name->is_root() ? 0 : 1);
  POSTERN_ASSERT(name->is_at_or_below(parent) && (*name <=> parent) >= 0);
}

void run(const std::uint8_t* data, std::size_t size) {
  const OctetView octets(data, size);
  from_wire(octets);
  from_text(text_of(octets));
}

}  // namespace
}  // namespace postern::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::dns::run(data, size);
  return 0;
}
