// Service: the running server, put together from a configuration. The one place where the
// concrete types meet; it decides nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/api.h"
#include "app/places.h"
#include "app/wiring.h"
#include "app/zone_door.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/published.h"
#include "config/config.h"
#include "devices/devices.h"
#include "event/query.h"
#include "feeds/feeds.h"
#include "feeds/question_memory.h"
#include "journal/journal.h"
#include "resolve/resolver.h"
#include "server/server.h"
#include "state/exception_store.h"

namespace postern::app {

/// What the command line, and the machine, say over the file's head, at start and at each reload.
struct Overrides {
  std::string config_path;  ///< Empty: the defaults.
  std::optional<std::string> state_dir;
  std::vector<Endpoint> listen;  ///< Empty: the file's.
  /// The default addresses are for every machine; without IPv6, those of IPv6 are left out.
  bool has_ipv6_loopback = true;
};

/// The file of `overrides` read, checked, and overridden. Mistakes are logged, a line each, and are
/// one error.
Result<config::Config> read_config(const Overrides& overrides, Log& log);

/// Gives each record to the live tail, to the gate's memory and to the journal. Called by all
/// workers.
class FanOut final : public event::QuerySink {
 public:
  FanOut(api::LiveTail& live, event::QuerySink& questions, journal::Journal* journal)
      : live_(live), questions_(questions), journal_(journal) {}
  void learn(const event::AnswerPath& path) override { questions_.learn(path); }
  void record(const event::Query& query) override {
    live_.record(query);
    questions_.record(query);
    if (journal_ != nullptr) journal_->record(query);
  }

 private:
  api::LiveTail& live_;
  event::QuerySink& questions_;
  journal::Journal* journal_;
};

/// Started whole or not at all; stopped by `stop` or its end. `reload` from any thread, the rest
/// from one.
class Service {
 public:
  static Result<std::unique_ptr<Service>> start(const config::Config& config, Overrides overrides,
                                                Log& log);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Reads the file again and puts in force what can be; says what needs a restart. With a
  /// mistake in it everything stays as it is. Waits for the feeds on this machine, but not for
  /// ever, and tells which cannot be read.
  Result<api::Reloaded> reload();
  void stop();

  const Places& places() const { return places_; }
  std::vector<Endpoint> endpoints() const { return server_->endpoints(); }
  std::optional<Endpoint> console() const { return api_->endpoint(); }
  std::optional<std::string> first_run_token() const { return api_->first_run_token(); }
  std::size_t rule_count() const { return policy_.current()->rule_count(); }
  std::size_t zone_count() const { return policy_.current()->zone_count(); }

 private:
  Service(const config::Config& config, Overrides overrides, Log& log);
  Result<void> start_parts();
  feeds::Options gated_feeds_options(const config::Config& config);
  Result<bool> put_in_force(const config::Config& config);
  api::Services services();
  Metrics metrics() const;

  Log& log_;
  Overrides overrides_;
  Places places_;
  Seeds seeds_;
  Guarded<config::Config> running_;  ///< As it was at start, with what reloads changed.
  Published<server::Settings> settings_;
  Published<policy::Generation> policy_;
  Published<policy::ExceptionTable> exceptions_in_force_;
  Published<policy::DeviceTable> device_table_;
  // In the order of their start; stopped the other way round.
  std::unique_ptr<state::ExceptionStore> exceptions_;
  std::unique_ptr<devices::Devices> devices_;
  std::unique_ptr<feeds::QuestionMemory> questions_;
  std::unique_ptr<feeds::Feeds> feeds_;
  std::unique_ptr<feeds::ZoneServer> zones_;
  std::unique_ptr<ZoneDoor> zone_door_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<resolve::Resolver> resolver_;
  std::unique_ptr<api::LiveTail> live_;
  std::unique_ptr<FanOut> sink_;
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<api::Api> api_;
};

}  // namespace postern::app
