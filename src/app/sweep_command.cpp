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
#include "app/places.h"
#include "app/sweep_commands.h"
#include "app/table.h"
#include "config/config.h"
#include "exchange/report.h"
#include "exchange/rule_pack.h"
#include "exchange/sigma.h"
#include "files/root.h"
#include "host/file_examiner.h"
#include "host/log_examiner.h"
#include "host/sweep_data.h"
#include "host/sweep_report.h"
#include "host/sweep_work.h"

namespace postern::app {
namespace {

// Ctrl-C ends a sweep with what there is; a second one ends the process.
volatile std::sig_atomic_t g_interrupted = 0;

void on_interrupt(int /*signal*/) {
  g_interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

std::string data_folder(const Arguments& arguments) {
  if (const auto folder = arguments.value("data")) return *folder;
  const std::string standard = config::parse("").config->state_dir;
  return choose_state_dir(std::nullopt, standard, look_around(standard)) + "/sweep";
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

// One line on a terminal, drawn over itself at most ten times a second.
class ProgressLine {
 public:
  ProgressLine() : wanted_(::isatty(STDERR_FILENO) == 1) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
  }

  void show(const host::SweepProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (!wanted_ || (drawn_ && now - last_ < milliseconds(100))) return;
    last_ = now;
    drawn_ = true;
    if (progress.files == 0) {
      fmt::print(stderr, "\r\x1b[K{} files and folders seen", grouped(progress.entries));
      return;
    }
    if (!began_) began_ = now;
    const double share =
        static_cast<double>(progress.files_done) / static_cast<double>(progress.files);
    const auto passed = std::chrono::duration<double>(now - *began_);
    const std::string left = share > 0.02 ? ", about " +
                                                short_duration(seconds(static_cast<std::int64_t>(
                                                    passed.count() * (1 - share) / share))) +
                                                " left"
                                          : "";
    const auto full = static_cast<std::size_t>(share * 30);
    fmt::print(stderr, "\r\x1b[K[{}{}] {} of {} files{}", std::string(full, '#'),
               std::string(30 - std::min<std::size_t>(full, 30), '.'), grouped(progress.files_done),
               grouped(progress.files), left);
  }

 private:
  bool wanted_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_;
  std::optional<std::chrono::steady_clock::time_point> began_;
};

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
  if (error) return fail(Errc::denied, fmt::format("{}: {}", folder, error.message()));
  const std::string rules = fmt::format("{} {}", POSTERN_VERSION, data.identity);
  auto state = POSTERN_TRY(host::SweepState::open(folder + "/sweep.sqlite", rules));
  return std::optional(std::move(state));
}

/// Our own rules on rows, and those that were imported.
struct Rules {
  exchange::RuleSet set;
  std::vector<std::string> not_supported;  ///< "NAME: why".
};

Result<Rules> rules_of(const host::SweepData& data) {
  exchange::RuleBook book;
  const auto own = exchange::read_rule_pack(exchange::built_in_rule_pack(), "built-in", book);
  if (!own) return Unexpected<Error>(own.error());
  std::vector<std::string> not_supported;
  for (const host::SigmaFile& file : data.sigma) {
    const auto read = exchange::read_sigma(file.text, file.name, {}, book);
    if (!read) not_supported.push_back(read.error().text);
  }
  return Rules{POSTERN_TRY(exchange::RuleSet::compile(std::move(book))), std::move(not_supported)};
}

/// The forms that a report is written in, by flag.
struct Form {
  const char* flag;
  std::string (*write)(const exchange::Report&);
};
constexpr std::array kForms = {
    Form{"html", exchange::to_html},
    Form{"csv", exchange::to_csv},
    Form{"stix", [](const exchange::Report& report) { return exchange::to_stix(report); }},
    Form{"publish",
         [](const exchange::Report& report) {
           return exchange::to_stix(report, {.with_hashes = false});
         }},
};

bool write_forms(const Arguments& arguments, const exchange::Report& report) {
  bool is_whole = true;
  for (const Form& form : kForms) {
    const auto path = arguments.value(form.flag);
    if (!path) continue;
    if (const auto written = write_file(*path, form.write(report)); !written) {
      complain(written.error());
      is_whole = false;
    }
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

}  // namespace

int run_sweep(const Arguments& arguments) {
  const auto threads = threads_of(arguments);
  if (!threads) return misused("sweep", "--threads is a number from 1 to 64");
  const std::string folder = data_folder(arguments);
  if (const auto place = misplaced(arguments, folder)) return misused("sweep", *place);
  const host::SweepData data = host::load_sweep_data(folder);
  for (const std::string& note : data.notes)
    fmt::print(stderr, "postern sweep: {}\n", printable(note));
  const auto rules = rules_of(data);
  auto state = open_state(arguments, folder, data);
  if (!state || !rules) {
    complain(state ? rules.error() : state.error());
    return kExitIncomplete;
  }
  const host::FileExaminers files(data.yara ? &*data.yara : nullptr);
  const host::LogExaminers logs(rules->set);
  ProgressLine line;
  host::SweepOptions options;
  options.threads = *threads;
  options.known = data.known ? &*data.known : nullptr;
  options.examiners = {&files, &logs};
  options.rules = &rules->set;
  options.state = *state ? &**state : nullptr;
  options.progress = [&](const host::SweepProgress& progress) { line.show(progress); };
  options.stop = [] { return g_interrupted != 0; };
  std::signal(SIGINT, on_interrupt);

  host::CaseFacts facts;
  facts.began = wall_now();
  facts.case_id = arguments.value("case").value_or(default_case_id(facts.began));
  facts.program = fmt::format("postern {}", POSTERN_VERSION);
  facts.rules_not_supported = rules->not_supported;
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
  facts.ended = wall_now();
  const exchange::Report report = host::report_of(std::move(swept), facts);
  const bool as_json = arguments.has("json");
  const bool in_colour = ::isatty(STDOUT_FILENO) == 1;
  fmt::print("{}",
             as_json ? exchange::to_json(report) + "\n" : exchange::to_text(report, in_colour));
  if (!as_json && !data.known) {
    fmt::print(
        "\nNo hashes of Microsoft's files are imported: changed pages cannot be told "
        "(postern sweep import).\n");
  }
  return write_forms(arguments, report) ? exchange::exit_code_of(report) : kExitIncomplete;
}

int run_sweep_import(const Arguments& arguments) {
  const auto imported = host::import_sweep_data(data_folder(arguments), arguments.positional());
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
