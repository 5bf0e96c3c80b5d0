#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/safe_text.h"
#include "event/time_text.h"
#include "exchange/report.h"

namespace postern::exchange {

std::string to_csv(const Report& report) {
  std::string out =
      "server,time,tier,confidence,rule,title,actor,path,line,record,attack,cve,details,author,"
      "since,why\r\n";
  const auto add = [&out](std::string_view text) {
    out += csv_field(text);
    out += ',';
  };
  for (const ServerReport& server : report.servers) {
    for (const std::size_t number : timeline(server.findings)) {
      const Finding& finding = server.findings[number];
      add(server.name);
      add(finding.at ? event::to_rfc3339(*finding.at) : "");
      add(to_string(finding.tier));
      add(std::to_string(finding.confidence));
      add(finding.rule);
      add(finding.title);
      add(finding.actor);
      add(finding.place.path);
      add(finding.place.line == 0 ? "" : std::to_string(finding.place.line));
      add(finding.place.record == 0 ? "" : std::to_string(finding.place.record));
      add(fmt::format("{}", fmt::join(finding.attack, " ")));
      add(fmt::format("{}", fmt::join(finding.cve, " ")));
      std::string details;
      for (const Detail& detail : finding.details) {
        details += fmt::format("{}{}: {}", details.empty() ? "" : "; ", detail.name, detail.value);
      }
      add(details);
      add(finding.author);
      const FindingChange* const change = change_of(server, number);
      add(change == nullptr ? "" : to_string(change->change));
      out += csv_field(change == nullptr ? "" : change->why) + "\r\n";
    }
  }
  return out;
}

}  // namespace postern::exchange
