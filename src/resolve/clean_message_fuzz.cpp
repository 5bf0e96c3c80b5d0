// Any octets from a server: what `clean_message` lets through is what resolver.h promises.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "dns/message.h"
#include "resolve/answer.h"
#include "resolve/upstream_query.h"

namespace {

const postern::dns::Question kRoot{{}, postern::dns::RRType::ns, postern::dns::RRClass::in};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const postern::OctetView raw(data, size);
  const auto header = postern::dns::Header::read(raw);
  const auto view = postern::dns::MessageView::parse(raw);
  const postern::dns::Question asked = view ? view->question().value_or(kRoot) : kRoot;
  using postern::resolve::ResponseKind;
  const auto response = postern::resolve::read_response(raw, asked, header ? header->id : 0);
  POSTERN_ASSERT(response.kind != ResponseKind::whole || response.view);
  POSTERN_ASSERT(response.kind != ResponseKind::stray || !response.view);
  if (!view || !view->question()) return 0;
  if (view->edns()) {
    const auto ede = postern::resolve::extended_error(*view->edns());
    POSTERN_ASSERT(!ede || ede->text.size() <= postern::resolve::kMaxEdeTextOctets);
  }
  const auto clean = postern::resolve::clean_message(raw, *view->question());
  if (!clean) return 0;
  const auto again = postern::dns::MessageView::parse(*clean);
  POSTERN_ASSERT(again && !again->edns() && again->question() == view->question());
  POSTERN_ASSERT(again->header().id == 0 && again->header().has(postern::dns::flag::qr));
  POSTERN_ASSERT(!again->header().has(postern::dns::flag::tc) &&
                 !again->header().has(postern::dns::flag::ad));
  return 0;
}
