// Any octets as a query, by UDP or TCP: an answer, if there is one, is a message that reads, has QR
// set, carries the query's id, and is no longer than it may be. Every query is heard of again.
//
// The first octet of the input chooses transport and settings; the rest is the message.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "dns/message.h"
#include "dns/writer.h"
#include "server/handler.h"

namespace {

namespace dns = postern::dns;
namespace server = postern::server;
using postern::Octets;
using postern::OctetView;

/// Answers every question with a CNAME into the blocked part, or an address.
class Echo final : public postern::resolve::Resolver {
 public:
  bool resolve(const postern::resolve::Request& request,
               postern::resolve::ReplySink& sink) override {
    Octets buffer(dns::kMaxMessageOctets);
    dns::MessageWriter writer(buffer, buffer.size());
    writer.header(0, dns::flag::qr);
    writer.question(request.question);
    const auto target = *dns::Name::from_text("chain.example");
    writer.record(dns::Section::answer, {request.question.qname, dns::RRType::cname,
                                         dns::RRClass::in, 60, target.wire()});
    postern::resolve::Reply reply;
    reply.ticket = request.ticket;
    reply.message.assign(writer.message().begin(), writer.message().end());
    sink.deliver(std::move(reply));
    return true;
  }
  void stop() override {}
  void collect(postern::Metrics&) const override {}
};

class Nowhere final : public postern::event::QuerySink {
 public:
  void record(const postern::event::Query&) override {}
};

class World final : public postern::resolve::ReplySink, public server::AnswerSink {
 public:
  void deliver(postern::resolve::Reply reply) override { replies.push_back(std::move(reply)); }
  void answer(const server::ReturnPath&, postern::event::Transport, OctetView message) override {
    late.assign(message.begin(), message.end());
    heard = true;
  }
  void silence(const server::ReturnPath&, postern::event::Transport) override { heard = true; }

  std::vector<postern::resolve::Reply> replies;
  Octets late;
  bool heard = false;
};

std::shared_ptr<const postern::policy::Generation> make_policy() {
  postern::policy::PolicyInput input;
  auto rules = std::make_shared<postern::policy::ZoneRules>();
  using postern::policy::Action;
  const std::pair<std::string_view, Action> plain[] = {{"n.test", Action::nxdomain},
                                                       {"d.test", Action::drop},
                                                       {"t.test", Action::tcp_only},
                                                       {"b.test", Action::block},
                                                       {"p.test", Action::pass}};
  for (const auto& [name, action] : plain) {
    rules->add({.name = *dns::Name::from_text(name),
                .scope = postern::policy::Scope::at_and_below,
                .action = action});
  }
  const auto garden = *dns::Name::from_text("*.garden.example");
  const Octets rdata(garden.wire().begin(), garden.wire().end());
  const auto data = rules->add_local_data({{dns::RRType::cname, 60, rdata}});
  rules->add({.name = *dns::Name::from_text("c.test"),
              .scope = postern::policy::Scope::at_and_below,
              .action = Action::local_data,
              .data = data});
  postern::policy::ZoneOptions options;
  options.name = "fuzz";
  options.answer = postern::policy::BlockAnswer::null_address;
  input.zones.push_back({options, rules});
  input.groups.push_back({.name = "all", .clients = {}, .zones = {0}, .answer = {}});
  return *postern::policy::Generation::compile(std::move(input));
}

void check(OctetView answer, OctetView query, std::size_t limit) {
  POSTERN_ASSERT(answer.size() <= limit);
  const auto view = dns::MessageView::parse(answer);
  POSTERN_ASSERT(view.has_value());
  POSTERN_ASSERT(view->header().has(dns::flag::qr));
  POSTERN_ASSERT(view->header().id == postern::load_u16(query.data()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  server::Settings settings_value;
  settings_value.access_allow = {postern::IpPrefix()};  // 0.0.0.0/0.
  settings_value.udp_max_octets = (data[0] & 2) != 0 ? 512 : 1232;
  const postern::Published<server::Settings> settings(
      std::make_shared<const server::Settings>(settings_value));
  static const auto policy_value = make_policy();
  const postern::Published<postern::policy::Generation> policy(policy_value);
  const postern::cache::Options cache{.max_octets = 1U << 20};
  Echo resolver;
  Nowhere sink;
  World world;
  server::Handler handler({.cache = cache,
                           .settings = settings,
                           .policy = policy,
                           .resolver = resolver,
                           .replies = world,
                           .sink = sink,
                           .answers = world,
                           .seed = 1});
  const bool is_udp = (data[0] & 1) == 0;
  const OctetView query{data + 1, size - 1};
  const std::size_t limit = is_udp ? settings_value.udp_max_octets : dns::kMaxMessageOctets;
  Octets out(is_udp ? server::limits::kUdpOctets : dns::kMaxMessageOctets);
  // Twice: the second time from the cache.
  for (int i = 0; i < 2; ++i) {
    const server::Moment now{postern::MonoTime(postern::seconds(1000)), {}};
    const auto handled = handler.handle(
        {.octets = query,
         .client = postern::IpAddress::v4(192, 0, 2, 1),
         .port = 1,
         .transport = is_udp ? postern::event::Transport::udp : postern::event::Transport::tcp},
        {}, now, out);
    if (handled.outcome == server::Handler::Outcome::answered) {
      check(OctetView(out).first(handled.size), query, limit);
    }
    if (handled.outcome == server::Handler::Outcome::pending) {
      world.heard = false;
      for (auto& reply : std::exchange(world.replies, {})) handler.on_reply(std::move(reply), now);
      POSTERN_ASSERT(world.heard);
      if (!world.late.empty()) check(world.late, query, limit);
    }
  }
  return 0;
}
