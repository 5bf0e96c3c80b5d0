#include "host/log_examiner.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/safe_text.h"
#include "exchange/archive_check.h"
#include "exchange/event_rows.h"
#include "exchange/log_reader.h"
#include "exchange/traffic_fold.h"
#include "host/text_items.h"
#include "windows/evtx_reader.h"

namespace postern::host {
namespace {

using exchange::Finding;
using exchange::Hit;
using exchange::Row;

constexpr std::string_view kFactCoverage = "log coverage";
constexpr std::string_view kFactLog = "log read";
constexpr std::string_view kFactHit = "chain hit";
constexpr std::string_view kFactTraffic = "traffic";

constexpr std::size_t kBlockOctets = 256U << 10;
constexpr std::size_t kFirstUnread = 5;

/// Archives in archives, and what is held of one of those, packed.
constexpr int kMaxArchiveDepth = 3;
constexpr std::size_t kMaxNestedOctets = 64U << 20;

std::string_view name_of(exchange::Source source) {
  switch (source) {
    case exchange::Source::iis:
      return "IIS";
    case exchange::Source::httpproxy:
      return "HttpProxy";
    case exchange::Source::ecp:
      return "ECP";
    case exchange::Source::oab:
      return "OABGenerator";
    case exchange::Source::cmdlet:
      return "CmdletInfra";
    case exchange::Source::event:
      return "events";
  }
  return "";
}

/// A hit as a fact: enough of its row for exchange::Chains, whoever reads it.
std::string fact_of(const Hit& hit, std::string_view path) {
  std::string fact;
  append_item(fact, path);
  append_item(fact, hit.rule->id);
  append_item(fact, exchange::to_string(hit.row->source()));
  append_item(fact, std::to_string(hit.row->line));
  append_item(fact, std::to_string(hit.row->offset));
  append_item(fact, std::to_string(hit.row->record));
  const auto& at = hit.row->event_time;
  append_item(fact, at ? std::to_string(at->time_since_epoch().count()) : "");
  const auto& names = hit.row->schema->names();
  for (std::size_t i = 0; i < std::min(names.size(), hit.row->values.size()); ++i) {
    if (hit.row->values[i].empty()) continue;
    append_item(fact, names[i]);
    append_item(fact, hit.row->values[i].substr(0, exchange::kMaxShownOctets));
  }
  return fact;
}

/// Keeps the hits of one log.
class HitKeeper final : public exchange::HitSink {
 public:
  void begin(std::string_view path) {
    path_ = path;
    kept_.clear();
    findings_.clear();
    chain_facts_.clear();
    left_out_ = 0;
  }

  void on_hit(const Hit& hit) override {
    if (exchange::Chains::is_part(hit.rule->id)) {
      if (chain_facts_.size() < LogExaminers::kMaxChainHits) {
        chain_facts_.push_back(fact_of(hit, path_));
      } else {
        ++left_out_;
      }
    }
    Finding finding = exchange::finding_of(hit, path_);
    Kept& kept = kept_[{hit.rule_index, finding.actor}];
    if (kept.count < LogExaminers::kKeptHits) {
      if (findings_.size() >= LogExaminers::kMaxFindings) {
        ++left_out_;
        return;
      }
      ++kept.count;
      kept.last = findings_.size();
      findings_.push_back(std::move(finding));
    } else {
      ++kept.more;
    }
  }

  void finish(Examined& out) {
    for (const auto& [key, kept] : kept_) {
      if (kept.more == 0) continue;
      findings_[kept.last].details.push_back(
          {"more of these in this log", std::to_string(kept.more)});
    }
    std::ranges::move(findings_, std::back_inserter(out.examination.findings));
    for (std::string& fact : chain_facts_) {
      out.examination.facts.push_back({std::string(kFactHit), std::move(fact)});
    }
    if (left_out_ > 0) {
      out.not_examined.push_back(
          {path_, files::Reason::too_many,
           fmt::format("{} more hits of rules than are kept of one log", left_out_)});
    }
  }

 private:
  struct Kept {
    std::size_t count = 0, last = 0;
    std::uint64_t more = 0;
  };

  std::string path_;
  std::map<std::pair<std::size_t, std::string>, Kept> kept_;
  std::vector<Finding> findings_;
  std::vector<std::string> chain_facts_;
  std::uint64_t left_out_ = 0;
};

/// Which days have rows of which kind.
class DayCounter final : public exchange::RowSink {
 public:
  void begin() { coverage_ = {}; }
  void on_row(const Row& row) override {
    if (row.source() != source_ || days_ == nullptr) {
      source_ = row.source();
      days_ = &coverage_.of(name_of(source_));
    }
    if (const auto at = at_of(row)) days_->add(*at);
  }
  void count(std::string_view kind, WallTime at) { coverage_.of(kind).add(at); }

  void finish(std::string_view path, Examined& out) {
    for (const auto& [kind, days] : coverage_.kinds()) {
      if (days.empty()) continue;
      std::string fact;
      append_item(fact, path);
      append_item(fact, kind);
      append_item(fact, days.to_text());
      out.examination.facts.push_back({std::string(kFactCoverage), std::move(fact)});
    }
    days_ = nullptr;
    coverage_ = {};
  }

 private:
  /// Reading a time costs more than comparing the text of its hour with that of the row before.
  std::optional<WallTime> at_of(const Row& row) {
    const std::string_view date = row.value(exchange::Common::date);
    const std::string_view time = row.value(exchange::Common::time);
    const bool is_split = row.source() == exchange::Source::iis;
    const std::string_view hour = is_split ? time.substr(0, 2) : date.substr(0, 13);
    const std::string_view day = is_split ? date : std::string_view();
    // Free text has no column of its own for it.
    if (hour.empty()) return row.at();
    if (last_ && hour == last_hour_ && day == last_day_) return last_;
    last_ = row.at();
    last_hour_ = hour;
    last_day_ = day;
    return last_;
  }

  exchange::LogCoverage coverage_;
  exchange::Source source_{};
  exchange::LogDays* days_ = nullptr;
  std::optional<WallTime> last_;
  std::string last_hour_, last_day_;
};

/// What a server says of itself to the rules.
class Place final : public exchange::Surroundings {
 public:
  void set(const Subject* subject) { subject_ = subject; }
  bool has_page(std::string_view stem) const override {
    return subject_ != nullptr && subject_->has_page && subject_->has_page(stem);
  }

 private:
  const Subject* subject_ = nullptr;
};

class LogExaminer final : public Examiner {
 public:
  static Result<std::unique_ptr<LogExaminer>> make(const exchange::RuleSet& rules) {
    auto made = std::make_unique<LogExaminer>();
    made->judge_ = POSTERN_TRY(exchange::RowJudge::make(rules, made->place_, made->hits_));
    made->fan_ = std::make_unique<exchange::RowFan>(
        std::vector<exchange::RowSink*>{made->judge_.get(), &made->days_, &made->traffic_});
    return made;
  }

  void examine(const Subject& subject, Examined& out) override {
    place_.set(&subject);
    const std::string& path = subject.candidate.path;
    Octets head(exchange::kGuessOctets);
    const auto read = subject.octets.read_at(0, head);
    if (!read) {
      out.not_examined.push_back({path, files::reason_of(read.error()), read.error().text});
      return;
    }
    head.resize(*read);
    if (windows::looks_like_evtx(head)) {
      std::uint64_t at = 0;
      const auto source = [&](std::span<std::uint8_t> into) -> Result<std::size_t> {
        const std::size_t got = POSTERN_TRY(subject.octets.read_at(at, into));
        at += got;
        return got;
      };
      read_events(path, source, out);
    } else if (exchange::archive_kind(head)) {
      read_packed(subject, out);
    } else {
      read_plain(subject, head, out);
    }
    place_.set(nullptr);
  }

 private:
  friend class PackedLogs;

  void begin(std::string_view path) {
    hits_.begin(path);
    days_.begin();
    traffic_.begin(path);
    judge_->begin_file();
  }

  void finish(const exchange::ReadLog& log, Examined& out) {
    hits_.finish(out);
    days_.finish(log.path, out);
    tell_traffic(log.path, out);
    std::string fact;
    append_item(fact, log.path);
    append_item(fact, log.kind);
    append_item(fact, std::to_string(log.rows));
    append_item(fact, std::to_string(log.unread));
    for (const std::string& first : log.first_unread) append_item(fact, first);
    out.examination.facts.push_back({std::string(kFactLog), std::move(fact)});
  }

  void tell_traffic(const std::string& path, Examined& out) {
    const exchange::TrafficFacts traffic = traffic_.finish();
    if (traffic.empty()) return;
    std::string fact;
    append_item(fact, path);
    append_item(fact, text_of(exchange::octets_of_traffic(traffic)));
    out.examination.facts.push_back({std::string(kFactTraffic), std::move(fact)});
    const std::uint64_t left_out = traffic.iis.left_out + traffic.proxy.left_out;
    if (left_out == 0) return;
    out.not_examined.push_back(
        {path, files::Reason::too_many,
         "more addresses, programs or pages than are counted of one log: its traffic as a whole "
         "is known in part"});
  }

  static exchange::ReadLog log_of(std::string_view path, exchange::LogKind kind,
                                  const exchange::LogStats& stats) {
    exchange::ReadLog log;
    log.path = path;
    log.kind = name_of(kind.source);
    log.rows = stats.rows;
    log.unread = stats.unread;
    for (const exchange::UnreadLine& line : stats.first_unread) {
      if (log.first_unread.size() == kFirstUnread) break;
      log.first_unread.push_back(
          fmt::format("line {}: {}: {}", line.line, line.reason, shown(line.excerpt)));
    }
    return log;
  }

  void read_plain(const Subject& subject, OctetView head, Examined& out) {
    const Candidate& file = subject.candidate;
    const auto kind = exchange::guess_log(file.placed, head);
    if (!kind) return;
    begin(file.path);
    exchange::LogReader reader(*kind, *fan_);
    Octets block(kBlockOctets);
    for (std::uint64_t at = 0;;) {
      const auto read = subject.octets.read_at(at, block);
      if (!read) {
        out.not_examined.push_back({file.path, files::reason_of(read.error()), read.error().text});
        break;
      }
      if (*read == 0) break;
      reader.feed(OctetView(block).first(*read));
      at += *read;
      out.octets_read += *read;
    }
    reader.finish();
    finish(log_of(file.path, *kind, reader.stats()), out);
  }

  /// `source` gives the octets in order, and fills what it is given but at the end.
  template <class Source>
  void read_events(const std::string& path, const Source& source, Examined& out) {
    std::uint64_t at = 0;
    windows::EvtxReader reader([&](std::span<std::uint8_t> into) -> Result<std::size_t> {
      const std::size_t read = POSTERN_TRY(source(into));
      at += read;
      return read;
    });
    begin(path);
    exchange::EventRows rows;
    std::string channel;
    while (const windows::Event* event = reader.next()) {
      if (channel.empty()) channel = event->channel;
      days_.count(event->channel, event->created);
      judge_->on_row(rows.row_of(*event));
    }
    out.octets_read += at;
    const windows::EvtxSummary& summary = reader.summary();
    exchange::ReadLog log{.path = path,
                          .kind = channel.empty() ? "events" : channel,
                          .rows = summary.records,
                          .unread = summary.count(windows::EvtxProblem::bad_record),
                          .first_unread = {}};
    for (const windows::EvtxProblemAt& problem : summary.problems) {
      if (log.first_unread.size() == kFirstUnread) break;
      log.first_unread.push_back(
          fmt::format("offset {}: {}", problem.offset, windows::to_string(problem.problem)));
    }
    finish(log, out);
    tell_missing(path, summary, out);
    if (const auto& error = reader.read_error()) {
      out.not_examined.push_back({path, files::reason_of(*error), error->text});
    }
  }

  /// F-17: records that are not there, between those that are.
  static void tell_missing(const std::string& path, const windows::EvtxSummary& summary,
                           Examined& out) {
    const std::uint64_t hidden = summary.count(windows::EvtxProblem::hidden_record);
    if (summary.missing_records == 0 && hidden == 0) return;
    Finding finding;
    finding.rule = "F-17";
    finding.title =
        hidden > 0 ? "Records of an event log were hidden" : "Records of an event log are missing";
    finding.tier = exchange::Tier::hunt;
    finding.confidence = hidden > 0 ? 80 : 50;
    finding.attack = {"T1070.001"};
    finding.place.path = path;
    if (!summary.gaps.empty()) {
      finding.details.push_back(
          {"first gap behind record", std::to_string(summary.gaps.front().after)});
    }
    finding.details.push_back({"missing", std::to_string(summary.missing_records)});
    finding.details.push_back({"hidden", std::to_string(hidden)});
    out.examination.findings.push_back(std::move(finding));
  }

  void read_packed(const Subject& subject, Examined& out);

  Place place_;
  HitKeeper hits_;
  DayCounter days_;
  exchange::TrafficFold traffic_;
  std::unique_ptr<exchange::RowJudge> judge_;
  std::unique_ptr<exchange::RowFan> fan_;
};

/// Hands the logs in an archive to a LogExaminer, one after the other.
class PackedLogs final : public ArchiveVisitor {
 public:
  /// `path` is the archive's own, `placed` what its place is judged by; `depth`: of how many others
  /// it stands in.
  PackedLogs(LogExaminer& examiner, std::string_view path, std::string_view placed, int depth,
             Examined& out)
      : examiner_(examiner), archive_(path), archive_placed_(placed), depth_(depth), out_(out) {}

  void read(const ArchiveSource& octets) {
    const auto done = read_archive(octets, archive_, *this);
    if (!done) {
      out_.not_examined.push_back({archive_, files::reason_of(done.error()), done.error().text});
    }
  }

  bool wants(std::string_view path, std::uint64_t) override {
    path_ = fmt::format("{}!/{}", archive_, path);
    placed_ = fmt::format("{}/{}", archive_placed_, path);
    return true;
  }

  void visit(ArchivedFile& file) override {
    Octets head(exchange::kGuessOctets);
    const auto got = file.read(head);
    if (!got) return note(got.error());
    head.resize(*got);
    if (windows::looks_like_evtx(head)) {
      read_events(file, head);
    } else if (const auto kind = exchange::guess_log(placed_, head)) {
      read_rows(file, head, *kind);
    } else if (exchange::archive_kind(head)) {
      read_nested(file, std::move(head));
    }
  }

 private:
  void note(const Error& error) {
    out_.not_examined.push_back({path_, files::Reason::not_understood, error.text});
  }

  void read_events(ArchivedFile& file, OctetView head) {
    // Its reader asks for octets in order; what was read already comes first.
    const auto source = [&](std::span<std::uint8_t> into) -> Result<std::size_t> {
      const std::size_t from_head = std::min(into.size(), head.size());
      std::copy_n(head.begin(), from_head, into.begin());
      head = head.subspan(from_head);
      if (from_head == into.size()) return from_head;
      return from_head + POSTERN_TRY(file.read(into.subspan(from_head)));
    };
    examiner_.read_events(path_, source, out_);
  }

  /// A packed log in an archive of a whole server: held, for its reader goes to and fro in it.
  void read_nested(ArchivedFile& file, Octets octets) {
    const FileKind kind = kind_of(placed_);
    if (kind != FileKind::log && kind != FileKind::archive) return;
    if (depth_ + 1 >= kMaxArchiveDepth) {
      out_.not_examined.push_back({path_, files::Reason::too_deep, "archives in archives"});
      return;
    }
    while (true) {
      const auto more = file.next();
      if (!more) return note(more.error());
      if (more->empty()) break;
      if (octets.size() + more->size() > kMaxNestedOctets) {
        out_.not_examined.push_back(
            {path_, files::Reason::too_large,
             fmt::format("over {} octets, packed, in an archive", kMaxNestedOctets)});
        return;
      }
      octets.insert(octets.end(), more->begin(), more->end());
    }
    PackedLogs(examiner_, path_, placed_, depth_ + 1, out_).read(ArchiveSource::of(octets));
  }

  void read_rows(ArchivedFile& file, OctetView head, exchange::LogKind kind) {
    examiner_.begin(path_);
    exchange::LogReader reader(kind, *examiner_.fan_);
    reader.feed(head);
    out_.octets_read += head.size();
    Octets block(kBlockOctets);
    while (true) {
      const auto got = file.read(block);
      if (!got) note(got.error());
      if (!got || *got == 0) break;
      reader.feed(OctetView(block).first(*got));
      out_.octets_read += *got;
    }
    reader.finish();
    examiner_.finish(LogExaminer::log_of(path_, kind, reader.stats()), out_);
  }

  LogExaminer& examiner_;
  std::string archive_, archive_placed_;
  int depth_;
  Examined& out_;
  std::string path_, placed_;
};

void LogExaminer::read_packed(const Subject& subject, Examined& out) {
  PackedLogs(*this, subject.candidate.path, subject.candidate.placed, 0, out).read(subject.octets);
}

}  // namespace

bool LogExaminers::wants(FileKind kind, std::string_view, std::uint64_t size) const {
  const bool is_log = kind == FileKind::log || kind == FileKind::event_log;
  return size > 0 && (is_log || kind == FileKind::archive);
}

Result<std::unique_ptr<Examiner>> LogExaminers::make() const {
  return LogExaminer::make(rules_);
}

LogStory::LogStory(const exchange::RuleSet& rules) : rules_(rules) {}

std::optional<std::string_view> LogStory::path_of(const exchange::Detail& fact) {
  const bool is_ours = fact.name == kFactHit || fact.name == kFactCoverage ||
                       fact.name == kFactTraffic || fact.name == kFactLog;
  // The first item of each.
  return is_ours ? TextItems(fact.value).next() : std::nullopt;
}

void LogStory::take(const std::vector<exchange::Detail>& facts) {
  for (const exchange::Detail& fact : facts) take(fact);
}

void LogStory::take(const exchange::Detail& fact) {
  TextItems items(fact.value);
  if (fact.name == kFactHit) {
    take_hit(fact.value);
  } else if (fact.name == kFactCoverage) {
    items.next();
    const auto kind = items.next();
    const auto text = items.next();
    const auto days = text ? exchange::LogDays::from_text(*text) : std::nullopt;
    if (kind && days) coverage_.of(*kind).add(*days);
  } else if (fact.name == kFactTraffic) {
    const auto path = items.next();
    const auto octets = items.next();
    if (!path || !octets) return;
    const auto traffic = exchange::traffic_of_octets(octets_of(*octets), *path);
    if (traffic) traffic_.add(*traffic);
  } else if (fact.name == kFactLog) {
    const auto path = items.next();
    const auto kind = items.next();
    const auto rows = items.next_number();
    const auto unread = items.next_number();
    if (!path || !kind || !rows || !unread) return;
    exchange::ReadLog& log = logs_.emplace_back();
    log.path = *path;
    log.kind = *kind;
    log.rows = *rows;
    log.unread = *unread;
    while (const auto first = items.next()) log.first_unread.emplace_back(*first);
  }
}

void LogStory::take_hit(std::string_view fact) {
  TextItems items(fact);
  const auto path = items.next();
  const auto id = items.next();
  const auto source_text = items.next();
  const auto line = items.next_number();
  const auto offset = items.next_number();
  const auto record = items.next_number();
  const auto at = items.next();
  const auto source = source_text ? exchange::source_of(*source_text) : std::nullopt;
  if (!source || !line || !offset || !record || !at) return;
  const auto& rules = rules_.book().rules;
  const auto rule = std::ranges::find(rules, *id, &exchange::RowRule::id);
  if (rule == rules.end()) return;
  std::vector<std::string> names;
  std::vector<std::string_view> values;
  while (const auto name = items.next()) {
    const auto value = items.next();
    if (!value) return;
    names.emplace_back(*name);
    values.push_back(*value);
  }
  const exchange::Schema schema(*source, std::move(names));
  Row row;
  row.schema = &schema;
  row.values = values;
  row.line = *line;
  row.offset = *offset;
  row.record = *record;
  std::int64_t microseconds_since = 0;
  if (!at->empty()) {
    std::from_chars(at->data(), at->data() + at->size(), microseconds_since);
    row.event_time = WallTime(microseconds(microseconds_since));
  }
  Hit hit;
  hit.rule = &*rule;
  hit.row = &row;
  chains_.take(hit, *path);
}

std::vector<Finding> LogStory::findings(const exchange::PageOnDisk& on_disk) const {
  std::vector<Finding> out = chains_.findings();
  std::ranges::move(exchange::traffic_findings(traffic_, on_disk), std::back_inserter(out));
  return out;
}

}  // namespace postern::host
