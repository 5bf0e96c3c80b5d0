// TSIG: no octets crash it, and none are believed without the key.
#include "base/assert.h"
#include "dns/tsig.h"

namespace postern::dns {
namespace {

void run(const std::uint8_t* data, std::size_t size) {
  const OctetView message(data, size);
  const TsigKey key{Name(), TsigAlgorithm::hmac_sha256, Octets(32, 7)};
  TsigExchange server(key);
  POSTERN_ASSERT(!server.verify_query(message, 0));
  TsigExchange client(key);
  Octets query(12, 0);
  client.sign_query(query, 0);
  POSTERN_ASSERT(!client.verify_answer(message, 0));
  static_cast<void>(tsig_key_name(message));
}

}  // namespace
}  // namespace postern::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::dns::run(data, size);
  return 0;
}
