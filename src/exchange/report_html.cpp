#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/safe_text.h"
#include "event/time_text.h"
#include "exchange/report.h"

extern "C" {
// report_head.html (cmake/embed.cmake).
extern const unsigned char postern_exchange_report_head[];
extern const unsigned long postern_exchange_report_head_size;
}

namespace postern::exchange {
namespace {

std::string_view head() {
  return {reinterpret_cast<const char*>(postern_exchange_report_head),
          postern_exchange_report_head_size};
}

std::string_view class_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::compromised:
      return "compromised";
    case Outcome::attempted:
      return "attempted";
    case Outcome::cannot_be_ruled_out:
      return "ruled";
    case Outcome::no_evidence:
      return "none";
  }
  return "";
}

std::string time_cell(const std::optional<WallTime>& at) {
  return at ? event::to_rfc3339(*at).substr(0, 19) + "Z" : std::string();
}

class HtmlWriter {
 public:
  std::string write(const Report& report) && {
    out_ = head();
    add("<h1>Sweep report</h1><p class=\"dim\">Case {}; {}; {} to {}; {} files, {} of them "
        "unchanged "
        "since the sweep before.</p>",
        html_text(report.case_id), html_text(report.program), time_cell(report.began),
        time_cell(report.ended), report.files, report.files_unchanged);
    if (!report.complete) add("<p class=\"compromised\">This sweep is not complete.</p>");
    if (report.servers.empty()) add("<p>No Exchange server was found there.</p>");
    for (const ServerReport& server : report.servers) write_server(server);
    write_changed_files(report);
    write_left_out(report);
    write_unsupported(report);
    add("</body></html>\n");
    return std::move(out_);
  }

 private:
  /// What is put in is markup of ours, numbers, or has been through html_text.
  template <class... Values>
  void add(fmt::format_string<Values...> form, Values&&... values) {
    out_ += fmt::format(form, std::forward<Values>(values)...);
  }

  void list(std::string_view title, const std::vector<std::string>& items) {
    if (items.empty()) return;
    add("<h3>{}</h3><ul>", title);
    for (const std::string& item : items) add("<li>{}</li>", html_text(item));
    add("</ul>");
  }

  void write_server(const ServerReport& server) {
    const Verdict& verdict = server.verdict;
    add("<h2>{}</h2><div class=\"verdict {}\"><strong>{}</strong><p>{}</p></div>",
        html_text(server.name), class_of(verdict.outcome), to_string(verdict.outcome),
        html_text(verdict.headline));
    list("What it rests on", verdict.because);
    list("What could not speak", verdict.gaps);
    write_windows(server);
    write_actors(server);
    write_since(server);
    write_findings(server);
    write_patch(server);
    write_logs(server);
  }

  void write_windows(const ServerReport& server) {
    if (server.verdict.windows.empty()) return;
    add("<h3>When it stood open</h3><div class=\"scroll\"><table><tr><th>Holes</th><th>Window and "
        "logs</th></tr>");
    for (const OpenWindow& window : server.verdict.windows) {
      add("<tr><td>{}</td><td>{}", html_text(fmt::format("{}", fmt::join(window.cves, ", "))),
          html_text(window.text));
      if (!window.days_without_logs.empty()) {
        add("<br><span class=\"dim\">No web logs: {}</span>",
            html_text(days_text(window.days_without_logs, 20)));
      }
      add("</td></tr>");
    }
    add("</table></div>");
  }

  void write_actors(const ServerReport& server) {
    if (server.verdict.actors.empty()) return;
    add("<h3>Who</h3><div class=\"scroll\"><table><tr><th>Address or account</th><th>Worst</th>"
        "<th>Stage</th><th>First</th><th>Last</th><th>Octets out</th><th>Mailboxes</th>"
        "<th>Findings</th></tr>");
    for (const Actor& actor : server.verdict.actors) {
      add("<tr><td class=\"path\">{}</td><td class=\"{}\">{} {}</td><td>{}</td>"
          "<td class=\"nowrap\">{}</td><td class=\"nowrap\">{}</td><td>{}</td><td>",
          html_text(actor.name), to_string(actor.tier), to_string(actor.tier), actor.confidence,
          actor.stage == 0 ? std::string() : fmt::format("{} of 7", actor.stage),
          time_cell(actor.first), time_cell(actor.last),
          actor.bytes_out == 0 ? std::string() : std::to_string(actor.bytes_out));
      for (const std::string& mailbox : actor.mailboxes) add("{}<br>", html_text(mailbox));
      add("</td><td>{}</td></tr>", actor.findings.size());
    }
    add("</table></div>");
  }

  void write_findings(const ServerReport& server) {
    if (server.findings.empty()) return;
    add("<h3>Timeline of findings</h3><div class=\"scroll\"><table><tr><th>Time</th><th>Tier</th>"
        "<th>Rule</th><th>What</th><th>Who</th><th>Where</th>{}</tr>",
        server.since ? "<th>Since</th>" : "");
    for (const std::size_t number : timeline(server.findings)) {
      write_finding(server.findings[number]);
      const FindingChange* const change = change_of(server, number);
      if (change != nullptr) {
        add("<td>{}{}{}</td>", to_string(change->change), change->why.empty() ? "" : ": ",
            html_text(change->why));
      }
      add("</tr>");
    }
    add("</table></div>");
  }

  void write_finding(const Finding& finding) {
    add("<tr><td class=\"nowrap\">{}</td><td class=\"{} nowrap\">{} {}</td><td>{}</td><td>{}",
        time_cell(finding.at), to_string(finding.tier), to_string(finding.tier), finding.confidence,
        html_text(finding.rule), html_text(finding.title));
    const bool has_more =
        !finding.details.empty() || !finding.attack.empty() || !finding.cve.empty();
    if (has_more) {
      add("<details><summary class=\"dim\">details</summary>");
      for (const Detail& detail : finding.details) {
        add("<div><span class=\"dim\">{}:</span> <code>{}</code></div>", html_text(detail.name),
            html_text(detail.value));
      }
      for (const std::string& id : finding.attack) add("<code>{}</code> ", html_text(id));
      for (const std::string& id : finding.cve) add("<code>{}</code> ", html_text(id));
      if (!finding.author.empty()) add("<div class=\"dim\">{}</div>", html_text(finding.author));
      add("</details>");
    }
    add("</td><td class=\"path\">{}</td><td class=\"path\">{}", html_text(finding.actor),
        html_text(finding.place.path));
    if (finding.place.line != 0) add(", line {}", finding.place.line);
    if (finding.place.record != 0) add(", record {}", finding.place.record);
    add("</td>");
  }

  void write_since(const ServerReport& server) {
    if (!server.since) return;
    const Since& since = *server.since;
    if (since.is_first) {
      add("<p class=\"dim\">No sweep of this server before is known: all is new.</p>");
      return;
    }
    add("<h3>Since the sweep of {} (case {})</h3><p>", time_cell(since.ended),
        html_text(since.case_id));
    const auto counts = since.counts();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      add("{}{} {}", i == 0 ? "" : ", ", counts[i], to_string(static_cast<Change>(i)));
    }
    add(".{}</p>",
        since.same_rules ? "" : " The rules are others now: what is new may be so by that alone.");
    if (since.dropped.empty()) return;
    add("<details><summary>{} gone, and not remembered</summary><ul>", since.dropped.size());
    for (std::size_t i = 0; i < since.dropped.size(); ++i) {
      const Finding& finding = since.dropped[i].finding;
      add("<li>{} {}, <code>{}</code>: {}</li>", html_text(finding.rule), html_text(finding.title),
          html_text(finding.place.path), html_text(since.dropped_why[i]));
    }
    add("</ul></details>");
  }

  void write_changed_files(const Report& report) {
    for (const RootChanges& root : report.changed_files) {
      if (root.is_first) continue;
      add("<h2>Files of {}</h2><p>Of those that are looked at: {} new, {} changed, {} gone, {} "
          "still there.</p><details><summary>the first {}</summary><ul>",
          html_text(root.root), root.fresh, root.changed, root.gone, root.same, root.named.size());
      for (const RootChanges::Named& named : root.named) {
        add("<li>{}: <code>{}</code></li>", to_string(named.change), html_text(named.path));
      }
      add("</ul></details>");
    }
  }

  void write_patch(const ServerReport& server) {
    if (!server.patch) return;
    add("<h3>Version</h3><p>{}</p>", html_text(server.patch->text));
    if (server.patch->cves.empty()) return;
    add("<details><summary>{} holes</summary><div class=\"scroll\"><table><tr><th>Hole</th>"
        "<th>State</th><th>Fixed in</th><th></th></tr>",
        server.patch->cves.size());
    for (const CvePatch& cve : server.patch->cves) {
      add("<tr><td>{}{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", html_text(cve.cve),
          cve.known_exploited ? " <em>attacked in the wild</em>" : "", to_string(cve.state),
          html_text(cve.fixed_in), html_text(cve.note));
    }
    add("</table></div></details>");
  }

  void write_logs(const ServerReport& server) {
    add("<h3>Logs</h3><div class=\"scroll\"><table><tr><th>Kind</th><th>First day</th><th>Last "
        "day</th><th>Days</th><th>Rows</th><th>Gaps</th></tr>");
    for (const auto& [kind, days] : server.coverage.kinds()) {
      if (days.empty()) continue;
      add("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
          html_text(kind), to_string(*days.first()), to_string(*days.last()), days.day_count(),
          days.rows(), days.gaps().size());
    }
    add("</table></div>");
    const auto unread =
        std::ranges::count_if(server.logs, [](const ReadLog& log) { return log.unread > 0; });
    if (unread == 0) return;
    add("<details><summary>{} logs with lines that could not be read</summary><ul>", unread);
    for (const ReadLog& log : server.logs) {
      if (log.unread == 0) continue;
      add("<li><code>{}</code>: {}", html_text(log.path), log.unread);
      for (const std::string& first : log.first_unread) add("<br>{}", html_text(first, 300));
      add("</li>");
    }
    add("</ul></details>");
  }

  void write_left_out(const Report& report) {
    if (report.left_out_count == 0) return;
    add("<h2>Not examined</h2><p>{} in all.</p><details><summary>the first {}</summary>"
        "<div class=\"scroll\"><table><tr><th>Path</th><th>Why</th><th></th></tr>",
        report.left_out_count, report.left_out.size());
    for (const LeftOut& each : report.left_out) {
      add("<tr><td class=\"path\">{}</td><td>{}</td><td>{}</td></tr>", html_text(each.path),
          html_text(each.reason), html_text(each.text));
    }
    add("</table></div></details>");
  }

  void write_unsupported(const Report& report) {
    if (report.rules_not_supported.empty()) return;
    add("<h2>Rules that were not run</h2><ul>");
    for (const std::string& rule : report.rules_not_supported) add("<li>{}</li>", html_text(rule));
    add("</ul>");
  }

  std::string out_;
};

}  // namespace

std::string to_html(const Report& report) {
  return HtmlWriter().write(report);
}

}  // namespace postern::exchange
