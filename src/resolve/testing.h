// For tests of resolvers: a sink that collects replies, and short ways to ask.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/ip.h"
#include "dns/rdata.h"
#include "resolve/resolver.h"

namespace postern::resolve::testing {

inline MonoTime now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now());
}

inline Request request(std::string_view name, dns::RRType type = dns::RRType::a,
                       milliseconds patience = seconds(5)) {
  Request out;
  out.question = {*dns::Name::from_text(name), type, dns::RRClass::in};
  out.deadline = now() + patience;
  return out;
}

/// Keeps replies by ticket; counts the tickets that came twice.
class CollectingSink final : public ReplySink {
 public:
  void deliver(Reply reply) override {
    const std::lock_guard lock(mutex_);
    const auto ticket = reply.ticket;
    if (!replies_.emplace(ticket, std::move(reply)).second) ++doubled_;
    if (replies_.size() >= wanted_)
      changed_.notify_all();  // Waking for each would cost more than it.
  }

  /// True where `count` replies have come before `patience` is over.
  bool wait_for(std::size_t count, milliseconds patience = seconds(20)) {
    std::unique_lock lock(mutex_);
    wanted_ = count;
    return changed_.wait_for(lock, patience, [&] { return replies_.size() >= count; });
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return replies_.size();
  }
  std::size_t doubled() const {
    const std::lock_guard lock(mutex_);
    return doubled_;
  }
  Reply reply(std::uint64_t ticket = 0) const {
    const std::lock_guard lock(mutex_);
    const auto found = replies_.find(ticket);
    return found == replies_.end() ? Reply{} : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Reply> replies_;
  std::size_t doubled_ = 0;
  std::size_t wanted_ = 0;
};

/// Asks one question and waits for its reply; an empty message where none came.
inline Reply ask(Resolver& resolver, const Request& question) {
  CollectingSink sink;
  if (!resolver.resolve(question, sink)) return {};
  sink.wait_for(1);
  return sink.reply(question.ticket);
}

inline dns::Rcode rcode_of(const Reply& reply) {
  const auto view = dns::MessageView::parse(reply.message);
  return view ? view->rcode() : dns::Rcode::badvers;
}

/// Addresses, targets and the first string of a TXT; enough for these tests.
inline std::string data_of(const dns::Record& record, OctetView message) {
  dns::Name target;
  if (record.type == dns::RRType::a || record.type == dns::RRType::aaaa) {
    return IpAddress::from_octets(record.rdata).to_text();
  }
  if (record.type == dns::RRType::txt) {
    return "\"" + std::string(text_of(record.rdata.subspan(1, record.rdata[0]))) + "\"";
  }
  return dns::rdata_target(record.type, message, record, target) ? target.to_text() : "?";
}

/// "CNAME www.example.|A 192.0.2.1": the records of one section but signatures, in order.
inline std::string records_of(const Reply& reply, dns::Section wanted = dns::Section::answer) {
  const auto view = dns::MessageView::parse(reply.message);
  std::string out;
  if (!view) return "does not parse";
  view->for_each_record([&](dns::Section section, const dns::Record& record) {
    if (section != wanted || record.type == dns::RRType::rrsig) return true;
    if (!out.empty()) out += '|';
    out += dns::to_string(record.type) + " " + data_of(record, reply.message);
    return true;
  });
  return out;
}

inline std::size_t count_of(const Reply& reply, dns::RRType type) {
  const auto view = dns::MessageView::parse(reply.message);
  std::size_t count = 0;
  if (!view) return 0;
  view->for_each_record([&](dns::Section, const dns::Record& record) {
    if (record.type == type) ++count;
    return true;
  });
  return count;
}

}  // namespace postern::resolve::testing
