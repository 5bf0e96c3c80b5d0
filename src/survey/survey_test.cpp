#include "survey/survey.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/writer.h"
#include "exposure/verdict.h"

namespace postern::survey {
namespace {

using dns::RRType;

dns::Name name(std::string_view text) {
  return *dns::Name::from_text(text);
}

const exposure::Pack& pack() {
  static const exposure::Pack built_in = [] {
    exposure::Pack read;
    EXPECT_TRUE(exposure::read_pack(exposure::built_in_pack(), "p", read));
    return read;
  }();
  return built_in;
}

/// Each domain has one MX record; names below "slow." never answer in time, and below "flaky." only
/// at the second try. Answers come on threads of its own.
class FakeResolver final : public resolve::Resolver {
 public:
  ~FakeResolver() override { stop(); }

  bool resolve(const resolve::Request& request, resolve::ReplySink& sink) override {
    const std::lock_guard lock(mutex_);
    if (refuse_ > 0) {
      --refuse_;
      return false;
    }
    most_ = std::max(most_, ++under_way_);
    ++asked_[request.question.qname];
    threads_.emplace_back([this, request, &sink] { answer(request, sink); });
    return true;
  }
  void stop() override {
    for (std::thread& thread : std::exchange(threads_, {})) thread.join();
  }
  void collect(Metrics&) const override {}

  void refuse_next(int count) { refuse_ = count; }
  std::size_t most() const { return most_; }
  std::size_t asked(std::string_view who) { return asked_[name(who)]; }

 private:
  void answer(const resolve::Request& request, resolve::ReplySink& sink) {
    resolve::Reply reply;
    reply.ticket = request.ticket;
    const dns::Question& question = request.question;
    const bool is_flaky = question.qname.is_at_or_below(name("flaky.example"));
    const bool is_dead = question.qname.is_at_or_below(name("slow.example"));
    {
      const std::lock_guard lock(mutex_);
      if (is_dead || (is_flaky && asked_[question.qname] == 1)) {
        reply.kind = resolve::ReplyKind::failed;
        reply.ede = dns::EdeCode::no_reachable_authority;
        reply.ede_text = "nobody answered";
      }
      --under_way_;
    }
    reply.message.resize(512);
    dns::MessageWriter writer(reply.message, reply.message.size());
    writer.header(0, dns::flag::qr);
    writer.question(question);
    if (question.qtype == RRType::mx) {
      const auto rdata = dns::rdata_from_text(RRType::mx, "0 x.mail.protection.outlook.com.", {});
      writer.record(dns::Section::answer,
                    {question.qname, RRType::mx, dns::RRClass::in, 60, *rdata});
    }
    if (question.qtype == RRType::txt && question.qname.label_count() == 2) {
      const auto rdata =
          dns::rdata_from_text(RRType::txt, "\"v=spf1 include:spf.shared.test -all\"", {});
      writer.record(dns::Section::answer,
                    {question.qname, RRType::txt, dns::RRClass::in, 60, *rdata});
    }
    reply.message.resize(writer.size());
    sink.deliver(std::move(reply));
  }

  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::map<dns::Name, std::size_t> asked_;
  std::size_t under_way_ = 0, most_ = 0;
  int refuse_ = 0;
};

struct Result {
  bool is_whole = false;
  std::map<std::size_t, exposure::Verdict> verdicts;
};

Result run(const std::vector<dns::Name>& domains, FakeResolver& resolver, const Options& options) {
  Result out;
  out.is_whole = run_survey(domains, pack(), resolver, options,
                            [&](std::size_t index, const exposure::Inquiry& inquiry) {
                              EXPECT_TRUE(inquiry.is_done());
                              out.verdicts.emplace(index, exposure::judge(inquiry, pack()));
                            });
  resolver.stop();
  EXPECT_EQ(out.verdicts.size(), domains.size());
  return out;
}

TEST(Survey, EveryDomainIsHandedOutOnce) {
  FakeResolver resolver;
  std::vector<dns::Name> domains;
  for (int i = 0; i < 20; ++i) domains.push_back(name("d" + std::to_string(i) + ".example"));
  Options options;
  options.in_flight = 8;
  const Result done = run(domains, resolver, options);
  EXPECT_TRUE(done.is_whole);
  for (const auto& [index, verdict] : done.verdicts) {
    EXPECT_EQ(verdict.hosting, exposure::Hosting::exchange_online);
  }
  EXPECT_LE(resolver.most(), 8U);
  // What all domains' SPF names is asked for a few times at most, not once for each.
  EXPECT_LE(resolver.asked("spf.shared.test"), 8U);
}

TEST(Survey, WhatFailsIsAskedAgain) {
  FakeResolver resolver;
  const Result done = run({name("flaky.example"), name("slow.example")}, resolver, {});
  EXPECT_TRUE(done.is_whole);
  EXPECT_EQ(done.verdicts.at(0).hosting, exposure::Hosting::exchange_online);
  EXPECT_TRUE(done.verdicts.at(0).is_complete);
  EXPECT_EQ(done.verdicts.at(1).hosting, exposure::Hosting::unknown);
  EXPECT_EQ(done.verdicts.at(1).because.front(),
            "not known because SERVFAIL (No Reachable Authority): nobody answered");
  EXPECT_EQ(resolver.asked("slow.example"), 4U);  // MX and TXT, twice each.
}

TEST(Survey, AFullResolverIsWaitedFor) {
  FakeResolver resolver;
  resolver.refuse_next(3);
  EXPECT_TRUE(run({name("a.example")}, resolver, {}).is_whole);
}

TEST(Survey, StoppedItSaysSoOfEachDomain) {
  FakeResolver resolver;
  Options options;
  options.stop = [] { return true; };
  const Result done = run({name("a.example"), name("b.example")}, resolver, options);
  EXPECT_FALSE(done.is_whole);
  for (const auto& [index, verdict] : done.verdicts) {
    EXPECT_EQ(verdict.because.front(), "not known because the time was over");
  }
}

TEST(Survey, TheBudgetEndsIt) {
  FakeResolver resolver;
  Options options;
  options.deadline = MonoTime(microseconds(1));
  EXPECT_FALSE(run({name("a.example")}, resolver, options).is_whole);
}

TEST(Answers, OfPolicyAreNotTheOwners) {
  resolve::Reply reply;
  reply.message.resize(512);
  dns::MessageWriter writer(reply.message, reply.message.size());
  writer.header(0, dns::flag::qr);
  writer.question({name("a.example"), RRType::a, dns::RRClass::in});
  writer.set_rcode(dns::Rcode::nxdomain);
  reply.message.resize(writer.size());
  const exposure::Question question{name("a.example"), RRType::a};
  EXPECT_EQ(answer_of(reply, question).outcome, exposure::Outcome::no_name);
  reply.ede = dns::EdeCode::blocked;
  const exposure::Answer blocked = answer_of(reply, question);
  EXPECT_EQ(blocked.outcome, exposure::Outcome::unknown);
  EXPECT_EQ(blocked.why, "the resolver did not pass on the owner's answer (Blocked)");
  reply.ede = dns::EdeCode::stale_answer;
  EXPECT_EQ(answer_of(reply, question).outcome, exposure::Outcome::no_name);
}

TEST(Nonces, AreLabelsThatDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const exposure::Nonces nonces = make_nonces();
    EXPECT_TRUE(seen.insert(nonces.first).second);
    EXPECT_TRUE(seen.insert(nonces.second).second);
    EXPECT_FALSE(exposure::below(name("v.example"), nonces.first).is_root());
  }
}

}  // namespace
}  // namespace postern::survey
