#include "app/wiring.h"

#include <algorithm>

#include "app/process.h"
#include "app/server_commands.h"
#include "base/assert.h"
#include "config/groups.h"
#include "config/schedules.h"
#include "feeds/obtain.h"
#include "intel/feed_name.h"
#include "policy/in_force.h"

namespace postern::app {
namespace {

/// What reading and building may take at least, however small the machine.
constexpr std::uint64_t kLeastBuildMemory = std::uint64_t{512} << 20;

/// The options of a zone that says nothing for itself.
policy::ZoneOptions zone_options(std::string_view name, const config::Config& config) {
  policy::ZoneOptions zone;
  zone.name = name;
  zone.answer = config.block_answer;
  zone.sinkhole_v4 = config.sinkhole_v4;
  zone.sinkhole_v6 = config.sinkhole_v6;
  zone.ttl_s = config.block_ttl_s;
  zone.qname_wait = config.qname_wait_recurse;
  return zone;
}

/// policy.allow or policy.block as a feed, a name a line.
feeds::Source list_source(std::string_view name, const std::vector<std::string>& patterns,
                          const config::Config& config) {
  feeds::Source source;
  source.zone = zone_options(name, config);
  source.format.format = intel::Format::wildcard;
  source.format.allow = name == "allow";
  for (const std::string& pattern : patterns) source.text += pattern + "\n";
  return source;
}

/// The names of an own list, as exceptions that have no end.
void add_list(const std::vector<std::string>& patterns, policy::Action action,
              const policy::Audience& audience, std::vector<policy::Exception>& all) {
  for (const std::string& pattern : patterns) {
    const bool is_wildcard = pattern.starts_with("*.");
    const auto name =
        intel::read_domain(is_wildcard ? std::string_view(pattern).substr(2) : pattern);
    POSTERN_ASSERT(name.has_value());  // Checked by config.
    all.push_back({.name = *name,
                   .scope = is_wildcard ? policy::Scope::at_and_below : policy::Scope::exact,
                   .action = action,
                   .audience = audience,
                   .owner = "configuration"});
  }
}

std::optional<policy::Scope> scope_of(std::string_view text) {
  if (text == "exact") return policy::Scope::exact;
  if (text == "below") return policy::Scope::below;
  if (text == "at_and_below") return policy::Scope::at_and_below;
  return std::nullopt;
}

std::vector<std::uint16_t> places_of(const std::vector<std::string>& names,
                                     const std::vector<feeds::Source>& sources) {
  std::vector<std::uint16_t> places;
  for (const std::string& name : names) {
    const auto at =
        std::ranges::find(sources, name, [](const feeds::Source& s) { return s.zone.name; });
    POSTERN_ASSERT(at != sources.end());  // Checked by config.
    places.push_back(static_cast<std::uint16_t>(at - sources.begin()));
  }
  return places;
}

/// A list that the feeds before it vote on.
feeds::Source vote_source(const config::Vote& vote, const config::Config& config,
                          const std::vector<feeds::Source>& sources) {
  constexpr std::uint32_t kDay = 86'400;
  feeds::Source source;
  source.zone = zone_options(vote.name, config);
  source.zone.log_only = vote.log_only;
  source.zone.pass_is_own = true;
  source.zone.votes = {.zones = places_of(vote.feeds, sources),
                       .need = vote.need,
                       .doubts = places_of(vote.doubt_feeds, sources),
                       .doubt_need = vote.doubt_need,
                       .by_confidence = vote.by_confidence,
                       .half_life_s = vote.half_life_days * kDay};
  return source;
}

std::vector<feeds::Source> sources_of(const config::Config& config) {
  std::vector<feeds::Source> sources;
  if (!config.allow.empty()) sources.push_back(list_source("allow", config.allow, config));
  if (!config.block.empty()) sources.push_back(list_source("block", config.block, config));
  for (const intel::Pack& pack : intel::built_in_packs()) {
    if (pack.name == "hafnium" && !config.pack_hafnium) continue;
    feeds::Source source;
    source.zone = zone_options(pack.name, config);
    source.format = intel::pack_feed_options();
    source.zone.sub_error = policy::SubError::malware;
    source.text = pack.csv;
    sources.push_back(std::move(source));
  }
  for (const config::Feed& feed : config.feeds) sources.push_back(source_of(feed, config));
  for (const config::Vote& vote : config.votes)
    sources.push_back(vote_source(vote, config, sources));
  return sources;
}

std::vector<dns::Name> names_of(const std::vector<std::string>& texts) {
  std::vector<dns::Name> names;
  for (const std::string& text : texts) {
    if (const auto name = dns::Name::from_text(text)) names.push_back(*name);
  }
  return names;
}

intel::GateRules gate_rules(const config::Config& config) {
  return {.own_domains = names_of(config.gate_own_domains),
          .partner_domains = names_of(config.gate_partner_domains),
          .own_networks = config.gate_own_networks,
          .top_names = config.gate_top_names,
          .max_top_names = config.gate_max_top_names,
          .max_clients_percent = config.gate_max_clients_percent,
          .max_queries_percent = config.gate_max_queries_percent,
          .max_shrink_percent = config.gate_max_shrink_percent,
          .max_growth = config.gate_max_growth};
}

/// The indices of the zones in force for a group. A built-in list that is empty or off has no zone,
/// and is passed over.
std::vector<std::uint16_t> zones_of(const config::Group& group, const config::Config& config,
                                    const std::vector<feeds::Source>& sources) {
  std::vector<std::uint16_t> zones;
  for (const std::string& name : config::lists_of(config, group)) {
    const auto at =
        std::ranges::find(sources, name, [](const feeds::Source& s) { return s.zone.name; });
    if (at != sources.end()) zones.push_back(static_cast<std::uint16_t>(at - sources.begin()));
  }
  return zones;
}

unsigned or_cores(std::uint32_t count, unsigned cores) {
  return count != 0 ? count : std::max(1U, cores);
}

/// How a zone is transferred; nothing for a feed that is no such.
std::optional<feeds::TransferSource> transfer_of(const config::Feed& feed) {
  const auto zone = dns::Name::from_text(feed.transfer_zone);
  if (!zone) return std::nullopt;
  feeds::TransferSource transfer;
  transfer.zone = *zone;
  transfer.primaries = feed.transfer_primaries;
  transfer.tls_ca_file = feed.transfer_tls_ca_file;
  if (const auto key = dns::Name::from_text(feed.transfer_tsig_name)) {
    transfer.tsig = {*key, feed.transfer_tsig_algorithm, feed.transfer_tsig_secret,
                     feed.transfer_tsig_secret_file};
  }
  transfer.min_refresh = seconds(feed.transfer_min_refresh_s);
  transfer.max_refresh = seconds(feed.transfer_max_refresh_s);
  using enum feeds::OnExpire;
  transfer.on_expire = feed.transfer_drop_expired ? drop : keep;
  return transfer;
}

/// Where a collection is polled; nothing for a feed that is no such.
std::optional<feeds::TaxiiSource> taxii_of(const config::Feed& feed) {
  if (feed.taxii_url.empty()) return std::nullopt;
  return feeds::TaxiiSource{.url = feed.taxii_url,
                            .collection = feed.taxii_collection,
                            .user = feed.taxii_user,
                            .password_file = feed.taxii_password_file,
                            .token_file = feed.taxii_token_file,
                            .tls_ca_file = feed.taxii_tls_ca_file,
                            .whole_every = seconds(feed.taxii_whole_every_s)};
}

}  // namespace

std::optional<policy::Override> override_of(const config::Feed& feed) {
  static constexpr std::pair<std::string_view, policy::Action> kActions[] = {
      {"passthru", policy::Action::pass},     {"drop", policy::Action::drop},
      {"nxdomain", policy::Action::nxdomain}, {"nodata", policy::Action::nodata},
      {"tcp_only", policy::Action::tcp_only}, {"cname", policy::Action::local_data},
  };
  for (const auto& [text, action] : kActions) {
    if (feed.policy_override != text) continue;
    policy::Override instead{.action = action};
    if (action == policy::Action::local_data) {
      const auto target = dns::Name::from_text(feed.override_target);
      POSTERN_ASSERT(target.has_value());  // Checked by config.
      const OctetView wire = target->wire();
      // TTL 0: the zone's.
      instead.local_data.push_back({dns::RRType::cname, 0, {wire.begin(), wire.end()}});
    }
    return instead;
  }
  return std::nullopt;
}

feeds::Source source_of(const config::Feed& feed, const config::Config& config) {
  feeds::Source source;
  source.zone = zone_options(feed.name, config);
  if (feed.answer) source.zone.answer = *feed.answer;
  if (feed.ttl_s) source.zone.ttl_s = *feed.ttl_s;
  source.zone.ede = feed.ede;
  source.zone.log_only = feed.log_only;
  source.zone.sharing = feed.tlp;
  source.zone.max_ttl_s = feed.max_ttl_s;
  source.zone.policy_override = override_of(feed);
  source.zone.recursive_only = feed.recursive_only;
  source.zone.break_dnssec = feed.break_dnssec;
  source.zone.qname_wait = feed.qname_wait_recurse.value_or(config.qname_wait_recurse);
  source.zone.nsdname_wait = feed.nsdname_wait;
  source.zone.nsip_wait = feed.nsip_wait;
  if (feed.suberror) source.zone.sub_error = *feed.suberror;
  const auto format = intel::format_from_text(feed.format);
  POSTERN_ASSERT(format.has_value());  // config's table and intel's formats are one set; tested.
  source.format.format = *format;
  // A list of names to block takes names out of itself; a policy zone decides for those behind it.
  source.zone.pass_is_own = !feed.allow && *format != intel::Format::rpz;
  source.format.scope = scope_of(feed.scope);
  source.format.allow = feed.allow;
  if (const auto origin = dns::Name::from_text(feed.origin)) source.format.origin = *origin;
  source.format.csv = {feed.csv_column, feed.csv_separator, feed.csv_has_header};
  source.format.json = {feed.json_field, feed.json_removed};
  source.format.url_hosts = feed.url_hosts;
  source.format.min_confidence = feed.min_confidence;
  source.path = feed.path;
  source.url = feed.url;
  source.transfer = transfer_of(feed);
  if (source.transfer) source.format.origin = source.transfer->zone;
  source.taxii = taxii_of(feed);
  source.mirrors = feed.mirrors;
  source.refresh = seconds(feed.refresh_s);
  source.max_octets = feed.max_octets;
  source.gate = feed.gate;
  source.zone.forced = names_of(feed.force);
  source.format.lint = {.skips_shared = !feeds::is_guarded(source),
                        .own_domains = names_of(config.gate_own_domains),
                        .forced = source.zone.forced};
  return source;
}

namespace {

/// What Group::hours and the audience of their lists are called.
std::string hours_name(const config::During& during) {
  return during.group + "/" + during.schedule;
}

/// Adds the policies of the hours of schedules, and has their groups point to them.
void add_hours(const config::Config& config, feeds::Options& options) {
  for (const config::During& during : config.during) {
    const auto schedule =
        std::ranges::find(config.schedules, during.schedule, &config::Schedule::name);
    POSTERN_ASSERT(schedule != config.schedules.end());  // Checked by config.
    const auto configured = std::ranges::find(config.groups, during.group, &config::Group::name);
    // The default group need not be in the file.
    config::Group base;
    base.name = during.group;
    if (configured != config.groups.end()) base = *configured;
    auto made = std::make_shared<policy::Schedule>();
    made->name = schedule->name;
    made->zone = schedule->zone;
    for (const std::string& text : schedule->windows) {
      const auto window = policy::window_from_text(text);
      POSTERN_ASSERT(window.has_value());  // Checked by config.
      made->windows.push_back(*window);
    }
    const config::Group changed = config::group_during(base, during);
    const auto own = std::ranges::find(options.groups, during.group, &policy::Group::name);
    POSTERN_ASSERT(own != options.groups.end());
    own->during.push_back({std::move(made), static_cast<std::uint16_t>(options.groups.size())});
    options.groups.push_back({.name = changed.name,
                              .zones = zones_of(changed, config, options.sources),
                              .answer = changed.answer,
                              .tenant = changed.tenant,
                              .hours = hours_name(during)});
  }
}

}  // namespace

namespace {

std::vector<policy::ClientId> client_ids_of(const config::Group& group) {
  std::vector<policy::ClientId> ids;
  for (const std::string& text : group.client_ids)
    ids.push_back(*policy::ClientId::from_text(text));
  return ids;
}

}  // namespace

feeds::Options feeds_options(const config::Config& config, const Places& places,
                             std::uint64_t seed) {
  feeds::Options options;
  options.sources = sources_of(config);
  options.cache_dir = places.feed_cache();
  options.program = program_id();
  // Itself, even if another build has been put in its place meanwhile.
  options.builder.program = "/proc/self/exe";
  options.builder.words = {"postern", std::string(kBuildRules)};
  options.builder.max_memory = std::max(machine_memory() / 2, kLeastBuildMemory);
  options.seed = seed;
  options.gate = gate_rules(config);
  options.watch_for = std::chrono::minutes(config.gate_watch_minutes);
  options.canary_group = config.gate_canary_group;
  options.canary_for = std::chrono::minutes(config.gate_canary_minutes);
  options.groups.push_back({.name = "default",
                            .clients = {},
                            .zones = zones_of({}, config, options.sources),
                            .answer = {}});
  for (const config::Group& group : config.groups) {
    policy::Group made{.name = group.name,
                       .clients = group.clients,
                       .devices = group.devices,
                       .client_ids = client_ids_of(group),
                       .zones = zones_of(group, config, options.sources),
                       .answer = group.answer,
                       .tenant = group.tenant};
    if (group.name == "default") {
      options.groups.front() = std::move(made);
    } else {
      options.groups.push_back(std::move(made));
    }
  }
  add_hours(config, options);
  return options;
}

feeds::QuestionMemoryOptions question_options(const config::Config& config, const Places& places,
                                              std::uint64_t hash_key, std::uint64_t client_key) {
  return {.path = places.questions(),
          .rates_path = places.block_rates(),
          .days = config.gate_days,
          .max_names = config.gate_max_names,
          .hash_key = hash_key,
          .client_key = client_key};
}

feeds::GateOrder gate_order(const api::FeedDecision& decision) {
  using From = api::FeedDecision::Kind;
  using To = feeds::GateOrder::Kind;
  feeds::GateOrder order{
      .kind = To::activate, .feed = decision.feed, .generation = decision.generation};
  switch (decision.kind) {
    case From::activate:
      break;
    case From::reject:
      order.kind = To::reject;
      break;
    case From::roll_back:
      order.kind = To::roll_back_feed;
      break;
    case From::roll_back_all:
      order.kind = To::roll_back_all;
      break;
  }
  return order;
}

feeds::ZoneServerOptions zone_server_options(const config::Config& config, const Places& places) {
  feeds::ZoneServerOptions options;
  options.state_dir = places.published();
  options.sources = feeds::notify_sources(sources_of(config));
  options.tls = {config.transfer_tls_listen, config.transfer_tls_certificate_file,
                 config.transfer_tls_key_file};
  for (const config::Publish& publish : config.publish) {
    feeds::PublishedZoneOptions& zone = options.published.emplace_back();
    zone.name = publish.name;
    zone.zone = publish.zone;
    zone.group = publish.group;
    using enum feeds::Wildcards;
    zone.wildcards = publish.wildcards == config::Wildcards::longest ? longest : rfc4592;
    zone.clients = publish.clients;
    zone.notify = publish.notify;
    zone.history_octets = publish.history_octets;
    zone.tls_only = publish.tls_only;
    if (!publish.taxii_title.empty()) {
      zone.collection = {publish.taxii_title, publish.taxii_user, publish.taxii_password_file,
                         publish.taxii_token_file};
    }
    for (const std::string& name : publish.keys) {
      const auto key = std::ranges::find_if(
          config.keys, [&](const config::Key& each) { return each.name.to_display() == name; });
      POSTERN_ASSERT(key != config.keys.end());  // Checked by config.
      zone.keys.push_back({key->name, key->algorithm, key->secret, key->secret_file});
    }
  }
  return options;
}

policy::ZoneOptions exception_answers(const config::Config& config) {
  return zone_options(policy::kExceptionsName, config);
}

std::vector<policy::Exception> own_lists(const config::Config& config) {
  std::vector<policy::Exception> all;
  using Kind = policy::Audience::Kind;
  for (const config::Tenant& tenant : config.tenants) {
    const policy::Audience audience{.kind = Kind::tenant, .name = tenant.name};
    add_list(tenant.allow, policy::Action::pass, audience, all);
    add_list(tenant.block, policy::Action::block, audience, all);
  }
  for (const config::Group& group : config.groups) {
    const policy::Audience audience{.kind = Kind::group, .name = group.name};
    add_list(group.allow, policy::Action::pass, audience, all);
    add_list(group.block, policy::Action::block, audience, all);
  }
  for (const config::During& during : config.during) {
    const policy::Audience audience{.kind = Kind::hours, .name = hours_name(during)};
    add_list(during.allow, policy::Action::pass, audience, all);
    add_list(during.block, policy::Action::block, audience, all);
    if (!during.block_all) continue;
    all.push_back({.scope = policy::Scope::at_and_below,
                   .action = policy::Action::block,
                   .audience = audience,
                   .owner = "configuration"});
  }
  return all;
}

devices::Options device_options(const config::Config& config) {
  devices::Options options;
  options.is_wanted = std::ranges::any_of(
      config.groups, [](const config::Group& group) { return !group.devices.empty(); });
  options.reads_neighbours = config.neighbours;
  const auto add = [&options](const std::vector<std::string>& paths, devices::LeaseFormat format) {
    for (const std::string& path : paths) options.lease_files.push_back({path, format});
  };
  add(config.dnsmasq_leases, devices::LeaseFormat::dnsmasq);
  add(config.isc_leases, devices::LeaseFormat::isc);
  add(config.kea_leases, devices::LeaseFormat::kea);
  return options;
}

server::Settings settings_of(const config::Config& config) {
  return {.identity_from = config.identity_from,
          .access_allow = config.access_allow,
          .udp_max_octets = config.udp_max_octets,
          .answer_deadline_ms = config.answer_deadline_ms,
          .stale_after_ms = config.stale_after_ms,
          .min_ns_dots = config.min_ns_dots,
          .structured_error = server::StructuredErrorForm(
              {.contacts = config.error_contacts,
               .organization = config.error_organization,
               .option_code = static_cast<std::uint16_t>(config.error_option_code)})};
}

server::Options server_options(const config::Config& config, unsigned cores, const Seeds& seeds) {
  server::Options options;
  options.listen = config.listen;
  options.workers = or_cores(config.workers, cores);
  options.tcp_max_connections = config.tcp_max_connections;
  options.tcp_max_pipelined = config.tcp_max_pipelined;
  options.tcp_idle_timeout_ms = config.tcp_idle_timeout_ms;
  options.cache.max_octets = static_cast<std::size_t>(config.cache_octets / options.workers);
  options.cache.max_ttl_s = config.cache_max_ttl_s;
  options.cache.max_negative_ttl_s =
      std::min(options.cache.max_negative_ttl_s, config.cache_max_ttl_s);
  options.cache.stale_for_s = config.cache_stale_for_s;
  options.cache.hash_key = seeds.secret;
  options.seed = seeds.trace;
  return options;
}

resolve::RecursorOptions recursor_options(const config::Config& config, unsigned cores) {
  resolve::RecursorOptions options;
  options.threads = or_cores(config.resolver_threads, cores);
  options.dnssec = config.dnssec;
  options.trust_anchor_files = config.trust_anchor_files;
  options.root_hints_file = config.root_hints_file;
  options.query_localhost = config.query_localhost;
  return options;
}

Result<resolve::ForwarderOptions> forwarder_options(const config::ForwardZone& zone) {
  resolve::ForwarderOptions options;
  for (const std::string& server : zone.servers) {
    options.servers.push_back(POSTERN_TRY(net::dns_server_from_text(server)));
  }
  options.trust_ad = zone.trust_ad;
  return options;
}

journal::SqliteOptions journal_options(const config::Config& config, const Places& places) {
  journal::SqliteOptions options;
  options.path = places.journal();
  options.days = config.journal_days;
  options.max_octets = config.journal_max_octets;
  return options;
}

}  // namespace postern::app
