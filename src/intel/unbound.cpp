// "local-zone:" and "local-data:" of an unbound configuration: zones are a name and all below.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ip.h"
#include "dns/types.h"
#include "intel/readers.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

using policy::Action;
using policy::Scope;
using std::string_view_literals::operator""sv;

struct ZoneType {
  std::string_view name;
  Action action;
};

// As unbound reads them: in lower case only. What each type does to a name that has no local data
// of its own.
constexpr std::array kZoneTypes = {
    ZoneType{"always_nxdomain"sv, Action::nxdomain},
    ZoneType{"static"sv, Action::nxdomain},
    ZoneType{"always_refuse"sv, Action::refuse},
    ZoneType{"refuse"sv, Action::refuse},
    ZoneType{"always_deny"sv, Action::drop},
    ZoneType{"deny"sv, Action::drop},
    ZoneType{"inform_deny"sv, Action::drop},
    ZoneType{"always_null"sv, Action::block},
    ZoneType{"always_nodata"sv, Action::nodata},
    ZoneType{"always_transparent"sv, Action::pass},
    ZoneType{"transparent"sv, Action::pass},
    ZoneType{"typetransparent"sv, Action::pass},
    ZoneType{"inform"sv, Action::pass},
};
constexpr std::string_view kRedirect = "redirect";
constexpr std::string_view kInformRedirect = "inform_redirect";

std::optional<Action> action_of(std::string_view type) {
  for (const ZoneType& known : kZoneTypes) {
    if (known.name == type) return known.action;
  }
  return std::nullopt;
}

bool is_redirect(std::string_view type) {
  return type == kRedirect || type == kInformRedirect;
}

// Takes the next token off `text`: a word, or what stands between quotation marks. False: none
// is left, a comment begins, or a quotation mark has no partner (`text` is then not empty).
bool take_token(std::string_view& text, std::string_view& out) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  if (text.empty() || text.front() == '#') {
    text = {};
    return false;
  }
  const char quote = text.front();
  if (quote == '"' || quote == '\'') {
    const std::size_t end = text.find(quote, 1);
    if (end == std::string_view::npos) return false;
    out = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    return true;
  }
  // A quotation mark ends a word as a blank does: local-zone:"name" is two of them.
  const std::size_t end = std::min(text.find_first_of(" \t\r\f\v\"'"), text.size());
  out = text.substr(0, end);
  text.remove_prefix(end);
  return true;
}

/// Redirect zones by name, and whether a record was found for them.
using Redirects = std::unordered_map<std::string, bool>;

std::string key_of(const dns::Name& name) {
  return std::string(text_of(name.wire()));
}

struct Statement {
  std::string_view zone;  // Empty: it is local-data.
  std::string_view type;
  std::string_view data;
};

enum class Outcome : std::uint8_t { statement, nothing, fault };

// Takes the next statement off the line; "server:" is none, and one may follow it.
Outcome take_statement(std::string_view& line, Statement& out, FeedSink& sink) {
  out = {};
  std::string_view key = "server:";
  while (key == "server:") {
    if (take_token(line, key)) continue;
    if (line.empty()) return Outcome::nothing;
    sink.skip(line, "has a quotation mark without its partner; add it");
    return Outcome::fault;
  }
  const bool is_zone = key == "local-zone:";
  if (!is_zone && key != "local-data:") {
    sink.skip(key, "is no statement of a list; only local-zone: and local-data: are read");
    return Outcome::fault;
  }
  const bool complete = is_zone ? take_token(line, out.zone) && take_token(line, out.type)
                                : take_token(line, out.data);
  if (!complete || (is_zone && out.zone.empty())) {
    sink.skip(key, is_zone ? "needs a name and a type: local-zone: \"name\" always_nxdomain"
                           : "needs a record in quotation marks: local-data: \"name A 192.0.2.1\"");
    return Outcome::fault;
  }
  return Outcome::statement;
}

// Calls `use(statement)` for every statement of the text, whatever is wrong elsewhere.
template <class Use>
void for_each_statement(std::string_view text, const FeedOptions& options, Use&& use) {
  FeedContent unused;
  FeedSink sink(options, unused);
  for_each_line(text, sink, [&](std::string_view line) {
    Statement statement;
    while (take_statement(line, statement, sink) == Outcome::statement) use(statement);
  });
}

// A first look at the text, for redirect zones and whether they have records: those may stand
// anywhere, and a zone without any answers NODATA.
Redirects find_redirects(std::string_view text, const FeedOptions& options) {
  Redirects found;
  if (text.find(kRedirect) == std::string_view::npos) return found;
  for_each_statement(text, options, [&](const Statement& statement) {
    if (!is_redirect(statement.type)) return;
    if (const auto name = read_domain(statement.zone)) found.emplace(key_of(*name), false);
  });
  if (found.empty()) return found;
  for_each_statement(text, options, [&](const Statement& statement) {
    if (!statement.zone.empty()) return;
    std::string_view data = statement.data;
    const auto owner = read_domain(take_word(data));
    if (!owner) return;
    const auto zone = found.find(key_of(*owner));
    if (zone != found.end()) zone->second = true;
  });
  return found;
}

struct RecordText {
  std::string_view owner;
  std::string_view type;
  std::string_view rdata;
};

bool is_number(std::string_view word) {
  return word.find_first_not_of("0123456789") == std::string_view::npos;
}

// "name [TTL] [class] type rdata"; the TTL is ours, as with all feeds.
RecordText split_record(std::string_view text) {
  RecordText record;
  record.owner = take_word(text);
  record.type = take_word(text);
  while (!record.type.empty() && (is_number(record.type) || same_word(record.type, "IN"))) {
    record.type = take_word(text);
  }
  record.rdata = trimmed(text);
  return record;
}

bool is_null_address(const RecordText& record) {
  if (!same_word(record.type, "A") && !same_word(record.type, "AAAA")) return false;
  const auto address = IpAddress::from_text(record.rdata);
  return address && (address->is_unspecified() || address->is_loopback());
}

void add_data(std::string_view text, const Redirects& redirects, FeedSink& sink) {
  const RecordText record = split_record(text);
  if (record.type.empty()) {
    return sink.skip(text, "is no record; write local-data: \"name A 192.0.2.1\"");
  }
  dns::Name name;
  if (!sink.read_name(record.owner, name)) return;
  const bool redirected = !redirects.empty() && redirects.contains(key_of(name));
  const Scope scope = redirected ? Scope::at_and_below : Scope::exact;
  if (is_null_address(record)) return sink.add(name, {.scope = scope});
  sink.add_record_text(name, {.scope = scope}, record.type, record.rdata);
}

void add_zone(const Statement& statement, const Redirects& redirects, FeedSink& sink) {
  dns::Name name;
  if (!sink.read_name(statement.zone, name)) return;
  if (is_redirect(statement.type)) {
    const auto zone = redirects.find(key_of(name));
    const bool has_records = zone != redirects.end() && zone->second;  // They make the rule.
    if (!has_records) sink.add(name, {.scope = Scope::at_and_below, .action = Action::nodata});
    return;
  }
  const std::optional<Action> action = action_of(statement.type);
  if (!action) {
    return sink.skip(statement.type,
                     "is no type of zone that a list can have; use always_nxdomain");
  }
  sink.add(name, {.scope = Scope::at_and_below, .action = *action});
}

}  // namespace

void read_unbound(std::string_view text, FeedSink& sink) {
  const Redirects redirects = find_redirects(text, sink.options());
  for_each_line(text, sink, [&](std::string_view line) {
    Statement statement;
    bool any = false;
    while (!sink.stopped()) {
      const Outcome outcome = take_statement(line, statement, sink);
      if (outcome == Outcome::nothing && !any) sink.ignore();
      if (outcome != Outcome::statement) return;
      any = true;
      if (statement.zone.empty()) {
        add_data(statement.data, redirects, sink);
      } else {
        add_zone(statement, redirects, sink);
      }
    }
  });
}

}  // namespace postern::intel
