// Zone transfers: whatever a primary sends, the copy at hand stays as it is, and what comes out
// of a transfer is a zone that can be written and, where its data is sound, read again.
#include <optional>

#include "base/assert.h"
#include "feeds/transfer_reader.h"

namespace postern::feeds {
namespace {

constexpr std::string_view kBase =
    "@ 60 IN SOA ns.example. admin.example. 5 3600 600 86400 60\n"
    "a 60 IN CNAME .\n"
    "b 60 IN CNAME .\n";

// The first octet says what was asked; messages follow, each behind its size in two octets.
void run(OctetView data) {
  const dns::Name zone = *dns::Name::from_text("rpz.example");
  const ZoneCopyLimits limits{.max_records = 1000, .max_octets = 100'000};
  const auto base = ZoneCopy::from_text(kBase, zone, limits);
  POSTERN_ASSERT(base.has_value());
  if (data.empty()) return;
  const bool is_ixfr = (data[0] & 1) != 0;
  const TransferQuery query{zone, is_ixfr ? dns::RRType::ixfr : dns::RRType::axfr, 0x1234,
                            is_ixfr ? &*base : nullptr};
  TransferReader reader(query, limits);
  ByteReader messages(data, 1);
  std::optional<TransferReader::State> state;
  while (messages.left() >= 2) {
    const OctetView message = messages.take(std::min<std::size_t>(messages.u16(), messages.left()));
    static_cast<void>(read_soa_answer(message, {zone, dns::RRType::soa, 0x1234}));
    const auto taken = reader.take(message);
    if (!taken) return;
    state = *taken;
    if (state != TransferReader::State::more) break;
  }
  using State = TransferReader::State;
  if (state != State::whole && state != State::changes) return;
  const ZoneCopy copy = std::move(reader).finish();
  POSTERN_ASSERT(copy.soa().has_value());
  const std::string text = copy.to_text();
  const auto again = ZoneCopy::from_text(text, zone, limits);
  // Data that is not what its type says is written as RFC 3597 has it, and refused again.
  POSTERN_ASSERT(again ? again->to_text() == text : text.find(" \\# ") != text.npos);
  POSTERN_ASSERT(base->record_count() == 3);
}

}  // namespace
}  // namespace postern::feeds

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::feeds::run({data, size});
  return 0;
}
