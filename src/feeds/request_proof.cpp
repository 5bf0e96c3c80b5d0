#include "feeds/request_proof.h"

#include <algorithm>

namespace postern::feeds {
namespace {

Refusal refusal_of(dns::TsigError error) {
  using enum dns::TsigError;
  switch (error) {
    case missing:
      return {.text = "the request must be signed with a TSIG key of this zone"};
    case bad_key:
      return {dns::Rcode::notauth, dns::EdeCode::prohibited, "no such TSIG key for this zone"};
    case bad_signature:
      return {dns::Rcode::notauth, dns::EdeCode::prohibited, "the TSIG signature is wrong"};
    case bad_time:
      return {dns::Rcode::notauth, dns::EdeCode::prohibited,
              "signed at another time; set the clocks"};
    default:
      return {dns::Rcode::formerr, dns::EdeCode::other, "the TSIG record does not read"};
  }
}

}  // namespace

RequestProof::RequestProof(OctetView message, std::span<const SharedKey> keys, std::uint64_t now_s)
    : query_(message) {
  const auto name = dns::tsig_key_name(message);
  if (!name) {
    if (!keys.empty()) refuse(dns::TsigError::missing);
    return;
  }
  const auto found =
      std::ranges::find_if(keys, [&](const SharedKey& key) { return key->name == *name; });
  // For an answer that says that we know no such key: it has the key's name, and no signature.
  key_ = found != keys.end()
             ? *found
             : std::make_shared<const dns::TsigKey>(dns::TsigKey{.name = *name, .secret = {}});
  exchange_.emplace(*key_);
  if (found == keys.end()) {
    refuse(dns::TsigError::bad_key);
  } else if (const auto proven = exchange_->verify_query(message, now_s); !proven) {
    refuse(proven.error());
  }
}

void RequestProof::refuse(dns::TsigError error) {
  error_ = error;
  refusal_ = refusal_of(error);
}

void RequestProof::finish(Octets& answer, std::uint64_t now_s) {
  if (!exchange_) return;
  using enum dns::TsigError;
  if (!error_) {
    exchange_->sign_answer(answer, now_s);
  } else if (*error_ == bad_key || *error_ == bad_signature || *error_ == bad_time) {
    exchange_->append_error(answer, query_, *error_, now_s);
  }
}

}  // namespace postern::feeds
