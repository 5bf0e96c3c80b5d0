// "0.0.0.0 name [alias…] # comment": each name exactly, no subdomains.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/ip.h"
#include "intel/readers.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kOwnHostNames = {
    "localhost"sv,  "localhost.localdomain"sv,   "local"sv,         "localhost4"sv,
    "localhost6"sv, "localhost6.localdomain6"sv, "broadcasthost"sv, "localhost4.localdomain4"sv,
    "0.0.0.0"sv,  // Some published lists begin with "0.0.0.0 0.0.0.0".
};

std::optional<IpAddress> read_address(std::string_view word) {
  // Nearly all lines of a block list begin with one of these.
  if (word == "0.0.0.0") return IpAddress();
  // "fe80::1%lo0": the zone says which interface, which is of no use here.
  const auto address = IpAddress::from_text(word.substr(0, word.find('%')));
  if (!address) return std::nullopt;
  return *address;
}

policy::LocalRecord record_of(const IpAddress& address) {
  constexpr std::uint32_t kTtl = 3600;
  const OctetView octets = address.octets();
  return {address.is_v4() ? dns::RRType::a : dns::RRType::aaaa, kTtl,
          Octets(octets.begin(), octets.end())};
}

}  // namespace

bool is_own_host_name(std::string_view text) {
  if (text.size() > 3 && same_word(text.substr(0, 4), "ip6-")) return true;
  return std::ranges::any_of(kOwnHostNames,
                             [&](std::string_view own) { return same_word(own, text); });
}

void read_hosts_line(std::string_view line, FeedSink& sink) {
  line = line.substr(0, line.find('#'));
  const std::string_view first = take_word(line);
  if (first.empty() || first.front() == '!') return sink.ignore();
  const std::optional<IpAddress> address = read_address(first);
  if (!address) {
    return sink.skip(first,
                     "is no address; a hosts line is an address and names, a list of bare "
                     "names has format: domains");
  }
  const bool blocks = address->is_unspecified() || address->is_loopback();
  const policy::Scope scope = sink.options().scope.value_or(policy::Scope::exact);
  bool has_rule = false;
  bool has_name = false;
  dns::Name name;
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
    has_name = true;
    if (is_own_host_name(word)) continue;
    has_rule = true;
    if (!sink.read_name(word, name)) continue;
    if (blocks) {
      sink.add(name, {.scope = scope});
    } else {
      sink.add_record(name, {.scope = scope}, record_of(*address));
    }
  }
  if (!has_name) return sink.skip(first, "has no name behind it; add one or remove the line");
  if (!has_rule) sink.ignore();
}

void read_hosts(std::string_view text, FeedSink& sink) {
  for_each_line(text, sink, [&](std::string_view line) { read_hosts_line(line, sink); });
}

}  // namespace postern::intel
