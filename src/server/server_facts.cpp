#include "server/server_facts.h"

#include <algorithm>

#include "dns/message.h"
#include "dns/types.h"

namespace postern::server {
namespace {

/// The targets of the NS records that `zone` itself has.
void add_servers(const cache::Answer& answer, const dns::Name& zone,
                 std::vector<dns::Name>& servers) {
  const auto view = dns::MessageView::parse(answer.wire);
  if (!view || view->rcode() != dns::Rcode::noerror) return;
  view->for_each_record([&](dns::Section section, const dns::Record& record) {
    if (section != dns::Section::answer || servers.size() == kMaxServers) return false;
    if (record.type != dns::RRType::ns || record.owner != zone) return true;
    std::size_t offset = record.rdata_offset;
    const auto server = dns::Name::from_wire(view->octets(), offset);
    if (server && std::ranges::find(servers, *server) == servers.end()) servers.push_back(*server);
    return true;
  });
}

}  // namespace

ServerFacts server_facts(const dns::Name& name, const ServerFactOptions& options,
                         FactSource& source) {
  ServerFacts facts;
  const auto look_up = [&](const dns::Name& of, dns::RRType type) -> const cache::Answer* {
    const cache::Key key{.qname = of, .qtype = type};
    const FactSource::Fact fact = source.find(key);
    if (fact.state == FactSource::State::missing) facts.missing.push_back(key);
    if (fact.state == FactSource::State::unknown) facts.is_whole = false;
    return fact.state == FactSource::State::known ? fact.answer : nullptr;
  };
  const std::size_t labels = name.label_count();
  for (std::size_t up = 0; up < kMaxZonesLookedAt && labels - up >= options.min_labels; ++up) {
    const dns::Name zone = name.without_left(up);
    if (const auto* answer = look_up(zone, dns::RRType::ns)) {
      add_servers(*answer, zone, facts.names);
    }
    if (up == labels) break;
  }
  if (!options.want_addresses) return facts;
  for (const dns::Name& server : facts.names) {
    for (const dns::RRType type : {dns::RRType::a, dns::RRType::aaaa}) {
      const auto* answer = look_up(server, type);
      if (answer == nullptr) continue;
      for (const IpAddress& address : answer->addresses) {
        if (facts.addresses.size() == kMaxServerAddresses) return facts;
        facts.addresses.push_back(address);
      }
    }
  }
  return facts;
}

}  // namespace postern::server
