#include "app/exposure_command.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "api/duration.h"
#include "app/asking.h"
#include "app/output_file.h"
#include "app/places.h"
#include "app/progress_line.h"
#include "app/resolvers.h"
#include "app/sweep_commands.h"
#include "app/table.h"
#include "exposure/pack.h"
#include "exposure/report.h"
#include "exposure/text_match.h"
#include "exposure/vendor_list.h"
#include "exposure/verdict.h"
#include "net/dns_server.h"
#include "resolve/factory.h"
#include "survey/survey.h"
#include "survey/survey_state.h"

namespace postern::app {
namespace {

/// What is known of domains given by hand is kept beside that of lists, but they are no list.
constexpr std::string_view kByHand = "by hand";

volatile std::sig_atomic_t g_interrupted = 0;

void on_interrupt(int /*signal*/) {
  g_interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

WallTime wall_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

/// Says nothing but what went wrong: a command's output is its report.
class ErrorLog final : public Log {
 public:
  void write(LogLevel level, std::string_view component, std::string_view text) override {
    if (level < LogLevel::warning) return;
    fmt::print(stderr, "postern: {}: {}\n", component, printable(text));
  }
};

/// What the flags say, checked.
struct Wish {
  survey::Options options;
  bool only_changes = false;
};

Result<Wish> wish_of(const Arguments& arguments) {
  Wish wish;
  const auto wrong = [](const char* text) { return fail(Errc::invalid_input, text); };
  if (const auto text = arguments.value("in-flight")) {
    const auto count = exposure::number_of(*text, 1'000);
    if (!count || *count == 0) return wrong("--in-flight is a number from 1 to 1000");
    wish.options.in_flight = *count;
  }
  if (const auto text = arguments.value("timeout")) {
    const auto patience = api::duration_from_text(*text);
    if (!patience || patience->count() < 1 || *patience > std::chrono::minutes(5)) {
      return wrong("--timeout is a time from 1s to 5m");
    }
    wish.options.patience = *patience;
    wish.options.domain_budget = std::max<milliseconds>(wish.options.domain_budget, *patience * 5);
  }
  if (const auto text = arguments.value("budget")) {
    const auto budget = api::duration_from_text(*text);
    if (!budget || budget->count() < 1 || *budget > std::chrono::days(7)) {
      return wrong("--budget is a time from 1s to 7d");
    }
    wish.options.deadline =
        std::chrono::time_point_cast<microseconds>(std::chrono::steady_clock::now() + *budget);
  }
  if (const auto text = arguments.value("since")) {
    if (*text != "last") return wrong("--since knows only last");
    if (arguments.has("no-state")) return wrong("--since last needs what --no-state leaves out");
    wish.only_changes = true;
  }
  if (arguments.positional().empty() && !arguments.has("file")) {
    return wrong("name domains, or a list of them with --file");
  }
  return wish;
}

/// The list of --file, and the domains given by hand behind it, as lines 0.
Result<exposure::VendorList> domains_of(const Arguments& arguments) {
  exposure::VendorList list;
  if (const auto file = arguments.value("file")) {
    const std::string text = POSTERN_TRY(read_text_file(*file, exposure::kMaxListOctets));
    auto read = exposure::read_vendor_list(text, arguments.value("column"));
    if (!read) return Unexpected(std::move(read).error().context(*file));
    list = *std::move(read);
  }
  std::set<dns::Name> known;
  for (const exposure::Vendor& vendor : list.vendors) known.insert(vendor.domain);
  for (const std::string& word : arguments.positional()) {
    const dns::Name domain = POSTERN_TRY(exposure::domain_from_text(word));
    if (known.insert(domain).second) list.vendors.push_back({0, domain, {}});
  }
  return list;
}

Result<exposure::Pack> pack_of(const Arguments& arguments) {
  exposure::Pack pack;
  POSTERN_CHECK(exposure::read_pack(exposure::built_in_pack(), "built-in", pack));
  for (const std::string& path : arguments.values("data")) {
    const std::string text = POSTERN_TRY(read_text_file(path, exposure::kMaxPackOctets));
    POSTERN_CHECK(exposure::read_pack(text, path, pack));
  }
  return pack;
}

/// Who is asked, and what that is called in the report.
struct Asked {
  std::unique_ptr<resolve::Resolver> resolver;
  std::string title;
};

Result<config::Config> config_for(const Arguments& arguments) {
  std::string path = arguments.value("config").value_or("");
  const std::string standard(kSystemConfig);
  if (path.empty() && ::access(standard.c_str(), R_OK) == 0) path = standard;
  config::Outcome outcome = POSTERN_TRY(load_config(path));
  if (!outcome.config) {
    return fail(Errc::invalid_input,
                fmt::format("{0} has mistakes (\"postern check -c {0}\" names them)", path));
  }
  return *std::move(outcome.config);
}

/// One server, asked for everything: names that are special elsewhere may be somebody's there.
Result<Asked> forwarder_to(const std::string& server, Log& log) {
  const net::DnsServer read = POSTERN_TRY(net::dns_server_from_text(server));
  resolve::ForwarderOptions options;
  // Signatures that another one has checked count only where nobody stands in between.
  options.trust_ad = read.endpoint.address.is_loopback();
  options.servers.push_back(read);
  return Asked{POSTERN_TRY(resolve::make_forwarder(options, log)), server};
}

Result<Asked> resolver_of(const Arguments& arguments, Log& log) {
  if (const auto server = arguments.value("resolver")) return forwarder_to(*server, log);
  const config::Config config = POSTERN_TRY(config_for(arguments));
  const bool recurses = config.resolver_mode == config::ResolverMode::recurse;
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  auto resolver = POSTERN_TRY(make_resolver(config, cores, log));
  return Asked{std::move(resolver), recurses ? "recursion" : "the configuration's forwarders"};
}

/// Null where nothing is to be remembered.
Result<std::unique_ptr<survey::SurveyState>> state_of(const Arguments& arguments) {
  if (arguments.has("no-state")) return nullptr;
  std::string path;
  if (const auto file = arguments.value("state")) {
    path = *file;
  } else {
    const std::string standard = config::parse("").config->state_dir;
    const std::string folder = choose_state_dir(std::nullopt, standard, look_around(standard));
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(Errc::denied, fmt::format("{}: {}", folder, error.message()));
    path = folder + "/exposure.sqlite";
  }
  auto state = survey::SurveyState::open(path);
  if (!state) return Unexpected(std::move(state).error().context(path));
  return std::make_unique<survey::SurveyState>(*std::move(state));
}

std::string source_of(const Arguments& arguments) {
  const auto file = arguments.value("file");
  if (!file) return std::string(kByHand);
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(*file, error);
  return error ? *file : whole.string();
}

/// Compares with the last run, and keeps this one. What cannot be kept is said once.
class Memory {
 public:
  Memory(survey::SurveyState* state, std::string source)
      : state_(state), source_(std::move(source)) {}

  bool is_whole() const { return is_whole_; }

  std::optional<exposure::Drift> compare(const exposure::Inquiry& inquiry,
                                         const exposure::Verdict& verdict) {
    if (state_ == nullptr) return std::nullopt;
    const std::string domain = inquiry.domain().to_display();
    auto before = state_->find(domain);
    if (!before) {
      fails(before.error());
      return std::nullopt;
    }
    exposure::Snapshot now = exposure::snapshot_of(inquiry, verdict);
    auto drift = exposure::compare(*before, now, inquiry, verdict.is_complete);
    // What was never known is not remembered as nothing.
    if (verdict.is_complete || *before) {
      if (const auto put = state_->put(domain, now, wall_now()); !put) fails(put.error());
    }
    return drift;
  }

  /// Those that were in the list before, as entries; and this list is the last one from now on.
  void finish(const exposure::VendorList& list, exposure::Report& report) {
    if (state_ == nullptr || source_ == kByHand) return;
    auto before = state_->members(source_);
    auto last = state_->last_run(source_);
    if (!before || !last) return fails(before ? last.error() : before.error());
    report.since = *last;
    std::vector<std::string> now;
    for (const exposure::Vendor& vendor : list.vendors) {
      if (vendor.line != 0) now.push_back(vendor.domain.to_display());
    }
    const std::set<std::string> kept(now.begin(), now.end());
    for (const std::string& domain : *before) {
      if (!kept.contains(domain)) add_gone(domain, report);
    }
    // A run that was ended early is none.
    if (!report.is_complete) return;
    if (const auto done = state_->finish(source_, now, report.began); !done) fails(done.error());
  }

 private:
  void fails(const Error& error) {
    if (is_whole_) fmt::print(stderr, "postern exposure: state: {}\n", printable(error.text));
    is_whole_ = false;
  }

  void add_gone(const std::string& domain, exposure::Report& report) {
    exposure::Entry entry;
    entry.domain = domain;
    exposure::Drift drift;
    drift.change = exposure::Change::gone;
    if (auto before = state_->find(domain); before && *before) {
      entry.because.push_back(fmt::format("was in the list before, as {}, exposure {}",
                                          (*before)->hosting, (*before)->exposure));
      (*before)->lines.clear();
      drift.before = *std::move(*before);
    }
    entry.drift = std::move(drift);
    report.entries.push_back(std::move(entry));
  }

  survey::SurveyState* state_;  ///< Null: none.
  std::string source_;
  bool is_whole_ = true;
};

/// What a run needs, made of the command line.
struct Setting {
  Wish wish;
  exposure::VendorList list;
  exposure::Pack pack;
  Asked asked;
  std::unique_ptr<survey::SurveyState> state;
};

exposure::Report survey_all(Setting& setting, Memory& memory) {
  exposure::Report report;
  report.program = fmt::format("postern {}", POSTERN_VERSION);
  report.began = wall_now();
  report.resolver = setting.asked.title;
  report.packs = setting.pack.origins;
  report.header = setting.list.header;
  report.domain_column = setting.list.domain_column;
  report.bad = setting.list.bad;
  report.notes = setting.list.notes;
  report.only_changes = setting.wish.only_changes;
  report.entries.resize(setting.list.vendors.size());
  std::vector<dns::Name> domains;
  for (const exposure::Vendor& vendor : setting.list.vendors) domains.push_back(vendor.domain);
  ProgressLine line;
  setting.wish.options.stop = [] { return g_interrupted != 0; };
  setting.wish.options.progress = [&](const survey::Progress& progress) {
    line.show([&] {
      return fmt::format("{} of {} domains, {} questions", grouped(progress.done),
                         grouped(progress.domains), grouped(progress.questions));
    });
  };
  report.is_complete =
      survey::run_survey(domains, setting.pack, *setting.asked.resolver, setting.wish.options,
                         [&](std::size_t index, const exposure::Inquiry& inquiry) {
                           const exposure::Verdict verdict = exposure::judge(inquiry, setting.pack);
                           exposure::Entry& entry = report.entries[index];
                           entry = exposure::entry_of(inquiry, verdict);
                           entry.line = setting.list.vendors[index].line;
                           entry.fields = setting.list.vendors[index].fields;
                           entry.drift = memory.compare(inquiry, verdict);
                         });
  setting.asked.resolver->stop();
  memory.finish(setting.list, report);
  if (!memory.is_whole()) report.is_complete = false;
  report.ended = wall_now();
  return report;
}

Result<Setting> setting_of(const Arguments& arguments, Wish wish, Log& log) {
  exposure::VendorList list = POSTERN_TRY(domains_of(arguments));
  exposure::Pack pack = POSTERN_TRY(pack_of(arguments));
  auto state = POSTERN_TRY(state_of(arguments));
  Asked asked = POSTERN_TRY(resolver_of(arguments, log));
  return Setting{std::move(wish), std::move(list), std::move(pack), std::move(asked),
                 std::move(state)};
}

}  // namespace

int run_exposure(const Arguments& arguments) {
  auto wish = wish_of(arguments);
  if (!wish) return misused("exposure", wish.error().text);
  ErrorLog log;
  auto setting = setting_of(arguments, *std::move(wish), log);
  if (!setting) {
    complain(setting.error());
    return kExitIncomplete;
  }
  Memory memory(setting->state.get(), source_of(arguments));
  std::signal(SIGINT, on_interrupt);
  const exposure::Report report = survey_all(*setting, memory);
  const bool in_colour = ::isatty(STDOUT_FILENO) == 1;
  const bool with_records = arguments.has("records");
  auto written =
      write_out(arguments.has("json") ? exposure::to_json(report) + "\n"
                                      : exposure::to_text(report, {in_colour, with_records}));
  if (const auto path = arguments.value("csv"); written && path) {
    written = write_file(*path, exposure::to_csv(report));
  }
  if (!written) {
    complain(written.error());
    return kExitIncomplete;
  }
  return exposure::exit_code_of(report);
}

}  // namespace postern::app
