// Handler: the life of a query on one worker, without its sockets.
//
// Start at Handler::handle. Octets and the time come in; an answer goes out, at once or later
// through the AnswerSink. Everything is decided here: who may ask, what policy says, what the
// cache holds, who waits for whom and for how long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/octets.h"
#include "base/published.h"
#include "base/time.h"
#include "cache/cache.h"
#include "event/query.h"
#include "policy/device_table.h"
#include "policy/generation.h"
#include "policy/in_force.h"
#include "resolve/resolver.h"
#include "server/access_list.h"
#include "server/answer.h"
#include "server/asker.h"
#include "server/pending_table.h"
#include "server/server.h"
#include "server/stats.h"
#include "server/zone_service.h"

namespace postern::server {

/// The explanation at a query's deadline (RFC 8914 §2).
inline constexpr std::string_view kNoAnswerInTime = "no answer in time";

/// Where answers go that could not be given at once. Called on the handler's thread.
class AnswerSink {
 public:
  /// `message` is valid during the call.
  virtual void answer(const ReturnPath& path, event::Transport transport, OctetView message) = 0;
  /// The query will have no answer.
  virtual void silence(const ReturnPath& path, event::Transport transport) = 0;

 protected:
  ~AnswerSink() = default;
};

/// Both clocks, read once per batch.
struct Moment {
  MonoTime mono{};
  WallTime wall{};
};

/// One thread owns a Handler, its cache and its table of questions under way; only `stats` and
/// `cache_stats` may be read by others. On the blocked and the cached path: no allocation, no
/// lock, no system call.
class Handler {
 public:
  /// All references must outlive the handler.
  struct Setup {
    const cache::Options& cache;
    const Published<Settings>& settings;
    const Published<policy::Generation>& policy;
    resolve::Resolver& resolver;
    resolve::ReplySink& replies;  ///< Must bring replies to `on_reply`, later, on this thread.
    event::QuerySink& sink;
    AnswerSink& answers;
    ZoneService* zones = nullptr;  ///< Null: there are no zones of ours.
    /// Null: there are none.
    const Published<policy::ExceptionTable>* exceptions = nullptr;
    const Published<policy::DeviceTable>* devices = nullptr;
    std::uint64_t seed = 0;
  };

  struct Inbound {
    OctetView octets;
    IpAddress client;
    std::uint16_t port = 0;
    event::Transport transport = event::Transport::udp;
    bool may_take = false;  ///< The connection can be given to the ZoneService.
  };

  enum class Outcome : std::uint8_t {
    answered,    ///< `size` octets of `out`.
    pending,     ///< The AnswerSink will hear of it.
    silent,      ///< No answer, now or later.
    given_away,  ///< The ZoneService is to have the connection.
  };
  struct Handled {
    Outcome outcome = Outcome::silent;
    std::size_t size = 0;
    bool close = false;  ///< A connection is better closed: a stranger, or no DNS.
  };

  explicit Handler(const Setup& setup);
  ~Handler();
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  /// Answers a message into `out`: at least limits::kUdpOctets for UDP, 65535 for the others.
  Handled handle(const Inbound& in, const ReturnPath& path, Moment now,
                 std::span<std::uint8_t> out);
  /// Takes what the resolver found, and answers who waits for it.
  void on_reply(resolve::Reply reply, Moment now);
  /// Does what is due: stale answers, SERVFAIL at the deadline.
  void advance(Moment now);
  /// When `advance` next has something to do.
  std::optional<MonoTime> next_due() const { return pending_.next_due(); }

  void clear_cache();
  bool has_waiters() const { return pending_.waiter_count() > 0; }
  /// Replies that the resolver still owes: until then its sink must live.
  std::size_t replies_owed() const { return replies_owed_; }

  Stats& stats() { return stats_; }
  const Stats& stats() const { return stats_; }
  const cache::Stats& cache_stats() const { return cache_.stats(); }

 private:
  /// A rule that matched, and the name it matched.
  struct Ruling {
    policy::Verdict verdict;
    const dns::Name* name = nullptr;
    bool in_chain = false;
  };
  /// The name to be shown instead, by a rule's CNAME.
  struct Rewrite {
    dns::Name target;
    std::uint32_t ttl_s = 0;
    dns::EdeCode ede{};
    const policy::ZoneSoa* soa = nullptr;  ///< Of the policy zone, if it has one.
  };
  /// Room for what a client is told of a block, in both forms.
  struct ReasonBuffers {
    std::array<char, limits::kEdeTextOctets> text;
    std::array<char, limits::kStructuredErrorOctets> structured;
  };
  /// An answer to serve from, and where it comes from.
  struct Served {
    const cache::Answer* answer = nullptr;  ///< Null: there is none, SERVFAIL.
    std::uint32_t age_s = 0;
    bool stale = false;
    event::Source source = event::Source::cache;
    std::optional<dns::EdeCode> ede = {};  ///< Why there is none.
    std::string_view text = {};
  };
  /// What came of a question that the query at hand may have waited for.
  struct Given {
    const cache::Key& key;
    Served served = {};
    std::shared_ptr<const cache::Answer> answer = {};  ///< `served.answer`, where it can be shared.
  };
  /// How a query ends, for its record and its OPT.
  struct Ending {
    event::Disposition disposition{};
    event::Source source{};
    event::Security security = event::Security::unknown;
    Extended extended = {};
  };
  /// One query and all that is known about it so far. On the stack.
  struct Turn {
    const Asker& asker;
    const ReturnPath& path;
    Moment now;
    std::span<std::uint8_t> out;  ///< As large as the answer may be.
    policy::InForce policy;
    const Given* given = nullptr;
    std::vector<Finding>* findings = nullptr;  ///< What it has waited for before.
    std::optional<std::uint16_t> group = {};
    policy::Exemption exemption = {};  ///< At the step that is judged.
    bool question_allowed = false;
    bool is_open = false;     ///< What the answer shows may still precede the ruling.
    bool is_settled = false;  ///< The ruling on the question was carried out.
    Ruling ruling = {};
    std::string_view action = {};
    Counter* blocked = nullptr;  ///< Counts it, if it ends blocked.
    const Rewrite* rewrite = nullptr;
  };
  /// What one variant (DO or not) of a question came to.
  struct Settled {
    std::shared_ptr<const cache::Answer> answer;
    Served served = {};
  };
  struct Failure {
    std::uint64_t question = 0;
    MonoTime until{};
  };

  const Settings& refreshed_settings();
  policy::InForce in_force();
  static policy::Verdict decide_name(const Turn& turn, const dns::Name& name);
  static policy::Verdict decide_with_client(const Turn& turn, const dns::Name& name);
  bool is_to_be_resolved(const Turn& turn) const;
  std::optional<Handled> ask_zones(Turn& turn, const Inbound& in, std::span<std::uint8_t> out);
  std::optional<Handled> turn_away(Turn& turn, const Result<void, dns::QueryError>& parsed);
  Handled respond(Turn& turn);
  std::optional<Handled> block(Turn& turn);
  Handled serve(Turn& turn, const cache::Key& key);
  void keep_findings(Turn& turn, Waiter& waiter) const;
  static Finding finding_of(const Given& given);
  Handled wait_for(Turn& turn, const cache::Key& key, const cache::Cache::Hit& hit);
  std::optional<Handled> settle_question(Turn& turn);
  std::optional<Handled> judge(Turn& turn, const cache::Answer& answer);
  std::optional<Handled> judge_covered(Turn& turn, const cache::Answer& answer, std::size_t first,
                                       std::size_t end);
  std::optional<Handled> carry_out(Turn& turn, const Ruling& ruling);
  static void judge_addresses(const Turn& turn, const cache::Answer& answer,
                              policy::Verdict& verdict);
  bool judge_servers(Turn& turn, const dns::Name& name, policy::Verdict& verdict);
  bool wait_for_facts(Turn& turn, std::span<const cache::Key> missing, MonoTime give_up_at);
  Pending* ask_for(const Turn& turn, const cache::Key& key);
  dns::Name matched_owner(const Turn& turn) const;
  Handled give(Turn& turn, const Served& served);
  Extended reason_of(const Turn& turn, ReasonBuffers& buffers) const;
  Ending rewritten_ending(const Turn& turn, ReasonBuffers& buffers) const;
  Handled give_rewritten(Turn& turn, const Served& served);
  Handled fail(Turn& turn, dns::EdeCode code, std::string_view text);
  Handled refuse(Turn& turn, dns::Rcode rcode, std::optional<dns::EdeCode> ede);
  Handled finish(Turn& turn, std::size_t size, const Ending& ending);
  Handled fall_silent(Turn& turn);
  void record(const Turn& turn, const Ending& ending, dns::Rcode rcode);

  Pending* start(const cache::Key& key, const IpAddress& client, MonoTime now);
  void prefetch(const cache::Key& key, const IpAddress& client, MonoTime now);
  void look_at_waiters(Pending& pending, Moment now);
  bool try_stale(Waiter& waiter, const cache::Key& key, Moment now);
  void give_up(Pending& pending, Moment now);
  void resume(Waiter& waiter, const Given& given, Moment now);
  Settled settle(const cache::Key& key, const resolve::Reply& reply, const dns::MessageView* view,
                 MonoTime now);
  Settled settle_failure(const cache::Key& key, const resolve::Reply& reply, MonoTime now);
  void note_failure(const cache::Key& key, MonoTime now);
  bool failed_lately(const cache::Key& key, MonoTime now) const;
  std::uint64_t next_trace_id();
  void publish_cache_size();

  const cache::Options cache_options_;
  cache::Cache cache_;
  Published<Settings>::Reader settings_;
  Published<policy::Generation>::Reader policy_;
  const std::unique_ptr<const Published<policy::ExceptionTable>> no_exceptions_;  ///< Or null.
  Published<policy::ExceptionTable>::Reader exceptions_;
  std::optional<Published<policy::DeviceTable>::Reader> devices_;
  resolve::Resolver& resolver_;
  resolve::ReplySink& replies_;
  event::QuerySink& sink_;
  AnswerSink& answers_;
  ZoneService* const zones_;

  const Settings* access_of_ = nullptr;  ///< What `access_` was made of.
  AccessList access_;
  AccessList identity_from_;
  PendingTable pending_;
  std::size_t replies_owed_ = 0;
  std::vector<Failure> failures_;  ///< By hash; the latest wins a place.
  std::uint64_t random_;
  event::Query record_;  ///< Reused: half a kilobyte need not be cleared each time.
  Octets scratch_;       ///< For late answers.
  Stats stats_;
};

}  // namespace postern::server
