#include "app/sweep_views.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "app/table.h"
#include "event/json_writer.h"

namespace postern::app {
namespace {

using event::JsonWriter;
using exchange::CveState;
using exchange::Finding;
using exchange::Tier;

// The rest is in the JSON.
constexpr std::size_t kMaxShown = 200;
constexpr std::size_t kMaxNotExamined = 20;

std::string time_text(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string_view colour_of(Tier tier) {
  switch (tier) {
    case Tier::exploited:
      return "\x1b[1;31m";
    case Tier::attempt:
      return "\x1b[31m";
    case Tier::exposed:
      return "\x1b[33m";
    case Tier::probe:
    case Tier::hunt:
      return "\x1b[36m";
  }
  return "";
}

class TextView {
 public:
  explicit TextView(bool in_colour) : in_colour_(in_colour) {}

  std::string run(const std::vector<host::SweepReport>& reports) {
    for (const host::SweepReport& report : reports) show(report);
    return std::move(out_);
  }

 private:
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }

  void show(const host::SweepReport& report) {
    line(fmt::format("{}", printable(report.root)));
    if (report.servers.empty()) line("  no Exchange server was found here");
    for (const host::SweptServer& server : report.servers) show(server);
    if (!report.findings.empty() && !report.servers.empty()) line("\n  in files of no server");
    show(report.findings);
    const host::SweepCounts& counts = report.counts;
    line(
        fmt::format("\n  {} files and folders; {} files looked at, {} unchanged since the last "
                    "sweep; {} octets read",
                    grouped(counts.entries), grouped(counts.examined), grouped(counts.kept),
                    grouped(counts.octets_read)));
    if (report.stopped) line("  ENDED EARLY: not all was looked at");
    show_not_examined(report.not_examined);
  }

  void show(const host::SweptServer& server) {
    line(fmt::format("\n  server {}", printable(server.layout.name)));
    if (!server.layout.install.empty()) {
      line(fmt::format("    installed at {}", printable(server.layout.install)));
    }
    if (server.patch) {
      show(*server.patch);
    } else {
      line("    version unknown: no bin/ExSetup.exe, registry or folder says it");
    }
    if (server.mitigations.powershell_rewrite || server.mitigations.backend_cookie_rewrite) {
      line("    workarounds by URL rewrite are in force: mitigated, not patched");
    }
    for (const std::string& note : server.layout.notes) {
      line(fmt::format("    note: {}", printable(note)));
    }
    show(server.findings);
  }

  void show(const exchange::PatchState& patch) {
    line(fmt::format("    {}", printable(patch.text)));
    for (const CveState state :
         {CveState::exposed, CveState::mitigated, CveState::depends, CveState::unknown}) {
      std::string list;
      std::size_t others = 0;
      for (const exchange::CvePatch& cve : patch.cves) {
        if (cve.state != state) continue;
        if (!cve.known_exploited) {
          ++others;
          continue;
        }
        list += (list.empty() ? "" : " ") + cve.cve;
      }
      if (list.empty() && others == 0) continue;
      const std::string more =
          others == 0 ? "" : fmt::format("{}{} others", list.empty() ? "" : ", ", others);
      line(fmt::format("    {}: {}{}", exchange::to_string(state), list, more));
    }
    if (!patch.missing_updates.empty()) {
      line(fmt::format("    missing updates: {}", fmt::join(patch.missing_updates, ", ")));
    }
    for (const exchange::CvePatch& cve : patch.cves) {
      if (cve.cve != "CVE-2021-26855" || !cve.window) continue;
      const std::string end = cve.window->to           ? exchange::to_string(*cve.window->to)
                              : cve.window->still_open ? "today"
                                                       : "a day that is not known";
      line(fmt::format("    ProxyLogon stood open from {} ({}) to {} ({})",
                       exchange::to_string(cve.window->from), cve.window->from_why, end,
                       cve.window->to_why));
    }
  }

  void show(const std::vector<Finding>& findings) {
    std::size_t shown = 0;
    for (const Finding& finding : findings) {
      if (shown++ == kMaxShown) {
        line(fmt::format("    and {} more (--json has all)", findings.size() - kMaxShown));
        return;
      }
      const std::string tier = in_colour_ ? fmt::format("{}{:9}\x1b[0m", colour_of(finding.tier),
                                                        exchange::to_string(finding.tier))
                                          : fmt::format("{:9}", exchange::to_string(finding.tier));
      line(fmt::format("    {} {:3} {:8} {}", tier, finding.confidence, printable(finding.rule),
                       printable(finding.title)));
      line(fmt::format("                       {}{}", printable(finding.place.path),
                       finding.at ? fmt::format("  {}", time_text(*finding.at)) : ""));
    }
  }

  void show_not_examined(const files::NotExaminedList& list) {
    if (list.empty()) return;
    line(fmt::format("  not examined: {}", grouped(list.count())));
    std::size_t shown = 0;
    for (const files::NotExamined& item : list.named()) {
      if (shown++ == kMaxNotExamined) {
        line("    … (--json has more)");
        return;
      }
      line(fmt::format("    {}: {} ({})", printable(item.path), files::to_string(item.reason),
                       printable(item.text)));
    }
  }

  bool in_colour_;
  std::string out_;
};

void put(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key).begin_array();
  for (const std::string& text : texts) json.string(text);
  json.end_array();
}

void put(JsonWriter& json, const Finding& finding) {
  json.begin_object();
  json.field("rule", finding.rule).field("title", finding.title);
  json.field("tier", exchange::to_string(finding.tier)).field("confidence", finding.confidence);
  put(json, "attack", finding.attack);
  put(json, "cve", finding.cve);
  if (finding.at) json.field("at", time_text(*finding.at));
  json.field("path", finding.place.path);
  if (finding.place.line != 0) json.field("line", finding.place.line);
  if (finding.place.record != 0) json.field("record", finding.place.record);
  if (!finding.actor.empty()) json.field("actor", finding.actor);
  json.key("details").begin_array();
  for (const exchange::Detail& detail : finding.details) {
    json.begin_object().field("name", detail.name).field("value", detail.value).end_object();
  }
  json.end_array();
  if (!finding.author.empty()) json.field("author", finding.author);
  json.end_object();
}

void put(JsonWriter& json, const std::vector<Finding>& findings) {
  json.key("findings").begin_array();
  for (const Finding& finding : findings) put(json, finding);
  json.end_array();
}

void put(JsonWriter& json, const exchange::PatchState& patch) {
  json.key("patch").begin_object();
  json.field("text", patch.text).field("product", patch.product);
  json.field("cu", patch.cu).field("update", patch.update);
  json.key("cves").begin_array();
  for (const exchange::CvePatch& cve : patch.cves) {
    json.begin_object().field("cve", cve.cve).field("state", exchange::to_string(cve.state));
    json.field("fixed_in", cve.fixed_in).field("known_exploited", cve.known_exploited);
    if (!cve.note.empty()) json.field("note", cve.note);
    if (cve.window) {
      json.field("open_from", exchange::to_string(cve.window->from));
      json.field("open_from_why", cve.window->from_why);
      if (cve.window->to) json.field("open_to", exchange::to_string(*cve.window->to));
      json.field("open_to_why", cve.window->to_why).field("still_open", cve.window->still_open);
    }
    json.end_object();
  }
  json.end_array();
  put(json, "missing_updates", patch.missing_updates);
  json.end_object();
}

void put(JsonWriter& json, const host::SweptServer& server) {
  json.begin_object();
  json.field("name", server.layout.name).field("top", server.layout.top);
  json.field("install", server.layout.install);
  if (server.layout.patch) json.field("version", exchange::to_string(server.layout.patch->version));
  if (server.patch) put(json, *server.patch);
  json.key("mitigations").begin_object();
  json.field("powershell_rewrite", server.mitigations.powershell_rewrite);
  json.field("backend_cookie_rewrite", server.mitigations.backend_cookie_rewrite);
  if (server.mitigations.extended_protection) {
    json.field("extended_protection", *server.mitigations.extended_protection);
  }
  json.end_object();
  put(json, "notes", server.layout.notes);
  put(json, server.findings);
  json.end_object();
}

}  // namespace

std::string sweep_text(const std::vector<host::SweepReport>& reports, bool in_colour) {
  return TextView(in_colour).run(reports);
}

std::string sweep_json(const std::vector<host::SweepReport>& reports) {
  JsonWriter json;
  json.begin_object().key("roots").begin_array();
  for (const host::SweepReport& report : reports) {
    json.begin_object().field("root", report.root).field("stopped", report.stopped);
    json.key("servers").begin_array();
    for (const host::SweptServer& server : report.servers) put(json, server);
    json.end_array();
    put(json, report.findings);
    json.key("not_examined").begin_array();
    for (const files::NotExamined& item : report.not_examined.named()) {
      json.begin_object().field("path", item.path).field("reason", files::to_string(item.reason));
      json.field("text", item.text).end_object();
    }
    json.end_array();
    json.field("not_examined_count", report.not_examined.count());
    json.key("counts").begin_object();
    json.field("entries", report.counts.entries).field("examined", report.counts.examined);
    json.field("kept", report.counts.kept).field("octets_read", report.counts.octets_read);
    json.end_object().end_object();
  }
  json.end_array().end_object();
  return std::move(json).take() + "\n";
}

}  // namespace postern::app
