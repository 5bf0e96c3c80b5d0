#include "exchange/since.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

/// Count what there is more of the same: another number each day, and the same finding.
constexpr std::array kMoreDetails =
    std::to_array<std::string_view>({"more of these in this log", "more of these"});

/// What a finding that is joined from many rows tells of them; it may grow, or lose a part.
constexpr std::array kJoinedDetails =
    std::to_array<std::string_view>({"stage", "octets", "requests", "made anew", "exported"});

/// Rules that judge all traffic of a server: with each day's logs they may say something else.
constexpr std::array kTrafficRules =
    std::to_array<std::string_view>({"W-01", "W-03", "W-04", "W-05", "W-08", "W-09", "W-11"});

bool is_row(const Finding& finding) {
  return finding.place.line != 0 || finding.place.record != 0;
}

bool is_joined(const Finding& finding) {
  if (std::ranges::find(kTrafficRules, finding.rule) != kTrafficRules.end()) return true;
  return std::ranges::any_of(finding.details, [](const Detail& detail) {
    return std::ranges::find(kJoinedDetails, detail.name) != kJoinedDetails.end();
  });
}

void append(std::string& key, std::string_view text) {
  key += fmt::format("{}:", text.size());
  key += text;
}

void append_time(std::string& key, const std::optional<WallTime>& at) {
  append(key, at ? std::to_string(at->time_since_epoch().count()) : "");
}

/// All that it says. Of a row not where it stands: its log may be another one by now.
std::string whole_key(const Finding& finding) {
  std::string key;
  append(key, finding.rule);
  append(key, finding.actor);
  append_time(key, finding.at);
  append(key, finding.title);
  append(key, std::to_string(static_cast<int>(finding.tier)));
  append(key, std::to_string(finding.confidence));
  for (const Detail& detail : finding.details) {
    if (std::ranges::find(kMoreDetails, detail.name) != kMoreDetails.end()) continue;
    append(key, detail.name);
    append(key, detail.value);
  }
  if (!is_row(finding)) append(key, finding.place.path);
  return key;
}

/// What makes it that finding and no other, though it says something else of it.
std::string loose_key(const Finding& finding) {
  std::string key;
  append(key, finding.rule);
  append(key, finding.actor);
  if (is_joined(finding)) {
    append(key, "joined");
  } else if (is_row(finding)) {
    append_time(key, finding.at);
  } else {
    append(key, finding.place.path);
  }
  return key;
}

/// Earlier findings by a key, each given away once, in their order.
class Shelf {
 public:
  void put(std::string key, std::size_t number) { by_key_[std::move(key)].push_back(number); }
  std::optional<std::size_t> take(const std::string& key, const std::vector<bool>& is_taken) {
    const auto at = by_key_.find(key);
    if (at == by_key_.end()) return std::nullopt;
    Numbers& numbers = at->second;
    while (numbers.next < numbers.list.size()) {
      const std::size_t number = numbers.list[numbers.next++];
      if (!is_taken[number]) return number;
    }
    return std::nullopt;
  }

 private:
  struct Numbers {
    std::vector<std::size_t> list;
    std::size_t next = 0;
    void push_back(std::size_t number) { list.push_back(number); }
  };
  std::map<std::string, Numbers> by_key_;
};

std::string what_changed(const Finding& was, const Finding& is) {
  std::string out;
  const auto say = [&out](const std::string& text) {
    if (!out.empty()) out += "; ";
    out += text;
  };
  if (was.tier != is.tier) say(fmt::format("{}, was {}", to_string(is.tier), to_string(was.tier)));
  if (was.confidence != is.confidence) {
    say(fmt::format("confidence {}, was {}", is.confidence, was.confidence));
  }
  if (was.title != is.title) say("says: " + is.title);
  if (was.at != is.at) say("another time");
  for (const Detail& detail : is.details) {
    const auto before = std::ranges::find(was.details, detail.name, &Detail::name);
    if (before == was.details.end() || before->value != detail.value) say(detail.name);
  }
  return out.empty() ? "its details" : out;
}

bool is_news(const Finding& was, const Finding& is) {
  return !is_joined(is) || is.tier > was.tier || is.confidence > was.confidence;
}

std::string_view on_disk(std::string_view path) {
  return path.substr(0, path.find("!/"));
}

/// Why a finding is gone, and whether it is remembered all the same.
struct Loss {
  std::string why;
  bool is_remembered = false, is_news = false;
};

Loss loss_of(const Finding& finding, FileFate fate, bool same_rules) {
  const bool row = is_row(finding);
  if (fate == FileFate::gone) {
    return {row ? "its log is no longer there" : "the file is no longer there", true, false};
  }
  if (fate == FileFate::not_examined) {
    return {"its file could not be looked at this time", true, false};
  }
  if (!same_rules) return {"the rules are others now", false, false};
  if (is_joined(finding)) {
    return {"what it was joined from is not all there, or has changed", true, false};
  }
  if (fate == FileFate::changed && finding.place.record != 0) {
    return {"its log no longer holds it", true, false};
  }
  if (fate == FileFate::changed && row) {
    return {"its log is there, without it", true, true};
  }
  if (fate == FileFate::changed) return {"the file was changed", false, false};
  return {"it is judged otherwise now", false, false};
}

class Comparer {
 public:
  Comparer(const EarlierSweep& earlier, std::vector<Finding>& findings, WallTime now)
      : earlier_(earlier), findings_(findings), now_(now), is_taken_(earlier.findings.size()) {
    since_.case_id = earlier.case_id;
    since_.ended = earlier.ended;
    since_.same_rules = earlier.same_rules;
  }

  Since run(const FateOf& fate) && {
    match();
    remember(fate);
    return std::move(since_);
  }

 private:
  /// The same first, whatever stands before them; then those that say something else by now.
  void match() {
    Shelf whole;
    Shelf loose;
    for (std::size_t i = 0; i < earlier_.findings.size(); ++i) {
      whole.put(whole_key(earlier_.findings[i].finding), i);
      loose.put(loose_key(earlier_.findings[i].finding), i);
    }
    since_.changes.resize(findings_.size());
    std::vector<bool> is_done(findings_.size());
    for (const bool is_loose : {false, true}) {
      for (std::size_t i = 0; i < findings_.size(); ++i) {
        if (is_done[i]) continue;
        const auto found = is_loose ? loose.take(loose_key(findings_[i]), is_taken_)
                                    : whole.take(whole_key(findings_[i]), is_taken_);
        if (!found) continue;
        is_done[i] = true;
        is_taken_[*found] = true;
        const KeptFinding& was = earlier_.findings[*found];
        since_.changes[i].change = is_loose ? Change::changed : Change::same;
        if (is_loose) {
          since_.changes[i].why = what_changed(was.finding, findings_[i]);
          since_.changes[i].is_news = is_news(was.finding, findings_[i]);
        }
        since_.changes[i].first_found = was.first_found;
        since_.changes[i].last_found = now_;
      }
    }
    for (std::size_t i = 0; i < findings_.size(); ++i) {
      if (is_done[i]) continue;
      since_.changes[i].first_found = since_.changes[i].last_found = now_;
      since_.changes[i].is_news = true;
    }
  }

  void remember(const FateOf& fate) {
    std::vector<std::size_t> gone;
    for (std::size_t i = 0; i < is_taken_.size(); ++i) {
      if (!is_taken_[i]) gone.push_back(i);
    }
    std::ranges::stable_sort(gone, std::greater(), [&](std::size_t i) {
      const Finding& finding = earlier_.findings[i].finding;
      return std::pair(finding.tier, finding.confidence);
    });
    std::size_t remembered = 0;
    for (const std::size_t i : gone) {
      const KeptFinding& was = earlier_.findings[i];
      const Loss loss =
          loss_of(was.finding, fate(on_disk(was.finding.place.path)), earlier_.same_rules);
      if (!loss.is_remembered || remembered == kMaxRemembered) {
        since_.dropped.push_back(was);
        since_.dropped_why.push_back(loss.why);
        continue;
      }
      ++remembered;
      const bool is_old = was.last_found < earlier_.ended;
      FindingChange change{is_old ? Change::gone_before : Change::gone, loss.why, was.first_found,
                           was.last_found, loss.is_news && !is_old};
      since_.changes.push_back(std::move(change));
      findings_.push_back(was.finding);
    }
  }

  const EarlierSweep& earlier_;
  std::vector<Finding>& findings_;
  WallTime now_;
  std::vector<bool> is_taken_;
  Since since_;
};

}  // namespace

std::string_view to_string(Change change) {
  switch (change) {
    case Change::fresh:
      return "new";
    case Change::changed:
      return "changed";
    case Change::same:
      return "still there";
    case Change::gone:
      return "gone";
    case Change::gone_before:
      return "gone before";
  }
  return "";
}

std::array<std::size_t, kChanges> Since::counts() const {
  std::array<std::size_t, kChanges> out{};
  for (const FindingChange& each : changes) ++out[static_cast<std::size_t>(each.change)];
  out[static_cast<std::size_t>(Change::gone)] += dropped.size();
  return out;
}

Since compare(const EarlierSweep* earlier, std::vector<Finding>& findings, const FateOf& fate,
              WallTime now) {
  if (earlier != nullptr) return Comparer(*earlier, findings, now).run(fate);
  Since since;
  since.is_first = true;
  since.changes.resize(findings.size());
  for (FindingChange& change : since.changes) {
    change.first_found = change.last_found = now;
    change.is_news = true;
  }
  return since;
}

std::vector<KeptFinding> to_keep(std::span<const Finding> findings, const Since& since) {
  std::vector<KeptFinding> out;
  out.reserve(findings.size());
  for (std::size_t i = 0; i < findings.size(); ++i) {
    out.push_back({findings[i], since.changes[i].first_found, since.changes[i].last_found});
  }
  return out;
}

}  // namespace postern::exchange
