#include "app/evidence_commands.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/asking.h"
#include "app/custodian.h"
#include "app/places.h"
#include "app/table.h"
#include "evidence/beneath.h"
#include "evidence/json.h"
#include "evidence/pack.h"
#include "evidence/plan.h"
#include "evidence/restore.h"

namespace postern::app {
namespace {

constexpr std::size_t kMaxPemOctets = 4096;

/// A path as it stands beneath the root; one that begins with the root's own path is cut there.
std::string beneath(const std::string& root, std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::string above = root + "/";
  return path.starts_with(above) ? path.substr(above.size()) : path;
}

/// What the command line names, and, with --from, the findings.
Result<evidence::PackOrder> order_of(const Arguments& arguments) {
  evidence::PackOrder order;
  std::vector<std::string> words = arguments.positional();
  order.root = absolute(words.front());
  for (std::size_t at = 1; at < words.size(); ++at) {
    order.places.push_back(beneath(order.root, words[at]));
  }
  order.pack = absolute(*arguments.value("pack"));
  order.case_name = arguments.value("case").value_or("");
  order.witness = witness_here();
  if (const auto file = arguments.value("from")) {
    const std::string text = POSTERN_TRY(read_text_file(*file, evidence::Findings::kMaxOctets));
    auto findings = evidence::findings_from_json(text);
    if (!findings) return Unexpected<Error>(std::move(findings).error().context(*file));
    for (const evidence::Findings::Item& item : findings->items) order.places.push_back(item.path);
    if (!arguments.has("case")) order.case_name = findings->case_name;
  }
  if (order.places.empty()) {
    return fail(Errc::invalid_input, "name the paths to keep, or findings by --from");
  }
  return order;
}

Result<evidence::PackReport> create(const evidence::PackOrder& order, const Arguments& arguments) {
  const files::Root root = POSTERN_TRY(files::Root::open(order.root));
  POSTERN_CHECK(evidence::check_apart(root, key_folder(arguments), "the folder of the key"));
  const evidence::SigningKey key = POSTERN_TRY(signing_key(arguments));
  return evidence::create_pack(order, key);
}

std::string report_json(const evidence::PackOrder& order, const evidence::PackReport& report) {
  return evidence::JsonObject()
      .octets("pack", order.pack)
      .text("case", order.case_name)
      .number("records", report.records)
      .number("files", report.files)
      .number("reused", report.reused)
      .number("octets", report.octets)
      .number("stored_octets", report.stored_octets)
      .raw("incomplete", evidence::json_texts(report.incomplete))
      .text("manifest_sha256", report.manifest_sha256)
      .text("key", report.key_fingerprint)
      .done();
}

Result<std::optional<evidence::PublicKey>> expected_key(const Arguments& arguments) {
  const auto file = arguments.value("key");
  if (!file) return std::nullopt;
  const std::string pem = POSTERN_TRY(read_text_file(*file, kMaxPemOctets));
  auto key = evidence::PublicKey::from_pem(pem);
  if (!key) return Unexpected<Error>(std::move(key).error().context(*file));
  return std::optional(*std::move(key));
}

std::string check_json(const std::string& pack, const evidence::PackCheck& check) {
  evidence::JsonObject out;
  out.octets("pack", pack).boolean("whole", check.problems.empty());
  out.raw("problems", evidence::json_texts(check.problems));
  if (check.manifest) {
    out.text("case", check.manifest->header.case_name);
    out.octets("root", check.manifest->header.root);
    out.number("records", check.manifest->header.records);
    out.number("not_kept", check.manifest->header.not_kept);
  }
  out.number("objects", check.objects).number("octets", check.octets);
  out.text("manifest_sha256", check.manifest_sha256).text("key", check.key_fingerprint);
  std::vector<std::string> custody;
  for (const evidence::CustodyEntry& entry : check.custody) {
    custody.push_back(evidence::JsonObject()
                          .text("at", entry.at)
                          .text("who", entry.who)
                          .text("host", entry.host)
                          .text("event", entry.event)
                          .text("what", entry.what)
                          .done());
  }
  return out.raw("custody", evidence::json_list(custody)).done();
}

std::string check_text(const std::string& pack, const evidence::PackCheck& check, bool is_known) {
  std::string text = check.problems.empty() ? fmt::format("{}: whole\n", printable(pack))
                                            : fmt::format("{}: NOT WHOLE\n", printable(pack));
  text += lines_of(check.problems, "  problem: ");
  if (check.manifest) {
    const evidence::ManifestHeader& header = check.manifest->header;
    text += fmt::format("  case:    {}\n  root:    {}\n", printable(header.case_name),
                        printable(header.root));
    text += fmt::format("  holds:   {} records, {} objects, {} octets; of {} not all is kept\n",
                        grouped(header.records), grouped(check.objects), grouped(check.octets),
                        grouped(header.not_kept));
  }
  if (!check.key_fingerprint.empty()) {
    text += fmt::format("  key:     {}{}\n", check.key_fingerprint,
                        is_known ? "" : " (from the pack itself: compare it, or use --key)");
  }
  for (const evidence::CustodyEntry& entry : check.custody) {
    text +=
        fmt::format("  custody: {} {} on {}: {}: {}\n", printable(entry.at), printable(entry.who),
                    printable(entry.host), printable(entry.event), printable(entry.what));
  }
  return text;
}

}  // namespace

int run_evidence_create(const Arguments& arguments) {
  constexpr std::string_view kCommand = "evidence create";
  if (!arguments.has("pack")) return misused(kCommand, "say --pack DIR: where the pack is made");
  const auto order = order_of(arguments);
  if (!order) return could_not(kCommand, order.error());
  const auto report = create(*order, arguments);
  if (!report) return could_not(kCommand, report.error());
  if (arguments.has("json")) {
    fmt::print("{}\n", report_json(*order, *report));
  } else {
    fmt::print("{}: {} files of {} octets kept in {} records", printable(order->pack),
               grouped(report->files), grouped(report->octets), grouped(report->records));
    if (report->reused > 0) fmt::print(", {} of them by an earlier run", grouped(report->reused));
    fmt::print("\n{}", lines_of(report->incomplete, "  not all kept: "));
    fmt::print("  manifest: {}\n  key:      {}\n", report->manifest_sha256,
               report->key_fingerprint);
  }
  return report->incomplete.empty() ? kExitGood : kExitFailed;
}

int run_evidence_verify(const Arguments& arguments) {
  constexpr std::string_view kCommand = "evidence verify";
  const std::string& pack = arguments.positional().front();
  const auto expected = expected_key(arguments);
  if (!expected) return could_not(kCommand, expected.error());
  const auto check = evidence::verify_pack(pack, *expected ? &**expected : nullptr);
  if (!check) return could_not(kCommand, check.error());
  const std::string text = arguments.has("json") ? check_json(pack, *check) + "\n"
                                                 : check_text(pack, *check, expected->has_value());
  fmt::print("{}", text);
  return check->problems.empty() ? kExitGood : kExitFailed;
}

int run_evidence_restore(const Arguments& arguments) {
  constexpr std::string_view kCommand = "evidence restore";
  if (!arguments.has("to")) return misused(kCommand, "say --to DIR: where the files are restored");
  const auto expected = expected_key(arguments);
  if (!expected) return could_not(kCommand, expected.error());
  const std::vector<std::string>& words = arguments.positional();
  const auto pack = evidence::open_whole_pack(words.front(), *expected ? &**expected : nullptr);
  if (!pack) return could_not(kCommand, pack.error());
  const std::string root = pack->check.manifest->header.root;
  std::vector<std::string> paths;
  for (std::size_t at = 1; at < words.size(); ++at) paths.push_back(beneath(root, words[at]));
  const auto report = evidence::restore_pack(*pack, absolute(*arguments.value("to")), paths);
  if (!report) return could_not(kCommand, report.error());
  if (arguments.has("json")) {
    fmt::print("{}\n", evidence::JsonObject()
                           .number("files", report->files)
                           .number("folders", report->folders)
                           .number("links", report->links)
                           .raw("problems", evidence::json_texts(report->problems))
                           .raw("notes", evidence::json_texts(report->notes))
                           .done());
  } else {
    fmt::print("{} files, {} folders and {} links restored\n{}{}", grouped(report->files),
               grouped(report->folders), grouped(report->links),
               lines_of(report->problems, "  not restored: "),
               lines_of(report->notes, "  not as it was: "));
  }
  return report->problems.empty() ? kExitGood : kExitFailed;
}

}  // namespace postern::app
