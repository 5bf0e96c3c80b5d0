// Packs: which names in mail records belong to whom. Facts as data, in the product's own format
// (docs/reference/exposure-packs.md); the built-in one is packs/exposure/mail.rules.
//
// Start at `read_pack`. A Pack is filled by one or several texts and then only read; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exposure/text_match.h"

namespace postern::exposure {

/// What a provider does with a domain's mail.
enum class Role : std::uint8_t {
  exchange_online,  ///< Microsoft's own cloud.
  google,
  gateway,          ///< Filters and hands on: mailboxes are elsewhere.
  vendor,           ///< Keeps mailboxes, of its own kind.
  vendor_exchange,  ///< Keeps mailboxes on Exchange servers of its own.
  server,           ///< Signs of a server that is not Exchange: cPanel, mailcow, Zimbra …
  exchange,         ///< Signs of a server that is: names that administrators give it.
  sender,           ///< Sends for the domain; says nothing of mailboxes.
};

std::string_view to_string(Role role);

/// Which records a rule looks at.
enum class Slot : std::uint8_t {
  mx,            ///< Hosts that take the mail.
  autodiscover,  ///< Where autodiscover's alias or SRV record leads.
  spf,           ///< Names that SPF includes or redirects to.
  dkim,          ///< Where the alias SELECTOR._domainkey leads.
  dkim_key,      ///< A key at SELECTOR._domainkey itself; the pattern is of its text.
  alias,         ///< Where the alias LABEL leads.
  srv,           ///< Targets of the SRV records at LABEL.
  host,          ///< LABEL has addresses; the pattern is of the name that they are at: "@own" for
                 ///< one of the domain's.
  txt,           ///< Texts at the domain itself.
  dmarc,         ///< The text at _dmarc.
  ptr,           ///< Names of the addresses of mail hosts and of autodiscover.
};

std::string_view to_string(Slot slot);

struct Provider {
  std::string id;
  std::string title;
  Role role{};
};

/// One row of a rule that the tests try: the value of its records.
struct Example {
  std::string value;
  bool is_hit = false;
  std::size_t line = 0;
};

struct Rule {
  std::string id;
  std::string provider;            ///< Its id.
  std::size_t provider_index = 0;  ///< In Pack::providers; set when the pack is read to its end.
  Slot slot{};
  std::vector<std::string> labels;  ///< Below the domain: selectors, hosts, "_sip._tls".
  std::vector<NamePattern> names;   ///< Of slots whose values are names.
  std::vector<std::string> texts;   ///< Of the others, lower case; "*" for any run.
  int weight = 0;                   ///< 1 to 100: how much one such record says.
  std::string means;                ///< For people; "" where the provider's title says all.
  std::vector<Example> examples;
  std::size_t line = 0;
};

struct Pack {
  std::vector<std::string> origins;  ///< "exposure-mail 2026-11-22", in the order of reading.
  std::vector<Provider> providers;
  std::vector<Rule> rules;

  const Provider& provider_of(const Rule& rule) const { return providers[rule.provider_index]; }
  /// All labels of rules for `slot`, each once, in order.
  std::vector<std::string> labels_of(Slot slot) const;
};

/// Bounds of a pack's text.
inline constexpr std::size_t kMaxPackOctets = 1U << 20;
inline constexpr std::size_t kMaxRules = 2'000;
inline constexpr std::size_t kMaxProviders = 500;
inline constexpr std::size_t kMaxPatterns = 100;   ///< Of a rule.
inline constexpr std::size_t kMaxSlotLabels = 40;  ///< Of a slot, all rules together.
inline constexpr std::size_t kMaxPatternOctets = 256;

/// Adds a pack's rules to `into`. A rule or provider whose id is there replaces it; "drop ID" takes
/// a rule away. Errors are "NAME:LINE: what"; then `into` is as it was.
Result<void> read_pack(std::string_view text, std::string_view name, Pack& into);

/// packs/exposure/mail.rules.
std::string_view built_in_pack();

/// Whether the rule's patterns fit a value: a name for slots of names, else a text.
bool fits(const Rule& rule, const dns::Name& name);
bool fits_text(const Rule& rule, std::string_view text);
/// True for the slots whose values are names.
bool has_names(Slot slot);
/// True for the slots whose rules must name labels.
bool has_labels(Slot slot);

}  // namespace postern::exposure
