#include "app/service.h"

#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/collection_door.h"
#include "app/process.h"
#include "app/resolvers.h"
#include "base/assert.h"

namespace postern::app {
namespace {

/// How long a reload waits for feeds: millions of names are read in a few seconds; clients of the
/// control socket wait for 30.
constexpr milliseconds kReadingFeeds{20'000};

/// How long the gate waits for the questions of before the start to be read: a second for a million
/// names.
constexpr milliseconds kReadingQuestions{5'000};

unsigned cores() {
  return std::max(1U, std::thread::hardware_concurrency());
}

/// The options that a reload takes over; the others stay as they run.
void take_reloadable(config::Config& running, const config::Config& wanted) {
  running.access_allow = wanted.access_allow;
  running.identity_from = wanted.identity_from;
  running.udp_max_octets = wanted.udp_max_octets;
  running.answer_deadline_ms = wanted.answer_deadline_ms;
  running.stale_after_ms = wanted.stale_after_ms;
  running.block_answer = wanted.block_answer;
  running.block_ttl_s = wanted.block_ttl_s;
  running.sinkhole_v4 = wanted.sinkhole_v4;
  running.sinkhole_v6 = wanted.sinkhole_v6;
  running.dnsmasq_leases = wanted.dnsmasq_leases;
  running.isc_leases = wanted.isc_leases;
  running.kea_leases = wanted.kea_leases;
  running.neighbours = wanted.neighbours;
  running.allow = wanted.allow;
  running.block = wanted.block;
  running.force = wanted.force;
  running.qname_wait_recurse = wanted.qname_wait_recurse;
  running.min_ns_dots = wanted.min_ns_dots;
  running.pack_hafnium = wanted.pack_hafnium;
  running.feeds = wanted.feeds;
  running.votes = wanted.votes;
  running.groups = wanted.groups;
  running.tenants = wanted.tenants;
  running.schedules = wanted.schedules;
  running.during = wanted.during;
  running.keys = wanted.keys;
  running.error_contacts = wanted.error_contacts;
  running.error_organization = wanted.error_organization;
  running.error_option_code = wanted.error_option_code;
  running.publish = wanted.publish;
  running.gate_max_clients_percent = wanted.gate_max_clients_percent;
  running.gate_max_growth = wanted.gate_max_growth;
  running.gate_max_queries_percent = wanted.gate_max_queries_percent;
  running.gate_max_shrink_percent = wanted.gate_max_shrink_percent;
  running.gate_max_top_names = wanted.gate_max_top_names;
  running.gate_own_domains = wanted.gate_own_domains;
  running.gate_own_networks = wanted.gate_own_networks;
  running.gate_partner_domains = wanted.gate_partner_domains;
  running.gate_top_names = wanted.gate_top_names;
  running.gate_watch_minutes = wanted.gate_watch_minutes;
  running.gate_canary_group = wanted.gate_canary_group;
  running.gate_canary_minutes = wanted.gate_canary_minutes;
}

void leave_out_default_ipv6(config::Config& config) {
  if (config.listen != config::parse("").config->listen) return;
  std::erase_if(config.listen, [](const Endpoint& e) { return !e.address.is_v4(); });
}

}  // namespace

Result<config::Config> read_config(const Overrides& overrides, Log& log) {
  config::Outcome outcome = POSTERN_TRY(load_config(overrides.config_path));
  for (const config::Problem& problem : outcome.problems) {
    log.error("config", config::to_text(problem, overrides.config_path));
  }
  if (!outcome.config) {
    const std::size_t count = outcome.problems.size();
    return fail(Errc::invalid_input,
                fmt::format("{}: {} mistake{}; the first: {}", overrides.config_path, count,
                            count == 1 ? "" : "s",
                            config::to_text(outcome.problems.front(), overrides.config_path)));
  }
  if (!overrides.has_ipv6_loopback) leave_out_default_ipv6(*outcome.config);
  std::vector<config::Problem> warnings = std::move(outcome.warnings);
  if (!overrides.listen.empty()) {
    outcome.config->listen = overrides.listen;
    std::erase_if(warnings, [](const config::Problem& w) { return w.path == "access.allow"; });
    if (auto warning = config::access_warning(*outcome.config)) warnings.push_back(*warning);
  }
  for (const config::Problem& warning : warnings) {
    log.warning("config", config::to_text(warning, overrides.config_path));
  }
  return *std::move(outcome.config);
}

Service::Service(const config::Config& config, Overrides overrides, Log& log)
    : log_(log),
      overrides_(std::move(overrides)),
      places_(places_of(config, overrides_.state_dir)),
      running_(config),
      settings_(std::make_shared<const server::Settings>(settings_of(config))),
      policy_(policy::Generation::empty()),
      exceptions_in_force_(policy::ExceptionTable::none()),
      device_table_(policy::DeviceTable::none()) {}

Service::~Service() {
  stop();
}

Result<std::unique_ptr<Service>> Service::start(const config::Config& config, Overrides overrides,
                                                Log& log) {
  std::unique_ptr<Service> service(new Service(config, std::move(overrides), log));
  POSTERN_CHECK(service->start_parts());
  return service;
}

Result<void> Service::start_parts() {
  const config::Config config = running_.copy();
  seeds_ = {.trace = POSTERN_TRY(random_seed()), .secret = POSTERN_TRY(random_seed())};
  const state::StoreOptions store{.path = places_.state(), .hash_key = seeds_.secret};
  exceptions_ = state::ExceptionStore::open(store, exceptions_in_force_, log_);
  POSTERN_CHECK(exceptions_->configure(own_lists(config), exception_answers(config)));
  devices_ = devices::Devices::start(device_options(config), device_table_, log_);
  const std::uint64_t client_key = POSTERN_TRY(random_seed());
  questions_ = feeds::QuestionMemory::start(
      question_options(config, places_, seeds_.secret, client_key), log_);
  feeds_ = feeds::Feeds::start(gated_feeds_options(config), policy_, log_);
  // No query is answered before all that is on this machine is in force.
  feeds_->wait_until_local_sources_are_in_force();
  zones_ = POSTERN_TRY(feeds::ZoneServer::start(zone_server_options(config, places_),
                                                {policy_, exceptions_in_force_}, *feeds_, log_));
  zone_door_ = std::make_unique<ZoneDoor>(*zones_);
  if (config.journal_enabled) {
    journal_ = POSTERN_TRY(journal::open_sqlite(journal_options(config, places_), log_));
  }
  resolver_ = POSTERN_TRY(make_resolver(config, cores(), log_));
  live_ = api::LiveTail::create();
  sink_ = std::make_unique<FanOut>(*live_, *questions_, journal_.get());
  server_ =
      POSTERN_TRY(server::Server::start(server_options(config, cores(), seeds_),
                                        {settings_, policy_, *resolver_, *sink_, log_,
                                         zone_door_.get(), &exceptions_in_force_, &device_table_}));
  api::Options options;
  if (config.console_enabled) options.listen = config.console_listen;
  options.hosts = config.console_hosts;
  options.control_socket = places_.control_socket;
  options.token_file = places_.token();
  api_ = POSTERN_TRY(api::Api::start(options, services(), *live_, log_));
  return {};
}

feeds::Options Service::gated_feeds_options(const config::Config& config) {
  feeds::Options options = feeds_options(config, places_, seeds_.secret);
  options.block_watch = questions_.get();
  options.traffic = [this] {
    // What was asked until now counts. Where reading what was asked before takes long, as right
    // after the start of a slow machine, the gate makes do with what there is.
    questions_->catch_up(kReadingQuestions);
    return questions_->traffic();
  };
  return options;
}

api::Services Service::services() {
  api::Services services;
  services.journal = journal_.get();
  services.policy = &policy_;
  services.exceptions = exceptions_.get();
  services.exceptions_in_force = &exceptions_in_force_;
  services.devices = &device_table_;
  services.feeds = [this] { return feeds_->status(); };
  services.update_feed = [this](const api::FeedUpdate& update) {
    return feeds_->update(
        update.name, update.any_size ? feeds::Acceptance::any_size : feeds::Acceptance::checked);
  };
  services.decide_feed = [this](const api::FeedDecision& decision) {
    return feeds_->order(gate_order(decision));
  };
  services.gate_report = [this](const std::string& feed) { return feeds_->gate_report(feed); };
  services.candidate = [this](const std::string& feed) { return feeds_->candidate(feed); };
  services.generation_at = [this](WallTime at) { return feeds_->generation_at(at); };
  services.kept_generations = [this] { return feeds_->kept_generations(); };
  services.published_list = [this](const std::string& name) -> Result<api::PublishedList> {
    feeds::ZoneList list = POSTERN_TRY(zones_->list(name));
    return api::PublishedList{std::move(list.digest), std::move(list.open)};
  };
  services.collections = [this] { return collections_of(*zones_); };
  services.metrics = [this] { return metrics(); };
  services.reload = [this] { return reload(); };
  services.version = POSTERN_VERSION;
  for (const Endpoint& endpoint : server_->endpoints())
    services.endpoints.push_back(endpoint.to_text());
  return services;
}

Metrics Service::metrics() const {
  Metrics metrics;
  metrics.push_back({.name = "postern_build_info",
                     .kind = MetricKind::gauge,
                     .help = "Always 1; the label says which version runs.",
                     .labels = fmt::format("version=\"{}\"", POSTERN_VERSION),
                     .value = 1});
  server_->collect(metrics);
  resolver_->collect(metrics);
  feeds_->collect(metrics);
  questions_->collect(metrics);
  zones_->collect(metrics);
  exceptions_->collect(metrics);
  devices_->collect(metrics);
  if (journal_ != nullptr) journal_->collect(metrics);
  return metrics;
}

Result<api::Reloaded> Service::reload() {
  const auto wanted = read_config(overrides_, log_);
  if (!wanted) {
    log_.error("config", "nothing was changed: " + wanted.error().text);
    return Unexpected(wanted.error());
  }
  // One reload at a time: the lock is held until all parts have theirs.
  std::vector<std::string> later;
  const auto in_force = running_.with([&](config::Config& running) -> Result<bool> {
    later = config::needs_restart(running, *wanted);
    config::Config next = running;
    take_reloadable(next, *wanted);
    auto done = put_in_force(next);
    if (!done) {
      devices_->reconfigure(device_options(running));
      zones_->reconfigure(zone_server_options(running, places_));
      return done;
    }
    running = std::move(next);
    log_.info("config", *done ? "read again and in force"
                              : "read again; in force as soon as the feeds are read");
    if (!later.empty()) {
      log_.warning("config",
                   fmt::format("these changes wait for a restart: {}", fmt::join(later, ", ")));
    }
    return done;
  });
  if (!in_force) {
    log_.error("config", "nothing was changed: " + in_force.error().text);
    return Unexpected(in_force.error());
  }
  return api::Reloaded{.unreadable_feeds = feeds_->unreadable(),
                       .is_reading_feeds = !*in_force,
                       .needs_restart = std::move(later)};
}

/// False: it will be, once feeds are read. An error: then policy is as it was.
Result<bool> Service::put_in_force(const config::Config& config) {
  std::vector<policy::Exception> own = own_lists(config);
  POSTERN_CHECK(exceptions_->check(own));
  feeds::Options options = gated_feeds_options(config);
  // Own lists and groups belong together: not one of them before the other.
  options.before_in_force = [this, own = std::move(own), answers = exception_answers(config),
                             settings = settings_of(config)] {
    const auto done = exceptions_->configure(own, answers);
    POSTERN_ASSERT(done.has_value());  // It was checked.
    settings_.publish(std::make_shared<const server::Settings>(settings));
  };
  devices_->reconfigure(device_options(config));
  feeds_->reconfigure(std::move(options));
  zones_->reconfigure(zone_server_options(config, places_));
  return feeds_->wait_until_reconfigured(kReadingFeeds);
}

void Service::stop() {
  // From the outside in: nobody may ask for what has ended.
  if (api_ != nullptr) api_->stop();
  if (server_ != nullptr) server_->stop();
  if (resolver_ != nullptr) resolver_->stop();
  if (zones_ != nullptr) zones_->stop();
  if (feeds_ != nullptr) feeds_->stop();
  if (questions_ != nullptr) questions_->stop();
  if (devices_ != nullptr) devices_->stop();
  if (journal_ != nullptr) journal_->flush();
  api_.reset();
  server_.reset();
  resolver_.reset();
  zone_door_.reset();
  zones_.reset();
  feeds_.reset();
  exceptions_.reset();
  sink_.reset();
  questions_.reset();
  devices_.reset();
  live_.reset();
  journal_.reset();
}

}  // namespace postern::app
