// Config: the checked, immutable configuration; and how YAML text becomes one.
//
// One option table (options.h) gives every option its path, kind, default, range and help; the
// parser, the defaults, the documentation and the JSON schema are made from it. Known to `app`
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/mac.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/tsig.h"
#include "intel/gate.h"
#include "policy/rule.h"
#include "policy/schedule.h"

namespace postern::config {

enum class Severity : std::uint8_t { mistake, warning };

/// One mistake in a configuration, to be shown as "FILE:LINE:COLUMN: what; what to do"; or a
/// warning, of what is taken and probably not meant.
struct Problem {
  std::size_t line = 0;  ///< From 1; 0 where there is no place.
  std::size_t column = 0;
  std::string path;    ///< "feeds[2].format".
  std::string text;    ///< What is wrong.
  std::string advice;  ///< What to do.
  Severity severity = Severity::mistake;
};

/// Where something stands in the file.
struct Place {
  std::size_t line = 0;  ///< From 1; 0 where there is none.
  std::size_t column = 0;
};

enum class ResolverMode : std::uint8_t { recurse, forward };
struct ForwardZone {
  dns::Name zone;  ///< "." for everything.
  std::vector<std::string>
      servers;            ///< "udp://192.0.2.1:53", "tcp://…", "tls://192.0.2.1:853#name".
  bool trust_ad = false;  ///< Take the servers' AD bit for validated (RFC 4035 §4.9.3).

  bool operator==(const ForwardZone&) const = default;
};

struct Feed {
  std::string name;
  std::string format;  ///< intel::Format's text.
  std::string url;     ///< Empty where `path` is set.
  std::vector<std::string> mirrors;
  std::string path;
  std::uint32_t refresh_s = 3600;
  std::string scope;  ///< "", "exact", "below", "at_and_below".
  bool allow = false;
  std::optional<policy::BlockAnswer> answer;
  std::optional<std::uint32_t> ttl_s;
  dns::EdeCode ede = dns::EdeCode::blocked;
  bool log_only = false;
  std::string csv_column = "domain";
  char csv_separator = ',';
  bool csv_has_header = true;
  std::string json_field = "domain";
  std::string json_removed;
  bool url_hosts = false;
  std::uint32_t min_confidence = 0;  ///< 0 to 100; stix only.
  policy::Sharing tlp = policy::Sharing::unmarked;
  std::string origin;           ///< rpz only; "" = the SOA's owner.
  std::string policy_override;  ///< "", or one of the choices of `override`.
  std::string override_target;  ///< For "cname".
  std::uint32_t max_ttl_s = 604'800;
  std::uint64_t max_octets = 256U << 20;
  // A zone by AXFR and IXFR; in place of `url` and `path`.
  std::string transfer_zone;
  std::vector<std::string> transfer_primaries;
  std::string transfer_tls_ca_file;
  std::string transfer_tsig_name;
  dns::TsigAlgorithm transfer_tsig_algorithm = dns::TsigAlgorithm::hmac_sha256;
  std::string transfer_tsig_secret;
  std::string transfer_tsig_secret_file;
  std::uint32_t transfer_min_refresh_s = 10;
  std::uint32_t transfer_max_refresh_s = 604'800;
  bool transfer_drop_expired = false;
  // A TAXII collection; in place of these.
  std::string taxii_url;
  std::string taxii_collection;
  std::string taxii_user;
  std::string taxii_password_file;
  std::string taxii_token_file;
  std::string taxii_tls_ca_file;
  std::uint32_t taxii_whole_every_s = 86'400;
  std::optional<intel::GateMode> gate;  ///< Unset: as fits where the feed comes from.
  // What policy::ZoneOptions has of the same names.
  bool recursive_only = true;
  bool break_dnssec = true;
  std::optional<policy::QnameWait> qname_wait_recurse;  ///< Unset: Config's.
  bool nsdname_wait = true;
  bool nsip_wait = true;
  std::optional<policy::SubError> suberror;
  std::vector<std::string> force;  ///< Names, see intel::Lint.
  // Where the file says what the feed is read from, for complaints about that.
  std::string source_key;  ///< "feeds[2].path".
  Place source_place;
};

/// A list that blocks what enough feeds have.
struct Vote {
  std::string name;
  std::vector<std::string> feeds;  ///< That vote.
  std::uint32_t need = 2;
  std::vector<std::string> doubt_feeds;
  std::uint32_t doubt_need = 0;  ///< 0: never blocked.
  bool by_confidence = false;
  std::uint32_t half_life_days = 0;  ///< 0: votes do not age.
  bool log_only = false;
};

/// An organisation: what its groups have in common. See tenants.h.
struct Tenant {
  std::string name;
  std::optional<std::vector<std::string>> feeds;
  std::vector<std::string> without;
  std::optional<policy::BlockAnswer> answer;
  std::vector<std::string> allow;  ///< Names, "*.name"; before all lists, as exceptions are.
  std::vector<std::string> block;
};

struct Group {
  std::string name;
  std::string tenant;  ///< "": nobody's.
  std::vector<IpPrefix> clients;
  std::vector<MacAddress> devices;
  std::vector<std::string> client_ids;            ///< Each one a policy::ClientId.
  std::optional<std::vector<std::string>> feeds;  ///< In order; unset: all, in the file's order.
  std::vector<std::string> without;               ///< Not in force; see groups.h.
  std::optional<policy::BlockAnswer> answer;
  std::vector<std::string> allow;  ///< As a tenant's.
  std::vector<std::string> block;
};

/// Hours of the week at a place.
struct Schedule {
  std::string name;
  std::string time_zone = "UTC";
  std::vector<std::string> windows;  ///< As policy::window_from_text takes them.
  policy::TimeZone zone{};           ///< Of `time_zone`; to be filled by who can read it.
  Place zone_place;                  ///< Where the file names it.
};

/// What is in force for a group while a schedule holds; what it leaves out is as ever.
struct During {
  std::string group;
  std::string schedule;
  std::optional<std::vector<std::string>> feeds;
  std::vector<std::string> without;
  std::optional<policy::BlockAnswer> answer;
  std::vector<std::string> allow;
  std::vector<std::string> block;
  bool block_all = false;  ///< All that no `allow` of these hours names.
};

/// A TSIG key that we share with another name server (RFC 8945).
struct Key {
  dns::Name name;
  dns::TsigAlgorithm algorithm = dns::TsigAlgorithm::hmac_sha256;
  std::string secret;  ///< In base64; empty where `secret_file` is set.
  std::string secret_file;
};

/// How a secondary reads wildcards (RFC 4592: a name that exists hides those above it).
enum class Wildcards : std::uint8_t { rfc4592, longest };

/// A group's policy as a zone that other name servers may have.
struct Publish {
  std::string name;
  dns::Name zone;
  std::string group = "default";
  Wildcards wildcards = Wildcards::rfc4592;
  std::vector<IpPrefix> clients;
  std::vector<std::string> keys;  ///< Names of `Config::keys`.
  std::vector<Endpoint> notify;
  std::uint64_t history_octets = 16U << 20;
  bool tls_only = false;
  // As a TAXII collection too, where there is a title.
  std::string taxii_title;
  std::string taxii_user;
  std::string taxii_password_file;
  std::string taxii_token_file;
};

struct Config {
  // server
  std::vector<Endpoint> listen;
  std::uint32_t workers = 0;  ///< 0: one per core.
  std::uint32_t udp_max_octets = 1232;
  std::uint32_t tcp_max_connections = 1000;
  std::uint32_t tcp_max_pipelined = 100;
  std::uint32_t tcp_idle_timeout_ms = 10'000;
  std::vector<Endpoint> transfer_tls_listen;
  std::string transfer_tls_certificate_file;
  std::string transfer_tls_key_file;
  std::vector<IpPrefix> access_allow;
  // resolver
  ResolverMode resolver_mode = ResolverMode::recurse;
  std::uint32_t resolver_threads = 0;  ///< 0: one per core.
  bool dnssec = true;
  std::vector<std::string> trust_anchor_files;  ///< Empty: the built-in root anchors.
  std::string root_hints_file;                  ///< Empty: the built-in hints.
  bool query_localhost = false;             ///< Let recursion ask servers on loopback: for tests.
  std::vector<ForwardZone> forward;         ///< In recurse mode: conditional forwarding.
  std::uint32_t answer_deadline_ms = 4000;  ///< SERVFAIL after it.
  std::uint32_t stale_after_ms = 1800;      ///< A stale answer after it (RFC 8767 §5).
  // cache
  std::uint64_t cache_octets = 64U << 20;  ///< All workers together.
  std::uint32_t cache_max_ttl_s = 86'400;
  std::uint32_t cache_stale_for_s = 86'400;
  // policy
  policy::BlockAnswer block_answer = policy::BlockAnswer::nxdomain;
  std::uint32_t block_ttl_s = 10;
  std::optional<IpAddress> sinkhole_v4;
  std::optional<IpAddress> sinkhole_v6;
  std::vector<std::string> allow;  ///< Names, "*.name"; before everything else.
  std::vector<std::string> block;  ///< After `allow`, before the feeds.
  std::vector<std::string> force;  ///< Of `block`, and of the own lists of groups, as a feed's.
  policy::QnameWait qname_wait_recurse = policy::QnameWait::as_needed;
  std::uint32_t min_ns_dots = 1;
  bool pack_hafnium = true;  ///< The built-in indicator pack.
  std::vector<Feed> feeds;
  std::vector<Vote> votes;
  std::vector<Tenant> tenants;
  std::vector<Schedule> schedules;
  std::vector<During> during;
  std::vector<Group> groups;  ///< The default group ("default") is always there.
  std::vector<Key> keys;
  std::vector<Publish> publish;
  // devices
  std::vector<std::string> dnsmasq_leases;
  std::vector<std::string> isc_leases;
  std::vector<std::string> kea_leases;
  std::vector<IpPrefix> identity_from;
  bool neighbours = true;
  // gate
  std::uint32_t gate_days = 14;
  std::uint32_t gate_max_names = 1'000'000;
  std::uint32_t gate_max_clients_percent = 20;
  std::uint32_t gate_max_growth = 10;
  std::uint32_t gate_max_queries_percent = 5;
  std::uint32_t gate_max_shrink_percent = 40;
  std::uint32_t gate_max_top_names = 10;
  std::uint32_t gate_top_names = 1000;
  std::vector<std::string> gate_own_domains;
  std::vector<IpPrefix> gate_own_networks;
  std::vector<std::string> gate_partner_domains;
  std::uint32_t gate_watch_minutes = 30;
  std::string gate_canary_group;
  std::uint32_t gate_canary_minutes = 30;
  // structured_error
  std::vector<std::string> error_contacts;  ///< URIs; none: no structured errors.
  std::string error_organization;
  std::uint32_t error_option_code = 0;  ///< 0: none.
  // journal
  bool journal_enabled = true;
  std::uint32_t journal_days = 180;
  std::uint64_t journal_max_octets = 4ULL << 30;
  // console
  bool console_enabled = true;
  std::optional<Endpoint> console_listen;
  std::vector<std::string> console_hosts;  ///< Names it is reached by, besides its address.
  // places
  std::string state_dir;       ///< Absolute where the file's folder is known.
  std::string control_socket;  ///< Empty: `state_dir`/control.sock.
};

struct Outcome {
  std::optional<Config> config;   ///< Unset where there is any problem.
  std::vector<Problem> problems;  ///< All mistakes, in the file's order.
  std::vector<Problem> warnings;  ///< Only where there is no mistake; in the file's order.
};

/// Reads and checks a whole file's text. Finds all mistakes in one go. "" gives the defaults.
/// `folder` is the file's, which its relative paths are of; "" leaves them as they are.
Outcome parse(std::string_view yaml, std::string_view folder = {});

/// The warning of clients that are refused because access.allow has no one but this machine, or no
/// one at all; without a place. `parse` gives it too; this is for listeners that are not of the
/// file.
std::optional<Problem> access_warning(const Config& config);

/// The paths of options that differ between the two and take effect only at a restart.
std::vector<std::string> needs_restart(const Config& running, const Config& wanted);

/// "FILE:LINE:COLUMN: path: text; advice", of a warning "FILE:LINE:COLUMN: warning: path: …".
std::string to_text(const Problem& problem, std::string_view file);

/// The option table as a Markdown reference, and as a JSON schema (draft 2020-12).
std::string reference_markdown();
std::string json_schema();
/// A commented example file holding every option at its default.
std::string example_yaml();

}  // namespace postern::config
