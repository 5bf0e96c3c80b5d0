// The API: console page, REST under /api/v1, /metrics, and the control socket, on one thread
// of its own. docs/reference/openapi.yaml is the contract; the tests hold the server against it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/published.h"
#include "base/result.h"
#include "event/query.h"
#include "intel/feed_status.h"
#include "intel/indicator_ledger.h"
#include "journal/journal.h"
#include "policy/device_table.h"
#include "policy/exception_table.h"
#include "policy/generation.h"
#include "state/exception_store.h"

namespace postern::api {

/// An update that was asked for.
struct FeedUpdate {
  std::string name;       ///< Of the feed; empty: all of them.
  bool any_size = false;  ///< Take, this once, a copy with far fewer rules than the one before.
};

/// What a person decides about an update that the gate holds, or one that is in force.
struct FeedDecision {
  enum class Kind : std::uint8_t {
    activate,       ///< The held update of `feed` comes into force.
    reject,         ///< It is dropped, and the same one stays out.
    roll_back,      ///< `feed` gets the rules back that it had before.
    roll_back_all,  ///< All feeds get those of `generation`.
  };
  Kind kind{};
  std::string feed;
  std::uint64_t generation = 0;
};

/// What reading the configuration again came to, where it had no mistake.
struct Reloaded {
  /// On this machine, with the reason as `last_error`.
  std::vector<intel::FeedStatus> unreadable_feeds;
  bool is_reading_feeds = false;           ///< It takes so long that they are not all known.
  std::vector<std::string> needs_restart;  ///< Options that have changed and do not act yet.
};

/// A published policy as a plain list.
struct PublishedList {
  std::string digest;  ///< Of its content: the same one, the same list.
  /// Makes the list ready, which takes about 1 µs a rule; then it comes part by part, false at the
  /// end.
  std::function<Result<std::function<bool(std::string& part)>>()> open;
};

/// Who asks, as the Authorization header says: Basic (RFC 7617) or Bearer (RFC 6750).
struct HttpLogin {
  bool is_token = false;
  std::string user;    ///< Of Basic.
  std::string secret;  ///< The password or the token.
};

/// A published policy as a TAXII collection.
struct TaxiiCollection {
  std::string id;  ///< A UUID.
  std::string title;
  std::shared_ptr<const intel::IndicatorLedger> indicators;  ///< Null: not made yet.
  std::function<bool(const HttpLogin& login)> admits;
};

/// The running server, as the API sees it. All functions are called from the API's thread; none of
/// them may block for longer than a disk read. The journal is read, and `reload` called, from a
/// second thread, so that a long search delays nothing else; exceptions are changed there too.
struct Services {
  journal::Journal* journal = nullptr;  ///< May be null: journal disabled.
  const Published<policy::Generation>* policy = nullptr;
  state::ExceptionStore* exceptions = nullptr;
  const Published<policy::ExceptionTable>* exceptions_in_force = nullptr;
  const Published<policy::DeviceTable>* devices = nullptr;  ///< Null: none is known.
  std::function<std::vector<intel::FeedStatus>()> feeds;
  std::function<Result<void>(const FeedUpdate& update)> update_feed;
  /// Carried out when it returns, with a sentence about what was done; called from the second
  /// thread, it may take seconds.
  std::function<Result<std::string>(const FeedDecision& decision)> decide_feed;
  /// What the gate said of the feed's held or last update, as JSON. `not_found`: nothing.
  std::function<Result<std::string>(const std::string& feed)> gate_report;
  /// The generation that there would be with the feed's held update; the rules of then for the
  /// groups of now. Both from the second thread; they may take seconds. `not_found`: there is none.
  std::function<Result<std::shared_ptr<const policy::Generation>>(const std::string& feed)>
      candidate;
  std::function<Result<std::shared_ptr<const policy::Generation>>(WallTime at)> generation_at;
  /// Those that can be rolled back to, the newest first.
  std::function<std::vector<std::uint64_t>()> kept_generations;
  /// By the name that the configuration gives it. `not_found`, or `unavailable`: not made yet.
  std::function<Result<PublishedList>(const std::string& name)> published_list;
  std::function<std::vector<TaxiiCollection>()> collections;  ///< Unset: there are none.
  std::function<Metrics()> metrics;
  std::function<Result<Reloaded>()> reload;  ///< Rereads the configuration file.
  std::string version;
  std::vector<std::string> endpoints;  ///< Where DNS is answered, for the console to show.
};

struct Options {
  std::optional<Endpoint> listen;  ///< The console; unset: control socket only.
  std::string control_socket;      ///< Path; mode 0600; only our own uid and root may speak.
  std::string token_file;          ///< The first-run token's SHA-256 is kept here, mode 0600.
  /// Names, in lower case and without a port, that the console is reached by besides its address:
  /// those of a TLS proxy in front. With any, /metrics takes the token on loopback too, since
  /// whoever comes by the proxy comes from there.
  std::vector<std::string> hosts;
};

/// Where the live tail comes from: records are offered by the workers' sink, dropped (and counted)
/// when no console watches or it is too slow. Blocked and observed ones have room of their own, so
/// that no flood of others crowds them out. `record` never waits. Any thread.
class LiveTail : public event::QuerySink {
 public:
  static std::unique_ptr<LiveTail> create();

  /// For the Api: somebody watches, or nobody does any more.
  virtual void watch(bool watched) = 0;
  /// For the Api: moves the next record out, those with room of their own first, each kind in the
  /// order of its coming; false where there is none.
  virtual bool pop(event::Query& next) = 0;

  /// Records that found no room.
  struct Dropped {
    std::uint64_t threats = 0;  ///< Blocked and observed ones.
    std::uint64_t others = 0;
  };
  virtual Dropped dropped() const = 0;
};

class Api {
 public:
  /// Binds, starts the thread, and keeps the token if it had to be made. `first_run_token` is set
  /// where one was made for the console just now: to be shown to the person once. A start that
  /// fails, or has no console, leaves the token to be made by a later one.
  static Result<std::unique_ptr<Api>> start(const Options& options, Services services,
                                            LiveTail& live, Log& log);
  virtual ~Api() = default;
  virtual std::optional<std::string> first_run_token() const = 0;
  virtual std::optional<Endpoint> endpoint() const = 0;
  virtual void stop() = 0;
};

}  // namespace postern::api
