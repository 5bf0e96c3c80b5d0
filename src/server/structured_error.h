// Why something is blocked, as JSON for programs: what an extended error says to clients that ask
// for it in that form (draft-ietf-dnsop-structured-dns-error).
//
// Start at StructuredErrorForm. It is sent only where there is somebody to turn to: the draft makes
// a contact mandatory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.h"
#include "dns/types.h"
#include "policy/rule.h"

namespace postern::server {

/// Whom clients may turn to, and who blocks.
struct StructuredErrorOptions {
  std::vector<std::string> contacts{};  ///< URIs: mailto:, tel:. None: no structured errors.
  std::string organization{};           ///< UTF-8; empty: it is not said.
  std::uint16_t option_code = 0;        ///< Of the EDNS option that asks for it; 0: none.
};

/// All of the JSON that is the same for every answer, written once. A value.
class StructuredErrorForm {
 public:
  StructuredErrorForm() = default;  ///< None are sent.
  explicit StructuredErrorForm(const StructuredErrorOptions& options);

  bool is_on() const { return !head_.empty(); }
  /// Whether a client wants it: it sent an extended error (RFC 8914) in its query, as earlier
  /// versions of the draft have it, or the option of the later ones.
  bool is_wanted(const dns::Edns& edns) const;
  /// The JSON (RFC 7493, minified) with `text` as the justification, in `buffer`. Empty where the
  /// error is neither Blocked nor Filtered, of which alone the draft speaks, or does not fit.
  /// `text` needs no escapes. Never allocates.
  std::string_view write(std::span<char> buffer, dns::EdeCode ede, policy::SubError sub_error,
                         std::string_view text) const;

 private:
  std::string head_;  ///< `{"c":["mailto:…"],"j":"`
  std::string tail_;  ///< `,"o":"…"}`
  std::uint16_t option_code_ = 0;
};

}  // namespace postern::server
