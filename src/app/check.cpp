// `postern check`: every mistake of the configuration, and of the feeds on this machine.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/places.h"
#include "app/server_commands.h"
#include "app/table.h"
#include "app/wiring.h"
#include "event/json_writer.h"
#include "feeds/files.h"
#include "feeds/obtain.h"
#include "feeds/store.h"
#include "feeds/unpack.h"

namespace postern::app {
namespace {

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", grouped(count), what, count == 1 ? "" : "s");
}

/// What reading one feed came to.
struct FeedReport {
  std::string name;
  std::string place;      ///< Path or URL.
  config::Problem wrong;  ///< With the whole of it; without a text: nothing.
  bool is_read = false;   ///< False for what was not fetched yet.
  std::uint64_t rules = 0;
  std::uint64_t lines_skipped = 0;
  std::vector<intel::SkippedLine> skipped;
};

/// The text to be read: the one that is built in or in the configuration, the local file, or the
/// server's last good copy of what it fetched.
/// `not_found` where nothing was fetched yet.
Result<std::string> text_of_feed(const feeds::Source& source, const Places& places) {
  if (!source.text.empty()) return source.text;
  if (!source.path.empty()) {
    feeds::FileMemory file = POSTERN_TRY(feeds::read_into_memory(source.path, source.max_octets));
    return POSTERN_TRY(feeds::unpack(std::move(file.text), source.max_octets)).to_string();
  }
  const feeds::CopyStore copies(places.feed_cache());
  const feeds::Copy copy =
      POSTERN_TRY(copies.load(source.zone.name, feeds::source_digest(source), source.max_octets));
  return copy.text.to_string();
}

/// Where a person finds the source. Names of policy.allow and policy.block are items of these
/// lists.
std::string place_of(const feeds::Source& source) {
  if (!source.path.empty()) return source.path;
  if (!source.url.empty()) return source.url;
  if (source.transfer) return source.transfer->zone.to_display();
  if (source.taxii) return feeds::shown_taxii(*source.taxii);
  const std::string& name = source.zone.name;
  return name == "allow" || name == "block" ? "policy." + name : "built in";
}

/// What to do about a feed that cannot be read.
std::string_view advice_on(const Error& error, bool is_remote) {
  if (is_remote)
    return "the server's copy of it is no good; \"postern feed update\" fetches it again";
  switch (error.code) {
    case Errc::not_found:
      return "create the file, or correct the path";
    case Errc::denied:
      return "let the user that you and the server run as read it";
    case Errc::limit_exceeded:
      return "or take a shorter list";
    case Errc::invalid_input:
    case Errc::corrupt:
      return "correct the file, or the feed's format";
    default:
      return "see to it, and check again";
  }
}

/// The complaint, at the place of the configuration that names the source.
config::Problem complaint(const feeds::Source& source, const config::Config& config,
                          const Error& error) {
  config::Problem problem;
  const auto feed = std::ranges::find(config.feeds, source.zone.name, &config::Feed::name);
  if (feed != config.feeds.end()) {
    problem.line = feed->source_place.line;
    problem.column = feed->source_place.column;
    problem.path = feed->source_key;
  }
  const std::string place = place_of(source);
  problem.text = error.text.find(place) == std::string::npos
                     ? fmt::format("{}: {}", place, error.text)
                     : error.text;
  problem.advice = advice_on(error, feeds::is_remote(source));
  return problem;
}

FeedReport read_one(const feeds::Source& source, const config::Config& config,
                    const Places& places) {
  FeedReport report{
      .name = source.zone.name, .place = place_of(source), .wrong = {}, .skipped = {}};
  const auto text = text_of_feed(source, places);
  const bool is_remote = feeds::is_remote(source);
  if (!text && is_remote && text.error().code == Errc::not_found) return report;
  if (!text) {
    report.wrong = complaint(source, config, text.error());
    return report;
  }
  report.is_read = true;
  intel::FeedOptions options = source.format;
  options.now = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  auto content = intel::read_feed(*text, options);
  // Comments alone: a list that its owner emptied.
  if (!content && !is_remote && content.error().code == Errc::not_found) return report;
  if (!content) {
    report.wrong = complaint(source, config, content.error());
    return report;
  }
  report.rules = content->rules.size();
  report.lines_skipped = content->lines_skipped;
  report.skipped = std::move(content->skipped);
  return report;
}

std::string view(const FeedReport& report, const std::string& file) {
  if (!report.wrong.text.empty()) {
    return fmt::format("{}. Until then feed {} has the rules of its last good copy, if any\n",
                       config::to_text(report.wrong, file), report.name);
  }
  if (!report.is_read) {
    return fmt::format("feed {}: not fetched yet, so it protects nobody yet\n", report.name);
  }
  std::string out;
  for (const intel::SkippedLine& line : report.skipped) {
    out += fmt::format("{}:{}: {}\n", report.place, line.line, printable(line.text));
  }
  if (report.lines_skipped > report.skipped.size()) {
    out += fmt::format("{}: {} more lines are skipped\n", report.place,
                       report.lines_skipped - report.skipped.size());
  }
  return out + fmt::format("feed {}: {}, {} skipped\n", report.name, counted(report.rules, "rule"),
                           counted(report.lines_skipped, "line"));
}

void write_json(event::JsonWriter& json, const FeedReport& report) {
  json.begin_object().field("name", report.name).field("path", report.place);
  json.field("line", report.wrong.line).field("column", report.wrong.column);
  json.field("read", report.is_read).field("error", report.wrong.text);
  json.field("advice", report.wrong.advice).field("rules", report.rules);
  json.field("lines_skipped", report.lines_skipped).key("skipped").begin_array();
  for (const intel::SkippedLine& line : report.skipped) {
    json.begin_object().field("line", line.line).field("text", line.text).end_object();
  }
  json.end_array().end_object();
}

void write_json(event::JsonWriter& json, std::string_view key,
                const std::vector<config::Problem>& problems) {
  json.key(key).begin_array();
  for (const config::Problem& problem : problems) {
    json.begin_object().field("line", problem.line).field("column", problem.column);
    json.field("path", problem.path)
        .field("text", problem.text)
        .field("advice", problem.advice)
        .end_object();
  }
  json.end_array();
}

std::string to_json(const config::Outcome& outcome, const std::vector<FeedReport>& reports) {
  event::JsonWriter json;
  json.begin_object();
  write_json(json, "problems", outcome.problems);
  write_json(json, "warnings", outcome.warnings);
  json.key("feeds").begin_array();
  for (const FeedReport& report : reports) write_json(json, report);
  json.end_array().end_object();
  return std::move(json).take() + "\n";
}

std::string to_text(const config::Outcome& outcome, const std::vector<FeedReport>& reports,
                    const std::string& file) {
  std::string out;
  for (const config::Problem& problem : outcome.problems)
    out += config::to_text(problem, file) + "\n";
  for (const config::Problem& warning : outcome.warnings)
    out += config::to_text(warning, file) + "\n";
  for (const FeedReport& report : reports) out += view(report, file);
  if (const std::size_t count = outcome.problems.size(); count > 0) {
    return out + fmt::format("{} in {}.\n", counted(count, "mistake"), file);
  }
  std::vector<std::string> but;
  if (!outcome.warnings.empty()) but.push_back(counted(outcome.warnings.size(), "warning"));
  const auto bad =
      std::ranges::count_if(reports, [](const auto& r) { return !r.wrong.text.empty(); });
  if (bad > 0) but.push_back(counted(static_cast<std::size_t>(bad), "feed") + " cannot be read");
  out += fmt::format("No mistake in {}", file);
  if (!but.empty()) out += fmt::format(", but {}", fmt::join(but, ", and "));
  return out + ".\n";
}

int print_generated(const std::string& what) {
  if (what == "example") {
    std::fputs(config::example_yaml().c_str(), stdout);
  } else if (what == "schema") {
    std::fputs(config::json_schema().c_str(), stdout);
  } else if (what == "reference") {
    std::fputs(config::reference_markdown().c_str(), stdout);
  } else {
    fmt::print(stderr, "postern check: --print takes example, schema or reference\n");
    return kExitUsage;
  }
  return kExitGood;
}

}  // namespace

int run_check(const Arguments& arguments) {
  if (const auto what = arguments.value("print")) return print_generated(*what);
  const std::string path = arguments.value("config").value_or("");
  const auto outcome = load_config(path);
  if (!outcome) {
    fmt::print(stderr, "postern check: {}\n", outcome.error().text);
    return kExitFailed;
  }
  std::vector<FeedReport> reports;
  bool is_good = outcome->config.has_value();
  if (outcome->config && !arguments.has("config-only")) {
    const Places places = places_of(*outcome->config, arguments.value("state-dir"));
    for (const feeds::Source& source : feeds_options(*outcome->config, places, 0).sources) {
      if (source.zone.votes) continue;  // It has no text of its own.
      reports.push_back(read_one(source, *outcome->config, places));
      is_good = is_good && reports.back().wrong.text.empty();
    }
  }
  const std::string file = path.empty() ? "the defaults" : path;
  std::fputs((arguments.has("json") ? to_json(*outcome, reports) : to_text(*outcome, reports, file))
                 .c_str(),
             stdout);
  return is_good ? kExitGood : kExitFailed;
}

}  // namespace postern::app
