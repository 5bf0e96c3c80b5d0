#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/safe_text.h"
#include "event/time_text.h"
#include "exchange/report.h"

namespace postern::exchange {
namespace {

/// Of each list; the other forms of the report have all.
constexpr std::size_t kMostFindings = 40, kMostLines = 10, kMostDetails = 4;
constexpr std::size_t kDetailOctets = 160;

class TextWriter {
 public:
  explicit TextWriter(bool colour) : colour_(colour) {}

  std::string write(const Report& report) && {
    for (const ServerReport& server : report.servers) write_server(server);
    if (report.servers.empty()) line("No Exchange server was found there.");
    write_changed_files(report);
    write_left_out(report);
    line(fmt::format("Case {}: {} files ({} unchanged since the last sweep), {} octets read.",
                     shown(report.case_id), report.files, report.files_unchanged, report.octets));
    if (!report.complete) line(coloured("This sweep is not complete.", kRed));
    return std::move(out_);
  }

 private:
  static constexpr std::string_view kRed = "31;1", kYellow = "33;1", kGreen = "32;1", kDim = "2";

  std::string coloured(std::string_view text, std::string_view colour) const {
    return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : std::string(text);
  }

  void line(std::string_view text) { out_ += fmt::format("{}\n", text); }

  void list(std::string_view title, const std::vector<std::string>& items) {
    if (items.empty()) return;
    line(title);
    for (const std::string& item : items) line(fmt::format("  - {}", shown(item)));
  }

  void write_server(const ServerReport& server) {
    const Verdict& verdict = server.verdict;
    const std::string_view colour = verdict.outcome == Outcome::compromised   ? kRed
                                    : verdict.outcome == Outcome::no_evidence ? kGreen
                                                                              : kYellow;
    line(coloured(fmt::format("{}: {}", shown(server.name), to_string(verdict.outcome)), colour));
    line(verdict.headline);
    line("");
    list("Because:", verdict.because);
    list("What could not speak:", verdict.gaps);
    write_patch(server);
    write_findings(server);
    line("");
  }

  void write_patch(const ServerReport& server) {
    if (!server.patch) return;
    line(fmt::format("Version: {}", shown(server.patch->text)));
    for (const OpenWindow& window : server.verdict.windows) {
      line(shown(fmt::format("  {}: {}", fmt::join(window.cves, ", "), window.text)));
    }
    std::vector<std::string> open;
    for (const CvePatch& cve : server.patch->cves) {
      if (cve.state == CveState::exposed) open.push_back(cve.cve);
    }
    if (!open.empty()) line(shown(fmt::format("  Open now: {}", fmt::join(open, ", "))));
  }

  void write_findings(const ServerReport& server) {
    write_since(server);
    if (server.findings.empty()) return;
    std::vector<std::size_t> order = timeline(server.findings);
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) {
      return std::pair(server.findings[i].tier, server.findings[i].confidence);
    });
    if (!server.since) return write_list(server, "Findings", order);
    for (std::size_t i = 0; i < kChanges; ++i) {
      const auto change = static_cast<Change>(i);
      std::vector<std::size_t> those;
      for (const std::size_t number : order) {
        if (server.since->changes[number].change == change) those.push_back(number);
      }
      if (!those.empty()) write_list(server, title_of(change), those);
    }
  }

  static std::string title_of(Change change) {
    std::string out(to_string(change));
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
    return out;
  }

  void write_list(const ServerReport& server, std::string_view title,
                  const std::vector<std::size_t>& order) {
    line(fmt::format("{} ({}):", title, order.size()));
    for (std::size_t i = 0; i < std::min(order.size(), kMostFindings); ++i) {
      write_finding(server.findings[order[i]]);
      const FindingChange* const change = change_of(server, order[i]);
      if (change == nullptr || change->why.empty()) continue;
      line(fmt::format(
          "                {}{}", shown(change->why, kDetailOctets),
          change->change >= Change::gone
              ? fmt::format(" (last found {})", event::to_rfc3339(change->last_found).substr(0, 10))
              : ""));
    }
    if (order.size() > kMostFindings) {
      line(fmt::format("  and {} more: --json, --html or --csv has them all",
                       order.size() - kMostFindings));
    }
  }

  void write_since(const ServerReport& server) {
    if (!server.since) return;
    const Since& since = *server.since;
    if (since.is_first) return line("No sweep of this server before is known: all is new.");
    const auto counts = since.counts();
    std::string text = fmt::format(
        "Since the sweep of {} (case {}):", event::to_rfc3339(since.ended).substr(0, 16) + "Z",
        shown(since.case_id));
    for (std::size_t i = 0; i < counts.size(); ++i) {
      text +=
          fmt::format("{} {} {}", i == 0 ? "" : ",", counts[i], to_string(static_cast<Change>(i)));
    }
    line(text + ".");
    if (!since.same_rules) line("  The rules are others now: what is new may be so by that alone.");
    for (std::size_t i = 0; i < std::min(since.dropped.size(), kMostLines); ++i) {
      const Finding& finding = since.dropped[i].finding;
      line(fmt::format("  gone: {} {}, {}: {}", shown(finding.rule), shown(finding.title),
                       shown(finding.place.path), since.dropped_why[i]));
    }
    if (since.dropped.size() > kMostLines) line("  …");
  }

  void write_changed_files(const Report& report) {
    for (const RootChanges& root : report.changed_files) {
      if (root.is_first) continue;
      line(
          fmt::format("Files of {} that are looked at: {} new, {} changed, {} gone, {} still "
                      "there.",
                      shown(root.root), root.fresh, root.changed, root.gone, root.same));
      for (std::size_t i = 0; i < std::min(root.named.size(), kMostLines); ++i) {
        line(fmt::format("  {}: {}", to_string(root.named[i].change), shown(root.named[i].path)));
      }
      if (root.named.size() > kMostLines) line("  …");
    }
  }

  void write_finding(const Finding& finding) {
    const std::string_view colour = finding.tier == Tier::exploited ? kRed
                                    : finding.tier == Tier::attempt ? kYellow
                                                                    : kDim;
    const std::string tier = fmt::format("{:9} {:3}", to_string(finding.tier), finding.confidence);
    const std::string at = finding.at ? event::to_rfc3339(*finding.at).substr(0, 19) + "Z " : "";
    line(fmt::format("  {} {}{} {}{}", coloured(tier, colour), at, shown(finding.rule),
                     shown(finding.title),
                     finding.actor.empty() ? "" : fmt::format(", by {}", shown(finding.actor))));
    std::string place = shown(finding.place.path);
    if (finding.place.line != 0) place += fmt::format(":{}", finding.place.line);
    if (finding.place.record != 0) place += fmt::format(", record {}", finding.place.record);
    line(fmt::format("                {}", coloured(place, kDim)));
    for (std::size_t i = 0; i < std::min(finding.details.size(), kMostDetails); ++i) {
      const Detail& detail = finding.details[i];
      line(fmt::format("                {}: {}", shown(detail.name),
                       shown(detail.value, kDetailOctets)));
    }
  }

  void write_left_out(const Report& report) {
    if (report.left_out_count == 0) return;
    line(fmt::format("Not examined ({}):", report.left_out_count));
    for (std::size_t i = 0; i < std::min(report.left_out.size(), kMostLines); ++i) {
      const LeftOut& each = report.left_out[i];
      line(fmt::format("  {}: {}: {}", shown(each.path), shown(each.reason), shown(each.text)));
    }
    if (report.left_out_count > kMostLines) line("  …");
  }

  bool colour_;
  std::string out_;
};

}  // namespace

std::string to_text(const Report& report, bool colour) {
  return TextWriter(colour).write(report);
}

}  // namespace postern::exchange
