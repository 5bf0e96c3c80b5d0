#include "exposure/verdict.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exposure/testing.h"

namespace postern::exposure {
namespace {

using testing::verdict_on;

struct Case {
  const char* what;
  const char* zone;
  Hosting hosting;
  Exposure exposure;
  Hosting behind = Hosting::unknown;
  int least_confidence = 0;
};

// Parts of zones that are the same everywhere.
#define SITE "@ A 198.51.100.80\nwww A 198.51.100.80\n"
#define M365_MX "@ MX 0 v-example.mail.protection.outlook.com.\n"
#define M365_AUTODISCOVER \
  "autodiscover CNAME autodiscover.outlook.com.\nautodiscover.outlook.com. A 40.99.1.8\n"
#define M365_DKIM "selector1._domainkey CNAME selector1-v-example._domainkey.v.onmicrosoft.com.\n"
#define M365_SPF                                               \
  "@ TXT \"v=spf1 include:spf.protection.outlook.com -all\"\n" \
  "spf.protection.outlook.com. TXT \"v=spf1 ip4:40.92.0.0/15 -all\"\n"
#define OWN_MX "@ MX 10 mail\nmail A 203.0.113.25\n"
#define OWN_AUTODISCOVER "autodiscover A 203.0.113.26\n"
#define GOOGLE_MX "@ MX 1 smtp.google.com.\nsmtp.google.com. A 142.250.1.27\n"
#define PROOFPOINT_MX "@ MX 10 mxa-001.gslb.pphosted.com.\n@ MX 10 mxb-001.gslb.pphosted.com.\n"

constexpr Case kCases[] = {
    // Exchange Online.
    {"all of Microsoft's records", SITE M365_MX M365_AUTODISCOVER M365_DKIM M365_SPF,
     Hosting::exchange_online, Exposure::unlikely, Hosting::unknown, 90},
    {"MX alone", M365_MX, Hosting::exchange_online, Exposure::unlikely},
    {"MX for DANE", "@ MX 0 v-example.a-v1.mx.microsoft.\n" M365_AUTODISCOVER,
     Hosting::exchange_online, Exposure::unlikely},
    {"Germany's cloud of old", "@ MX 0 v-example.mail.protection.outlook.de.\n",
     Hosting::exchange_online, Exposure::unlikely},
    {"GCC High", "@ MX 0 v-example.mail.protection.office365.us.\n", Hosting::exchange_online,
     Exposure::unlikely},
    {"China", "@ MX 0 v-example.mail.protection.partner.outlook.cn.\n", Hosting::exchange_online,
     Exposure::unlikely},
    {"autodiscover by SRV", M365_MX "_autodiscover._tcp SRV 0 0 443 autodiscover.outlook.com.\n",
     Hosting::exchange_online, Exposure::unlikely},
    {"an own alias that leads to Microsoft",
     M365_MX "autodiscover CNAME ad.v.example.\nad CNAME autodiscover.outlook.com.\n",
     Hosting::exchange_online, Exposure::unlikely},
    {"names of an old server are left",
     M365_MX M365_AUTODISCOVER "owa A 203.0.113.9\nhybrid A 203.0.113.9\n",
     Hosting::exchange_online, Exposure::possible},
    {"a look-alike of Microsoft's name is not Microsoft",
     "@ MX 0 v-example.mail.protection.outlook.com.evil.example.\n", Hosting::unknown,
     Exposure::not_known},

    // Hybrid.
    {"cloud's MX, own autodiscover", SITE M365_MX OWN_AUTODISCOVER, Hosting::hybrid,
     Exposure::likely, Hosting::unknown, 55},
    {"the same, and SPF has its address",
     SITE M365_MX OWN_AUTODISCOVER
     "@ TXT \"v=spf1 ip4:203.0.113.26 include:spf.protection.outlook.com -all\"\n",
     Hosting::hybrid, Exposure::likely, Hosting::unknown, 75},
    {"cloud's MX, autodiscover by SRV on an own host",
     M365_MX "_autodiscover._tcp SRV 0 0 443 ex.v.example.\nex A 203.0.113.26\n", Hosting::hybrid,
     Exposure::likely},
    {"own MX, own autodiscover, Microsoft signs and sends",
     SITE OWN_MX OWN_AUTODISCOVER M365_DKIM M365_SPF, Hosting::hybrid, Exposure::likely},
    {"own MX, clients go to the cloud", SITE OWN_MX M365_AUTODISCOVER, Hosting::hybrid,
     Exposure::possible},
    {"own MX, clients go to the cloud, but a server's names are there",
     SITE OWN_MX M365_AUTODISCOVER "owa A 203.0.113.25\n", Hosting::hybrid, Exposure::likely},
    {"own MX, Microsoft signs and sends, no autodiscover", SITE OWN_MX M365_DKIM M365_SPF,
     Hosting::hybrid, Exposure::possible},

    // On premises.
    {"own MX, own autodiscover", SITE OWN_MX OWN_AUTODISCOVER, Hosting::onprem, Exposure::likely,
     Hosting::unknown, 60},
    {"the same with owa and SPF",
     SITE OWN_MX OWN_AUTODISCOVER "owa A 203.0.113.26\n@ TXT \"v=spf1 ip4:203.0.113.24/29 -all\"\n",
     Hosting::onprem, Exposure::likely, Hosting::unknown, 85},
    {"only IPv6", "@ MX 10 mail\nmail AAAA 2001:db8:5::25\nautodiscover AAAA 2001:db8:5::26\n",
     Hosting::onprem, Exposure::likely},
    {"autodiscover is an alias of the mail host", SITE OWN_MX "autodiscover CNAME mail\n",
     Hosting::onprem, Exposure::likely},
    {"autodiscover by SRV alone", SITE OWN_MX "_autodiscover._tcp SRV 0 0 443 mail\n",
     Hosting::onprem, Exposure::likely},
    {"owa beside the mail host, no autodiscover", SITE OWN_MX "owa A 203.0.113.27\n",
     Hosting::unknown, Exposure::possible},
    {"autodiscover that only the inside reaches", SITE OWN_MX "autodiscover A 10.1.2.3\n",
     Hosting::onprem, Exposure::possible},
    {"no MX, the domain's address takes mail", "@ A 203.0.113.25\nautodiscover A 203.0.113.26\n",
     Hosting::onprem, Exposure::likely},
    {"MX at a provider's line that no rule knows, own autodiscover",
     SITE
     "@ MX 10 static-25.isp.example.\nstatic-25.isp.example. A 203.0.113.25\n" OWN_AUTODISCOVER,
     Hosting::onprem, Exposure::likely},
    {"tokens of a tenant do not make it a hybrid",
     SITE OWN_MX OWN_AUTODISCOVER
     "@ TXT \"MS=ms12345678\"\n"
     "enterpriseregistration CNAME enterpriseregistration.windows.net.\n",
     Hosting::onprem, Exposure::likely},

    // Google.
    {"Google with all",
     SITE GOOGLE_MX "@ TXT \"v=spf1 include:_spf.google.com ~all\"\n"
                    "google._domainkey TXT \"v=DKIM1; k=rsa; p=MIIB\"\n",
     Hosting::google_workspace, Exposure::unlikely, Hosting::unknown, 90},
    {"Google with the five hosts of before 2023",
     "@ MX 1 aspmx.l.google.com.\n@ MX 5 alt1.aspmx.l.google.com.\n@ MX 10 "
     "aspmx2.googlemail.com.\n",
     Hosting::google_workspace, Exposure::unlikely},
    {"Google, but autodiscover is at an own address", SITE GOOGLE_MX OWN_AUTODISCOVER,
     Hosting::google_workspace, Exposure::possible},

    // Behind gateways.
    {"a gateway, and nothing else", SITE PROOFPOINT_MX, Hosting::gateway, Exposure::not_known},
    {"a gateway, own autodiscover", SITE PROOFPOINT_MX OWN_AUTODISCOVER, Hosting::gateway,
     Exposure::likely, Hosting::onprem},
    {"a gateway, own autodiscover, Microsoft signs and sends",
     SITE PROOFPOINT_MX OWN_AUTODISCOVER M365_DKIM M365_SPF, Hosting::gateway, Exposure::likely,
     Hosting::hybrid},
    {"a gateway, clients go to the cloud", SITE PROOFPOINT_MX M365_AUTODISCOVER, Hosting::gateway,
     Exposure::unlikely, Hosting::exchange_online},
    {"a gateway, Microsoft signs", "@ MX 10 de-smtp-inbound-1.mimecast.com.\n" M365_DKIM,
     Hosting::gateway, Exposure::unlikely, Hosting::exchange_online},
    {"a gateway, Google signs and sends",
     "@ MX 10 d1a.ess.barracudanetworks.com.\n@ TXT \"v=spf1 include:_spf.google.com -all\"\n"
     "google._domainkey TXT \"v=DKIM1; p=MIIB\"\n",
     Hosting::gateway, Exposure::unlikely, Hosting::google_workspace},
    {"a gateway with Microsoft as second MX",
     "@ MX 0 d1a.ess.barracudanetworks.com.\n@ MX 20 v-example.mail.protection.outlook.com.\n",
     Hosting::gateway, Exposure::unlikely, Hosting::exchange_online},
    {"Cisco", "@ MX 10 mx1.hc1-2.eu.iphmx.com.\n" OWN_AUTODISCOVER, Hosting::gateway,
     Exposure::likely, Hosting::onprem},
    {"Hornetsecurity", "@ MX 10 mx01.hornetsecurity.com.\n" M365_AUTODISCOVER, Hosting::gateway,
     Exposure::unlikely, Hosting::exchange_online},
    {"an own name that is an alias of a gateway",
     "@ MX 10 mx\nmx CNAME de-smtp-inbound-1.mimecast.com.\n"
     "de-smtp-inbound-1.mimecast.com. A 192.0.2.7\n" OWN_AUTODISCOVER,
     Hosting::gateway, Exposure::likely, Hosting::onprem},
    {"a gateway, and Zoho signs and sends",
     PROOFPOINT_MX "zmail._domainkey TXT \"v=DKIM1; k=rsa; p=MIG\"\n"
                   "@ TXT \"v=spf1 include:zohomail.eu -all\"\n",
     Hosting::gateway, Exposure::unlikely, Hosting::vendor_hosted, 90},
    {"what the gateway signs says nothing of what is behind it",
     "@ MX 10 mx01.hornetsecurity.com.\nhse1._domainkey CNAME hse1.hornetsecurity.com.\n"
     "@ TXT \"v=spf1 include:spf.hornetsecurity.com -all\"\n",
     Hosting::gateway, Exposure::not_known},
    {"a gateway, and a hoster's Exchange",
     PROOFPOINT_MX "autodiscover CNAME ex4.mail.ovh.net.\nex4.mail.ovh.net. A 192.0.2.4\n",
     Hosting::gateway, Exposure::possible, Hosting::vendor_hosted},

    // Vendors.
    {"Zoho", "@ MX 10 mx.zoho.eu.\n@ MX 20 mx2.zoho.eu.\n", Hosting::vendor_hosted,
     Exposure::unlikely, Hosting::unknown, 90},
    {"Fastmail", "@ MX 10 in1-smtp.messagingengine.com.\n", Hosting::vendor_hosted,
     Exposure::unlikely},
    {"IONOS' mail", SITE "@ MX 10 mx00.ionos.de.\nautodiscover CNAME adsredir.ionos.info.\n",
     Hosting::vendor_hosted, Exposure::unlikely},
    {"IONOS' Exchange", SITE "@ MX 10 mx00.ionos.de.\nautodiscover CNAME exchange2019.ionos.eu.\n",
     Hosting::vendor_hosted, Exposure::possible},
    {"OVH's mail", "@ MX 1 mx1.mail.ovh.net.\n", Hosting::vendor_hosted, Exposure::unlikely},
    {"OVH's Exchange", "@ MX 1 ex4.mail.ovh.net.\nautodiscover CNAME ex4.mail.ovh.net.\n",
     Hosting::vendor_hosted, Exposure::possible},
    {"STRATO", "@ MX 5 smtpin.rzone.de.\nautoconfig CNAME autoconfigure.strato.de.\n",
     Hosting::vendor_hosted, Exposure::unlikely},
    {"Hetzner", "@ MX 10 www381.your-server.de.\n", Hosting::vendor_hosted, Exposure::unlikely},
    {"a rented machine at Hetzner is not its mail hosting",
     "@ MX 10 static.9.113.0.203.clients.your-server.de.\n"
     "static.9.113.0.203.clients.your-server.de. A 203.0.113.9\n",
     Hosting::unknown, Exposure::not_known},
    {"Infomaniak", "@ MX 5 mta-gw.infomaniak.ch.\n", Hosting::vendor_hosted, Exposure::unlikely},
    {"Intermedia", "@ MX 10 west.smtp.mx.exch080.serverdata.net.\n", Hosting::vendor_hosted,
     Exposure::possible},
    {"a hoster that no rule knows has both",
     "@ MX 10 mx1.msp.example.\nautodiscover CNAME exchange.msp.example.\n"
     "mx1.msp.example. A 192.0.2.25\nexchange.msp.example. A 192.0.2.26\n",
     Hosting::vendor_hosted, Exposure::possible},
    {"a vendor's MX, and autodiscover at an own address",
     SITE "@ MX 1 mx1.mail.ovh.net.\n" OWN_AUTODISCOVER, Hosting::vendor_hosted,
     Exposure::possible},

    // Servers of another kind.
    {"cPanel",
     "@ A 192.0.2.80\n@ MX 0 v.example.\nautodiscover A 192.0.2.80\n"
     "autoconfig A 192.0.2.80\ncpanel A 192.0.2.80\nwebmail A 192.0.2.80\n"
     "mail CNAME v.example.\n_autodiscover._tcp SRV 0 0 443 cpanelemaildiscovery.cpanel.net.\n",
     Hosting::other_server, Exposure::unlikely, Hosting::unknown, 80},
    {"mailcow",
     SITE OWN_MX "autodiscover CNAME mail\nautoconfig CNAME mail\n_imaps._tcp SRV 0 1 993 mail\n"
                 "_autodiscover._tcp SRV 0 1 443 mail\n",
     Hosting::other_server, Exposure::unlikely},

    // No mail.
    {"null MX", SITE "@ MX 0 .\n@ TXT \"v=spf1 -all\"\n", Hosting::no_mail, Exposure::unlikely,
     Hosting::unknown, 95},
    {"null MX, but autodiscover at an own address", SITE "@ MX 0 .\n" OWN_AUTODISCOVER,
     Hosting::no_mail, Exposure::possible},
    {"neither MX nor address", "www A 198.51.100.80\n@ TXT \"x\"\n", Hosting::no_mail,
     Exposure::unlikely},
    {"no such domain", "other.example. A 192.0.2.1\n", Hosting::no_such_domain,
     Exposure::not_known},

    // Wildcards say nothing.
    {"every name is an alias of Microsoft's autodiscover",
     SITE OWN_MX "* CNAME autodiscover.outlook.com.\nautodiscover.outlook.com. A 40.99.1.8\n",
     Hosting::unknown, Exposure::not_known},
    {"every name has the web site's address", SITE OWN_MX "* A 198.51.100.80\n", Hosting::unknown,
     Exposure::not_known},
    {"every name has an address like Exchange's", SITE M365_MX "* A 203.0.113.26\n",
     Hosting::exchange_online, Exposure::unlikely},
    {"beside a wildcard an own autodiscover counts",
     SITE OWN_MX "* A 198.51.100.80\n" OWN_AUTODISCOVER, Hosting::onprem, Exposure::likely},
    {"every selector has a key", SITE PROOFPOINT_MX "*._domainkey TXT \"v=DKIM1; p=MIIB\"\n",
     Hosting::gateway, Exposure::not_known},
    {"every text is a key", SITE PROOFPOINT_MX "* TXT \"v=DKIM1; p=MIIB\"\n", Hosting::gateway,
     Exposure::not_known},
    {"every service is autodiscover", SITE OWN_MX "*._tcp SRV 0 0 443 mail\n", Hosting::unknown,
     Exposure::not_known},

    // What is not known is never "no".
    {"the domain fails", "!fail v.example\n", Hosting::unknown, Exposure::not_known},
    {"autodiscover fails", M365_MX "!fail autodiscover.v.example\n", Hosting::exchange_online,
     Exposure::not_known},
    {"a delegation below the domain fails, and nothing else",
     M365_MX M365_AUTODISCOVER "!fail _domainkey.v.example\n", Hosting::exchange_online,
     Exposure::unlikely},

    // Hostile and broken zones.
    {"autodiscover is an alias of itself", SITE OWN_MX "autodiscover CNAME autodiscover\n",
     Hosting::unknown, Exposure::not_known},
    {"aliases in a circle", SITE OWN_MX "autodiscover CNAME a\na CNAME b\nb CNAME autodiscover\n",
     Hosting::unknown, Exposure::not_known},
    {"an alias that leads nowhere", SITE OWN_MX "autodiscover CNAME gone.other.example.\n",
     Hosting::unknown, Exposure::not_known},
    {"an MX that is an alias of itself", SITE "@ MX 10 mail\nmail CNAME mail\n", Hosting::unknown,
     Exposure::not_known},
    {"an MX without an address", SITE "@ MX 10 mail\n", Hosting::unknown, Exposure::not_known},
    {"an MX of the domain itself", "@ A 203.0.113.25\n@ MX 10 v.example.\n", Hosting::unknown,
     Exposure::not_known},
    {"null MX among others counts for nothing", M365_MX "@ MX 10 .\n", Hosting::exchange_online,
     Exposure::unlikely},
    {"SPF in a circle",
     SITE M365_MX "@ TXT \"v=spf1 include:a.v.example -all\"\n"
                  "a TXT \"v=spf1 include:v.example -all\"\n",
     Hosting::exchange_online, Exposure::unlikely},
    {"a service that SPF names uses Microsoft 365: the domain need not",
     SITE PROOFPOINT_MX
     "@ TXT \"v=spf1 include:spf.news.example -all\"\n"
     "spf.news.example. TXT \"v=spf1 include:spf.protection.outlook.com -all\"\n",
     Hosting::gateway, Exposure::not_known},
};

std::string told(const Verdict& verdict) {
  std::string out;
  for (const std::string& reason : verdict.because) out += fmt::format("  because {}\n", reason);
  for (const std::string& note : verdict.signs.notes) out += fmt::format("  note {}\n", note);
  for (const Sign& sign : verdict.signs.list) {
    out += fmt::format("  {} {} {}\n", sign.rule, sign.weight, sign.record.data);
  }
  return out;
}

TEST(Verdict, TheTruthTableHolds) {
  for (const Case& each : kCases) {
    const Verdict verdict = verdict_on(each.zone);
    SCOPED_TRACE(fmt::format("{}\n{}", each.what, told(verdict)));
    EXPECT_EQ(to_string(verdict.hosting), to_string(each.hosting));
    EXPECT_EQ(to_string(verdict.behind), to_string(each.behind));
    EXPECT_EQ(to_string(verdict.exposure), to_string(each.exposure));
    EXPECT_GE(verdict.confidence, each.least_confidence);
    EXPECT_LE(verdict.confidence, 97);
    EXPECT_FALSE(verdict.because.empty());
  }
  EXPECT_GE(std::size(kCases), 60U);
}

TEST(Verdict, NotKnownSaysWhy) {
  const Verdict verdict = verdict_on("!fail v.example\n");
  EXPECT_FALSE(verdict.is_complete);
  EXPECT_EQ(verdict.confidence, 0);
  EXPECT_EQ(verdict.because.front(), "not known because SERVFAIL: no authority");
  const Verdict other = verdict_on(M365_MX "!fail autodiscover.v.example\n");
  EXPECT_FALSE(other.is_complete);
  EXPECT_NE(
      std::ranges::find(other.because,
                        "A of autodiscover.v.example is not known because SERVFAIL: no authority"),
      other.because.end());
}

TEST(Verdict, IsNotCompleteWhereAutodiscoverIsNot) {
  struct Gap {
    const char* zone;
    bool is_complete;
    Exposure exposure;
  };
  const Gap gaps[] = {
      {M365_MX, true, Exposure::unlikely},
      {M365_MX "!fail _autodiscover._tcp.v.example\n", false, Exposure::not_known},
      // It does not matter what was not needed.
      {M365_MX M365_AUTODISCOVER "!fail _autodiscover._tcp.v.example\n", true, Exposure::unlikely},
      {M365_MX OWN_AUTODISCOVER "!fail _autodiscover._tcp.v.example\n", true, Exposure::likely},
      {M365_MX "!fail owa.v.example\n", true, Exposure::unlikely},
      // Whether it is a wildcard's cannot be told.
      {M365_MX OWN_AUTODISCOVER "!fail xnobodymadethis.v.example\n", false, Exposure::not_known},
  };
  for (const Gap& each : gaps) {
    const Verdict verdict = verdict_on(each.zone);
    EXPECT_EQ(verdict.is_complete, each.is_complete) << each.zone;
    EXPECT_EQ(to_string(verdict.exposure), to_string(each.exposure)) << each.zone;
  }
}

TEST(Verdict, EverySignHasItsRecord) {
  const Verdict verdict = verdict_on(SITE M365_MX M365_AUTODISCOVER M365_DKIM M365_SPF
                                     "_dmarc TXT \"v=DMARC1; p=reject\"\n"
                                     "_mta-sts TXT \"v=STSv1; id=1\"\n");
  ASSERT_GE(verdict.signs.list.size(), 4U);
  for (const Sign& sign : verdict.signs.list) {
    EXPECT_FALSE(sign.rule.empty());
    EXPECT_FALSE(sign.record.owner.is_root());
    EXPECT_EQ(sign.record.ttl, 300U);
    EXPECT_FALSE(sign.record.data.empty());
  }
  EXPECT_EQ(verdict.signs.dmarc_policy, "reject");
  EXPECT_TRUE(verdict.signs.has_mta_sts);
  EXPECT_EQ(verdict.signs.spf.lookups, 1U);
}

TEST(Verdict, DaneCountsOnlyWhereItIsSigned) {
  const std::string zone = OWN_MX "_25._tcp.mail TLSA 3 1 1 aabbccdd\n";
  EXPECT_FALSE(verdict_on(zone).signs.has_dane);
  const Verdict verdict = verdict_on(zone + "!secure v.example\n");
  EXPECT_TRUE(verdict.signs.has_dane);
  EXPECT_TRUE(verdict.signs.is_signed);
}

TEST(Verdict, ADomainOfLongNamesIsJudged) {
  const std::string label(63, 'a');
  const std::string domain = label + "." + label + "." + label + "." + std::string(50, 'b');
  const Verdict verdict = verdict_on("@ MX 0 v-example.mail.protection.outlook.com.\n", domain);
  EXPECT_EQ(to_string(verdict.hosting), "exchange-online");
}

}  // namespace
}  // namespace postern::exposure
