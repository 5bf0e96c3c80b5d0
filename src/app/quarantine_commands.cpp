#include "app/quarantine_commands.h"

#include <cstdio>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "app/asking.h"
#include "app/custodian.h"
#include "app/places.h"
#include "app/table.h"
#include "evidence/beneath.h"
#include "evidence/durable.h"
#include "evidence/json.h"
#include "evidence/plan.h"
#include "evidence/quarantine.h"

namespace postern::app {
namespace {

Result<evidence::Plan> plan_from(const Arguments& arguments) {
  const std::string& file = arguments.positional().front();
  const std::string text = POSTERN_TRY(read_text_file(file, evidence::Findings::kMaxOctets));
  auto findings = evidence::findings_from_json(text);
  if (!findings) return Unexpected<Error>(std::move(findings).error().context(file));
  if (const auto root = arguments.value("root")) findings->root = *root;
  findings->root = absolute(findings->root);
  return evidence::make_plan(*findings, witness_here());
}

/// Never over a plan that is there, nor beneath the root.
Result<void> write_plan(const evidence::Plan& plan, const std::string& path) {
  const files::Root root = POSTERN_TRY(files::Root::open(plan.root));
  POSTERN_CHECK(evidence::check_apart(root, path, "the plan"));
  const FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return Unexpected<Error>(system_error("make " + path, errno));
  POSTERN_CHECK(evidence::write_all(file.get(), octets_of(evidence::to_json(plan))));
  return evidence::sync_file(file.get());
}

Result<evidence::QuarantineOrder> order_of(const Arguments& arguments) {
  const std::string& file = arguments.positional().front();
  const std::string text = POSTERN_TRY(read_text_file(file, evidence::Findings::kMaxOctets));
  auto plan = evidence::plan_from_json(text);
  if (!plan) return Unexpected<Error>(std::move(plan).error().context(file));
  return evidence::QuarantineOrder{*std::move(plan), absolute(*arguments.value("pack")),
                                   absolute(*arguments.value("to")), witness_here()};
}

Result<evidence::QuarantineReport> apply(const Arguments& arguments) {
  const evidence::QuarantineOrder order = POSTERN_TRY(order_of(arguments));
  const evidence::SigningKey key = POSTERN_TRY(signing_key(arguments));
  return arguments.has("yes") ? evidence::apply_plan(order, key) : evidence::check_plan(order, key);
}

Result<evidence::QuarantineReport> roll_back(const Arguments& arguments) {
  const std::string folder = absolute(arguments.positional().front());
  if (!arguments.has("yes")) return evidence::check_rollback(folder);
  const evidence::SigningKey key = POSTERN_TRY(signing_key(arguments));
  return evidence::roll_back(folder, witness_here(), key);
}

/// What was, or would be, done; gives the exit code.
int tell(const Arguments& arguments, std::string_view command,
         const Result<evidence::QuarantineReport>& report, std::string_view deed) {
  if (!report) return could_not(command, report.error());
  const bool is_dry_run = !arguments.has("yes");
  if (arguments.has("json")) {
    fmt::print("{}\n", evidence::JsonObject()
                           .boolean("dry_run", is_dry_run)
                           .raw("files", evidence::json_texts(report->done))
                           .raw("problems", evidence::json_texts(report->problems))
                           .raw("notes", evidence::json_texts(report->notes))
                           .done());
  } else {
    const bool would_refuse = is_dry_run && !report->problems.empty();
    fmt::print("{}{}{}", lines_of(report->problems, "problem: "), lines_of(report->notes, "note: "),
               would_refuse ? std::string()
                            : lines_of(report->done, is_dry_run ? fmt::format("would be {}: ", deed)
                                                                : fmt::format("{}: ", deed)));
    if (would_refuse) {
      fmt::print("Nothing would be {}.\n", deed);
    } else if (is_dry_run) {
      fmt::print("Nothing was changed. With --yes, {} files are {}.\n",
                 grouped(report->done.size()), deed);
    } else {
      fmt::print("{} files {}.\n", grouped(report->done.size()), deed);
    }
  }
  return report->problems.empty() ? kExitGood : kExitFailed;
}

}  // namespace

int run_quarantine_plan(const Arguments& arguments) {
  constexpr std::string_view kCommand = "quarantine plan";
  const auto plan = plan_from(arguments);
  if (!plan) return could_not(kCommand, plan.error());
  if (const auto file = arguments.value("out")) {
    const auto written = write_plan(*plan, absolute(*file));
    if (!written) return could_not(kCommand, written.error());
  }
  fmt::print("{}", arguments.has("json") ? evidence::to_json(*plan) : evidence::to_text(*plan));
  bool is_all = plan->complete;
  for (const evidence::PlanItem& item : plan->items) is_all = is_all && item.left_alone.empty();
  return is_all ? kExitGood : kExitFailed;
}

int run_quarantine_apply(const Arguments& arguments) {
  constexpr std::string_view kCommand = "quarantine apply";
  if (!arguments.has("pack")) {
    return misused(kCommand, "say --pack DIR: the evidence pack that holds these files");
  }
  if (!arguments.has("to")) return misused(kCommand, "say --to DIR: where the files are taken");
  return tell(arguments, kCommand, apply(arguments), "taken");
}

int run_quarantine_rollback(const Arguments& arguments) {
  return tell(arguments, "quarantine rollback", roll_back(arguments), "put back");
}

}  // namespace postern::app
