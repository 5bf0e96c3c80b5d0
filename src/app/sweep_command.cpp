#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "app/asking.h"
#include "app/output_file.h"
#include "app/progress_line.h"
#include "app/sweep_commands.h"
#include "app/sweep_set_up.h"
#include "app/table.h"
#include "exchange/report.h"
#include "files/root.h"
#include "host/file_examiner.h"
#include "host/log_examiner.h"
#include "host/record_examiner.h"
#include "host/sweep_data.h"
#include "host/sweep_report.h"
#include "host/sweep_work.h"
#include "intel/feed_name.h"

namespace postern::app {
namespace {

// Ctrl-C ends a sweep with what there is; a second one ends the process.
volatile std::sig_atomic_t g_interrupted = 0;

void on_interrupt(int signal) {
  g_interrupted = 1;
  std::signal(signal, SIG_DFL);
}

std::optional<unsigned> threads_of(const Arguments& arguments) {
  const auto text = arguments.value("threads");
  if (!text) return std::clamp(std::thread::hardware_concurrency(), 1U, 64U);
  unsigned count = 0;
  const char* const end = text->data() + text->size();
  const auto [at, code] = std::from_chars(text->data(), end, count);
  if (code != std::errc() || at != end || count < 1 || count > 64) return std::nullopt;
  return count;
}

// "[######......] 12 of 40 files, about 3 minutes left"; `began`: when files were first counted.
std::string progress_text(const host::SweepProgress& progress,
                          std::optional<std::chrono::steady_clock::time_point>& began) {
  if (progress.files == 0) return grouped(progress.entries) + " files and folders seen";
  const auto now = std::chrono::steady_clock::now();
  if (!began) began = now;
  constexpr std::size_t kWidth = 30;
  constexpr double kEnoughToTell = 0.02;
  const double share =
      static_cast<double>(progress.files_done) / static_cast<double>(progress.files);
  const std::chrono::duration<double> passed = now - *began;
  std::string left;
  if (share > kEnoughToTell) {
    const auto rest = static_cast<std::int64_t>(passed.count() * (1 - share) / share);
    left = ", about " + short_duration(seconds(rest)) + " left";
  }
  const std::size_t full = std::min(static_cast<std::size_t>(share * kWidth), kWidth);
  return fmt::format("[{}{}] {} of {} files{}", std::string(full, '#'),
                     std::string(kWidth - full, '.'), grouped(progress.files_done),
                     grouped(progress.files), left);
}

// What is written must not come to lie beneath what is swept.
bool lies_beneath(const std::string& folder, const std::string& root) {
  std::error_code error;
  const auto inner = std::filesystem::weakly_canonical(folder, error).string();
  const auto outer = std::filesystem::weakly_canonical(root, error).string();
  return inner == outer || (inner.size() > outer.size() && inner.starts_with(outer) &&
                            (outer.ends_with('/') || inner[outer.size()] == '/'));
}

Result<std::optional<host::SweepState>> open_state(const Arguments& arguments,
                                                   const std::string& folder,
                                                   const host::SweepData& data) {
  if (arguments.has("no-state")) return std::nullopt;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(Errc::denied, fmt::format("{}: {}; --data names another folder, --no-state does "
                                          "without one",
                                          folder, error.message()));
  }
  const std::string rules = fmt::format("{} {}", POSTERN_VERSION, data.identity);
  auto state = host::SweepState::open(folder + "/sweep.sqlite", rules);
  if (!state) {
    return Unexpected<Error>(
        Error{state.error().code,
              fmt::format("{}: {} (--no-state does without)", folder, state.error().text)});
  }
  return std::optional(*std::move(state));
}

using exchange::PublishPlan;
using exchange::Report;

/// The same, for a resolver's feed.
PublishPlan feed_plan(PublishPlan plan) {
  plan.with_hashes = false;
  return plan;
}

/// The forms that a report is written in, by flag.
struct Form {
  const char* flag;
  std::string (*write)(const Report&, const PublishPlan& plan);
};
constexpr std::array kForms = {
    Form{"html", [](const Report& report, const PublishPlan&) { return to_html(report); }},
    Form{"csv", [](const Report& report, const PublishPlan&) { return to_csv(report); }},
    Form{"stix",
         [](const Report& report, const PublishPlan& plan) { return to_stix(report, plan); }},
    Form{"publish", [](const Report& report,
                       const PublishPlan& plan) { return to_stix(report, feed_plan(plan)); }},
};

/// What --own names; nothing where one of it is neither a network nor a domain.
std::optional<exchange::OwnThings> own_of(const Arguments& arguments) {
  exchange::OwnThings out;
  for (const std::string& text : arguments.values("own")) {
    if (const auto network = IpPrefix::from_text(text)) {
      out.networks.push_back(*network);
    } else if (const auto name = intel::read_domain(text)) {
      out.domains.push_back(*name);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

bool write_forms(const Arguments& arguments, const exchange::Report& report,
                 const exchange::PublishPlan& plan) {
  bool is_whole = true;
  for (const Form& form : kForms) {
    const auto path = arguments.value(form.flag);
    if (!path) continue;
    if (const auto written = write_file(*path, form.write(report, plan)); !written) {
      complain(written.error());
      is_whole = false;
    }
  }
  if (arguments.has("publish")) {
    const std::string path = printable(*arguments.value("publish"));
    fmt::print(stderr, "postern sweep: {}: {}\n  feeds: [{{name: {}, format: stix, path: {}}}]\n",
               path, exchange::to_text(exchange::count_indicators(report, feed_plan(plan))),
               exchange::feed_name_of(report.case_id), path);
  }
  return is_whole;
}

/// A place to write to that is beneath what is swept; nothing where there is none.
std::optional<std::string> misplaced(const Arguments& arguments, const std::string& folder) {
  std::vector<std::string> places;
  if (!arguments.has("no-state")) places.push_back(folder);
  for (const Form& form : kForms) {
    if (const auto path = arguments.value(form.flag)) places.push_back(*path);
  }
  for (const std::string& root : arguments.positional()) {
    for (const std::string& place : places) {
      if (lies_beneath(place, root)) {
        return fmt::format("{} lies beneath {}, where nothing may be written", place, root);
      }
    }
  }
  return std::nullopt;
}

WallTime wall_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

/// "sweep-20261122T151200Z": of the moment it began.
std::string default_case_id(WallTime began) {
  return fmt::format("sweep-{:%Y%m%dT%H%M%S}Z", std::chrono::floor<seconds>(began));
}

/// What is wrong with the command line; nothing where all is well.
std::optional<std::string> fault_of(const Arguments& arguments, const std::string& folder) {
  if (!own_of(arguments)) return "--own is an address, a network (192.0.2.0/24) or a domain";
  if (!threads_of(arguments)) return "--threads is a number from 1 to 64";
  const auto since = arguments.value("since");
  if (since && *since != "last") return "--since takes \"last\"";
  if (since && arguments.has("no-state")) {
    return "--since last needs what earlier sweeps kept: it cannot go with --no-state";
  }
  return misplaced(arguments, folder);
}

/// Sweeps one path after the other.
std::vector<host::SweepReport> sweep_all(const Arguments& arguments,
                                         const host::SweepOptions& options,
                                         host::CaseFacts& facts) {
  std::vector<host::SweepReport> swept;
  for (const std::string& path : arguments.positional()) {
    // What a report names is found again from wherever it is read.
    std::error_code error;
    const std::string whole = std::filesystem::absolute(path, error).lexically_normal().string();
    auto report = host::sweep(error ? path : whole, options);
    if (report) {
      swept.push_back(*std::move(report));
    } else {
      facts.complete = false;
      complain(std::move(report).error());
    }
  }
  return swept;
}

/// Writes the report in all forms that were asked for; false where one of them could not be.
bool hand_over(const Arguments& arguments, const exchange::Report& report,
               const exchange::KnownGood* known) {
  const bool as_json = arguments.has("json");
  const bool in_colour = ::isatty(STDOUT_FILENO) == 1;
  std::string text =
      as_json ? exchange::to_json(report) + "\n" : exchange::to_text(report, in_colour);
  if (!as_json && known == nullptr) {
    text +=
        "\nNo hashes of Microsoft's files are imported: changed pages cannot be told "
        "(postern sweep import).\n";
  }
  const auto written = write_out(text);
  if (!written) complain(written.error());
  exchange::PublishPlan plan;
  plan.own = *own_of(arguments);
  plan.known = known;
  return write_forms(arguments, report, plan) && written.has_value();
}

}  // namespace

int run_sweep(const Arguments& arguments) {
  const std::string folder = sweep_data_folder(arguments);
  if (const auto fault = fault_of(arguments, folder)) return misused("sweep", *fault);
  // A bound on the size of files is an error of writing them, no end of the sweep.
  std::signal(SIGXFSZ, SIG_IGN);
  const host::SweepData data = host::load_sweep_data(folder);
  for (const std::string& note : data.notes)
    fmt::print(stderr, "postern sweep: {}\n", printable(note));
  const auto rules = sweep_rules(data);
  auto opened = open_state(arguments, folder, data);
  if (!opened || !rules) {
    complain(opened ? rules.error() : opened.error());
    return kExitIncomplete;
  }
  host::SweepState* const state = *opened ? &**opened : nullptr;
  const host::FileExaminers files(data.yara ? &*data.yara : nullptr);
  const host::LogExaminers logs(rules->set);
  const host::RecordExaminers records;
  host::CaseFacts facts;
  facts.began = wall_now();
  facts.case_id = arguments.value("case").value_or(default_case_id(facts.began));
  facts.program = fmt::format("postern {}", POSTERN_VERSION);
  facts.rules_not_supported = rules->not_supported;
  facts.state = state;
  facts.with_since = arguments.has("since");
  host::ReportedSweep reported;
  {
    ProgressLine line;
    std::optional<std::chrono::steady_clock::time_point> began;
    host::SweepOptions options;
    options.threads = *threads_of(arguments);
    options.known = data.known ? &*data.known : nullptr;
    options.examiners = {&files, &logs, &records};
    options.rules = &rules->set;
    options.state = state;
    options.progress = [&](const host::SweepProgress& progress) {
      line.show([&] { return progress_text(progress, began); });
    };
    options.stop = [] { return g_interrupted != 0; };
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
    auto swept = sweep_all(arguments, options, facts);
    facts.ended = wall_now();
    reported = host::report_of(std::move(swept), facts);
  }
  const bool is_written =
      hand_over(arguments, reported.report, data.known ? &*data.known : nullptr);
  // Whoever did not get this report is to be told the same again.
  if (state != nullptr && is_written) {
    if (const auto kept = host::keep_for_next(reported, *state); !kept) {
      complain(Error{kept.error().code,
                     "the next sweep will not know of this one: " + kept.error().text});
      return kExitIncomplete;
    }
  }
  return is_written ? exchange::exit_code_of(reported.report) : kExitIncomplete;
}

int run_sweep_import(const Arguments& arguments) {
  const auto imported =
      host::import_sweep_data(sweep_data_folder(arguments), arguments.positional());
  if (!imported) {
    complain(imported.error());
    return kExitIncomplete;
  }
  for (const std::string& line : imported->lines) fmt::print("{}\n", printable(line));
  if (imported->lines.empty()) {
    fmt::print(stderr, "postern sweep import: nothing was found to import\n");
    return kExitFindings;
  }
  return imported->refused == 0 ? kExitNoFinding : kExitFindings;
}

}  // namespace postern::app
