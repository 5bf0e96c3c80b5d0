#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "app/asking.h"
#include "app/places.h"
#include "app/sweep_commands.h"
#include "app/sweep_views.h"
#include "app/table.h"
#include "config/config.h"
#include "files/root.h"
#include "host/file_examiner.h"
#include "host/sweep_data.h"
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

bool has_findings(const host::SweepReport& report) {
  // What is worth a look at any confidence, but for what only says that a build is not known.
  const auto counts = [](const exchange::Finding& finding) { return finding.confidence >= 50; };
  return std::ranges::any_of(report.findings, counts) ||
         std::ranges::any_of(report.servers, [&](const host::SweptServer& server) {
           return std::ranges::any_of(server.findings, counts);
         });
}

}  // namespace

int run_sweep(const Arguments& arguments) {
  const auto threads = threads_of(arguments);
  if (!threads) return misused("sweep", "--threads is a number from 1 to 64");
  const std::string folder = data_folder(arguments);
  for (const std::string& path : arguments.positional()) {
    if (!arguments.has("no-state") && lies_beneath(folder, path)) {
      return misused("sweep", fmt::format("{} lies beneath {}, where nothing may be written; name "
                                          "another folder with --data, or give --no-state",
                                          folder, path));
    }
  }
  const host::SweepData data = host::load_sweep_data(folder);
  for (const std::string& note : data.notes)
    fmt::print(stderr, "postern sweep: {}\n", printable(note));
  auto state = open_state(arguments, folder, data);
  if (!state) {
    complain(std::move(state).error());
    return kExitIncomplete;
  }
  const host::FileExaminers files(data.yara ? &*data.yara : nullptr);
  ProgressLine line;
  host::SweepOptions options;
  options.threads = *threads;
  options.known = data.known ? &*data.known : nullptr;
  options.examiners = {&files};
  options.state = *state ? &**state : nullptr;
  options.progress = [&](const host::SweepProgress& progress) { line.show(progress); };
  options.stop = [] { return g_interrupted != 0; };
  std::signal(SIGINT, on_interrupt);

  std::vector<host::SweepReport> reports;
  bool complete = true;
  for (const std::string& path : arguments.positional()) {
    auto report = host::sweep(path, options);
    if (!report) {
      complete = false;
      complain(std::move(report).error());
      continue;
    }
    complete = complete && !report->stopped;
    reports.push_back(*std::move(report));
  }
  const bool as_json = arguments.has("json");
  const bool in_colour = ::isatty(STDOUT_FILENO) == 1;
  std::fputs((as_json ? sweep_json(reports) : sweep_text(reports, in_colour)).c_str(), stdout);
  if (!as_json && !data.known) {
    fmt::print(
        "\nNo hashes of Microsoft's files are imported: changed pages cannot be told "
        "(postern sweep import).\n");
  }
  if (!complete) return kExitIncomplete;
  return std::ranges::any_of(reports, has_findings) ? kExitFindings : kExitNoFinding;
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
