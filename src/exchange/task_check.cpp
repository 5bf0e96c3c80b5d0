#include "exchange/task_check.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "exchange/known_good.h"
#include "exchange/page_text.h"
#include "exchange/xml.h"

namespace postern::exchange {
namespace {

bool has(std::string_view text, std::string_view needle) {
  return text.find(needle) != std::string_view::npos;
}

// Folders in which more than administrators may write, and what of them is Microsoft's.
bool is_writable(std::string_view path) {
  static constexpr std::array kFolders = std::to_array<std::string_view>(
      {"\\programdata\\", "%programdata%", "%allusersprofile%", "\\users\\public", "%public%",
       "\\windows\\temp\\", "%temp%", "%tmp%", "\\appdata\\", "%appdata%", "%localappdata%",
       "\\perflogs\\", "\\$recycle.bin\\", "\\inetpub\\", "\\windows\\debug\\",
       "\\users\\default"});
  if (has(path, "\\microsoft\\windows defender\\") || has(path, "\\microsoft\\edgeupdate\\")) {
    return false;
  }
  return std::ranges::any_of(kFolders, [&](std::string_view folder) { return has(path, folder); });
}

struct Sign {
  int confidence = 0;
  std::string what;
};

// The word behind -e, -ec, -enc, -encodedcommand: base64 of UTF-16.
std::string encoded_command(std::string_view line, std::string_view low) {
  for (std::size_t at = low.find(" -e"); at != std::string_view::npos;
       at = low.find(" -e", at + 1)) {
    const std::size_t end = std::min(low.find(' ', at + 1), low.size());
    const std::string_view option = low.substr(at + 2, end - at - 2);
    if (!std::string_view("encodedcommand").starts_with(option) && option != "ec") continue;
    std::string_view word = line.substr(std::min(end + 1, line.size()));
    word = word.substr(0, word.find_first_of(" \"'"));
    std::string text = from_base64(word);
    if (text.size() < 8) continue;
    std::erase(text, '\0');
    return text;
  }
  return {};
}

Sign judge(const Task::Action& action) {
  const std::string line = action.command + " " + action.arguments;
  const std::string low = lower(line);
  Sign sign;
  const auto say = [&](int confidence, std::string_view what) {
    if (confidence > sign.confidence) sign = {confidence, std::string(what)};
  };
  if (is_writable(low)) say(60, "it runs what stands in a folder that many may write to");
  const bool shell = has(low, "powershell") || has(low, "pwsh");
  const std::string encoded = shell ? encoded_command(line, low) : "";
  if (!encoded.empty()) say(78, "it runs an encoded PowerShell command");
  static constexpr std::array kLoaders = std::to_array<std::string_view>(
      {"iex ", "iex(", "invoke-expression", "downloadstring", "downloaddata", "frombase64string",
       "reflection.assembly", "net.webclient", "invoke-webrequest"});
  const std::string all = low + " " + lower(encoded);
  for (const std::string_view loader : kLoaders) {
    if (shell && has(all, loader)) say(85, "it runs PowerShell that loads code");
  }
  const bool url = has(low, "http://") || has(low, "https://");
  if (has(low, "mshta"))
    say(url || has(low, "javascript:") || has(low, "vbscript:") ? 88 : 75, "it runs mshta");
  if (has(low, "comsvcs")) say(92, "it dumps memory by comsvcs.dll");
  if (has(low, "regsvr32") && (url || has(low, "scrobj")))
    say(88, "it registers a script from afar");
  if (has(low, "certutil") && (has(low, "urlcache") || has(low, "-decode"))) {
    say(85, "it fetches or decodes by certutil");
  }
  if (has(low, "bitsadmin") && url) say(80, "it fetches by bitsadmin");
  if (has(low, "rundll32") && is_writable(low))
    say(75, "it runs a library of a folder that many may write to");
  if ((has(low, "wscript") || has(low, "cscript")) && is_writable(low)) {
    say(72, "it runs a script of a folder that many may write to");
  }
  return sign;
}

// What is shown of a task, whatever speaks against it.
Finding finding_of(std::string_view path, const Task& task, const Task::Action* worst) {
  Finding finding;
  finding.attack = {"T1053.005"};
  finding.place.path = path;
  if (worst != nullptr) {
    finding.details.push_back({"command", worst->command});
    finding.details.push_back({"arguments", worst->arguments});
    const std::string line = worst->command + " " + worst->arguments;
    const std::string encoded = encoded_command(line, lower(line));
    if (!encoded.empty()) finding.details.push_back({"decoded", encoded});
  }
  finding.details.push_back({"runs as", task.user});
  finding.details.push_back({"author", task.author});
  if (!task.created.empty()) finding.details.push_back({"created", task.created});
  if (task.hidden) finding.details.push_back({"hidden", "yes"});
  return finding;
}

}  // namespace

Result<Task> read_task(OctetView octets) {
  const XmlElement root = POSTERN_TRY(parse_xml(octets));
  if (!same_name(root.name, "Task")) return fail(Errc::invalid_input, "XML, but no task");
  Task out;
  out.author = root.text_at({"RegistrationInfo", "Author"});
  out.created = root.text_at({"RegistrationInfo", "Date"});
  out.user = root.text_at({"Principals", "Principal", "UserId"});
  if (out.user.empty()) out.user = root.text_at({"Principals", "Principal", "GroupId"});
  out.hidden = same_name(root.text_at({"Settings", "Hidden"}), "true");
  out.enabled = !same_name(root.text_at({"Settings", "Enabled"}), "false");
  if (const XmlElement* const actions = root.child("Actions")) {
    for (const XmlElement& action : actions->children) {
      if (!same_name(action.name, "Exec")) continue;
      out.actions.push_back(
          {std::string(action.text_at({"Command"})), std::string(action.text_at({"Arguments"}))});
    }
  }
  return out;
}

std::vector<Finding> check_task(std::string_view path, const Task& task,
                                std::string_view exposed_from) {
  std::vector<Finding> out;
  Sign sign;
  const Task::Action* worst = task.actions.empty() ? nullptr : &task.actions.front();
  for (const Task::Action& action : task.actions) {
    Sign other = judge(action);
    if (other.confidence <= sign.confidence) continue;
    sign = std::move(other);
    worst = &action;
  }
  const bool system = same_name(task.user, "S-1-5-18") || same_name(task.user, "SYSTEM") ||
                      has(lower(task.user), "\\system");
  const bool since = !exposed_from.empty() && !task.created.empty() && task.created >= exposed_from;
  const int more =
      (system ? 5 : 0) + (task.hidden ? 8 : 0) + (task.author.empty() ? 4 : 0) + (since ? 5 : 0);
  if (sign.confidence != 0) {
    Finding finding = finding_of(path, task, worst);
    finding.rule = "F-13";
    finding.confidence = std::min(sign.confidence + more, 97);
    finding.tier = finding.confidence >= 80 ? Tier::exploited : Tier::hunt;
    finding.title = fmt::format("Scheduled task: {}", sign.what);
    out.push_back(std::move(finding));
  }
  if (lower(file_name_of(path)) == "vsperfmon") {
    Finding finding = finding_of(path, task, worst);
    finding.rule = "F-12";
    finding.confidence = std::min(90 + more, 97);
    finding.tier = Tier::exploited;
    finding.title = "A scheduled task of the name that intruders of 2021 are known to have used";
    out.push_back(std::move(finding));
  }
  return out;
}

}  // namespace postern::exchange
