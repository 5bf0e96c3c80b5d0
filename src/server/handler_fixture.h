// HandlerTest: a handler, its world and its time, all played by hand. For the tests of this module.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "server/handler.h"
#include "server/testing.h"

namespace postern::server::testing {

inline const IpAddress kClient = IpAddress::v4(192, 0, 2, 10);

/// The client is 192.0.2.10; www.example. A is known to the resolver.
class HandlerTest : public ::testing::Test, public resolve::ReplySink, public AnswerSink {
 protected:
  HandlerTest() {
    settings_value_.answer_deadline_ms = 5000;
    settings_value_.access_allow = {*IpPrefix::from_text("192.0.2.0/24"),
                                    *IpPrefix::from_text("2001:db8::/32")};
    publish_settings();
    handler_ = make_handler();
    resolver_.set("www.example. A", {.records = {"www.example. 300 A 192.0.2.1"}});
  }

  std::unique_ptr<Handler> make_handler() {
    return std::make_unique<Handler>(Handler::Setup{.cache = cache_,
                                                    .settings = settings_,
                                                    .policy = policy_,
                                                    .resolver = resolver_,
                                                    .replies = *this,
                                                    .sink = sink_,
                                                    .answers = *this,
                                                    .exceptions = &exceptions_,
                                                    .devices = &devices_,
                                                    .seed = 42});
  }

  void deliver(resolve::Reply reply) override { replies_.push_back(std::move(reply)); }
  void answer(const ReturnPath& path, event::Transport, OctetView message) override {
    late_.push_back(std::to_string(path.socket) + ": " + words_of(message));
    last_ = Octets(message.begin(), message.end());
    if (on_answer_) std::exchange(on_answer_, nullptr)();
  }
  void silence(const ReturnPath& path, event::Transport) override {
    late_.push_back(std::to_string(path.socket) + ": silence");
  }

  void publish_settings() { settings_.publish(std::make_shared<const Settings>(settings_value_)); }
  void set_policy(const std::vector<ZoneSpec>& zones) {
    policy_.publish(policy_of(zones, ++generation_));
  }

  Moment now() const { return {mono_, wall_}; }
  void pass(milliseconds time) {
    mono_ += time;
    wall_ += time;
    handler_->advance(now());
  }
  /// Hands the handler what the resolver delivered; gives what clients got, in order.
  std::vector<std::string> take_late() {
    for (resolve::Reply& reply : std::exchange(replies_, {})) {
      handler_->on_reply(std::move(reply), now());
    }
    return std::exchange(late_, {});
  }

  std::string send(OctetView octets, event::Transport transport = event::Transport::udp,
                   const IpAddress& client = kClient) {
    Octets out(dns::kMaxMessageOctets);
    ReturnPath path;
    path.socket = next_client_++;
    const auto handled =
        handler_->handle({.octets = octets, .client = client, .port = 5353, .transport = transport},
                         path, now(), out);
    close_ = handled.close;
    last_.clear();
    if (handled.outcome == Handler::Outcome::pending) return "pending";
    if (handled.outcome == Handler::Outcome::silent) return "silent";
    last_.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(handled.size));
    return words_of(last_);
  }
  std::string ask(const Ask& ask, event::Transport transport = event::Transport::udp) {
    return send(query_of(ask), transport);
  }
  /// Asks and waits for the resolver.
  std::string ask_through(const Ask& query, event::Transport transport = event::Transport::udp) {
    std::string first = ask(query, transport);
    if (first != "pending") return first;
    resolver_.answer_all();
    const auto late = take_late();
    if (late.size() != 1) return std::to_string(late.size()) + " answers";
    return late[0].substr(late[0].find(": ") + 2);
  }
  event::Query last_record() const {
    const auto records = sink_.records();
    return records.empty() ? event::Query{} : records.back();
  }

  cache::Options cache_;
  Settings settings_value_;
  Published<Settings> settings_{std::make_shared<const Settings>()};
  Published<policy::Generation> policy_{policy::Generation::empty()};
  Published<policy::ExceptionTable> exceptions_{policy::ExceptionTable::none()};
  Published<policy::DeviceTable> devices_{policy::DeviceTable::none()};
  std::uint64_t generation_ = 0;
  FakeResolver resolver_;
  RecordingSink sink_;
  std::unique_ptr<Handler> handler_;
  MonoTime mono_{seconds(1000)};
  WallTime wall_{seconds(1'700'000'000)};
  std::vector<resolve::Reply> replies_;
  std::vector<std::string> late_;
  std::function<void()> on_answer_;  ///< Called from inside the next late answer.
  std::uint32_t next_client_ = 0;
  Octets last_;
  bool close_ = false;
};

}  // namespace postern::server::testing
