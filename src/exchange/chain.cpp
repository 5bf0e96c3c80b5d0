#include "exchange/chain.h"

#include <algorithm>
#include <charconv>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "exchange/fold.h"

namespace postern::exchange {
namespace {

constexpr std::chrono::seconds kScriptGap{5};
constexpr std::chrono::seconds kResetGap{60};
constexpr std::chrono::seconds kExportGap{3600};

constexpr std::string_view kSet = "PL-15";
constexpr std::string_view kRemade = "PL-15-made-anew";
constexpr std::string_view kRight = "PS-05";
constexpr std::string_view kExport = "PS-04";

constexpr std::string_view kScript = "PL-06";
/// Who ran a cmdlet, as events of MSExchange Management have it.
constexpr std::string_view kCaller = "Data[2]";

bool is_request(std::string_view rule) {
  return rule == "PL-01" || rule == "PL-02";
}

bool is_cmdlet(std::string_view rule) {
  return rule == kSet || rule == kRemade || rule == kRight || rule == kExport;
}

bool has_word(std::string_view text, std::string_view small) {
  return contains_folded(text, small, Fold::ascii);
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// "/ecp/x" of "ServerInfo~host/ecp/x".
std::string_view sent_path(std::string_view anchor) {
  const std::size_t slash = anchor.find('/');
  return slash == std::string_view::npos ? std::string_view{} : anchor.substr(slash);
}

bool is_mail(std::string_view anchor) {
  return starts_folded(sent_path(anchor), "/ews/exchange.asmx", Fold::ascii);
}

std::string time_text(WallTime at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                     std::chrono::time_point_cast<std::chrono::seconds>(at));
}

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::none:
      return "nothing";
    case Stage::autodiscover:
      return "a mailbox was looked for";
    case Stage::mapi:
      return "an account's number was asked for";
    case Stage::session:
      return "a session of the control panel was had";
    case Stage::read_object:
      return "a virtual directory was read";
    case Stage::set_object:
      return "a page was put into a virtual directory's address";
    case Stage::reset:
      return "the page was written to a file";
    case Stage::restored:
      return "the page was written to a file, and the address set back";
  }
  return "";
}

/// Whether the server's answer says that the step was done.
bool is_done(Stage stage, std::uint64_t status) {
  switch (stage) {
    case Stage::none:
      return false;
    case Stage::session:
      return status == 241;
    case Stage::set_object:
    case Stage::reset:
    case Stage::restored:
      return status == 200;
    default:
      return status >= 200 && status < 400;
  }
}

Finding finding(std::string_view rule, std::string title, int confidence, WallTime at) {
  Finding out;
  out.rule = rule;
  out.title = std::move(title);
  out.tier = Tier::exploited;
  out.confidence = confidence;
  out.at = at;
  return out;
}

}  // namespace

Stage stage_of(std::string_view anchor) {
  const std::string_view path = sent_path(anchor);
  const auto begins = [&](std::string_view small) {
    return starts_folded(path, small, Fold::ascii);
  };
  if (begins("/autodiscover/")) return Stage::autodiscover;
  if (begins("/mapi/emsmdb")) return Stage::mapi;
  if (begins("/ecp/proxylogon.ecp")) return Stage::session;
  if (!begins("/ecp/ddi/ddiservice.svc/") || !has_word(path, "virtualdirectory")) {
    return Stage::none;
  }
  if (has_word(path, "/getobject")) return Stage::read_object;
  if (!has_word(path, "/setobject")) return Stage::none;
  return has_word(path, "schema=reset") ? Stage::reset : Stage::set_object;
}

void Chains::add(std::map<std::string, Marks>& to, std::size_t& count, std::string_view key,
                 const Mark& mark) {
  if (count >= kMaxMarks) {
    ++left_out_;
    return;
  }
  ++count;
  to[std::string(key)].push_back(mark);
}

bool Chains::is_part(std::string_view rule) {
  return is_request(rule) || is_cmdlet(rule) || rule == kScript;
}

void Chains::take(const Hit& hit, std::string_view path) {
  const std::string_view rule = hit.rule->id;
  const bool request = is_request(rule);
  const bool cmdlet = is_cmdlet(rule);
  if (!is_part(rule)) return;
  const auto at = hit.row->at();
  if (!at) {
    ++left_out_;
    return;
  }
  Mark mark;
  mark.at = *at;
  mark.place = {std::string(path), hit.row->line, hit.row->record, hit.row->offset};
  if (request) {
    take_request(hit, mark);
  } else if (cmdlet) {
    mark.actor = hit.row->value(Common::user);
    if (mark.actor.empty()) mark.actor = hit.row->value(kCaller);
    add(cmdlets_, cmdlets_count_, rule, mark);
  } else {
    add(scripts_, scripts_count_, client_of(*hit.row), mark);
  }
}

void Chains::take_request(const Hit& hit, const Mark& mark) {
  const Row& row = *hit.row;
  const std::string_view anchor = row.value(Common::anchor);
  const std::string_view client = client_of(row);
  if (hit.rule->id == "PL-01") add(sent_on_, sent_on_count_, client, mark);
  note_mailbox(client, anchor);
  if (is_mail(anchor)) take_mail(row, mark);
  Mark step = mark;
  step.stage = stage_of(anchor);
  if (step.stage == Stage::none) return;
  step.done = is_done(step.stage, number_of(row.value(Common::status)));
  const bool early = step.stage <= Stage::mapi;
  std::size_t& count = early ? early_steps_ : late_steps_;
  if (count >= (early ? kMaxEarlySteps : kMaxLateSteps)) {
    ++left_out_;
    return;
  }
  ++count;
  steps_[{std::string(client), folded(row.value(Common::host), Fold::ascii)}].push_back(step);
}

void Chains::take_mail(const Row& row, const Mark& mark) {
  if (hours_ >= kMaxHours) {
    ++left_out_;
    return;
  }
  const auto hour = std::chrono::floor<std::chrono::hours>(mark.at).time_since_epoch().count();
  auto& hours = mail_[std::string(client_of(row))];
  const auto [at, is_new] = hours.try_emplace(hour);
  if (is_new) ++hours_;
  if (is_new || mark.at < at->second.first.at) at->second.first = mark;
  at->second.octets += number_of(row.value(Common::bytes_out));
}

// MAPI names the mailbox that is opened; EWS does so in its body, which no log has.
void Chains::note_mailbox(std::string_view client, std::string_view anchor) {
  static constexpr std::string_view kParameter = "mailboxid=";
  const std::string small = folded(anchor, Fold::ascii);
  const std::size_t at = small.find(kParameter);
  if (at == std::string::npos) return;
  const std::string_view rest = std::string_view(small).substr(at + kParameter.size());
  const std::string_view id = rest.substr(0, rest.find_first_of("&#~? "));
  if (mailbox_count_ >= kMaxMailboxes) {
    ++left_out_;
  } else if (mailboxes_[std::string(client)].emplace(id).second) {
    ++mailbox_count_;
  }
}

std::vector<Finding> Chains::findings() const {
  std::vector<Finding> out;
  tell_stages(out);
  tell_thefts(out);
  tell_scripts(out);
  tell_resets(out);
  tell_exports(out);
  return out;
}

void Chains::tell_stages(std::vector<Finding>& out) const {
  for (const auto& [key, unsorted] : steps_) {
    Marks steps = unsorted;
    std::ranges::stable_sort(steps, {}, &Mark::at);
    std::size_t begin = 0;
    while (begin < steps.size()) {
      std::size_t end = begin + 1;
      while (end < steps.size() && steps[end].at - steps[end - 1].at <= kChainGap) ++end;
      const Mark* highest = nullptr;
      Stage stage = Stage::none;
      for (std::size_t i = begin; i < end; ++i) {
        if (!steps[i].done) continue;
        Stage reached = steps[i].stage;
        if (reached == Stage::set_object && stage >= Stage::reset) reached = Stage::restored;
        if (reached <= stage) continue;
        stage = reached;
        highest = &steps[i];
      }
      if (stage >= Stage::mapi) {
        const int confidence = stage >= Stage::reset ? 99 : stage >= Stage::session ? 95 : 90;
        Finding one = finding(
            "PL-08",
            fmt::format("ProxyLogon, stage {} of 7: {}", static_cast<int>(stage), name_of(stage)),
            confidence, highest->at);
        one.attack = {"T1190"};
        one.cve = {"CVE-2021-26855"};
        if (stage >= Stage::set_object) {
          one.attack.emplace_back("T1505.003");
          one.cve.emplace_back("CVE-2021-27065");
        }
        one.place = highest->place;
        one.actor = key.first;
        one.details = {{"stage", std::to_string(static_cast<int>(stage))},
                       {"host", key.second},
                       {"first", time_text(steps[begin].at)},
                       {"last", time_text(steps[end - 1].at)},
                       {"requests", std::to_string(end - begin)}};
        out.push_back(std::move(one));
      }
      begin = end;
    }
  }
}

void Chains::tell_thefts(std::vector<Finding>& out) const {
  for (const auto& [client, hours] : mail_) {
    std::uint64_t octets = 0;
    std::uint64_t most = 0;
    const Hour* first = nullptr;
    for (const auto& [hour, one] : hours) {
      octets += one.octets;
      most = std::max(most, one.octets);
      if (first == nullptr && one.octets > kTheftOctets) first = &one;
    }
    if (first == nullptr) continue;
    Finding one = finding("PL-07", fmt::format("Mail was taken over EWS: {} octets", octets), 95,
                          first->first.at);
    one.attack = {"T1114.002"};
    one.cve = {"CVE-2021-26855"};
    one.place = first->first.place;
    one.actor = client;
    one.details = {{"octets", std::to_string(octets)}, {"most in an hour", std::to_string(most)}};
    const auto boxes = mailboxes_.find(client);
    if (boxes != mailboxes_.end()) {
      for (const std::string& box : boxes->second) one.details.push_back({"mailbox", box});
    }
    out.push_back(std::move(one));
  }
}

void Chains::tell_scripts(std::vector<Finding>& out) const {
  for (const auto& [client, scripts] : scripts_) {
    const auto sent = sent_on_.find(client);
    if (sent == sent_on_.end()) continue;
    Marks requests = sent->second;
    std::ranges::sort(requests, {}, &Mark::at);
    std::size_t joined = 0;
    const Mark* first = nullptr;
    for (const Mark& script : scripts) {
      const auto near = std::ranges::lower_bound(requests, script.at - kScriptGap, {}, &Mark::at);
      if (near == requests.end() || near->at > script.at + kScriptGap) continue;
      ++joined;
      if (first == nullptr || script.at < first->at) first = &script;
    }
    if (first == nullptr) continue;
    Finding one = finding(
        "PL-06", "A script that is not there was asked for by who sent requests on", 85, first->at);
    one.attack = {"T1190"};
    one.cve = {"CVE-2021-26855"};
    one.place = first->place;
    one.actor = client;
    one.details = {{"requests", std::to_string(joined)}};
    out.push_back(std::move(one));
  }
}

void Chains::tell_resets(std::vector<Finding>& out) const {
  const auto set = cmdlets_.find(std::string(kSet));
  const auto remade = cmdlets_.find(std::string(kRemade));
  if (set == cmdlets_.end() || remade == cmdlets_.end()) return;
  Marks anew = remade->second;
  std::ranges::sort(anew, {}, &Mark::at);
  for (const Mark& mark : set->second) {
    const auto next = std::ranges::lower_bound(anew, mark.at, {}, &Mark::at);
    if (next == anew.end() || next->at > mark.at + kResetGap) continue;
    Finding one = finding("PL-15", "A virtual directory was made anew to write a page to a file",
                          99, next->at);
    one.attack = {"T1505.003"};
    one.cve = {"CVE-2021-27065"};
    one.place = mark.place;
    one.actor = mark.actor;
    one.details = {{"set", time_text(mark.at)}, {"made anew", time_text(next->at)}};
    out.push_back(std::move(one));
  }
}

void Chains::tell_exports(std::vector<Finding>& out) const {
  const auto rights = cmdlets_.find(std::string(kRight));
  const auto exports = cmdlets_.find(std::string(kExport));
  if (rights == cmdlets_.end() || exports == cmdlets_.end()) return;
  Marks done = exports->second;
  std::ranges::sort(done, {}, &Mark::at);
  for (const Mark& mark : rights->second) {
    const auto next = std::ranges::lower_bound(done, mark.at, {}, &Mark::at);
    if (next == done.end() || next->at > mark.at + kExportGap) continue;
    Finding one = finding("PS-05", "The right to export mailboxes was given, and a page exported",
                          95, mark.at);
    one.attack = {"T1098", "T1505.003"};
    one.cve = {"CVE-2021-31207"};
    one.place = mark.place;
    one.actor = mark.actor;
    one.details = {{"exported", time_text(next->at)}};
    out.push_back(std::move(one));
  }
}

}  // namespace postern::exchange
