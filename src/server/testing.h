// For the tests of this module: queries, answers in words, a resolver that does as it is told.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/octets.h"
#include "dns/message.h"
#include "dns/types.h"
#include "event/query.h"
#include "policy/generation.h"
#include "resolve/resolver.h"

namespace postern::server::testing {

/// A query, as a client would write it.
struct Ask {
  std::string name = "www.example";  ///< Sent as written, in its case.
  dns::RRType type = dns::RRType::a;
  dns::RRClass rr_class = dns::RRClass::in;
  std::uint16_t id = 0x1234;
  std::uint16_t flags = dns::flag::rd;
  bool edns = true;
  bool dnssec_ok = false;
  std::uint16_t udp_octets = 1232;
  std::uint8_t version = 0;
};
Octets query_of(const Ask& ask);

/// An answer in words: "NOERROR qr rd ra ede=15 'Blocked …' | www.example. 60 A 192.0.2.1 | …";
/// authority records with "ns:" before, additional ones with "ar:". "none" for nothing,
/// "unreadable" for no DNS.
std::string words_of(OctetView answer);

/// "NAME TTL TYPE RDATA" lines to a whole reply message; lines with "ns:" go to the authority.
Octets message_of(const dns::Question& question, dns::Rcode rcode,
                  const std::vector<std::string>& records);

/// Answers from a table, at once or when told to; never, for questions not in the table.
/// `resolve` and `answer_all` may be called from different threads.
class FakeResolver final : public resolve::Resolver {
 public:
  struct Canned {
    dns::Rcode rcode = dns::Rcode::noerror;
    std::vector<std::string> records = {};
    resolve::Security security = resolve::Security::insecure;
    std::optional<dns::EdeCode> ede = {};
    std::string ede_text = {};
  };

  /// `question` as "www.example. A".
  void set(const std::string& question, Canned canned);
  /// Deliver from inside `resolve`.
  void set_immediate(bool immediate) { immediate_ = immediate; }
  void set_full(bool full) { full_ = full; }

  bool resolve(const resolve::Request& request, resolve::ReplySink& sink) override;
  /// Ends with SERVFAIL for all that was not answered.
  void stop() override;
  void collect(Metrics&) const override {}

  /// Replies to the requests held back, last first if so told.
  void answer_all(bool last_first = false);
  /// What was asked, in order: "www.example. A", with " cd" where checking is disabled.
  std::vector<std::string> asked() const;

 private:
  struct Held {
    resolve::Request request;
    resolve::ReplySink* sink;
  };
  bool try_answer(const Held& held);

  mutable std::mutex mutex_;
  std::map<std::string, Canned> canned_;
  std::vector<Held> held_;
  std::vector<std::string> asked_;
  bool immediate_ = false;
  bool full_ = false;
};

/// Keeps what was recorded.
class RecordingSink final : public event::QuerySink {
 public:
  void learn(const event::AnswerPath& path) override {
    const std::lock_guard lock(mutex_);
    std::string text = path.qname.to_text() + ":";
    for (const dns::Name& each : path.names) text += " " + each.to_text();
    for (const IpAddress& each : path.addresses) text += " " + each.to_text();
    learnt_.push_back(std::move(text));
  }
  /// "www.example.: alias.example. 192.0.2.1", an answer each.
  std::vector<std::string> learnt() const {
    const std::lock_guard lock(mutex_);
    return learnt_;
  }
  void record(const event::Query& query) override {
    const std::lock_guard lock(mutex_);
    records_.push_back(query);
  }
  std::vector<event::Query> records() const {
    const std::lock_guard lock(mutex_);
    return records_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<event::Query> records_;
  std::vector<std::string> learnt_;
};

/// One zone of a policy: "bad.example" is at-and-below, "=bad.example" exact, "*.bad.example"
/// below; of another trigger than qname with that before: "nsdname: bad.example",
/// "response_ip: 192.0.2.0/24".
struct ZoneSpec {
  struct RuleSpec {
    std::string name;
    policy::Action action = policy::Action::block;
    std::vector<std::string> local_data = {};  ///< "60 A 192.0.2.1".
  };
  policy::ZoneOptions options;
  std::vector<RuleSpec> rules;
};
/// All zones in force for everybody, in order.
std::shared_ptr<const policy::Generation> policy_of(const std::vector<ZoneSpec>& zones,
                                                    std::uint64_t number = 1);

}  // namespace postern::server::testing
