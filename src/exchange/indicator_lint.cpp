#include "exchange/indicator_lint.h"

#include <algorithm>

#include "exchange/address.h"
#include "intel/feed_name.h"
#include "intel/lint.h"
#include "intel/public_suffix.h"

namespace postern::exchange {
namespace {

// Sites that pages, scripts and documents name whatever they do: a rule for one of them would cut
// off half of the world. Lower case, without what stands below.
constexpr std::array kWellKnown = std::to_array<std::string_view>({"adobe.com",
                                                                   "akamai.net",
                                                                   "akamaihd.net",
                                                                   "akamaized.net",
                                                                   "amazon.com",
                                                                   "amazonaws.com",
                                                                   "apache.org",
                                                                   "apple.com",
                                                                   "archive.org",
                                                                   "asp.net",
                                                                   "azure.com",
                                                                   "azure.net",
                                                                   "azureedge.net",
                                                                   "baidu.com",
                                                                   "bing.com",
                                                                   "bit.ly",
                                                                   "bootstrapcdn.com",
                                                                   "cdnjs.com",
                                                                   "chrome.com",
                                                                   "cloudflare.com",
                                                                   "cloudfront.net",
                                                                   "debian.org",
                                                                   "digicert.com",
                                                                   "dropbox.com",
                                                                   "duckduckgo.com",
                                                                   "exploit-db.com",
                                                                   "facebook.com",
                                                                   "fastly.net",
                                                                   "fbcdn.net",
                                                                   "fontawesome.com",
                                                                   "github.com",
                                                                   "githubusercontent.com",
                                                                   "gmail.com",
                                                                   "gnu.org",
                                                                   "google-analytics.com",
                                                                   "google.com",
                                                                   "googleapis.com",
                                                                   "googletagmanager.com",
                                                                   "googleusercontent.com",
                                                                   "gravatar.com",
                                                                   "gstatic.com",
                                                                   "icann.org",
                                                                   "ietf.org",
                                                                   "instagram.com",
                                                                   "jquery.com",
                                                                   "jsdelivr.net",
                                                                   "letsencrypt.org",
                                                                   "linkedin.com",
                                                                   "live.com",
                                                                   "microsoft.com",
                                                                   "microsoftonline.com",
                                                                   "mit-license.org",
                                                                   "mozilla.org",
                                                                   "msdn.com",
                                                                   "msn.com",
                                                                   "mysql.com",
                                                                   "netflix.com",
                                                                   "nist.gov",
                                                                   "nuget.org",
                                                                   "office.com",
                                                                   "office.net",
                                                                   "office365.com",
                                                                   "opensource.org",
                                                                   "openssl.org",
                                                                   "openxmlformats.org",
                                                                   "oracle.com",
                                                                   "outlook.com",
                                                                   "paypal.com",
                                                                   "php.net",
                                                                   "pinterest.com",
                                                                   "purl.org",
                                                                   "python.org",
                                                                   "qq.com",
                                                                   "reddit.com",
                                                                   "skype.com",
                                                                   "sourceforge.net",
                                                                   "stackoverflow.com",
                                                                   "sun.com",
                                                                   "symantec.com",
                                                                   "technet.com",
                                                                   "telegram.org",
                                                                   "twitter.com",
                                                                   "ubuntu.com",
                                                                   "unpkg.com",
                                                                   "verisign.com",
                                                                   "vimeo.com",
                                                                   "virustotal.com",
                                                                   "visualstudio.com",
                                                                   "w3.org",
                                                                   "w3schools.com",
                                                                   "whatsapp.com",
                                                                   "wikimedia.org",
                                                                   "wikipedia.org",
                                                                   "windows.com",
                                                                   "windows.net",
                                                                   "windowsupdate.com",
                                                                   "wordpress.org",
                                                                   "x.com",
                                                                   "xmlsoap.org",
                                                                   "yahoo.com",
                                                                   "yandex.ru",
                                                                   "youtube.com"});

// SHA-256 of nothing, of "\n", of "\r\n" and of a single zero octet.
constexpr std::array kEmptyHashes = std::to_array<std::string_view>(
    {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
     "7eb70257593da06f682a3ddda54a9d260d4fc514f645237f5ca74b08f8da61a6",
     "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"});

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::not_public:
      return "not a public address";
    case Refusal::own:
      return "one's own";
    case Refusal::no_name:
      return "not a domain name";
    case Refusal::reserved:
      return "reserved";
    case Refusal::shared:
      return "shared by strangers";
    case Refusal::well_known:
      return "a site of everybody's";
    case Refusal::empty_file:
      return "the hash of an empty file";
    case Refusal::known_good:
      return "a file of Microsoft's";
  }
  return "";
}

bool is_well_known(const dns::Name& name) {
  const std::size_t labels = name.label_count();
  for (std::size_t keep = 2; keep <= std::min<std::size_t>(labels, 3); ++keep) {
    std::string text = name.without_left(labels - keep).to_display();
    text = lower(text);
    if (std::ranges::find(kWellKnown, text) != kWellKnown.end()) return true;
  }
  return false;
}

std::optional<Refusal> IndicatorLint::of_address(const IpAddress& address) const {
  if (is_internal(address)) return Refusal::not_public;
  const bool is_own = std::ranges::any_of(
      own_.networks, [&](const IpPrefix& network) { return network.contains(address); });
  if (is_own) return Refusal::own;
  const auto fault = intel::refused_as_rule(IpPrefix(address, address.bit_count()),
                                            policy::Trigger::response_ip, policy::Action::block);
  return fault ? std::optional(Refusal::reserved) : std::nullopt;
}

std::optional<Refusal> IndicatorLint::of_name(std::string_view text, dns::Name& name) const {
  const auto read = intel::read_domain(text);
  if (!read || read->label_count() < 2) return Refusal::no_name;
  name = *read;
  if (intel::refused_as_rule(name)) return Refusal::reserved;
  const bool is_own = std::ranges::any_of(
      own_.domains, [&](const dns::Name& own) { return name.is_at_or_below(own); });
  if (is_own) return Refusal::own;
  if (intel::shared_kind(name) != intel::Shared::no) return Refusal::shared;
  if (is_well_known(name)) return Refusal::well_known;
  return std::nullopt;
}

std::optional<Refusal> IndicatorLint::of_hash(const Sha256& hash) const {
  if (std::ranges::find(kEmptyHashes, to_string(hash)) != kEmptyHashes.end()) {
    return Refusal::empty_file;
  }
  if (known_ != nullptr && known_->has(hash)) return Refusal::known_good;
  return std::nullopt;
}

}  // namespace postern::exchange
