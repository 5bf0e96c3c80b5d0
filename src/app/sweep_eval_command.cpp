// postern sweep eval: what of labelled things is found, and what is not.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/asking.h"
#include "app/json.h"
#include "app/sweep_commands.h"
#include "app/sweep_set_up.h"
#include "app/table.h"
#include "exchange/score.h"
#include "host/evaluation.h"
#include "host/file_examiner.h"
#include "host/log_examiner.h"
#include "host/record_examiner.h"

namespace postern::app {
namespace {

namespace fs = std::filesystem;

/// Folders that tests/exchange/make_server.py made: this one, or those in it.
std::vector<fs::path> generated_in(const fs::path& folder) {
  const auto is_one = [](const fs::path& path) {
    std::error_code error;
    return fs::exists(path / "truth.json", error) && fs::is_directory(path / "evidence", error);
  };
  if (is_one(folder)) return {folder};
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (is_one(at->path())) out.push_back(at->path());
  }
  std::ranges::sort(out);
  return out;
}

host::KnownThing thing_of(const Json& value, host::Truth truth) {
  host::KnownThing out;
  out.path = value["path"].text();
  out.line = value["line"].count();
  out.record = value["record"].count();
  out.actor = value["actor"].text();
  for (const Json& rule : value["rules"].items()) out.rules.push_back(rule.text());
  out.truth = truth;
  out.is_loose = value["loose"].is_true();
  return out;
}

/// What the truth says was planted, and what looks like it. Traces of an attack that no rule has to
/// name, and what is worth no more than a look, are neither.
Result<std::vector<host::KnownThing>> things_of(const fs::path& truth) {
  std::ifstream file(truth, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Json json = POSTERN_TRY(Json::parse(text));
  std::vector<host::KnownThing> out;
  for (const Json& server : json["servers"].items()) {
    for (const Json& planted : server["planted"].items()) {
      const std::string& tier = planted["tier"].text();
      const bool is_bad =
          (tier == "attempt" || tier == "exploited") && !planted["rules"].items().empty();
      out.push_back(thing_of(planted, is_bad ? host::Truth::malicious : host::Truth::neither));
    }
    for (const Json& benign : server["benign"].items()) {
      out.push_back(thing_of(benign, host::Truth::benign));
    }
  }
  return out;
}

class Evaluator {
 public:
  Evaluator(const host::SweepData& data, const SweepRules& rules, bool is_malicious)
      : data_(data), rules_(rules), is_malicious_(is_malicious) {}

  Result<void> run(const fs::path& folder) {
    const auto generated = generated_in(folder);
    if (generated.empty()) return look_at_files(folder);
    for (const fs::path& one : generated) {
      if (auto swept = sweep_one(one); !swept) {
        return Unexpected<Error>(std::move(swept).error().context(one.string()));
      }
    }
    return {};
  }

  const std::vector<exchange::Sample>& samples() const { return samples_; }
  std::size_t skipped() const { return skipped_; }

 private:
  const host::YaraRules* yara() const { return data_.yara ? &*data_.yara : nullptr; }
  const exchange::KnownGood* known() const { return data_.known ? &*data_.known : nullptr; }

  Result<void> look_at_files(const fs::path& folder) {
    host::SampleOptions options;
    options.known = known();
    options.yara = yara();
    options.is_malicious = is_malicious_;
    auto found = POSTERN_TRY(host::look_at_samples(folder.string(), options));
    skipped_ += found.skipped;
    std::ranges::move(found.samples, std::back_inserter(samples_));
    return {};
  }

  Result<void> sweep_one(const fs::path& folder) {
    const auto things = POSTERN_TRY(things_of(folder / "truth.json"));
    const host::FileExaminers files(yara());
    const host::LogExaminers logs(rules_.set);
    const host::RecordExaminers records;
    host::SweepOptions options;
    options.known = known();
    options.examiners = {&files, &logs, &records};
    options.rules = &rules_.set;
    const auto report = POSTERN_TRY(host::sweep((folder / "evidence").string(), options));
    const fs::path name =
        folder.has_filename() ? folder.filename() : folder.parent_path().filename();
    auto samples = host::samples_of(things, report, name.string());
    std::ranges::move(samples, std::back_inserter(samples_));
    return {};
  }

  const host::SweepData& data_;
  const SweepRules& rules_;
  bool is_malicious_;
  std::vector<exchange::Sample> samples_;
  std::size_t skipped_ = 0;
};

}  // namespace

int run_sweep_eval(const Arguments& arguments) {
  const std::string label = arguments.value("label").value_or("malicious");
  if (label != "malicious" && label != "benign") {
    return misused("sweep eval", "--label is malicious or benign");
  }
  const host::SweepData data = host::load_sweep_data(sweep_data_folder(arguments));
  for (const std::string& note : data.notes) {
    fmt::print(stderr, "postern sweep eval: {}\n", printable(note));
  }
  const auto rules = sweep_rules(data);
  if (!rules) {
    complain(rules.error());
    return kExitIncomplete;
  }
  Evaluator evaluator(data, *rules, label == "malicious");
  for (const std::string& folder : arguments.positional()) {
    const auto done = evaluator.run(fs::path(folder).lexically_normal());
    if (done) continue;
    complain(done.error());
    return kExitIncomplete;
  }
  const auto& samples = evaluator.samples();
  if (samples.empty()) {
    fmt::print(stderr, "postern sweep eval: no labelled files are there\n");
    return kExitIncomplete;
  }
  const auto evaluation = exchange::evaluate(samples, data.yara.has_value());
  const std::size_t skipped = evaluator.skipped();
  fmt::print("{}", arguments.has("json") ? exchange::to_json(evaluation, samples, skipped) + "\n"
                                         : exchange::to_text(evaluation, samples, skipped));
  const auto& part = evaluation.parts.back();
  return part.missed.empty() && part.alarms.empty() ? kExitNoFinding : kExitFindings;
}

}  // namespace postern::app
