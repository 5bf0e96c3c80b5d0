#include "app/views.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "app/table.h"

namespace postern::app {
namespace {

std::string ago(const Json& at, WallTime now) {
  const auto time = time_from_rfc3339(at.text());
  if (!time) return "never";
  return short_duration(std::chrono::floor<seconds>(now - *time)) + " ago";
}

std::string in(const Json& at, WallTime now) {
  const auto time = time_from_rfc3339(at.text());
  if (!time) return "-";
  return "in " + short_duration(std::chrono::ceil<seconds>(*time - now));
}

std::string or_dash(const Json& value) {
  return value.text().empty() ? "-" : printable(value.text());
}

/// "urlhaus line 17: *.bad.example", or what is known of it.
std::string why(const Json& query) {
  std::string out = printable(query["zone"].text());
  if (out.empty()) return query["ede"].is_null() ? "" : fmt::format("EDE {}", query["ede"].text());
  // Of an exception it is its id.
  const std::string_view line = query["zone"].text() == "exceptions" ? "" : "line ";
  if (!query["rule_line"].is_null()) {
    out += fmt::format(" {}{}", line, query["rule_line"].text());
  }
  if (!query["rule"].is_null()) out += fmt::format(": {}", printable(query["rule"].text()));
  if (query["in_chain"].is_true()) out += " (in the answer)";
  return out;
}

/// "2026-03-02 08:00:00" of an RFC 3339 time.
std::string short_time(std::string_view at) {
  std::string out(at.substr(0, std::min<std::size_t>(at.size(), 19)));
  std::ranges::replace(out, 'T', ' ');
  return printable(out);
}

std::vector<std::string> query_cells(const Json& query) {
  return {short_time(query["at"].text()),
          printable(query["trace"].text()),
          printable(query["client"].text()),
          printable(query["name"].text()),
          printable(query["type"].text()),
          printable(query["disposition"].text()),
          printable(query["rcode"].text()),
          short_latency(query["latency_us"].count()),
          why(query)};
}

}  // namespace

std::optional<WallTime> time_from_rfc3339(std::string_view text) {
  // "2026-03-02T08:00:00[.000001]Z"
  constexpr std::size_t kOffsets[] = {0, 5, 8, 11, 14, 17};
  if (text.size() < 20 || text.back() != 'Z' || text[10] != 'T') return std::nullopt;
  int parts[6] = {};
  for (std::size_t i = 0; i < 6; ++i) {
    const char* from = text.data() + kOffsets[i];
    const char* to = from + (i == 0 ? 4 : 2);
    const auto [end, error] = std::from_chars(from, to, parts[i]);
    if (error != std::errc{} || end != to || parts[i] < 0) return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(parts[0]),
                                         std::chrono::month(static_cast<unsigned>(parts[1])),
                                         std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(parts[3]) +
         std::chrono::minutes(parts[4]) + seconds(parts[5]);
}

std::string view_reload(const Json& reloaded) {
  std::string out = "The configuration was read again and is in force.\n";
  if (reloaded["reading_feeds"].is_true()) {
    out += "Its feeds are still being read; \"postern feed list\" shows how they are.\n";
  }
  for (const Json& feed : reloaded["unreadable_feeds"].items()) {
    out += fmt::format("feed {} cannot be read: {}\n", printable(feed["name"].text()),
                       printable(feed["error"].text()));
  }
  std::string later;
  for (const Json& option : reloaded["needs_restart"].items()) {
    later += (later.empty() ? "" : ", ") + printable(option.text());
  }
  if (!later.empty()) out += fmt::format("These changes act after a restart: {}\n", later);
  return out;
}

bool is_reloaded_whole(const Json& reloaded) {
  return !reloaded["reading_feeds"].is_true() && reloaded["unreadable_feeds"].items().empty();
}

std::string view_status(const Json& status) {
  const Json& policy = status["policy"];
  std::string out = fmt::format("postern {}, up {}\n", printable(status["version"].text()),
                                short_duration(seconds(status["uptime_s"].count())));
  for (const Json& endpoint : status["endpoints"].items()) {
    out += fmt::format("  answers on  {}\n", printable(endpoint.text()));
  }
  out += fmt::format("  policy      generation {}: {} rules in {} zones, {} MiB\n",
                     policy["generation"].text(), grouped(policy["rules"].count()),
                     policy["zones"].text(), policy["memory_octets"].count() >> 20);
  std::string feeds;
  for (const std::string_view health : {"good", "stale", "failed", "never", "held"}) {
    const std::uint64_t count = status["feeds"][health].count();
    if (count > 0) feeds += fmt::format("{}{} {}", feeds.empty() ? "" : ", ", count, health);
  }
  out += fmt::format("  feeds       {}\n", feeds.empty() ? "none" : feeds);
  out += fmt::format("  journal     {}\n", status["journal"].is_true() ? "on" : "off");
  return out;
}

std::string view_feeds(const Json& feeds, WallTime now) {
  Table table({"FEED", "HEALTH", "RULES", "SKIPPED", "READ", "NEXT", "FORMAT", "SOURCE"});
  table.align(2, Table::Align::right);
  table.align(3, Table::Align::right);
  std::string notes;
  for (const Json& feed : feeds["feeds"].items()) {
    const std::string_view held = feed["held"]["state"].text();
    const std::string_view note = held == "waiting" ? ", held" : held == "canary" ? ", tried" : "";
    table.add({printable(feed["name"].text()),
               fmt::format("{}{}", printable(feed["health"].text()), note),
               grouped(feed["rules"].count()), grouped(feed["lines_skipped"].count()),
               ago(feed["last_success"], now), in(feed["next_try"], now),
               printable(feed["format"].text()), or_dash(feed["source"])});
    for (const std::string_view key : {"last_error", "first_skipped"}) {
      if (feed[key].text().empty()) continue;
      notes += fmt::format("{}: {}\n", printable(feed["name"].text()), printable(feed[key].text()));
    }
  }
  if (table.empty()) return "No feeds.\n";
  return table.text() + (notes.empty() ? "" : "\n" + notes);
}

std::string view_explanation(const Json& explanation) {
  const Json& record = explanation["record"];
  std::string out = fmt::format("{} {}", printable(explanation["name"].text()),
                                printable(explanation["type"].text()));
  if (!explanation["trace"].is_null()) {
    const std::string reason = why(record);
    out +=
        fmt::format(" for {} at {} UTC: {}{}{}\nWith today's policy",
                    printable(explanation["client"].text()), short_time(record["at"].text()),
                    printable(record["disposition"].text()), reason.empty() ? "" : " by ", reason);
  }
  const Json& verdict = explanation["verdict"];
  out += ": " + printable(verdict["disposition"].text());
  if (verdict["in_chain"].is_true()) out += " through its answer";
  if (!verdict["zone"].is_null()) out += fmt::format(" by {}", printable(verdict["zone"].text()));
  out += "\n\n";
  std::size_t number = 0;
  for (const Json& step : explanation["steps"].items()) {
    out += fmt::format("  {}. {}\n", ++number, printable(step["text"].text()));
  }
  if (explanation["matches"].items().empty()) return out;
  Table table({"", "ZONE", "LINE", "RULE", "ACTION", "IN FORCE"});
  table.align(2, Table::Align::right);
  for (const Json& match : explanation["matches"].items()) {
    table.add({match["winner"].is_true() ? "  *" : "   ", printable(match["zone"].text()),
               or_dash(match["line"]), printable(match["rule"].text()),
               printable(match["action"].text()),
               match["in_group"].is_true() ? "yes" : "not for this group"});
  }
  return out + "\nEvery rule that matches (* decides):\n" + table.text();
}

/// Under a page that is not the last one.
std::string older_text(const Json& page, std::string_view command) {
  const std::string& next = page["next"].text();
  if (next.empty()) return "";
  return fmt::format("There are older ones: postern {} --before {}\n", command, printable(next));
}

std::string view_exceptions(const Json& exceptions) {
  if (exceptions["exceptions"].items().empty()) return "No exception holds.\n";
  Table table({"ID", "ACTION", "NAME", "FOR", "UNTIL (UTC)", "BY", "REASON"});
  table.align(0, Table::Align::right);
  for (const Json& each : exceptions["exceptions"].items()) {
    table.add({each["id"].text(), printable(each["action"].text()), printable(each["name"].text()),
               printable(each["audience"].text()), short_time(each["until"].text()),
               printable(each["owner"].text()), printable(each["reason"].text())});
  }
  return table.text() + older_text(exceptions, "exception list");
}

std::string view_audit(const Json& audit) {
  if (audit["entries"].items().empty()) return "Nothing was changed by hand.\n";
  Table table({"TIME (UTC)", "WHO", "WHAT", "BEFORE", "AFTER", "REASON"});
  for (const Json& entry : audit["entries"].items()) {
    table.add({short_time(entry["at"].text()), printable(entry["actor"].text()),
               fmt::format("{} ({})", printable(entry["action"].text()),
                           printable(entry["subject"].text())),
               or_dash(entry["before"]), or_dash(entry["after"]),
               printable(entry["reason"].text())});
  }
  return table.text() + older_text(audit, "audit");
}

void QueriesView::add(const Json& page) {
  for (const Json& query : page["rows"].items()) rows_.push_back(query_cells(query));
}

std::string QueriesView::text() const {
  if (rows_.empty()) return "No query in the journal fits.\n";
  Table table({"TIME (UTC)", "TRACE", "CLIENT", "NAME", "TYPE", "VERDICT", "RCODE", "TOOK", "WHY"});
  table.align(7, Table::Align::right);
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) table.add(*row);
  return table.text();
}

std::string view_query(const Json& query) {
  std::string out;
  for (const std::string& cell : query_cells(query)) out += (out.empty() ? "" : "  ") + cell;
  while (out.ends_with(' ')) out.pop_back();
  return out + "\n";
}

}  // namespace postern::app
