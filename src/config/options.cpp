#include "config/options.h"

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

namespace postern::config {
namespace {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

/// Puts a Value into a field: numbers and choices (as their index) are narrowed, all else is
/// copied.
template <class Field>
void put(Field& field, const Value& value) {
  if constexpr (IsOptional<Field>::value) {
    put(field.emplace(), value);
  } else if constexpr (std::is_same_v<Field, bool>) {
    field = std::get<bool>(value);
  } else if constexpr (std::is_same_v<Field, char>) {
    field = std::get<std::string>(value).front();
  } else if constexpr (std::is_integral_v<Field> || std::is_enum_v<Field>) {
    field = static_cast<Field>(std::get<std::uint64_t>(value));
  } else {
    field = std::get<Field>(value);
  }
}

template <class T>
struct MemberOf;
template <class Target, class Field>
struct MemberOf<Field Target::*> {
  using Owner = Target;
};

/// The binding of one field: `into<&Config::workers>`.
template <auto kMember, class Target = typename MemberOf<decltype(kMember)>::Owner>
constexpr Binding<Target> into = {
    [](Target& target, const Value& value) { put(target.*kMember, value); },
    [](const Target& a, const Target& b) { return a.*kMember == b.*kMember; }};

/// The same for a choice that is kept as another value than its index.
template <auto kMember, auto kTable>
constexpr Binding<Feed> from_table = {
    [](Feed& feed, const Value& value) {
      feed.*kMember = (*kTable)[std::get<std::uint64_t>(value)];
    },
    [](const Feed& a, const Feed& b) { return a.*kMember == b.*kMember; }};

/// The same for a name that is kept as text.
template <auto kMember>
constexpr Binding<Feed> into_text = {
    [](Feed& feed, const Value& value) { feed.*kMember = std::get<dns::Name>(value).to_text(); },
    [](const Feed& a, const Feed& b) { return a.*kMember == b.*kMember; }};

// In the order of policy::BlockAnswer.
constexpr std::string_view kBlockAnswers = "nxdomain|nodata|null_address|sinkhole|refused";
// In the order of policy::QnameWait.
constexpr std::string_view kQnameWaits = "as_needed|never|always";
constexpr std::string_view kFormats =
    "hosts|domains|wildcard|adblock|dnsmasq|unbound|rpz|csv|stix|misp|maltrail|json";

constexpr std::array kFormatTable = {"hosts",   "domains", "wildcard", "adblock",
                                     "dnsmasq", "unbound", "rpz",      "csv",
                                     "stix",    "misp",    "maltrail", "json"};
constexpr std::array kScopeTable = {"exact", "below", "at_and_below"};
constexpr std::array kOverrideTable = {"passthru", "drop",     "nxdomain",
                                       "nodata",   "tcp_only", "cname"};
constexpr std::array kEdeTable = {dns::EdeCode::blocked, dns::EdeCode::censored,
                                  dns::EdeCode::filtered};

constexpr std::array kSubErrorTable = {
    policy::SubError::malware, policy::SubError::phishing,       policy::SubError::spam,
    policy::SubError::spyware, policy::SubError::network_policy, policy::SubError::dns_policy};

constexpr std::array kExpireTable = {false, true};

constexpr std::array kTlpTable = {policy::Sharing::clear, policy::Sharing::green,
                                  policy::Sharing::amber, policy::Sharing::amber_strict,
                                  policy::Sharing::red};

constexpr auto kAtReload = Applies::at_reload;
constexpr auto kAtRestart = Applies::at_restart;

// Sorted by path. A table reads best as a table, so:
// clang-format off
constexpr Option<Config> kOptions[] = {
  {{"access.allow", Kind::prefixes, "[127.0.0.0/8, '::1']", 0, 0, kAtReload,
    "Clients that may ask; everyone else is refused. Add your networks, e.g. 192.168.0.0/16."},
   into<&Config::access_allow>},
  {{"cache.max_ttl_s", Kind::seconds, "86400", 0, 604'800, kAtRestart,
    "No answer is kept longer, whatever its TTL says."}, into<&Config::cache_max_ttl_s>},
  {{"cache.size", Kind::octets, "64MiB", 1U << 20, 1ULL << 40, kAtRestart,
    "Memory for answers, all workers together."}, into<&Config::cache_octets>},
  {{"cache.stale_for_s", Kind::seconds, "86400", 0, 604'800, kAtRestart,
    "How long after its end an answer may still be given when no server can be reached (RFC 8767); 0 never."},
   into<&Config::cache_stale_for_s>},
  {{"console.enabled", Kind::flag, "true", 0, 0, kAtRestart,
    "Serve the web console and the REST API on console.listen."}, into<&Config::console_enabled>},
  {{"console.hosts", Kind::names, "[]", 0, 0, kAtRestart,
    "Names that the console is reached by through a TLS proxy that passes the Host header on; other names are refused."},
   into<&Config::console_hosts>},
  {{"console.listen", Kind::endpoint, "127.0.0.1:8080", 0, 0, kAtRestart,
    "Where the console is. It speaks plain HTTP: beyond this machine put a TLS proxy in front."},
   into<&Config::console_listen>},
  {{"control_socket", Kind::path, "", 0, 0, kAtRestart,
    "UNIX socket of the control commands; unset: control.sock in state_dir."},
   into<&Config::control_socket>},
  {{"devices.dnsmasq_leases", Kind::paths, "[]", 0, 0, kAtReload,
    "Lease files of dnsmasq, looked at every two seconds, that say which device of groups[].devices has which address. The lists of lease files come before the neighbour table."},
   into<&Config::dnsmasq_leases>},
  {{"devices.edns_from", Kind::prefixes, "[]", 0, 0, kAtReload,
    "Forwarders that are believed when they say in EDNS options who asks them (dnsmasq's --add-mac, --add-cpe-id): groups[].devices and groups[].client_ids. Each must remove what its own clients say there."},
   into<&Config::identity_from>},
  {{"devices.isc_leases", Kind::paths, "[]", 0, 0, kAtReload,
    "The same of ISC's dhcpd."}, into<&Config::isc_leases>},
  {{"devices.kea_leases", Kind::paths, "[]", 0, 0, kAtReload,
    "The same of Kea (memfile, IPv4 or IPv6)."}, into<&Config::kea_leases>},
  {{"devices.neighbours", Kind::flag, "true", 0, 0, kAtReload,
    "Look for devices in the kernel's neighbour table too (ARP, neighbour discovery): hosts of this machine's own links."},
   into<&Config::neighbours>},
  {{"gate.canary_group", Kind::label, "", 0, 0, kAtReload,
    "This group has each update that passed the gate first, and all others gate.canary_minutes later, unless it has more, or less, of its queries blocked than is usual. Without one, updates are in force for all at once."},
   into<&Config::gate_canary_group>},
  {{"gate.canary_minutes", Kind::count, "30", 0, 10'080, kAtReload,
    "For so long gate.canary_group has an update alone. 0: it has none first."},
   into<&Config::gate_canary_minutes>},
  {{"gate.days", Kind::days, "14", 1, 90, kAtRestart,
    "Updates of feeds are tried on the names that were asked for in so many days before they come into force."},
   into<&Config::gate_days>},
  {{"gate.max_clients_percent", Kind::count, "20", 1, 100, kAtReload,
    "An update is held if it blocks a name that exists and that more than this part of all clients used (at least 3 of at least 5)."},
   into<&Config::gate_max_clients_percent>},
  {{"gate.max_growth", Kind::count, "10", 2, 1'000'000, kAtReload,
    "An update is held if it has so many times the rules that the feed had, and 1,000 or more."},
   into<&Config::gate_max_growth>},
  {{"gate.max_names", Kind::count, "1000000", 1000, 16'000'000, kAtRestart,
    "So many names that were asked for are remembered, some 60 octets each and 40 for where they lead; names that do not exist, and those asked for least, make room."},
   into<&Config::gate_max_names>},
  {{"gate.max_queries_percent", Kind::count, "5", 1, 100, kAtReload,
    "An update is held if it would have blocked more than this part of all queries that had an answer (from 1,000 of them on)."},
   into<&Config::gate_max_queries_percent>},
  {{"gate.max_shrink_percent", Kind::count, "40", 1, 99, kAtReload,
    "An update of a feed of 1,000 rules or more is held if more than this part of them is gone; a shorter list may lose nine tenths, one of up to 19 everything."},
   into<&Config::gate_max_shrink_percent>},
  {{"gate.max_top_names", Kind::count, "10", 0, 1'000'000, kAtReload,
    "An update is held if it blocks more than so many of the gate.top_names most used names."},
   into<&Config::gate_max_top_names>},
  {{"gate.own_domains", Kind::names, "[]", 0, 0, kAtReload,
    "The organisation's own domains: an update that blocks one of them, a name below it or all above it is held."},
   into<&Config::gate_own_domains>},
  {{"gate.own_networks", Kind::prefixes, "[]", 0, 0, kAtReload,
    "Addresses of the organisation's own servers, as answers have them: an update that blocks answers with one of them is held."},
   into<&Config::gate_own_networks>},
  {{"gate.partner_domains", Kind::names, "[]", 0, 0, kAtReload,
    "The same for domains of those that you work with."}, into<&Config::gate_partner_domains>},
  {{"gate.top_names", Kind::count, "1000", 10, 1'000'000, kAtReload,
    "How many names count as the most used ones, by clients, then queries."},
   into<&Config::gate_top_names>},
  {{"gate.watch_minutes", Kind::count, "30", 0, 1440, kAtReload,
    "For so long after an update came into force by itself: if a group has far more, or far less, of its queries blocked than in the days before, it is taken back and held. 0: nobody looks."},
   into<&Config::gate_watch_minutes>},
  {{"journal.days", Kind::days, "180", 1, 3650, kAtRestart,
    "Queries older than this are removed from the journal."}, into<&Config::journal_days>},
  {{"journal.enabled", Kind::flag, "true", 0, 0, kAtRestart,
    "Keep a record of queries and what was decided."}, into<&Config::journal_enabled>},
  {{"journal.max_size", Kind::octets, "4GiB", 8U << 20, 1ULL << 44, kAtRestart,
    "The journal's file never grows past this: the oldest queries make room. Its write-ahead log beside it comes on top, some 16 MiB."},
   into<&Config::journal_max_octets>},
  {{"packs.hafnium", Kind::flag, "true", 0, 0, kAtReload,
    "Block the names of the built-in pack of indicators of the Exchange break-ins of 2021."},
   into<&Config::pack_hafnium>},
  {{"policy.allow", Kind::patterns, "[]", 0, 0, kAtReload,
    "Names that are never blocked: \"name\" is that name alone, \"*.name\" it and all below it."},
   into<&Config::allow>},
  {{"policy.block", Kind::patterns, "[]", 0, 0, kAtReload,
    "Names that are blocked unless policy.allow has them; written as there."},
   into<&Config::block>},
  {{"policy.block_answer", Kind::choice, "nxdomain", 0, 0, kAtReload,
    "What a client gets for a blocked name, unless its feed or group says otherwise.",
    kBlockAnswers}, into<&Config::block_answer>},
  {{"policy.block_ttl_s", Kind::seconds, "10", 0, 86'400, kAtReload,
    "TTL of the answers that we make up; short, so that a mistaken block is soon forgotten."},
   into<&Config::block_ttl_s>},
  {{"policy.force", Kind::names, "[]", 0, 0, kAtReload,
    "Names that policy.block, and block of groups, tenants and during, may have although they are public suffixes or gate.own_domains: who means to block all of \"zip\" writes zip here too."},
   into<&Config::force>},
  {{"policy.min_ns_dots", Kind::count, "1", 0, 10, kAtReload,
    "For rules on servers (NSDNAME, NSIP): the servers of names with fewer dots than this are not looked at; 0: those of top-level domains too."},
   into<&Config::min_ns_dots>},
  {{"policy.qname_wait_recurse", Kind::choice, "as_needed", 0, 0, kAtReload,
    "Whether a query that a rule on its name blocks is resolved before it is answered, unless its feed says otherwise: as_needed, where an earlier zone has rules on addresses or servers that might decide otherwise; never, for the quickest answer, such rules then being heard for other names only; always, so that who runs the name's servers cannot tell that it is blocked.",
    kQnameWaits}, into<&Config::qname_wait_recurse>},
  {{"policy.sinkhole.ipv4", Kind::address_v4, "", 0, 0, kAtReload,
    "Address given for blocked names where the answer is \"sinkhole\"."}, into<&Config::sinkhole_v4>},
  {{"policy.sinkhole.ipv6", Kind::address_v6, "", 0, 0, kAtReload,
    "The same for AAAA."}, into<&Config::sinkhole_v6>},
  {{"resolver.answer_deadline_ms", Kind::milliseconds, "4000", 100, 60'000, kAtReload,
    "A client that waited this long gets SERVFAIL; stub resolvers give up after 5 s."},
   into<&Config::answer_deadline_ms>},
  {{"resolver.dnssec", Kind::flag, "true", 0, 0, kAtRestart,
    "Validate signatures (RFC 4035) when recursing; what fails is SERVFAIL."}, into<&Config::dnssec>},
  {{"resolver.mode", Kind::choice, "recurse", 0, 0, kAtRestart,
    "Ask the authoritative servers ourselves, or send all to the servers of resolver.forward's zone \".\".",
    "recurse|forward"}, into<&Config::resolver_mode>},
  {{"resolver.query_localhost", Kind::flag, "false", 0, 0, kAtRestart,
    "Let recursion ask servers on loopback addresses; only in tests."}, into<&Config::query_localhost>},
  {{"resolver.root_hints_file", Kind::path, "", 0, 0, kAtRestart,
    "Root servers, as a zone file; unset: the built-in list."}, into<&Config::root_hints_file>},
  {{"resolver.stale_after_ms", Kind::milliseconds, "1800", 0, 60'000, kAtReload,
    "A stale answer is given when a fresh one takes longer than this (RFC 8767 section 5)."},
   into<&Config::stale_after_ms>},
  {{"resolver.threads", Kind::count, "0", 0, 256, kAtRestart,
    "Threads that recurse; 0: one per core."}, into<&Config::resolver_threads>},
  {{"resolver.trust_anchor_files", Kind::paths, "[]", 0, 0, kAtRestart,
    "DS or DNSKEY records of trust anchors, as zone files; none: the built-in root keys."},
   into<&Config::trust_anchor_files>},
  {{"server.listen", Kind::endpoints, "['127.0.0.1:5300', '[::1]:5300']", 0, 0, kAtRestart,
    "Where DNS is answered, over UDP and TCP. Port 53 needs root or CAP_NET_BIND_SERVICE."},
   into<&Config::listen>},
  {{"server.tcp.idle_timeout_ms", Kind::milliseconds, "10000", 100, 600'000, kAtRestart,
    "A connection without queries is closed after this (RFC 7766 section 6.2.3)."},
   into<&Config::tcp_idle_timeout_ms>},
  {{"server.tcp.max_connections", Kind::count, "1000", 1, 100'000, kAtRestart,
    "TCP connections per worker; the longest idle one makes room."},
   into<&Config::tcp_max_connections>},
  {{"server.tcp.max_pipelined", Kind::count, "100", 1, 10'000, kAtRestart,
    "Unanswered queries per connection; then reading waits."}, into<&Config::tcp_max_pipelined>},
  {{"server.transfer_tls.certificate_file", Kind::path, "", 0, 0, kAtRestart,
    "The certificate that secondaries see, in PEM, with those between it and the authority; read again when it changes. Without one that can be used there are no transfers over TLS, and the log says so."},
   into<&Config::transfer_tls_certificate_file>},
  {{"server.transfer_tls.key_file", Kind::path, "", 0, 0, kAtRestart,
    "Its private key, in PEM; the user that Postern runs as must be able to read it."},
   into<&Config::transfer_tls_key_file>},
  {{"server.transfer_tls.listen", Kind::endpoints, "[]", 0, 0, kAtRestart,
    "Where secondaries may have what publish gives over TLS 1.3 (RFC 9103): addresses with a port for that alone, e.g. 192.0.2.1:853."},
   into<&Config::transfer_tls_listen>},
  {{"server.udp_max_octets", Kind::octets, "1232", 512, 4096, kAtReload,
    "Largest UDP answer; 1232 fits IPv6's least MTU (RFC 9715)."}, into<&Config::udp_max_octets>},
  {{"server.workers", Kind::count, "0", 0, 256, kAtRestart,
    "Threads that answer, which share nothing; 0: one per core."}, into<&Config::workers>},
  {{"state_dir", Kind::path, "/var/lib/postern", 0, 0, kAtRestart,
    "Folder of the journal, the last good copies of feeds, the last ten images of all rules (20 octets a rule) and the control socket. Where it cannot be written by an ordinary user: postern in $XDG_STATE_HOME or ~/.local/state."},
   into<&Config::state_dir>},
  {{"structured_error.contacts", Kind::contacts, "[]", 0, 0, kAtReload,
    "Whom clients may turn to when something is blocked by mistake, as mailto: and tel: URIs, at most three. With one, clients that ask for it get the reason as JSON (draft-ietf-dnsop-structured-dns-error); without, all get plain text."},
   into<&Config::error_contacts>},
  {{"structured_error.option_code", Kind::count, "0", 0, 65'535, kAtReload,
    "The code of the EDNS option by which clients ask for that; 0: none, IANA has not assigned it yet. Whoever sends an empty extended error (EDNS option 15) asks for it too."},
   into<&Config::error_option_code>},
  {{"structured_error.organization", Kind::text, "", 0, 0, kAtReload,
    "Who blocks, in that JSON: at most 64 octets of UTF-8."}, into<&Config::error_organization>},
};

constexpr Option<Feed> kFeedOptions[] = {
  {{"allow", Kind::flag, "false", 0, 0, kAtReload,
    "An allow list: its names are never blocked by a later feed."}, into<&Feed::allow>},
  {{"answer", Kind::choice, "", 0, 0, kAtReload,
    "What a client gets for a name that this feed blocks; unset: policy.block_answer.",
    kBlockAnswers}, into<&Feed::answer>},
  {{"break_dnssec", Kind::flag, "true", 0, 0, kAtReload,
    "Rewrite answers that are signed for clients with DO, too; what they then get does not validate. false: the feed's rules leave these answers alone, for these clients."},
   into<&Feed::break_dnssec>},
  {{"csv.column", Kind::text, "domain", 0, 0, kAtReload,
    "The column with the name: its title, or its number from 1."}, into<&Feed::csv_column>},
  {{"csv.header", Kind::flag, "true", 0, 0, kAtReload,
    "The first line holds the titles."}, into<&Feed::csv_has_header>},
  {{"csv.separator", Kind::character, "','", 0, 0, kAtReload,
    "Between columns; a tab is written \"\\t\"."}, into<&Feed::csv_separator>},
  {{"ede", Kind::choice, "blocked", 0, 0, kAtReload,
    "The reason given to the client (RFC 8914): blocked (15, by us), censored (16, by law), filtered (17, as the client asked).",
    "blocked|censored|filtered"}, from_table<&Feed::ede, &kEdeTable>},
  {{"force", Kind::names, "[]", 0, 0, kAtReload,
    "Names that the feed may block, allow: false, although they are public suffixes, reserved names, the root (\".\") or of gate.own_domains; else such a line is skipped, or the update held (gate)."},
   into<&Feed::force>},
  {{"format", Kind::choice, "", 0, 0, kAtReload,
    "How the feed is written; what a line means for names below it differs, see feed-formats.md.",
    kFormats, Presence::required}, from_table<&Feed::format, &kFormatTable>},
  {{"gate", Kind::choice, "", 0, 0, kAtReload,
    "What becomes of updates that the gate finds fault with: auto holds them, and the old rules stay; observe only says so; hold lets every update wait for a person; off judges none. Unset: auto for url and transfer; of a path only that it loses nine tenths of 1,000 rules or more.",
    "auto|observe|hold|off"}, into<&Feed::gate>},
  {{"json.field", Kind::text, "domain", 0, 0, kAtReload,
    "The field with the name, address or URL; \"a.b\" is field b of the object, or of the objects, in field a."},
   into<&Feed::json_field>},
  {{"json.removed", Kind::text, "", 0, 0, kAtReload,
    "A field beside it: an entry with a time there that has come, or anything else but null, false and empty, is off the list."},
   into<&Feed::json_removed>},
  {{"log_only", Kind::flag, "false", 0, 0, kAtReload,
    "Record what would be blocked, and block nothing: to watch a feed before it is trusted."},
   into<&Feed::log_only>},
  {{"max_size", Kind::octets, "256MiB", 1024, 1ULL << 34, kAtReload,
    "A larger feed is refused, after decompression."}, into<&Feed::max_octets>},
  {{"max_ttl_s", Kind::seconds, "604800", 0, 604'800, kAtReload,
    "The longest TTL of a feed's own records, such as the addresses and CNAMEs of an RPZ."},
   into<&Feed::max_ttl_s>},
  {{"min_confidence", Kind::count, "0", 0, 100, kAtReload,
    "For stix: indicators that state a lower confidence are skipped."}, into<&Feed::min_confidence>},
  {{"mirrors", Kind::urls, "[]", 0, 0, kAtReload,
    "Tried in order where url does not answer."}, into<&Feed::mirrors>},
  {{"name", Kind::label, "", 0, 0, kAtReload,
    "What the feed is called in answers, the journal and the console: a-z, 0-9, \".\", \"_\", \"-\", at most 32.",
    {}, Presence::required}, into<&Feed::name>},
  {{"nsdname_wait", Kind::flag, "true", 0, 0, kAtReload,
    "For rpz: a query waits until the names of servers are known that NSDNAME rules look at. false: what the cache holds counts, the rest is asked for meanwhile, and the rules act on later queries."},
   into<&Feed::nsdname_wait>},
  {{"nsip_wait", Kind::flag, "true", 0, 0, kAtReload,
    "The same for the addresses of servers and NSIP rules."}, into<&Feed::nsip_wait>},
  {{"origin", Kind::name, "", 0, 0, kAtReload,
    "For rpz: the zone's name; unset: the SOA record's owner."},
   into_text<&Feed::origin>},
  {{"override", Kind::choice, "", 0, 0, kAtReload,
    "What every rule of the feed does, whatever it says itself, PASSTHRU included; cname needs override_target. To do nothing but record, use log_only.",
    "passthru|drop|nxdomain|nodata|tcp_only|cname"},
   from_table<&Feed::policy_override, &kOverrideTable>},
  {{"override_target", Kind::name, "", 0, 0, kAtReload,
    "With override cname: where every name leads to; \"*.garden.example\" takes the name's labels."},
   {[](Feed& feed, const Value& value) {
      feed.override_target = std::get<dns::Name>(value).to_text();
    },
    [](const Feed& a, const Feed& b) { return a.override_target == b.override_target; }}},
  {{"path", Kind::path, "", 0, 0, kAtReload,
    "A local file, read again when it changes. One of this, url, taxii and transfer."}, into<&Feed::path>},
  {{"qname_wait_recurse", Kind::choice, "", 0, 0, kAtReload,
    "What policy.qname_wait_recurse says, for this feed's rules; unset: as there.", kQnameWaits},
   into<&Feed::qname_wait_recurse>},
  {{"recursive_only", Kind::flag, "true", 0, 0, kAtReload,
    "The feed's rules leave queries alone that do not ask for recursion (RD=0): these are refused, whatever the name. false: its rules on names and clients are carried out for these, too."},
   into<&Feed::recursive_only>},
  {{"refresh_s", Kind::seconds, "3600", 60, 2'592'000, kAtReload,
    "How often url or taxii.url is asked, give or take a tenth."}, into<&Feed::refresh_s>},
  {{"scope", Kind::choice, "", 0, 0, kAtReload,
    "What a name stands for in hosts, domains, csv, stix, misp, maltrail and json feeds, and \"*.name\" in wildcard feeds, where the format's own meaning is wrong.",
    "exact|below|at_and_below"}, from_table<&Feed::scope, &kScopeTable>},
  {{"suberror", Kind::choice, "", 0, 0, kAtReload,
    "Why the feed's names are blocked, in structured errors (structured_error.contacts); unset: dns_policy where ede is blocked, else nothing.",
    "malware|phishing|spam|spyware|network_policy|dns_policy"},
   from_table<&Feed::suberror, &kSubErrorTable>},
  {{"taxii.collection", Kind::text, "", 0, 0, kAtReload,
    "The collection's id, title or alias."}, into<&Feed::taxii_collection>},
  {{"taxii.password_file", Kind::path, "", 0, 0, kAtReload,
    "A file whose first line is the password of taxii.user; read at each poll."},
   into<&Feed::taxii_password_file>},
  {{"taxii.tls_ca_file", Kind::path, "", 0, 0, kAtReload,
    "Authorities that the server's certificate must lead to; unset: the system's."},
   into<&Feed::taxii_tls_ca_file>},
  {{"taxii.token_file", Kind::path, "", 0, 0, kAtReload,
    "A file whose first line is a token, sent as \"Authorization: Bearer\" instead of user and password; read at each poll."},
   into<&Feed::taxii_token_file>},
  {{"taxii.url", Kind::url, "", 0, 0, kAtReload,
    "For stix: a TAXII 2.1 server's discovery, or an API root of it. Of the collection only what is new is fetched, every refresh_s; all objects seen so far are kept. Instead of url, path and transfer."},
   into<&Feed::taxii_url>},
  {{"taxii.user", Kind::text, "", 0, 0, kAtReload,
    "Who asks, with taxii.password_file (HTTP Basic)."}, into<&Feed::taxii_user>},
  {{"taxii.whole_every_s", Kind::seconds, "86400", 60, 2'592'000, kAtReload,
    "How often the whole collection is fetched anew: only so is seen what the server deleted. \"postern feed update\" does so too."},
   into<&Feed::taxii_whole_every_s>},
  {{"tlp", Kind::choice, "", 0, 0, kAtReload,
    "The marking (TLP 2.0) of all that the feed says, where its own are less strict or there are none: what is amber+strict or red is in no published TAXII collection.",
    "clear|green|amber|amber+strict|red"}, from_table<&Feed::tlp, &kTlpTable>},
  {{"transfer.max_refresh_s", Kind::seconds, "604800", 1, 604'800, kAtReload,
    "The zone is looked at at least this often, whatever its SOA says."},
   into<&Feed::transfer_max_refresh_s>},
  {{"transfer.min_refresh_s", Kind::seconds, "10", 1, 86'400, kAtReload,
    "The zone is looked at at most this often, whatever its SOA says; for retries too."},
   into<&Feed::transfer_min_refresh_s>},
  {{"transfer.on_expire", Kind::choice, "keep", 0, 0, kAtReload,
    "When no primary was reached for as long as the zone's SOA allows (expire): keep its last rules in force and say so as an error in the log, the feed's status and the metric postern_feed_expired, or drop them, as RFC 1035 asks of a secondary. Who cuts the primaries off should not thereby end the protection: hence keep.",
    "keep|drop"}, from_table<&Feed::transfer_drop_expired, &kExpireTable>},
  {{"transfer.primaries", Kind::servers, "", 0, 0, kAtReload,
    "Servers that have the zone, tried in order: 192.0.2.1, tcp://192.0.2.1:53, or tls://192.0.2.1:853#its.name (RFC 9103; or #pin-sha256=…)."},
   into<&Feed::transfer_primaries>},
  {{"transfer.tls_ca_file", Kind::path, "", 0, 0, kAtReload,
    "Authorities that certificates of tls:// primaries must lead to; unset: the system's."},
   into<&Feed::transfer_tls_ca_file>},
  {{"transfer.tsig.algorithm", Kind::choice, "hmac-sha256", 0, 0, kAtReload,
    "How transfers are signed (RFC 8945); as at the primary. MD5 and SHA-1 are refused.",
    "hmac-sha256|hmac-sha384|hmac-sha512"}, into<&Feed::transfer_tsig_algorithm>},
  {{"transfer.tsig.name", Kind::name, "", 0, 0, kAtReload,
    "The name of the TSIG key; then everything from the primaries must be signed with it."},
   into_text<&Feed::transfer_tsig_name>},
  {{"transfer.tsig.secret", Kind::text, "", 0, 0, kAtReload,
    "The key's secret in base64; better in a file of its own: secret_file."},
   into<&Feed::transfer_tsig_secret>},
  {{"transfer.tsig.secret_file", Kind::path, "", 0, 0, kAtReload,
    "A file that holds the secret in base64 and nothing else; read at each transfer."},
   into<&Feed::transfer_tsig_secret_file>},
  {{"transfer.zone", Kind::name, "", 0, 0, kAtReload,
    "For rpz: the zone, kept up to date from transfer.primaries as its SOA says, by IXFR where they can; the last good copy is kept. Instead of url or path."},
   into_text<&Feed::transfer_zone>},
  {{"ttl_s", Kind::seconds, "", 0, 86'400, kAtReload,
    "TTL of this feed's blocked answers; unset: policy.block_ttl_s."}, into<&Feed::ttl_s>},
  {{"url", Kind::url, "", 0, 0, kAtReload,
    "An http or https address, fetched every refresh_s; the last good copy is kept. One of this, path, taxii and transfer."},
   into<&Feed::url>},
  {{"url_hosts", Kind::flag, "false", 0, 0, kAtReload,
    "For stix, misp, maltrail and json: a URL with a path blocks its whole host; else it is skipped."},
   into<&Feed::url_hosts>},
};

constexpr Option<ForwardZone> kForwardOptions[] = {
  {{"servers", Kind::servers, "", 0, 0, kAtRestart,
    "Resolvers to ask: 192.0.2.1, udp://192.0.2.1:53, tcp://192.0.2.1:53, or tls://192.0.2.1:853#its.name (DNS over TLS).",
    {}, Presence::required}, into<&ForwardZone::servers>},
  {{"trust_ad", Kind::flag, "false", 0, 0, kAtRestart,
    "Believe these servers when they say that an answer is validated (AD); only where they and the way to them are yours."},
   into<&ForwardZone::trust_ad>},
  {{"zone", Kind::name, "", 0, 0, kAtRestart,
    "Names at and below it go to these servers; \".\" is everything.",
    {}, Presence::required}, into<&ForwardZone::zone>},
};

constexpr Option<Group> kGroupOptions[] = {
  {{"allow", Kind::patterns, "[]", 0, 0, kAtReload,
    "Names that are never blocked for these clients, before every list; written as in policy.allow."},
   into<&Group::allow>},
  {{"answer", Kind::choice, "", 0, 0, kAtReload,
    "What these clients get for blocked names, whatever the feed says.", kBlockAnswers},
   into<&Group::answer>},
  {{"block", Kind::patterns, "[]", 0, 0, kAtReload,
    "Names that are blocked for these clients unless allow has them, before every list."},
   into<&Group::block>},
  {{"client_ids", Kind::client_ids, "[]", 0, 0, kAtReload,
    "Names of clients that are in the group whatever their address, before all devices, as the forwarders of devices.edns_from say them."},
   into<&Group::client_ids>},
  {{"clients", Kind::prefixes, "[]", 0, 0, kAtReload,
    "Addresses and prefixes; over all groups the longest one that holds a client decides. None for the group \"default\"."},
   into<&Group::clients>},
  {{"devices", Kind::macs, "[]", 0, 0, kAtReload,
    "Hardware addresses of devices that are in the group whatever their IP address, before all clients; found in leases and the neighbour table, see devices."},
   into<&Group::devices>},
  {{"feeds", Kind::labels, "", 0, 0, kAtReload,
    "Which feeds are in force, first one first; unset: all, in the file's order. The lists \"allow\" and \"block\" and the pack \"hafnium\" come before them by themselves; name one to give it another place."},
   into<&Group::feeds>},
  {{"name", Kind::label, "", 0, 0, kAtReload,
    "What the group is called. \"default\" holds the clients of no other group.",
    {}, Presence::required}, into<&Group::name>},
  {{"tenant", Kind::label, "", 0, 0, kAtReload,
    "Whose group it is: it then has what the tenant has, and its own on top (docs/reference/who.md)."},
   into<&Group::tenant>},
  {{"without", Kind::labels, "[]", 0, 0, kAtReload,
    "Feeds and lists that are not in force for these clients: \"hafnium\", \"allow\" and \"block\" too."},
   into<&Group::without>},
};

constexpr Option<Key> kKeyOptions[] = {
  {{"algorithm", Kind::choice, "hmac-sha256", 0, 0, kAtReload,
    "How messages are signed; as at the other side. MD5 and SHA-1 are refused.",
    "hmac-sha256|hmac-sha384|hmac-sha512"}, into<&Key::algorithm>},
  {{"name", Kind::name, "", 0, 0, kAtReload,
    "What both sides call the key.", {}, Presence::required}, into<&Key::name>},
  {{"secret", Kind::text, "", 0, 0, kAtReload,
    "The key's secret in base64; better in a file of its own: secret_file."}, into<&Key::secret>},
  {{"secret_file", Kind::path, "", 0, 0, kAtReload,
    "A file that holds the secret in base64 and nothing else; looked at every few seconds, so that it can be changed."},
   into<&Key::secret_file>},
};

constexpr Option<Publish> kPublishOptions[] = {
  {{"clients", Kind::prefixes, "[]", 0, 0, kAtReload,
    "Secondaries that may have the zone, by address; unset: any that sign with one of keys. With both, both must be right. access.allow has no say."},
   into<&Publish::clients>},
  {{"group", Kind::label, "default", 0, 0, kAtReload,
    "Whose policy it is. A group that is published need have no clients of its own."},
   into<&Publish::group>},
  {{"history", Kind::octets, "16MiB", 0, 1ULL << 32, kAtReload,
    "Memory for the latest changes, which secondaries get by IXFR; older copies get the whole zone."},
   into<&Publish::history_octets>},
  {{"keys", Kind::names, "[]", 0, 0, kAtReload,
    "Names of the keys, defined under keys, of which one must have signed a request (TSIG)."},
   into<&Publish::keys>},
  {{"name", Kind::label, "", 0, 0, kAtReload,
    "What the zone is called in the log and metrics: a-z, 0-9, \".\", \"_\", \"-\", at most 32.",
    {}, Presence::required}, into<&Publish::name>},
  {{"notify", Kind::endpoints, "[]", 0, 0, kAtReload,
    "Secondaries that are told of each change (RFC 1996), signed with the first of keys."},
   into<&Publish::notify>},
  {{"taxii.password_file", Kind::path, "", 0, 0, kAtReload,
    "A file whose first line is the password of taxii.user; read at each request, so that it can be changed."},
   into<&Publish::taxii_password_file>},
  {{"taxii.title", Kind::text, "", 0, 0, kAtReload,
    "The policy is a TAXII 2.1 collection of this title too, of STIX indicators, under /taxii2/ of console.listen. What is marked TLP:RED or TLP:AMBER+STRICT is not in it."},
   into<&Publish::taxii_title>},
  {{"taxii.token_file", Kind::path, "", 0, 0, kAtReload,
    "A file whose first line is the token of those who may poll (\"Authorization: Bearer\"); read at each request."},
   into<&Publish::taxii_token_file>},
  {{"taxii.user", Kind::text, "", 0, 0, kAtReload,
    "Who may poll, with taxii.password_file (HTTP Basic)."}, into<&Publish::taxii_user>},
  {{"tls_only", Kind::flag, "false", 0, 0, kAtReload,
    "Give the zone over server.transfer_tls alone; without TLS only its serial is told."},
   into<&Publish::tls_only>},
  {{"wildcards", Kind::choice, "rfc4592", 0, 0, kAtReload,
    "How the secondaries read wildcards: rfc4592 for BIND and Unbound, to which a name that exists hides those above it; longest for PowerDNS Recursor.",
    "rfc4592|longest"}, into<&Publish::wildcards>},
  {{"zone", Kind::name, "", 0, 0, kAtReload,
    "The name of the response policy zone, e.g. policy.postern; its SOA is answered to those who may have it.",
    {}, Presence::required}, into<&Publish::zone>},
};
// clang-format on

// clang-format off
constexpr Option<Vote> kVoteOptions[] = {
  {{"by_confidence", Kind::flag, "false", 0, 0, kAtReload,
    "A vote counts as much as the confidence that its indicator states: 80 is 0.8 of a vote. Who states none has a whole one."},
   into<&Vote::by_confidence>},
  {{"doubt.feeds", Kind::labels, "[]", 0, 0, kAtReload,
    "Feeds of names that are not lightly blocked, e.g. the most popular ones; they block nothing by themselves."},
   into<&Vote::doubt_feeds>},
  {{"doubt.need", Kind::count, "0", 0, 64, kAtReload,
    "So many votes a name needs that one of doubt.feeds has; 0: it is never blocked."},
   into<&Vote::doubt_need>},
  {{"feeds", Kind::labels, "", 0, 0, kAtReload,
    "The feeds that vote. They block nothing by themselves, unless a group's feeds name them.",
    {}, Presence::required}, into<&Vote::feeds>},
  {{"half_life_days", Kind::days, "0", 0, 3650, kAtReload,
    "A vote counts half when its indicator was first seen so long ago, a quarter after twice as long; 0: votes do not age. Indicators that do not say since when they are known do not age."},
   into<&Vote::half_life_days>},
  {{"log_only", Kind::flag, "false", 0, 0, kAtReload,
    "Record what would be blocked, and block nothing."}, into<&Vote::log_only>},
  {{"name", Kind::label, "", 0, 0, kAtReload,
    "What the list is called, as a feed is.", {}, Presence::required}, into<&Vote::name>},
  {{"need", Kind::count, "2", 1, 64, kAtReload,
    "So many of the feeds must have a name for it to be blocked."}, into<&Vote::need>},
};

constexpr Option<Tenant> kTenantOptions[] = {
  {{"allow", Kind::patterns, "[]", 0, 0, kAtReload,
    "Names that are never blocked for the clients of the tenant's groups, before every list; written as in policy.allow."},
   into<&Tenant::allow>},
  {{"answer", Kind::choice, "", 0, 0, kAtReload,
    "What these clients get for blocked names, unless their group says otherwise.", kBlockAnswers},
   into<&Tenant::answer>},
  {{"block", Kind::patterns, "[]", 0, 0, kAtReload,
    "Names that are blocked for these clients unless allow, or their group's, has them."},
   into<&Tenant::block>},
  {{"feeds", Kind::labels, "", 0, 0, kAtReload,
    "Which feeds are in force for groups that do not say it themselves; written as theirs."},
   into<&Tenant::feeds>},
  {{"name", Kind::label, "", 0, 0, kAtReload,
    "What the tenant is called.", {}, Presence::required}, into<&Tenant::name>},
  {{"without", Kind::labels, "[]", 0, 0, kAtReload,
    "Feeds and lists that are in force for none of the tenant's groups."},
   into<&Tenant::without>},
};

constexpr Option<Schedule> kScheduleOptions[] = {
  {{"name", Kind::label, "", 0, 0, kAtReload,
    "What the schedule is called.", {}, Presence::required}, into<&Schedule::name>},
  {{"time_zone", Kind::text, "UTC", 0, 0, kAtReload,
    "Whose wall clock it goes by, e.g. Europe/Berlin; summer time is followed."},
   into<&Schedule::time_zone>},
  {{"windows", Kind::windows, "", 0, 0, kAtReload,
    "When it holds: \"mon-fri 21:00-07:00\" (into the next morning), \"sat,sun 00:00-24:00\", \"daily 12:00-13:00\".",
    {}, Presence::required}, into<&Schedule::windows>},
};

constexpr Option<During> kDuringOptions[] = {
  {{"allow", Kind::patterns, "[]", 0, 0, kAtReload,
    "Names that are not blocked in these hours; before the group's own lists."},
   into<&During::allow>},
  {{"answer", Kind::choice, "", 0, 0, kAtReload,
    "What these clients then get for blocked names.", kBlockAnswers}, into<&During::answer>},
  {{"block", Kind::patterns, "[]", 0, 0, kAtReload,
    "Names that are blocked in these hours unless allow has them; before the group's own lists."},
   into<&During::block>},
  {{"block_all", Kind::flag, "false", 0, 0, kAtReload,
    "Block every name that neither allow here nor an exception for the client has."},
   into<&During::block_all>},
  {{"feeds", Kind::labels, "", 0, 0, kAtReload,
    "Which feeds are in force; unset: as ever. Written as groups[].feeds."},
   into<&During::feeds>},
  {{"group", Kind::label, "", 0, 0, kAtReload,
    "The group that it is for; of several items of a group the first whose schedule holds counts.", {}, Presence::required},
   into<&During::group>},
  {{"schedule", Kind::label, "", 0, 0, kAtReload,
    "While this schedule holds.", {}, Presence::required}, into<&During::schedule>},
  {{"without", Kind::labels, "[]", 0, 0, kAtReload,
    "Feeds and lists that are not in force in these hours."}, into<&During::without>},
};
// clang-format on

template <class Target, std::size_t N>
consteval bool sorted_and_explained(const Option<Target> (&options)[N]) {
  for (std::size_t i = 0; i < N; ++i) {
    const Spec& spec = options[i].spec;
    if (spec.help.empty()) return false;
    if ((spec.kind == Kind::choice) == spec.choices.empty()) return false;
    if (i > 0 && !(options[i - 1].spec.path < spec.path)) return false;
  }
  return true;
}
static_assert(sorted_and_explained(kOptions));
static_assert(sorted_and_explained(kFeedOptions));
static_assert(sorted_and_explained(kForwardOptions));
static_assert(sorted_and_explained(kGroupOptions));
static_assert(sorted_and_explained(kTenantOptions));
static_assert(sorted_and_explained(kScheduleOptions));
static_assert(sorted_and_explained(kDuringOptions));
static_assert(sorted_and_explained(kKeyOptions));
static_assert(sorted_and_explained(kPublishOptions));
static_assert(sorted_and_explained(kVoteOptions));

template <class Target>
std::vector<Spec> specs_of(std::span<const Option<Target>> options) {
  std::vector<Spec> specs;
  for (const Option<Target>& option : options) specs.push_back(option.spec);
  return specs;
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::count:
      return "whole number";
    case Kind::seconds:
      return "seconds";
    case Kind::milliseconds:
      return "milliseconds";
    case Kind::days:
      return "days";
    case Kind::octets:
      return "size";
    case Kind::flag:
      return "true or false";
    case Kind::choice:
      return "one of";
    case Kind::text:
      return "text";
    case Kind::character:
      return "character";
    case Kind::path:
      return "path";
    case Kind::paths:
      return "list of paths";
    case Kind::name:
      return "name";
    case Kind::windows:
      return "list of hours";
    case Kind::macs:
      return "list of hardware addresses";
    case Kind::client_ids:
      return "list of client ids";
    case Kind::names:
    case Kind::patterns:
      return "list of names";
    case Kind::label:
      return "label";
    case Kind::labels:
      return "list of labels";
    case Kind::address_v4:
      return "IPv4 address";
    case Kind::address_v6:
      return "IPv6 address";
    case Kind::prefixes:
      return "list of prefixes";
    case Kind::endpoint:
      return "address:port";
    case Kind::endpoints:
      return "list of address:port";
    case Kind::url:
      return "URL";
    case Kind::urls:
      return "list of URLs";
    case Kind::contacts:
      return "list of contacts";
    case Kind::servers:
      return "list of servers";
  }
  return "value";
}

std::span<const Option<Config>> config_options() {
  return kOptions;
}
std::span<const Option<Feed>> feed_options() {
  return kFeedOptions;
}
std::span<const Option<Group>> group_options() {
  return kGroupOptions;
}
std::span<const Option<Schedule>> schedule_options() {
  return kScheduleOptions;
}
std::span<const Option<During>> during_options() {
  return kDuringOptions;
}
std::span<const Option<Tenant>> tenant_options() {
  return kTenantOptions;
}
std::span<const Option<ForwardZone>> forward_options() {
  return kForwardOptions;
}

std::span<const Option<Key>> key_options() {
  return kKeyOptions;
}
std::span<const Option<Publish>> publish_options() {
  return kPublishOptions;
}

std::span<const Option<Vote>> vote_options() {
  return kVoteOptions;
}

std::vector<Spec> config_specs() {
  return specs_of(config_options());
}

std::vector<ListSpec> list_specs() {
  return {
      {"during", kAtReload, "What else is in force for a group at some hours.",
       specs_of(during_options()),
       "- group: kids\n  schedule: bedtime\n  block_all: true\n  allow: ['*.school.example']\n"},
      {"feeds", kAtReload,
       "Sources of names to block or allow, in order: the first that has a name decides. Before "
       "them come policy.allow, policy.block and the packs.",
       specs_of(feed_options()),
       "- name: urlhaus\n  url: https://urlhaus.abuse.ch/downloads/hostfile/\n  format: hosts\n"},
      {"groups", kAtReload, "Clients with a policy of their own.", specs_of(group_options()),
       "- name: kitchen\n  clients: [192.168.7.0/24]\n  feeds: []\n  without: [block]\n"},
      {"keys", kAtReload, "Secrets shared with other name servers, for TSIG (RFC 8945).",
       specs_of(key_options()), "- name: policy-key\n  secret_file: /etc/postern/policy.key\n"},
      {"publish", kAtReload,
       "Policy zones that other name servers (BIND, Knot, Unbound, PowerDNS) may transfer from "
       "server.listen by AXFR and IXFR.",
       specs_of(publish_options()),
       "- name: office\n  zone: policy.postern\n  clients: [192.0.2.53]\n  notify: "
       "['192.0.2.53:53']\n"},
      {"resolver.forward", kAtRestart,
       "Zones that are asked of given servers: internal domains, or everything.",
       specs_of(forward_options()),
       "- zone: corp.example\n  servers: [10.0.0.53, 'tls://10.0.0.54:853#dns.corp.example']\n"},
      {"schedules", kAtReload, "Hours of the week, by the wall clock of a place.",
       specs_of(schedule_options()),
       "- name: bedtime\n  time_zone: Europe/Berlin\n  windows: ['sun-thu 21:00-07:00', 'fri,sat "
       "23:00-08:00']\n"},
      {"tenants", kAtReload, "Organisations: what their groups have in common.",
       specs_of(tenant_options()),
       "- name: school\n  allow: ['*.books.example']\n  block: [games.example]\n"},
      {"votes", kAtReload,
       "Lists that block what several feeds agree on. Each comes behind the feeds, in the file's "
       "order.",
       specs_of(vote_options()),
       "- name: agreed\n  feeds: [urlhaus, threatfox, cert]\n  need: 2\n  doubt: {feeds: "
       "[popular], need: 3}\n"},
  };
}

}  // namespace postern::config
