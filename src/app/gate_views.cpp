#include "app/gate_views.h"

#include <string_view>

#include <fmt/format.h>

#include "app/table.h"

namespace postern::app {
namespace {

std::string verdict(const Json& report) {
  const std::string& outcome = report["outcome"].text();
  const std::string feed = printable(report["feed"].text());
  if (outcome == "passed") return fmt::format("{}: nothing speaks against this update.\n", feed);
  std::string out = outcome == "held" ? fmt::format("{}: this update is held, because it\n", feed)
                                      : fmt::format("{}: this update is only observed; it\n", feed);
  for (const Json& reason : report["reasons"].items()) {
    out += fmt::format("  - {} ({})\n", printable(reason["text"].text()),
                       printable(reason["code"].text()));
  }
  return out;
}

std::string effect(const Json& effect, std::string_view what) {
  if (effect["names"].count() == 0) return fmt::format("{}: no name that was asked for.\n", what);
  std::string out = fmt::format(
      "{}: {} names, {} of them in use: {} queries by at least {} clients; {} of the most used "
      "names.\n",
      what, grouped(effect["names"].count()), grouped(effect["names_in_use"].count()),
      grouped(effect["queries"].count()), grouped(effect["clients"].count()),
      grouped(effect["top_names"].count()));
  Table table({"  RANK", "NAME", "QUERIES", "CLIENTS", "FEED", "LINE", "RULE"});
  for (const std::size_t column : {0U, 2U, 3U, 5U}) table.align(column, Table::Align::right);
  for (const Json& each : effect["examples"].items()) {
    std::string rule = printable(each["rule"].text());
    if (!each["through"].text().empty()) rule += ", through " + printable(each["through"].text());
    table.add({each["rank"].is_null() ? "-" : grouped(each["rank"].count()),
               printable(each["name"].text()), grouped(each["queries"].count()),
               grouped(each["clients"].count()), printable(each["zone"].text()),
               printable(each["line"].text()), rule});
  }
  return out + table.text();
}

}  // namespace

std::string view_gate_report(const Json& report) {
  const Json& rules = report["rules"];
  const Json& history = report["history"];
  std::string out = verdict(report);
  out += fmt::format("Rules: {} before, {} now; {} new, {} gone.\n",
                     grouped(rules["before"].count()), grouped(rules["after"].count()),
                     grouped(rules["added"].count()), grouped(rules["removed"].count()));
  if (history["names_in_use"].count() == 0) {
    return out +
           "Nothing that was asked for here is remembered yet, so that it could not be tried "
           "on that.\n";
  }
  out += fmt::format(
      "Tried on {} names that were asked for here ({} exist), in {} queries of about {} clients.\n",
      grouped(history["names"].count()), grouped(history["names_in_use"].count()),
      grouped(history["queries"].count()), grouped(history["clients"].count()));
  out += effect(report["blocked"], "Newly blocked");
  return out + effect(report["released"], "No longer blocked");
}

std::string view_gate_diff(const Json& report) {
  std::string out;
  const auto list = [&](std::string_view key, std::string_view count, char sign) {
    const auto& rules = report[key].items();
    for (const Json& rule : rules) out += fmt::format("{}{}\n", sign, printable(rule.text()));
    const std::uint64_t all = report["rules"][count].count();
    if (all > rules.size()) {
      out += fmt::format("{}… and {} more\n", sign, grouped(all - rules.size()));
    }
  };
  list("removed_rules", "removed", '-');
  list("added_rules", "added", '+');
  return out.empty() ? "No rule is new, and none is gone.\n" : out;
}

std::string view_generations(const Json& generations) {
  std::string out = fmt::format("In force: generation {}. The rules of these are kept:\n",
                                printable(generations["in_force"].text()));
  for (const Json& each : generations["kept"].items()) {
    out += fmt::format("  {}\n", printable(each.text()));
  }
  return out +
         "\"postern feed rollback NUMBER\" goes back to one, \"postern feed rollback NAME\" "
         "takes back a feed's last change.\n";
}

}  // namespace postern::app
