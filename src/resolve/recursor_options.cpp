#include "resolve/recursor_options.h"

namespace postern::resolve {

std::vector<std::pair<std::string, std::string>> unbound_options(const RecursorOptions& options) {
  const std::string running = std::to_string(kMaxRunningPerThread);
  std::vector<std::pair<std::string, std::string>> list{
      {"module-config:", options.dnssec ? "validator iterator" : "iterator"},
      {"use-syslog:", "no"},
      {"logfile:", ""},
      // Room for what runs at once, one descriptor per query on the wire: what waits for a free one
      // would wait for servers that are silent.
      {"outgoing-range:", running},
      {"num-queries-per-thread:", running},
      // Small: the answers themselves are cached in front of us. What must stay warm here are
      // delegations, keys and the state of servers.
      {"msg-cache-size:", "2m"},
      {"rrset-cache-size:", "8m"},
      {"key-cache-size:", "2m"},
      {"neg-cache-size:", "1m"},
      {"msg-cache-slabs:", "1"},
      {"rrset-cache-slabs:", "1"},
      {"infra-cache-slabs:", "1"},
      {"key-cache-slabs:", "1"},
      {"prefetch:", "no"},
      {"serve-expired:", "no"},
      // Privacy and hardening.
      {"qname-minimisation:", "yes"},
      {"aggressive-nsec:", "yes"},
      {"harden-glue:", "yes"},
      {"harden-dnssec-stripped:", "yes"},
      {"harden-below-nxdomain:", "yes"},
      {"harden-algo-downgrade:", "no"},  // RFC 6840 §5.11: any one valid path is enough.
      {"harden-short-bufsize:", "yes"},
      {"harden-large-queries:", "yes"},
      {"unwanted-reply-threshold:", "10000000"},
      {"edns-buffer-size:", "1232"},
      {"udp-connect:", "yes"},
      {"trust-anchor-signaling:", "no"},
      {"val-bogus-ttl:", "60"},
      // Work for one question: names followed, packets sent, NSEC3 rounds (RFC 9276 §3.2).
      {"max-query-restarts:", "11"},
      {"max-sent-count:", "32"},
      // Nobody waits longer than some seconds, and what is given up holds its place until it ends:
      // four tries of a server, two seconds each at most. By default a zone with silent servers
      // lasts more than a minute. Addresses of servers are looked up when they are needed: ahead of
      // that they double the memory of a question.
      {"outbound-msg-retry:", "4"},
      {"infra-cache-max-rtt:", "2000"},
      {"target-fetch-policy:", "0 0 0 0 0"},
      {"val-nsec3-keysize-iterations:", "1024 100 2048 100 4096 100"},
      // Special-use names are answered before a question gets here (special_use.h), and what
      // gets here is meant to be asked outside.
      {"unblock-lan-zones:", "yes"},
      {"insecure-lan-zones:", "no"},
  };
  // All but "invalid.", which serves to start libunbound with a question that needs no network.
  for (const char* zone :
       {"localhost.", "127.in-addr.arpa.", "home.arpa.", "onion.", "test.",
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."}) {
    list.emplace_back("local-zone:", std::string(zone) + " nodefault");
  }
  if (options.query_localhost) list.emplace_back("do-not-query-localhost:", "no");
  if (!options.root_hints_file.empty()) list.emplace_back("root-hints:", options.root_hints_file);
  for (const dns::Name& zone : options.insecure)
    list.emplace_back("domain-insecure:", zone.to_text());
  return list;
}

std::vector<std::string> builtin_root_anchors() {
  return {
      ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
      ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
  };
}

}  // namespace postern::resolve
