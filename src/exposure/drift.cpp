#include "exposure/drift.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace postern::exposure {
namespace {

constexpr std::string_view kVersion = "1";
constexpr std::array<std::string_view, 5> kChanges = {"new", "same", "changed", "gone",
                                                      "not-known"};
constexpr std::size_t kHeadLines = 5;  // The version and the four fields of a Snapshot.

std::string question_text(const Question& question) {
  return fmt::format("{} {}", dns::to_string(question.type), question.name.to_display());
}

/// Names that nobody made are others the next time.
bool is_probe(const dns::Name& name, const Nonces& nonces) {
  const OctetView wire = name.wire();
  if (wire[0] == 0) return false;
  const std::string_view label = text_of(wire.subspan(1, wire[0]));
  return label == nonces.first || label == nonces.second;
}

std::set<std::string> records_of(const std::vector<SnapshotLine>& lines) {
  std::set<std::string> out;
  for (const SnapshotLine& line : lines) out.insert(line.record);
  return out;
}

std::vector<std::string> missing_in(const std::set<std::string>& some,
                                    const std::set<std::string>& others) {
  std::vector<std::string> out;
  std::ranges::set_difference(some, others, std::back_inserter(out));
  return out;
}

/// The next line off `text`.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

Snapshot snapshot_of(const Inquiry& inquiry, const Verdict& verdict) {
  Snapshot out{.hosting = std::string(to_string(verdict.hosting)),
               .behind = std::string(to_string(verdict.behind)),
               .exposure = std::string(to_string(verdict.exposure)),
               .provider = verdict.provider,
               .lines = {}};
  for (const auto& [question, answer] : inquiry.answers()) {
    if (!question.name.is_at_or_below(inquiry.domain()) ||
        is_probe(question.name, inquiry.nonces())) {
      continue;
    }
    const std::string asked = question_text(question);
    for (const auto* records : {&answer.aliases, &answer.records}) {
      for (const Record& record : *records) {
        if (!record.owner.is_at_or_below(inquiry.domain())) continue;
        out.lines.push_back({asked, fmt::format("{} {} {}", record.owner.to_display(),
                                                dns::to_string(record.type), record.data)});
      }
    }
  }
  std::ranges::sort(out.lines);
  const auto rest = std::ranges::unique(out.lines);
  out.lines.erase(rest.begin(), rest.end());
  std::size_t octets = 0;
  const auto over = std::ranges::find_if(out.lines, [&](const SnapshotLine& line) {
    octets += line.question.size() + line.record.size() + 2;
    return octets > kMaxSnapshotOctets / 2;
  });
  out.lines.erase(over, out.lines.end());
  return out;
}

std::string to_text(const Snapshot& snapshot) {
  std::string out = fmt::format("{}\n{}\n{}\n{}\n{}\n", kVersion, snapshot.hosting, snapshot.behind,
                                snapshot.exposure, snapshot.provider);
  for (const SnapshotLine& line : snapshot.lines) {
    out += fmt::format("{}\t{}\n", line.question, line.record);
  }
  return out;
}

Result<Snapshot> snapshot_from_text(std::string_view text) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  if (text.size() > kMaxSnapshotOctets || lines < kHeadLines || take_line(text) != kVersion) {
    return fail(Errc::corrupt, "what is remembered of a domain does not read");
  }
  Snapshot out;
  for (std::string* field : {&out.hosting, &out.behind, &out.exposure, &out.provider}) {
    *field = take_line(text);
  }
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) {
      return fail(Errc::corrupt, "what is remembered of a record does not read");
    }
    out.lines.push_back({std::string(line.substr(0, tab)), std::string(line.substr(tab + 1))});
  }
  return out;
}

std::string_view to_string(Change change) {
  return kChanges[static_cast<std::size_t>(change)];
}

Drift compare(const std::optional<Snapshot>& before, Snapshot& now, const Inquiry& inquiry,
              bool is_complete) {
  Drift out;
  if (!is_complete) out.change = Change::not_known;
  if (!before) return out;
  std::set<std::string> unknown;
  for (const auto& [question, answer] : inquiry.answers()) {
    if (answer.outcome == Outcome::unknown) unknown.insert(question_text(question));
  }
  std::set<std::string> asked;
  for (const auto& [question, answer] : inquiry.answers()) asked.insert(question_text(question));
  for (const SnapshotLine& line : before->lines) {
    // What was not even asked, because what decides it was not known, is not gone either.
    const bool is_open =
        unknown.contains(line.question) || (!is_complete && !asked.contains(line.question));
    if (is_open) now.lines.push_back(line);
  }
  std::ranges::sort(now.lines);
  const std::set<std::string> old_records = records_of(before->lines);
  const std::set<std::string> new_records = records_of(now.lines);
  out.added = missing_in(new_records, old_records);
  out.removed = missing_in(old_records, new_records);
  out.before = Snapshot{before->hosting, before->behind, before->exposure, before->provider, {}};
  if (!is_complete) {
    now.hosting = before->hosting;
    now.behind = before->behind;
    now.exposure = before->exposure;
    now.provider = before->provider;
    return out;
  }
  const bool is_same = out.added.empty() && out.removed.empty() && before->hosting == now.hosting &&
                       before->behind == now.behind && before->exposure == now.exposure;
  out.change = is_same ? Change::same : Change::changed;
  return out;
}

}  // namespace postern::exposure
