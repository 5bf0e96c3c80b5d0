// Any octets from a server: what `clean_message` lets through is what resolver.h promises.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "dns/message.h"
#include "resolve/answer.h"
#include "resolve/upstream_query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const postern::OctetView raw(data, size);
  const auto view = postern::dns::MessageView::parse(raw);
  if (!view || !view->question()) return 0;
  if (view->edns()) {
    const auto ede = postern::resolve::extended_error(*view->edns());
    POSTERN_ASSERT(!ede || ede->text.size() <= postern::resolve::kMaxEdeTextOctets);
  }
  (void)postern::resolve::answer_to(raw, *view->question(), view->header().id);
  const auto clean = postern::resolve::clean_message(raw, *view->question());
  if (!clean) return 0;
  const auto again = postern::dns::MessageView::parse(*clean);
  POSTERN_ASSERT(again && !again->edns() && again->question() == view->question());
  POSTERN_ASSERT(again->header().id == 0 && again->header().has(postern::dns::flag::qr));
  POSTERN_ASSERT(!again->header().has(postern::dns::flag::tc) &&
                 !again->header().has(postern::dns::flag::ad));
  return 0;
}
