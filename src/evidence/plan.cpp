#include "evidence/plan.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "evidence/digest_file.h"
#include "evidence/hex.h"
#include "evidence/json.h"
#include "evidence/references.h"
#include "evidence/time_text.h"
#include "files/path.h"
#include "files/root.h"

namespace postern::evidence {
namespace {

/// Without the quotes around it: to be shown, with nothing in it that steers a terminal.
std::string shown(std::string_view text) {
  const std::string quoted = json_text(text);
  return quoted.substr(1, quoted.size() - 2);
}

/// What is true of the file now; why it is left alone, if it is.
std::string look_at(const files::Root& root, const std::string& known_sha256, PlanItem& item) {
  const auto metadata = root.metadata_of(item.path);
  if (!metadata) return "it cannot be looked at: " + metadata.error().text;
  item.modified = metadata->modified;
  if (metadata->kind != files::Kind::regular) {
    return "it is no regular file but a " + std::string(to_string(metadata->kind));
  }
  if (metadata->links > 1) {
    return fmt::format("the file has {} names: taking one away would leave it in the tree",
                       metadata->links);
  }
  const auto content = digest_file(root, item.path);
  if (!content) return "it cannot be read: " + content.error().text;
  item.content = *content;
  if (!known_sha256.empty() && known_sha256 != content->sha256) {
    return "it has changed since the sweep, which saw SHA-256 " + known_sha256;
  }
  return {};
}

std::string item_json(const PlanItem& item) {
  JsonObject out;
  out.octets("path", item.path);
  out.text("action", item.left_alone.empty() ? "quarantine" : "leave alone");
  if (!item.left_alone.empty()) out.text("because", item.left_alone);
  out.raw("rules", json_texts(item.rules)).raw("why", json_texts(item.why));
  if (!item.content.sha256.empty()) {
    out.text("sha256", item.content.sha256).number("size", item.content.octets);
  }
  out.text("modified", to_decimal(item.modified));
  return out.raw("breaks", json_texts(item.breaks)).done();
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& item : list.items()) texts.push_back(item.text());
  return texts;
}

Result<PlanItem> item_from(const Json& json) {
  PlanItem item;
  const auto path = json.octets("path");
  if (!path || path->empty()) return fail(Errc::invalid_input, "it has no path");
  POSTERN_CHECK(files::check_path(*path));
  item.path = *path;
  item.rules = texts_of(json["rules"]);
  item.why = texts_of(json["why"]);
  item.breaks = texts_of(json["breaks"]);
  item.left_alone = json["because"].text();
  item.content = {json["sha256"].text(), json["size"].number().value_or(0)};
  const auto modified = from_decimal(json["modified"].text());
  const bool is_taken = json["action"].text() == "quarantine";
  if (!modified || is_taken != item.left_alone.empty() ||
      (is_taken && !is_sha256(item.content.sha256))) {
    return fail(Errc::invalid_input, "it is not whole");
  }
  item.modified = *modified;
  return item;
}

std::string item_text(std::size_t number, const PlanItem& item) {
  std::string text = fmt::format("{}. {}\n", number, shown(item.path));
  for (const std::string& why : item.why) text += "   why:    " + shown(why) + "\n";
  if (!item.content.sha256.empty()) {
    text += fmt::format("   is:     {} octets, modified {}, SHA-256 {}\n", item.content.octets,
                        to_utc(item.modified.wall()), item.content.sha256);
  }
  text += item.left_alone.empty() ? "   action: taken into quarantine\n"
                                  : "   action: LEFT ALONE: " + shown(item.left_alone) + "\n";
  for (const std::string& breaks : item.breaks) text += "   breaks: " + shown(breaks) + "\n";
  return text;
}

}  // namespace

Result<Findings> findings_from_json(std::string_view text) {
  const Json json = POSTERN_TRY(Json::parse(text, Findings::kMaxOctets));
  Findings findings;
  findings.root = json.octets("root").value_or("");
  findings.case_name = json["case"].text();
  findings.complete = json["complete"].is_true();
  if (findings.root.empty()) return fail(Errc::invalid_input, "the findings name no root");
  if (json["items"].items().size() > Findings::kMaxItems) {
    return fail(Errc::limit_exceeded,
                "more than " + std::to_string(Findings::kMaxItems) + " findings");
  }
  for (const Json& item : json["items"].items()) {
    const std::string place = "item " + std::to_string(findings.items.size() + 1);
    const auto path = item.octets("path");
    if (!path || path->empty()) return fail(Errc::invalid_input, place + ": it has no path");
    auto fits = files::check_path(*path);
    if (!fits) return Unexpected<Error>(std::move(fits).error().context(place));
    const std::string& sha256 = item["sha256"].text();
    if (!sha256.empty() && !is_sha256(sha256)) {
      return fail(Errc::invalid_input, place + ": its sha256 is none");
    }
    findings.items.push_back({*path, item["rule"].text(), item["why"].text(), sha256});
  }
  return findings;
}

Result<Plan> make_plan(const Findings& findings, const Witness& witness) {
  const files::Root root = POSTERN_TRY(files::Root::open(findings.root));
  Plan plan;
  plan.root = findings.root;
  plan.root_inode = root.metadata().inode;
  plan.case_name = findings.case_name;
  plan.made_at = to_utc(witness.now());
  plan.who = witness.who;
  plan.host = witness.host;
  plan.complete = findings.complete;
  // One file is taken once, whoever found it.
  std::map<std::string, std::vector<const Findings::Item*>> by_path;
  for (const Findings::Item& item : findings.items) by_path[item.path].push_back(&item);
  References references(root);
  for (const auto& [path, found] : by_path) {
    PlanItem item;
    item.path = path;
    std::string sha256;
    for (const Findings::Item* one : found) {
      item.rules.push_back(one->rule);
      item.why.push_back(one->why.empty() ? one->rule : one->rule + ": " + one->why);
      if (!one->sha256.empty()) sha256 = one->sha256;
    }
    item.left_alone = look_at(root, sha256, item);
    if (item.left_alone.empty()) item.breaks = references.what_breaks_without(path);
    plan.items.push_back(std::move(item));
  }
  return plan;
}

std::string to_json(const Plan& plan) {
  JsonObject out;
  out.text("format", Plan::kFormat).octets("root", plan.root);
  out.number("root_inode", plan.root_inode).text("case", plan.case_name);
  out.text("made_at", plan.made_at).text("who", plan.who).text("host", plan.host);
  out.boolean("complete", plan.complete);
  // An item a line: to be read, and compared.
  std::vector<std::string> items;
  items.reserve(plan.items.size());
  for (const PlanItem& item : plan.items) items.push_back("\n" + item_json(item));
  return out.raw("items", json_list(items)).done() + "\n";
}

Result<Plan> plan_from_json(std::string_view text) {
  const Json json = POSTERN_TRY(Json::parse(text, Findings::kMaxOctets));
  if (json["format"].text() != Plan::kFormat) {
    return fail(Errc::invalid_input, "it is no plan of this format");
  }
  Plan plan;
  plan.root = json.octets("root").value_or("");
  plan.root_inode = json["root_inode"].number().value_or(0);
  plan.case_name = json["case"].text();
  plan.made_at = json["made_at"].text();
  plan.who = json["who"].text();
  plan.host = json["host"].text();
  plan.complete = json["complete"].is_true();
  for (const Json& item : json["items"].items()) {
    auto read = item_from(item);
    const std::string place = "item " + std::to_string(plan.items.size() + 1);
    if (!read) return Unexpected<Error>(std::move(read).error().context(place));
    if (!plan.items.empty() && read->path <= plan.items.back().path) {
      return fail(Errc::invalid_input, place + ": its path does not come after the one before");
    }
    plan.items.push_back(*std::move(read));
  }
  return plan;
}

std::string to_text(const Plan& plan) {
  const auto taken = std::ranges::count_if(
      plan.items, [](const PlanItem& item) { return item.left_alone.empty(); });
  std::string text =
      fmt::format("Quarantine of case \"{}\" in {}\nmade {} by {} on {}\n\n", shown(plan.case_name),
                  shown(plan.root), plan.made_at, shown(plan.who), shown(plan.host));
  std::size_t number = 0;
  for (const PlanItem& item : plan.items) text += item_text(++number, item) + "\n";
  text += fmt::format("{} of {} files would be taken, {} left alone.\n", taken, plan.items.size(),
                      plan.items.size() - static_cast<std::size_t>(taken));
  if (!plan.complete) {
    text +=
        "The sweep that this is from had errors: what it did not see may bring an intruder back. "
        "Nothing of this plan can be applied.\n";
  }
  return text;
}

}  // namespace postern::evidence
