#include "host/evaluation.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>

#include <fmt/format.h>

#include "exchange/log_split.h"
#include "files/path.h"
#include "files/walk.h"
#include "host/file_examiner.h"

namespace postern::host {
namespace {

using exchange::Sample;

constexpr std::string_view kLabels = "labels.csv";
constexpr std::uint64_t kMaxLabelsOctets = 256U << 20;
/// What a log says of its hits beyond those that are told one by one.
constexpr std::string_view kMoreDetail = "more of these in this log";

struct Label {
  bool is_malicious = false;
  std::string source;
};

std::optional<bool> label_of(std::string_view word) {
  const std::string low = exchange::lower(word);
  if (low == "malicious") return true;
  if (low == "benign") return false;
  return std::nullopt;
}

/// Reads labels.csv.
class LabelFile {
 public:
  static Result<std::map<std::string, Label>> read(std::string_view text) {
    std::map<std::string, Label> out;
    std::optional<Columns> columns;
    std::vector<std::string_view> values;
    std::string unquoted;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty()) continue;
      exchange::split_csv(line, values, unquoted);
      if (!columns) {
        columns = POSTERN_TRY(columns_of(values));
        continue;
      }
      if (values.size() <= std::max(columns->path, columns->label)) continue;
      const auto is_malicious = label_of(values[columns->label]);
      if (!is_malicious) continue;
      const bool has_source = columns->source && *columns->source < values.size();
      out[std::string(values[columns->path])] = {
          *is_malicious, has_source ? std::string(values[*columns->source]) : std::string()};
    }
    return out;
  }

 private:
  struct Columns {
    std::size_t path = 0, label = 0;
    std::optional<std::size_t> source;
  };

  static Result<Columns> columns_of(std::span<const std::string_view> names) {
    const auto at = [&](std::string_view name) -> std::optional<std::size_t> {
      const auto found = std::ranges::find(names, name);
      if (found == names.end()) return std::nullopt;
      return static_cast<std::size_t>(found - names.begin());
    };
    const auto path = at("path");
    const auto label = at("label");
    if (!path || !label) {
      return fail(Errc::invalid_input,
                  fmt::format("{}: its first line names no columns path and label", kLabels));
    }
    return Columns{*path, *label, at("source")};
  }
};

/// The name that a sample is judged by: collections keep shells as "x.aspx.bin", or by a hash.
std::string page_name_of(std::string_view path) {
  std::string name(files::name_of(path));
  static constexpr std::array kWrappings =
      std::to_array<std::string_view>({".bin", ".txt", ".sample", ".malware", ".vir"});
  for (const std::string_view wrapping : kWrappings) {
    if (exchange::lower(name).ends_with(wrapping)) name.resize(name.size() - wrapping.size());
  }
  return kind_of(name) == FileKind::page ? name : name + ".aspx";
}

/// Goes through a folder of samples.
class Samples {
 public:
  Samples(files::Root root, const SampleOptions& options, std::unique_ptr<Examiner> examiner)
      : root_(std::move(root)), options_(options), examiner_(std::move(examiner)) {
    server_.known = options.known;
  }

  Result<LabelledSamples> run() && {
    POSTERN_CHECK(read_labels());
    has_folders_ = !root_.find("malicious").empty() || !root_.find("benign").empty();
    files::NotExaminedList not_examined;
    files::Walk walk(root_, not_examined);
    while (const files::Entry* const entry = walk.next()) {
      if (entry->metadata.kind == files::Kind::folder && files::name_of(entry->path) == ".git") {
        walk.skip_folder();
      }
      if (entry->metadata.kind != files::Kind::regular) continue;
      const auto label = label_of_path(entry->path);
      const bool is_sample = label && entry->metadata.size > 0 &&
                             entry->metadata.size <= kMaxSampleOctets &&
                             out_.samples.size() < kMaxSamples;
      if (!is_sample || !look_at(*entry, *label)) ++out_.skipped;
    }
    return std::move(out_);
  }

 private:
  Result<void> read_labels() {
    const auto file = root_.open_file(kLabels);
    if (!file) return {};
    const Octets octets = POSTERN_TRY(file->read_whole(kMaxLabelsOctets));
    labels_ = POSTERN_TRY(LabelFile::read(text_of(octets)));
    return {};
  }

  std::optional<Label> label_of_path(const std::string& path) const {
    if (labels_) {
      const auto at = labels_->find(path);
      return at == labels_->end() ? std::nullopt : std::optional(at->second);
    }
    const auto names = files::names_of(path);
    if (has_folders_) {
      const auto is_malicious = label_of(names.front());
      if (!is_malicious) return std::nullopt;
      return Label{*is_malicious, std::string(names.size() > 2 ? names[1] : names[0])};
    }
    if (kind_of(path) != FileKind::page) return std::nullopt;
    return Label{options_.is_malicious, names.size() > 1 ? std::string(names[0]) : "files"};
  }

  bool look_at(const files::Entry& entry, const Label& label) {
    const auto file = root_.open_file(entry.path);
    if (!file) return false;
    const auto octets = file->read_whole(kMaxSampleOctets);
    if (!octets) return false;
    Candidate candidate;
    candidate.path = entry.path;
    // Served, and nothing else: the rest of wwwroot.
    candidate.placed = "inetpub/wwwroot/samples/" + page_name_of(entry.path);
    candidate.kind = FileKind::page;
    candidate.metadata = entry.metadata;
    const Subject subject{candidate, server_, {}, ArchiveSource::of(*octets), {}, {}, {}};
    Examined examined;
    examiner_->examine(subject, examined);
    out_.samples.push_back({entry.path, label.source.empty() ? "files" : label.source,
                            label.is_malicious, std::move(examined.examination.findings)});
    return true;
  }

  files::Root root_;
  const SampleOptions& options_;
  std::unique_ptr<Examiner> examiner_;
  exchange::ServerFacts server_;
  std::optional<std::map<std::string, Label>> labels_;
  bool has_folders_ = false;
  LabelledSamples out_;
};

/// Whether a finding is of this thing: at its place, or of its actor where many rows tell it.
bool is_of(const exchange::Finding& finding, const KnownThing& thing) {
  const bool is_its_rule = std::ranges::find(thing.rules, finding.rule) != thing.rules.end();
  if (thing.is_loose && is_its_rule) return thing.actor.empty() || thing.actor == finding.actor;
  const exchange::Place& place = finding.place;
  if (place.path != thing.path) return false;
  const bool is_whole = place.line == 0 && place.record == 0;
  const bool is_there = place.line == thing.line && place.record == thing.record;
  // Of a file as a whole, what is told of all of it is told of the thing; of a benign one only
  // what names the very thing.
  if (thing.truth == Truth::benign) return is_there;
  const bool has_more = std::ranges::any_of(
      finding.details, [](const exchange::Detail& detail) { return detail.name == kMoreDetail; });
  return is_there || (is_its_rule && (is_whole || has_more));
}

}  // namespace

Result<LabelledSamples> look_at_samples(const std::string& folder, const SampleOptions& options) {
  auto root = files::Root::open(folder);
  if (!root) return Unexpected<Error>(root.error());
  const FileExaminers factory(options.yara);
  auto examiner = POSTERN_TRY(factory.make());
  return Samples(*std::move(root), options, std::move(examiner)).run();
}

std::vector<Sample> samples_of(std::span<const KnownThing> things, const SweepReport& report,
                               std::string_view source) {
  std::vector<const exchange::Finding*> findings;
  for (const SweptServer& server : report.servers) {
    for (const exchange::Finding& finding : server.findings) findings.push_back(&finding);
  }
  for (const exchange::Finding& finding : report.findings) findings.push_back(&finding);
  std::set<std::string_view> actors;
  std::multimap<std::string_view, std::size_t> by_path;
  std::multimap<std::string_view, std::size_t> loose_by_rule;
  std::vector<Sample> all;
  for (std::size_t i = 0; i < things.size(); ++i) {
    const KnownThing& thing = things[i];
    std::string path = thing.path;
    if (thing.line != 0) path += fmt::format(":{}", thing.line);
    if (thing.record != 0) path += fmt::format(":{}", thing.record);
    all.push_back({std::move(path), std::string(source), thing.truth == Truth::malicious, {}});
    by_path.emplace(thing.path, i);
    if (thing.truth != Truth::benign && !thing.actor.empty()) actors.insert(thing.actor);
    for (const std::string& rule : thing.rules) {
      if (thing.is_loose) loose_by_rule.emplace(rule, i);
    }
  }
  std::vector<Sample> alarms;
  for (const exchange::Finding* const finding : findings) {
    std::set<std::size_t> its;
    const auto consider = [&](const auto& map, std::string_view key) {
      const auto [begin, end] = map.equal_range(key);
      for (auto at = begin; at != end; ++at) {
        if (is_of(*finding, things[at->second])) its.insert(at->second);
      }
    };
    consider(by_path, finding->place.path);
    consider(loose_by_rule, finding->rule);
    for (const std::size_t number : its) all[number].findings.push_back(*finding);
    if (!its.empty() || finding->tier < exchange::Tier::attempt) continue;
    if (actors.contains(finding->actor)) continue;
    // Told of a file as a whole in which something was planted.
    const bool is_whole = finding->place.line == 0 && finding->place.record == 0;
    const auto [begin, end] = by_path.equal_range(finding->place.path);
    const bool is_planted = std::any_of(
        begin, end, [&](const auto& each) { return things[each.second].truth != Truth::benign; });
    if (is_whole && is_planted) continue;
    alarms.push_back({finding->place.path, std::string(source), false, {*finding}});
  }
  std::vector<Sample> out;
  for (std::size_t i = 0; i < things.size(); ++i) {
    if (things[i].truth != Truth::neither) out.push_back(std::move(all[i]));
  }
  std::ranges::move(alarms, std::back_inserter(out));
  return out;
}

}  // namespace postern::host
