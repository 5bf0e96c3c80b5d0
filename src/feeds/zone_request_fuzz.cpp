// What other name servers ask, from anybody: whatever comes, it reads or it does not, the answer
// that refuses it is a message, and a signature is believed from nobody who has not the key.
#include "base/assert.h"
#include "feeds/request_proof.h"
#include "feeds/zone_request.h"

namespace postern::feeds {
namespace {

void run(OctetView data) {
  const auto request = read_zone_request(data);
  Octets out(dns::kMaxMessageOctets);
  const Refusal refusal{.text = "no"};
  out.resize(write_refusal(data, request ? &*request : nullptr, refusal, out));
  const auto view = dns::MessageView::parse(out);
  POSTERN_ASSERT(view.has_value() && view->header().has(dns::flag::qr));
  POSTERN_ASSERT(view->rcode() == dns::Rcode::refused);
  if (!request) return;
  POSTERN_ASSERT(view->question() && view->question()->qname == request->zone);
  POSTERN_ASSERT(request->kind != ZoneRequest::Kind::ixfr || request->serial);
  const auto key = std::make_shared<const dns::TsigKey>(
      dns::TsigKey{*dns::Name::from_text("key"), dns::TsigAlgorithm::hmac_sha256, Octets(32, 7)});
  RequestProof proof(data, {&key, 1}, 1'700'000'000);
  POSTERN_ASSERT(proof.refusal().has_value());
  const std::size_t before = out.size();
  proof.finish(out, 1'700'000'000);
  POSTERN_ASSERT(out.size() - before <= proof.room());
  POSTERN_ASSERT(dns::MessageView::parse(out).has_value());
}

}  // namespace
}  // namespace postern::feeds

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::feeds::run({data, size});
  return 0;
}
