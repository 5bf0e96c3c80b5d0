// Fakes for the tests of the API, and for the demo of the console: a journal in memory, a small
// policy, feeds of every health.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/api.h"
#include "base/guarded.h"
#include "event/query.h"
#include "journal/journal.h"
#include "policy/generation.h"

namespace postern::api::testing {

/// Keeps records in memory and filters them with `passes`. Any thread.
class FakeJournal final : public journal::Journal {
 public:
  void record(const event::Query& query) override;
  Result<journal::Page> search(const journal::Filter& filter, std::size_t limit,
                               std::optional<std::int64_t> before) override;
  Result<std::vector<journal::TopEntry>> top(const journal::Filter& filter, journal::TopBy by,
                                             std::size_t limit) override;
  Result<std::vector<journal::TimelinePoint>> timeline(const journal::Filter& filter,
                                                       seconds interval) override;
  void flush() override {}
  void collect(Metrics&) const override {}

  std::atomic<bool> fails{false};  ///< Every read is an error.

 private:
  Guarded<std::vector<event::Query>> records_;
};

/// Everything that an Api is given, and what it did with it.
struct Fixture {
  Fixture();

  FakeJournal journal;
  Published<policy::Generation> policy;
  Published<policy::ExceptionTable> exceptions_in_force{policy::ExceptionTable::none()};
  NullLog log;
  std::unique_ptr<state::ExceptionStore> exceptions;  ///< Kept nowhere.
  Guarded<std::vector<std::string>> updated;  ///< Names given to update_feed; "!" for any size.
  Guarded<std::vector<std::string>> decided;  ///< "activate malware", "roll_back_all 3".
  std::atomic<int> reloads{0};
  std::atomic<bool> reload_fails{false};
  Services services();
  void add_gate(Services& services);  ///< What the gate is asked.
};

/// allow, hafnium, adware, watch (log only), kids; groups default and kids (192.0.2.0/24).
std::shared_ptr<const policy::Generation> small_policy();
std::vector<intel::FeedStatus> some_feeds(WallTime now);

/// Query number `i` of an endless, varied series, at `at`.
event::Query made_up_query(std::uint64_t i, WallTime at);

/// A name from text that is known to be one.
dns::Name name(std::string_view text);

}  // namespace postern::api::testing
