// "address=/a/b/0.0.0.0", "local=/x/", "server=/x/": each name and all below it.
#include <string_view>

#include "base/ip.h"
#include "intel/readers.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

using policy::Action;
using policy::Scope;

// A "#" begins a comment at the start of a word only: "server=/x/#" has none.
std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || is_blank(line[i - 1]))) return trimmed(line.substr(0, i));
  }
  return line;
}

// "/a/b/target": the names between the slashes, and what stands behind the last one.
struct Statement {
  std::string_view names;  // "a/b"
  std::string_view target;
};

bool split(std::string_view value, Statement& out) {
  if (value.size() < 2 || value.front() != '/') return false;
  const std::size_t last = value.rfind('/');
  if (last == 0) return false;
  out.names = value.substr(1, last - 1);
  out.target = trimmed(value.substr(last + 1));
  return true;
}

// What is to be done with each name of a statement.
struct Order {
  Action action = Action::nxdomain;
  std::string_view address;  // For local_data.
  bool valid = false;
  std::string_view fault;
};

Order address_order(std::string_view target) {
  if (target.empty()) return {Action::nxdomain, {}, true, {}};
  if (target == "#") return {Action::block, {}, true, {}};
  const auto address = IpAddress::from_text(target);
  if (!address) {
    return {{}, {}, false, "is neither an address nor \"#\"; write one, or nothing for NXDOMAIN"};
  }
  if (address->is_unspecified() || address->is_loopback()) return {Action::block, {}, true, {}};
  return {Action::local_data, target, true, {}};
}

Order server_order(std::string_view target) {
  if (target.empty()) return {Action::nxdomain, {}, true, {}};
  if (target == "#") return {Action::pass, {}, true, {}};
  return {{}, {}, false, "names a server to forward to, which no feed may; set up a forward zone"};
}

void add_one(std::string_view text, const Order& order, FeedSink& sink) {
  // dnsmasq takes "/.x/" and "/x/" alike; "/*.x/" are the names below x.
  Scope scope = Scope::at_and_below;
  if (text.starts_with("*.")) {
    text.remove_prefix(2);
    scope = Scope::below;
  } else if (text.starts_with('.')) {
    text.remove_prefix(1);
  }
  if (text == "#") return sink.skip(text, "stands for every name there is; remove it");
  dns::Name name;
  if (!sink.read_name(text, name)) return;
  if (order.action != Action::local_data)
    return sink.add(name, {.scope = scope, .action = order.action});
  const bool v6 = order.address.find(':') != std::string_view::npos;
  sink.add_record_text(name, {.scope = scope}, v6 ? "AAAA" : "A", order.address);
}

void read_line(std::string_view line, FeedSink& sink) {
  line = without_comment(line);
  if (line.empty()) return sink.ignore();
  const std::size_t equals = line.find('=');
  const std::string_view key = trimmed(line.substr(0, equals));
  const bool is_address = key == "address";
  if (!is_address && key != "local" && key != "server") {
    return sink.skip(line, "is no statement of a list; only address=, local= and server= are read");
  }
  Statement statement;
  if (equals == std::string_view::npos || !split(trimmed(line.substr(equals + 1)), statement)) {
    return sink.skip(line, "has no \"/name/\"; write it as address=/name/0.0.0.0");
  }
  const Order order = is_address ? address_order(statement.target) : server_order(statement.target);
  if (!order.valid) return sink.skip(statement.target, order.fault);
  std::string_view names = statement.names;
  while (true) {
    const std::size_t slash = names.find('/');
    add_one(names.substr(0, slash), order, sink);
    if (slash == std::string_view::npos) return;
    names.remove_prefix(slash + 1);
  }
}

}  // namespace

void read_dnsmasq(std::string_view text, FeedSink& sink) {
  for_each_line(text, sink, [&](std::string_view line) { read_line(line, sink); });
}

}  // namespace postern::intel
