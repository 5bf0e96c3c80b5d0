// Indicators of the formats that name more than domains: names, addresses and URLs become rules.
//
// The common half of stix, misp, maltrail and json.
#pragma once

#include <string_view>

#include "intel/feed_sink.h"
#include "policy/rule.h"

namespace postern::intel {

/// Puts indicators into a sink, linted; what cannot be one is skipped with the reason.
/// Borrows the sink.
class Indicators {
 public:
  explicit Indicators(FeedSink& sink) : sink_(sink) {}

  /// A name, which stands for `scope` unless the feed's options say otherwise. "*.name" is the
  /// name and all below it, as in lists of names. True: it became a rule.
  bool add_name(std::string_view text, policy::Scope scope);
  /// The names below `text`, whatever the options say.
  bool add_names_below(std::string_view text);
  /// An address or a prefix, in answers. Addresses that no public server has (private, loopback,
  /// link-local, multicast …) are skipped: here they are mistakes.
  bool add_address(std::string_view text);
  /// The host of a URL: a name alone or an address. Skipped, if the URL is more than its host and
  /// `FeedOptions::url_hosts` is off.
  bool add_url(std::string_view text);
  /// Any of them, by its look. A single label is none: where anything may stand, it is a digest or
  /// a word far more often than a top-level domain.
  bool add_any(std::string_view text, policy::Scope scope);

 private:
  bool add_host(std::string_view host);

  FeedSink& sink_;
};

}  // namespace postern::intel
