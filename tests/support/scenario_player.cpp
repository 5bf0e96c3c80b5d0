#include "scenario_player.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/published.h"
#include "dns/rdata.h"
#include "server/handler.h"
#include "server/testing.h"

namespace postern::scenario {

namespace {

/// What an answer from upstream usually takes.
constexpr milliseconds kUsualDelay{10};
/// When a resolver has found out that upstream is down.
constexpr milliseconds kDownDelay{3000};
/// How long after the last step answers may still come.
constexpr seconds kEpilogue{60};
/// CNAMEs that upstream follows, so that a loop in a scenario ends.
constexpr int kMaxAliases = 16;

const MonoTime kMonoStart{seconds(1000)};
const WallTime kWallStart{seconds(1'700'000'000)};

using QuestionText = std::string;

QuestionText text_of(const dns::Question& question) {
  return question.qname.to_text() + " " + dns::to_string(question.qtype);
}

/// The resolver and the internet behind it: says what the scenario says, when it is due.
class Upstream final : public resolve::Resolver {
 public:
  explicit Upstream(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) entries_.insert_or_assign(text_of(entry.question), entry);
  }

  void set_now(MonoTime now) { now_ = now; }
  void say(const Entry& entry) { entries_.insert_or_assign(text_of(entry.question), entry); }
  void set_state(const std::string& upstream, UpstreamState state) {
    if (upstream.empty()) states_.clear();
    (upstream.empty() ? state_of_all_ : states_[upstream]) = state;
  }
  std::size_t times_asked(const dns::Question& question) const {
    return static_cast<std::size_t>(std::ranges::count(asked_, text_of(question)));
  }

  bool resolve(const resolve::Request& request, resolve::ReplySink& sink) override {
    asked_.push_back(text_of(request.question));
    Found found = find(request.question);
    resolve::Reply reply;
    reply.ticket = request.ticket;
    reply.message = server::testing::message_of(request.question, found.rcode, found.records);
    reply.security = found.security;
    reply.ede = found.ede;
    MonoTime due = now_ + found.delay;
    if (found.silent) due = request.deadline + seconds(1);  // As a resolver promises at the latest.
    under_way_.emplace(due, UnderWay{std::move(reply), &sink});
    return true;
  }
  void stop() override {}
  void collect(Metrics&) const override {}

  std::optional<MonoTime> next_due() const {
    if (under_way_.empty()) return std::nullopt;
    return under_way_.begin()->first;
  }
  void deliver_due() {
    while (!under_way_.empty() && under_way_.begin()->first <= now_) {
      auto node = under_way_.extract(under_way_.begin());
      node.mapped().sink->deliver(std::move(node.mapped().reply));
    }
  }

 private:
  struct Found {
    dns::Rcode rcode = dns::Rcode::noerror;
    std::vector<std::string> records;
    resolve::Security security = resolve::Security::secure;
    std::optional<dns::EdeCode> ede;
    milliseconds delay{};
    bool silent = false;
  };
  struct UnderWay {
    resolve::Reply reply;
    resolve::ReplySink* sink;
  };

  static Found failure(dns::EdeCode ede, milliseconds delay) {
    return {.rcode = dns::Rcode::servfail,
            .records = {},
            .security = resolve::Security::indeterminate,
            .ede = ede,
            .delay = delay};
  }

  UpstreamState state_of(const std::string& upstream) const {
    const auto state = states_.find(upstream);
    return state == states_.end() ? state_of_all_ : state->second;
  }

  /// The answer to a question, aliases followed. Names that the scenario does not know are
  /// failures, so that a misspelt one is not taken for one that does not exist.
  Found find(dns::Question question) const {
    Found found;
    for (int i = 0; i < kMaxAliases; ++i) {
      const auto known = entries_.find(text_of(question));
      if (known == entries_.end()) {
        return failure(dns::EdeCode::no_reachable_authority, found.delay + kUsualDelay);
      }
      const Entry& entry = known->second;
      const UpstreamState state = state_of(entry.upstream);
      found.silent = state == UpstreamState::silent;
      if (state == UpstreamState::down) {
        return failure(dns::EdeCode::no_reachable_authority, kDownDelay);
      }
      found.delay += entry.slow.value_or(kUsualDelay);
      add_security(found, entry.security);
      if (!entry.cname) {
        add_records(found, entry);
        return found;
      }
      found.records.push_back(record(entry, " CNAME " + entry.cname->to_text()));
      question.qname = *entry.cname;
    }
    return failure(dns::EdeCode::other, found.delay);
  }

  /// A chain is as secure as its weakest part.
  static void add_security(Found& found, resolve::Security security) {
    if (security == resolve::Security::bogus) {
      found.security = security;
      found.ede = dns::EdeCode::dnssec_bogus;
    } else if (found.security == resolve::Security::secure) {
      found.security = security;
    }
  }

  static std::string record(const Entry& entry, const std::string& rest) {
    return entry.question.qname.to_text() + " " + std::to_string(entry.ttl_s) + rest;
  }

  static void add_records(Found& found, const Entry& entry) {
    found.rcode = entry.rcode;
    for (const std::string& data : entry.data) {
      const std::string type = dns::to_string(entry.question.qtype);
      found.records.push_back(record(entry, " " + type + " " + data));
    }
    if (!entry.data.empty() || entry.rcode == dns::Rcode::servfail) return;
    // RFC 2308 §3: the SOA says how long the answer holds.
    found.records.push_back("ns:" +
                            record(entry, " SOA ns.example. host.example. 1 3600 600 86400 " +
                                              std::to_string(entry.ttl_s)));
  }

  std::map<QuestionText, Entry> entries_;
  std::map<std::string, UpstreamState> states_;
  UpstreamState state_of_all_ = UpstreamState::up;
  std::vector<QuestionText> asked_;
  std::multimap<MonoTime, UnderWay> under_way_;
  MonoTime now_{};
};

/// What came of one question, as facts in the words of the expectations.
struct Came {
  bool answered = false;
  milliseconds after{};
  std::vector<std::string> shown;  ///< In the order in which they are told.
  std::set<std::string> untold;    ///< That something is not so, and which list decided nothing.
  std::size_t addresses = 0;

  bool has(const std::string& fact) const {
    return untold.contains(fact) || std::ranges::find(shown, fact) != shown.end();
  }
  std::string text() const {
    std::string text;
    for (const std::string& fact : shown) text += fact + ", ";
    return answered ? text + "after " + to_text(after) : text.substr(0, text.size() - 2);
  }
};

std::string lower(std::string text) {
  for (char& c : text) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c + 32) : c;
  return text;
}

/// The records of an answer: addresses, aliases, the least TTL, whether the type asked for is
/// there.
void add_records(Came& came, const dns::MessageView& view) {
  std::optional<std::uint32_t> ttl;
  bool has_type = false;
  const dns::RRType qtype = view.question() ? view.question()->qtype : dns::RRType{};
  view.for_each_record([&](dns::Section section, const dns::Record& record) {
    const bool counts = section == dns::Section::answer ||
                        (view.header().answer_count == 0 && record.type == dns::RRType::soa);
    if (!counts) return true;
    ttl = std::min(ttl.value_or(record.ttl), record.ttl);
    has_type |= record.type == qtype;
    const std::string text =
        dns::rdata_to_text(record.type, view.octets(), record.rdata_offset, record.rdata.size());
    if (record.type == dns::RRType::a || record.type == dns::RRType::aaaa) {
      came.shown.push_back(text);
      ++came.addresses;
    } else if (record.type == dns::RRType::cname) {
      came.shown.push_back("cname " + text.substr(0, text.size() - 1));
    }
    return true;
  });
  const bool truncated = view.header().has(dns::flag::tc);
  if (view.rcode() == dns::Rcode::noerror) {
    came.untold.insert("noerror");
    if (!has_type && !truncated) came.shown.emplace_back("nodata");
  } else {
    came.shown.push_back(lower(dns::to_string(view.rcode())));
  }
  if (truncated) came.shown.emplace_back("truncated");
  if (ttl) came.shown.push_back("ttl " + std::to_string(*ttl));
}

void add_flags(Came& came, const dns::MessageView& view) {
  const auto say = [&came](bool is_so, const std::string& fact) {
    if (is_so) {
      came.shown.push_back(fact);
    } else {
      came.untold.insert("no " + fact.substr(0, fact.find(' ')));
    }
  };
  say(view.header().has(dns::flag::ad), "ad");
  say(view.edns().has_value(), "edns");
  std::optional<OctetView> ede;
  if (view.edns()) ede = dns::find_option(*view.edns(), dns::EdnsOption::extended_error);
  say(ede.has_value(), ede ? "ede " + std::to_string(load_u16(ede->data())) : "ede");
}

std::string source_text(event::Source source) {
  return source == event::Source::resolver ? "upstream" : std::string(to_string(source));
}

/// What the record says of it: for questions that get nothing too.
void add_record(Came& came, const event::Query& record) {
  if (record.zone.empty()) {
    came.untold.insert("no list");
  } else {
    came.shown.push_back("list " + std::string(record.zone.view()));
  }
  if (record.source != event::Source::none) {
    came.shown.push_back("from " + source_text(record.source));
  }
  came.untold.insert(record.source == event::Source::stale ? "stale" : "no stale");
  came.untold.insert("group " + std::string(record.group.view()));
  came.untold.insert(std::string(to_string(record.disposition)));
}

/// The handler and all around it, played by hand.
class World : public resolve::ReplySink, public server::AnswerSink, public event::QuerySink {
 public:
  explicit World(const Scenario& scenario)
      : scenario_(scenario), upstream_(scenario.entries), came_(scenario.steps.size()) {
    for (const List& list : scenario.lists) set_rules(list.options, list.rules);
    publish();
    server::Settings settings;
    settings.access_allow = scenario.clients;
    settings.answer_deadline_ms = static_cast<std::uint32_t>(scenario.deadline.count());
    settings.stale_after_ms = static_cast<std::uint32_t>(scenario.stale_after.count());
    settings_.publish(std::make_shared<const server::Settings>(settings));
    handler_ = std::make_unique<server::Handler>(server::Handler::Setup{.cache = cache_,
                                                                        .settings = settings_,
                                                                        .policy = policy_,
                                                                        .resolver = upstream_,
                                                                        .replies = *this,
                                                                        .sink = *this,
                                                                        .answers = *this,
                                                                        .seed = 1});
  }

  std::vector<Failure> play() {
    for (std::size_t i = 0; i < scenario_.steps.size(); ++i) {
      run_until(kMonoStart + scenario_.steps[i].at);
      std::visit([this, i](const auto& what) { carry_out(i, what); }, scenario_.steps[i].what);
    }
    run_until(now_ + kEpilogue);
    for (std::size_t i = 0; i < scenario_.steps.size(); ++i) {
      const auto* const ask = std::get_if<AskStep>(&scenario_.steps[i].what);
      if (ask != nullptr) judge(ask->expectation, came_[i]);
    }
    std::ranges::stable_sort(failures_, {}, &Failure::line);
    return std::move(failures_);
  }

  void deliver(resolve::Reply reply) override { handler_->on_reply(std::move(reply), moment()); }
  void answer(const server::ReturnPath& path, event::Transport, OctetView message) override {
    note_answer(path.socket, message);
  }
  void silence(const server::ReturnPath& path, event::Transport) override {
    add_record(came_[path.socket], record_);
  }
  void record(const event::Query& query) override { record_ = query; }

 private:
  server::Moment moment() const { return {now_, kWallStart + (now_ - kMonoStart)}; }

  void run_until(MonoTime end) {
    for (;;) {
      MonoTime due = end;
      if (const auto next = upstream_.next_due()) due = std::min(due, *next);
      if (const auto next = handler_->next_due()) due = std::min(due, *next);
      now_ = std::max(now_, due);
      upstream_.set_now(now_);
      upstream_.deliver_due();
      handler_->advance(moment());
      if (due == end) return;
    }
  }

  void set_rules(const policy::ZoneOptions& options, const std::vector<policy::Rule>& rules) {
    auto packed = std::make_shared<policy::ZoneRules>();
    for (const policy::Rule& rule : rules) packed->add(rule);
    const auto old =
        std::ranges::find(zones_, options.name, [](const auto& zone) { return zone.options.name; });
    if (old == zones_.end()) {
      zones_.push_back({options, std::move(packed)});
    } else {
      old->rules = std::move(packed);
    }
  }

  void publish() {
    policy::PolicyInput input{.number = ++generation_, .zones = zones_, .groups = scenario_.groups};
    auto generation = policy::Generation::compile(std::move(input));
    if (generation) {
      policy_.publish(*std::move(generation));
    } else {
      failures_.push_back({1, "no policy: " + generation.error().text});
    }
  }

  void carry_out(std::size_t index, const AskStep& ask) {
    const auto bit = [](bool is_set, std::uint16_t flag) { return is_set ? flag : 0; };
    const auto flags = static_cast<std::uint16_t>(
        bit(ask.rd, dns::flag::rd) | bit(ask.ad, dns::flag::ad) | bit(ask.cd, dns::flag::cd));
    const Octets query = server::testing::query_of({.name = ask.name == "." ? "" : ask.name,
                                                    .type = ask.type,
                                                    .flags = flags,
                                                    .edns = ask.edns || ask.dnssec_ok,
                                                    .dnssec_ok = ask.dnssec_ok});
    server::ReturnPath path;
    path.socket = static_cast<std::uint32_t>(index);
    Octets out(dns::kMaxMessageOctets);
    const auto handled = handler_->handle(
        {.octets = query, .client = ask.client, .port = 5353, .transport = ask.transport}, path,
        moment(), out);
    if (handled.outcome == server::Handler::Outcome::answered) {
      note_answer(index, OctetView(out).first(handled.size));
    } else if (handled.outcome == server::Handler::Outcome::silent) {
      add_record(came_[index], record_);
    }
  }

  void carry_out(std::size_t, const SwitchStep& step) {
    upstream_.set_state(step.upstream, step.state);
  }

  void carry_out(std::size_t, const ListStep& step) {
    set_rules(scenario_.lists[step.list].options, step.rules);
    publish();
  }

  void carry_out(std::size_t, const SayStep& step) {
    for (const Entry& entry : step.entries) upstream_.say(entry);
  }

  void carry_out(std::size_t index, const AskedStep& step) {
    const std::size_t times = upstream_.times_asked(step.question);
    if (times == step.times) return;
    failures_.push_back({scenario_.steps[index].line,
                         "wanted upstream asked " + std::to_string(step.times) +
                             " times; it was asked " + std::to_string(times) + " times"});
  }

  void note_answer(std::size_t index, OctetView message) {
    Came& came = came_[index];
    came.answered = true;
    came.after =
        std::chrono::duration_cast<milliseconds>(now_ - kMonoStart) - scenario_.steps[index].at;
    const auto view = dns::MessageView::parse(message);
    POSTERN_ASSERT(view.has_value());  // Else the server writes what is no DNS.
    add_records(came, *view);
    add_flags(came, *view);
    add_record(came, record_);
  }

  void judge(const Expectation& expectation, Came& came) {
    if (!came.answered) came.shown.insert(came.shown.begin(), "nothing");
    std::vector<std::string> unmet;
    std::size_t addresses = 0;
    for (const std::string& fact : expectation.facts) {
      if (!came.has(fact)) unmet.push_back(fact);
      if (IpAddress::from_text(fact)) ++addresses;
    }
    if (unmet.empty() && addresses != 0 && addresses != came.addresses) {
      unmet.emplace_back(addresses == 1 ? "no other address" : "no other addresses");
    }
    if (expectation.within && (!came.answered || came.after > *expectation.within)) {
      unmet.push_back("within " + to_text(*expectation.within));
    }
    if (expectation.after && (!came.answered || came.after < *expectation.after)) {
      unmet.push_back("after " + to_text(*expectation.after));
    }
    if (unmet.empty()) return;
    std::string text;
    for (const std::string& fact : unmet) text += (text.empty() ? "wanted " : ", ") + fact;
    failures_.push_back({expectation.line, text + "; came " + came.text()});
  }

  const Scenario& scenario_;
  cache::Options cache_;
  Upstream upstream_;
  Published<server::Settings> settings_{std::make_shared<const server::Settings>()};
  Published<policy::Generation> policy_{policy::Generation::empty()};
  std::vector<policy::ZoneInput> zones_;
  std::uint64_t generation_ = 0;
  std::unique_ptr<server::Handler> handler_;
  MonoTime now_ = kMonoStart;
  event::Query record_;     ///< The latest.
  std::vector<Came> came_;  ///< By step.
  std::vector<Failure> failures_;
};

}  // namespace

std::vector<Failure> play(const Scenario& scenario) {
  return World(scenario).play();
}

}  // namespace postern::scenario
