#include "exchange/verdict.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/safe_text.h"

namespace postern::exchange {
namespace {

/// The logs of which one at least must have a row of a day for it to count as covered: all that an
/// attacker over the web does is in both.
const std::vector<std::string_view> kWebLogs = {"HttpProxy", "IIS"};

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string counted(std::size_t count, std::string_view what, std::string_view plural = "s") {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : plural);
}

std::string minute_text(WallTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(at - day));
  return fmt::format("{} {:02}:{:02} UTC", to_string(day), time.hours().count(),
                     time.minutes().count());
}

/// "12.3 MB".
std::string octets_text(std::uint64_t octets) {
  if (octets < 1000) return fmt::format("{} bytes", octets);
  constexpr std::array kUnits = {"kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(octets) / 1000;
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

bool is_before(const std::optional<WallTime>& a, const std::optional<WallTime>& b) {
  return a && (!b || *a < *b);
}

class Judge {
 public:
  explicit Judge(const Evidence& evidence) : evidence_(evidence) {}

  Verdict run() {
    collect_actors();
    collect_windows();
    collect_gaps();
    find_proof();
    verdict_.outcome = outcome();
    verdict_.headline = headline();
    tell();
    finish_windows();
    return std::move(verdict_);
  }

 private:
  void collect_actors() {
    std::map<std::string, Actor> actors;
    for (const std::size_t number : timeline(evidence_.findings)) {
      const Finding& finding = evidence_.findings[number];
      if (finding.actor.empty()) continue;
      Actor& actor = actors[finding.actor];
      actor.name = finding.actor;
      actor.findings.push_back(number);
      add_to(actor, finding);
    }
    for (auto& [name, actor] : actors) verdict_.actors.push_back(std::move(actor));
    std::ranges::stable_sort(verdict_.actors, std::greater(), [](const Actor& actor) {
      return std::tuple(actor.tier, actor.stage, actor.confidence, actor.bytes_out);
    });
  }

  static void add_to(Actor& actor, const Finding& finding) {
    const std::pair worst(actor.tier, actor.confidence);
    std::tie(actor.tier, actor.confidence) =
        std::max(worst, std::pair(finding.tier, finding.confidence));
    if (finding.at) {
      if (!actor.first) actor.first = finding.at;
      actor.last = finding.at;
    }
    for (const Detail& detail : finding.details) {
      if (detail.name == kStageDetail) {
        const int stage = static_cast<int>(std::min<std::uint64_t>(number_of(detail.value), 7));
        actor.stage = std::max(actor.stage, stage);
      } else if (detail.name == kBytesDetail) {
        // The same octets may be told by several rules; the largest sum is the one to trust.
        actor.bytes_out = std::max(actor.bytes_out, number_of(detail.value));
      } else if (detail.name == kMailboxDetail && actor.mailboxes.size() < kMaxMailboxes) {
        actor.mailboxes.insert(detail.value);
      }
    }
  }

  void collect_windows() {
    if (evidence_.patch == nullptr) return;
    for (const CvePatch& cve : evidence_.patch->cves) {
      const bool is_known = cve.state != CveState::not_affected && cve.state != CveState::depends;
      // What opened after the evidence ends is nothing that it could tell of.
      if (!cve.window || !is_known || cve.window->from >= evidence_.today) continue;
      const auto same = std::ranges::find_if(verdict_.windows, [&](const OpenWindow& other) {
        return other.window.from == cve.window->from && other.window.to == cve.window->to &&
               other.window.still_open == cve.window->still_open;
      });
      if (same != verdict_.windows.end()) {
        same->cves.push_back(cve.cve);
        continue;
      }
      OpenWindow& window = verdict_.windows.emplace_back();
      window.cves.push_back(cve.cve);
      window.window = *cve.window;
      // As days_of counts them: without the day it ended.
      const Day last =
          cve.window->from + std::chrono::days(days_of(*cve.window, evidence_.today) - 1);
      const LogCoverage none;
      window.days_without_logs =
          days_without(evidence_.coverage != nullptr ? *evidence_.coverage : none, kWebLogs,
                       cve.window->from, last);
    }
  }

  void collect_gaps() {
    auto& gaps = verdict_.gaps;
    if (evidence_.patch == nullptr) {
      gaps.emplace_back(
          "The version of Exchange was not found: which holes stood open, and when, is not known.");
    }
    bool has_web_logs = false;
    for (const std::string_view kind : kWebLogs) {
      const LogDays* seen =
          evidence_.coverage != nullptr ? evidence_.coverage->find(kind) : nullptr;
      has_web_logs |= seen != nullptr && !seen->empty();
    }
    if (!has_web_logs) {
      gaps.emplace_back("There are no logs of IIS or HttpProxy: nothing shows who came.");
    }
    if (has_web_logs) tell_days_without_logs();
    if (evidence_.coverage != nullptr) {
      for (const auto& [kind, days] : evidence_.coverage->kinds()) tell_gaps_of(kind, days);
    }
    if (evidence_.files == 0) {
      gaps.emplace_back("No files of the server were there to be looked at, only logs.");
    }
    for (const SkippedTest& skipped : evidence_.skipped) {
      gaps.push_back(fmt::format("Not tested: {}: {}.", skipped.test, skipped.why));
    }
    if (evidence_.not_examined > 0) {
      gaps.push_back(fmt::format("{} could not be examined; the report names them.",
                                 counted(evidence_.not_examined, "file")));
    }
    if (evidence_.unread_rows * kUsualUnread > evidence_.rows) {
      gaps.push_back(
          fmt::format("{} of logs could not be read.", counted(evidence_.unread_rows, "line")));
    }
  }

  /// Of all windows together; each has its own days in the report.
  void tell_days_without_logs() {
    std::set<Day> without;
    std::set<std::string> cves;
    for (const OpenWindow& window : verdict_.windows) {
      if (window.days_without_logs.empty()) continue;
      without.insert(window.days_without_logs.begin(), window.days_without_logs.end());
      cves.insert(window.cves.begin(), window.cves.end());
    }
    if (without.empty()) return;
    verdict_.gaps.push_back(fmt::format(
        "On {} on which holes stood open that are known to be attacked ({}) there are no "
        "web logs: {}.",
        counted(without.size(), "day"), fmt::join(cves, ", "),
        days_text({without.begin(), without.end()})));
  }

  void tell_gaps_of(const std::string& kind, const LogDays& days) {
    const std::vector<LogGap> found = days.gaps();
    if (found.empty()) return;
    int hours = 0;
    for (const LogGap& gap : found) hours += gap.hours;
    verdict_.gaps.push_back(
        fmt::format("{} hours of the {} log are missing against the server's own rhythm, the first "
                    "from {}.",
                    hours, kind, minute_text(found.front().from)));
  }

  /// What proves that somebody was in: one finding that is sure, or two of different rules that
  /// agree on who or where.
  void find_proof() {
    std::map<std::string, std::set<std::string>> rules_by_subject;
    for (std::size_t i = 0; i < evidence_.findings.size(); ++i) {
      const Finding& finding = evidence_.findings[i];
      if (finding.tier != Tier::exploited) continue;
      if (finding.confidence >= kProof) {
        proof_.push_back(i);
      } else if (finding.confidence >= kSupported) {
        supported_.push_back(i);
        if (!finding.actor.empty()) rules_by_subject["who " + finding.actor].insert(finding.rule);
        if (!finding.place.path.empty() && finding.place.line == 0) {
          rules_by_subject["where " + finding.place.path].insert(finding.rule);
        }
      }
    }
    for (const std::size_t i : supported_) {
      const Finding& finding = evidence_.findings[i];
      const bool is_proof = rules_by_subject["who " + finding.actor].size() > 1 ||
                            rules_by_subject["where " + finding.place.path].size() > 1;
      if (is_proof) proof_.push_back(i);
    }
    // Times of files can be set by whoever was there; what logs say comes first.
    std::ranges::stable_sort(proof_, [&](std::size_t a, std::size_t b) {
      const Finding& one = evidence_.findings[a];
      const Finding& other = evidence_.findings[b];
      if (is_logged(one) != is_logged(other)) return is_logged(one);
      return is_before(one.at, other.at);
    });
  }

  static bool is_logged(const Finding& finding) {
    return finding.at && (finding.place.line != 0 || finding.place.record != 0);
  }

  Outcome outcome() const {
    if (!proof_.empty()) return Outcome::compromised;
    const bool is_attempted = std::ranges::any_of(evidence_.findings, [](const Finding& finding) {
      return finding.tier == Tier::attempt ||
             (finding.tier == Tier::exploited && !finding.actor.empty());
    });
    if (is_attempted) return Outcome::attempted;
    // What is left behind and is not sure is no proof; it is no all-clear either.
    return verdict_.gaps.empty() && weak_count() == 0 ? Outcome::no_evidence
                                                      : Outcome::cannot_be_ruled_out;
  }

  std::size_t weak_count() const {
    return static_cast<std::size_t>(
        std::ranges::count(evidence_.findings, Tier::exploited, &Finding::tier));
  }

  std::string headline() const {
    switch (verdict_.outcome) {
      case Outcome::no_evidence:
        return "No evidence of a break-in, and logs and files cover all that was tested.";
      case Outcome::cannot_be_ruled_out:
        return "No proof of a break-in was found, but it cannot be ruled out.";
      case Outcome::attempted:
        return verdict_.gaps.empty()
                   ? "Attacked, and no attack is seen to have succeeded."
                   : "Attacked; no attack is seen to have succeeded, but that cannot be ruled out.";
      case Outcome::compromised:
        break;
    }
    const Finding& first = evidence_.findings[proof_.front()];
    std::string text = "Compromised";
    if (is_logged(first)) text += fmt::format(", first seen {}", minute_text(*first.at));
    if (!first.actor.empty()) text += fmt::format(", by {}", shown(first.actor));
    return text + fmt::format(": {}.", shown(first.title));
  }

  void tell() {
    auto& because = verdict_.because;
    if (!proof_.empty()) {
      because.push_back(fmt::format("{} {} it.", counted(proof_.size(), "finding"),
                                    proof_.size() == 1 ? "proves" : "prove"));
    }
    for (const Actor& actor : verdict_.actors) {
      if (actor.tier != Tier::exploited) continue;
      because.push_back(story_of(actor));
    }
    const auto attempts = std::ranges::count(evidence_.findings, Tier::attempt, &Finding::tier);
    if (attempts > 0) {
      because.push_back(
          fmt::format("{} to break in.", counted(static_cast<std::size_t>(attempts), "attempt")));
    }
    if (proof_.empty() && weak_count() > 0) {
      because.push_back(
          fmt::format("{} that would be left by an intruder, none of them proof by "
                      "itself: to be looked at by a person.",
                      counted(weak_count(), "finding")));
    }
    if (evidence_.patch != nullptr) because.push_back("It is " + evidence_.patch->text + ".");
  }

  static std::string story_of(const Actor& actor) {
    std::string text = shown(actor.name);
    if (actor.first) {
      text += fmt::format(", from {} to {}", minute_text(*actor.first), minute_text(*actor.last));
    }
    constexpr std::array kStages = {"",
                                    "looked for the server's names (stage 1 of 7)",
                                    "asked for a user's identity (stage 2 of 7)",
                                    "got a session of an administrator (stage 3 of 7)",
                                    "read the settings of the address book (stage 4 of 7)",
                                    "changed the settings of the address book (stage 5 of 7)",
                                    "wrote a web shell (stage 6 of 7)",
                                    "wrote a web shell and put the settings back (stage 7 of 7)"};
    text += fmt::format(": {}", actor.stage > 0 ? kStages[static_cast<std::size_t>(actor.stage)]
                                                : counted(actor.findings.size(), "finding"));
    if (actor.bytes_out > 0) text += fmt::format("; was sent {}", octets_text(actor.bytes_out));
    if (!actor.mailboxes.empty()) {
      text += fmt::format("; read {}", counted(actor.mailboxes.size(), "mailbox", "es"));
    }
    return text + ".";
  }

  void finish_windows() {
    for (OpenWindow& window : verdict_.windows) {
      const int days = days_of(window.window, evidence_.today);
      const int covered = days - static_cast<int>(window.days_without_logs.size());
      window.text = window_text(window.window, evidence_.today, covered,
                                verdict_.outcome == Outcome::compromised);
    }
  }

  const Evidence& evidence_;
  Verdict verdict_;
  std::vector<std::size_t> proof_, supported_;
};

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::no_evidence:
      return "no evidence";
    case Outcome::cannot_be_ruled_out:
      return "cannot be ruled out";
    case Outcome::attempted:
      return "attempted";
    case Outcome::compromised:
      return "compromised";
  }
  return "";
}

std::vector<std::size_t> timeline(std::span<const Finding> findings) {
  std::vector<std::size_t> order(findings.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return is_before(findings[a].at, findings[b].at);
  });
  return order;
}

Verdict judge(const Evidence& evidence) {
  return Judge(evidence).run();
}

}  // namespace postern::exchange
