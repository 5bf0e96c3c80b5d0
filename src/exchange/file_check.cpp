#include "exchange/file_check.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "exchange/dump_check.h"
#include "exchange/page_check.h"
#include "exchange/page_text.h"
#include "exchange/server_place.h"

namespace postern::exchange {
namespace {

// All that stand in the folders of the log-on pages, over all builds that are known.
constexpr std::array kFrontEndPages = std::to_array<std::string_view>(
    {"errorfe.aspx", "expiredpassword.aspx", "frowny.aspx", "logoff.aspx", "logon.aspx",
     "outlookcn.aspx", "redirsuiteserviceproxy.aspx", "signout.aspx", "svmfeedback.aspx",
     "timeoutlogout.aspx"});

bool has(std::string_view text, std::string_view needle) {
  return text.find(needle) != std::string_view::npos;
}

std::string_view stem_of(std::string_view name) {
  return name.substr(0, name.rfind('.'));
}

// Letters that are taken for one another.
std::string skeleton(std::string_view stem) {
  std::string out;
  for (std::size_t i = 0; i < stem.size(); ++i) {
    const char c = stem[i];
    if (c == 'r' && i + 1 < stem.size() && stem[i + 1] == 'n') {
      out += 'm';
      ++i;
    } else if (c == '0') {
      out += 'o';
    } else if (c == '1' || c == 'i') {
      out += 'l';
    } else if (c == '5') {
      out += 's';
    } else if (c == 'v' && i + 1 < stem.size() && stem[i + 1] == 'v') {
      out += 'w';
      ++i;
    } else if (c != '-' && c != '_') {
      out += c;
    }
  }
  return out;
}

// Damerau's distance of neighbours: one for a letter more, less, other, or two changed about.
std::size_t distance(std::string_view one, std::string_view other) {
  constexpr std::size_t kMax = 48;
  if (one.size() > kMax || other.size() > kMax) return kMax;
  std::array<std::array<std::size_t, kMax + 1>, kMax + 1> cost{};
  for (std::size_t i = 0; i <= one.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= other.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= one.size(); ++i) {
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t same = one[i - 1] == other[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + same});
      if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[one.size()][other.size()];
}

bool is_taken_for(std::string_view stem, std::string_view legit) {
  if (stem == legit) return false;
  if (skeleton(stem) == skeleton(legit)) return true;
  const std::size_t most = legit.size() >= 16  ? 3
                           : legit.size() >= 5 ? 2
                           : legit.size() >= 4 ? 1
                                               : 0;
  return most > 0 && distance(stem, legit) <= most;
}

// One file on its way through the rules.
class Checker {
 public:
  Checker(const FileFacts& file, const ServerFacts& server)
      : file_(file),
        server_(server),
        place_(server_place(file.placed)),
        name_(lower(plain_name(file_name_of(file.placed)))),
        page_(is_page_extension(extension_of(name_))) {}

  std::vector<Finding> run() {
    is_microsofts_ = server_.known != nullptr && file_.hash && server_.known->has(*file_.hash);
    if (page_ && is_web(place_.zone)) check_place();
    check_content();
    check_traces();
    check_secrets();
    check_name();
    check_times_and_attributes();
    return std::move(out_);
  }

 private:
  Finding& say(std::string_view rule, Tier tier, int confidence, std::string title,
               std::vector<std::string> attack) {
    Finding finding;
    finding.rule = rule;
    finding.tier = tier;
    finding.confidence = confidence;
    finding.title = std::move(title);
    finding.attack = std::move(attack);
    finding.place.path = file_.path;
    finding.at = file_.modified;
    finding.details.push_back({"size", fmt::format("{}", file_.size)});
    if (file_.hash) finding.details.push_back({"sha256", to_string(*file_.hash)});
    out_.push_back(std::move(finding));
    return out_.back();
  }

  bool whole() const { return file_.content.size() >= file_.size; }

  // F-01, F-02: what Microsoft never put there, or not so.
  void check_place() {
    const bool front = place_.zone == Zone::front_end || place_.zone == Zone::front_end_auth;
    if (place_.zone == Zone::aspnet_client) {
      say("F-01", is_microsofts_ ? Tier::hunt : Tier::exploited, is_microsofts_ ? 40 : 95,
          "A page in aspnet_client, where none belongs", {"T1505.003"});
      return;
    }
    if (place_.zone == Zone::wwwroot || is_microsofts_) return;
    if (server_.known == nullptr) {
      if (place_.zone == Zone::front_end_auth && !is_front_end_page(name_)) {
        say("F-02", Tier::exploited, 90, "A page that Exchange does not have in this folder",
            {"T1505.003"});
      }
      return;
    }
    const KnownGood& known = *server_.known;
    const bool covered = server_.build && known.covers(*server_.build, front);
    const bool known_path = known.has_path(place_.exchange_path);
    if (known_path && covered && file_.hash) {
      Finding& finding =
          say("F-02", Tier::exploited, 85, "A page of Microsoft's that was changed", {"T1505.003"});
      finding.details.push_back({"build", to_string(*server_.build)});
      return;
    }
    if (known_path) {
      say("F-02", Tier::hunt, 20, "A page of Microsoft's whose build is not in the table of hashes",
          {"T1505.003"});
      return;
    }
    if (front || covered) {
      say("F-02", Tier::exploited, 90, "A page that no build of Exchange has in this folder",
          {"T1505.003"});
    } else {
      say("F-02", Tier::hunt, 50, "A page that no build in the table of hashes has in this folder",
          {"T1505.003"});
    }
  }

  // F-06, PS-08, PL-17.
  void check_content() {
    if (is_microsofts_ || file_.content.empty()) return;
    const bool web = is_web(place_.zone) || place_.zone == Zone::inetpub;
    if (!page_ && !(web && has_server_code(file_.content))) return;
    const bool other_name = !page_;
    const auto signs = check_page(other_name ? name_ + ".aspx" : name_, file_.content);
    if (signs.empty()) return;
    const PageSign& first = signs.front();
    int confidence = first.confidence;
    if (other_name) {
      if (confidence < 80) return;
      confidence = std::max(80, confidence - 8);
    }
    // A shell that lies where nothing serves it is one all the same: somebody's store.
    Finding& finding =
        say(first.rule, confidence >= 80 ? Tier::exploited : Tier::hunt, confidence,
            other_name ? "Code of a web shell under another kind's name: " + first.what
                       : "A web shell: " + first.what,
            {"T1505.003", "T1027"});
    if (confidence < 80) finding.title = "A page worth a look: " + first.what;
    if (first.rule == "PL-17") finding.cve = {"CVE-2021-27065"};
    if (first.rule == "PS-08") finding.cve = {"CVE-2021-31207"};
    for (std::size_t i = 1; i < std::min<std::size_t>(signs.size(), 6); ++i) {
      finding.details.push_back({"also", signs[i].what});
    }
  }

  // F-12: what was published of one group's habits.
  void check_traces() {
    const std::string& path = place_.path;
    const bool known = has(path, "/programdata/vsperfmon/") ||
                       path.ends_with("/users/public/opera/opera_browser.exe") ||
                       has(path, "/windows/wwansvcdcs") || path.ends_with("/windows/temp/xx.bat") ||
                       path.ends_with("/windows/temp/cw.exe") ||
                       path.ends_with("/programdata/it.zip") || has(path, "/programdata/pst/") ||
                       (has(path, "/inetpub/") && name_.ends_with(".dmp.zip")) ||
                       (place_.zone == Zone::front_end_auth && name_ == "google.log");
    if (known) {
      say("F-12", Tier::exploited, 90, "A file that intruders of 2021 are known to have left",
          {"T1074.001", "T1053.005"});
    }
  }

  // F-09, F-10: passwords and directories that somebody copied.
  void check_secrets() {
    const std::string& path = place_.path;
    const auto dump = memory_dump(file_.content);
    const std::size_t lsass = name_.find("lsass");
    const bool named = lsass != std::string::npos &&
                       (name_.find("dmp", lsass) != std::string::npos || name_.ends_with(".dump"));
    if (dump && dump->of_lsass) {
      say("F-09", Tier::exploited, 97, "A dump of the process that keeps passwords", {"T1003.001"});
    } else if (named) {
      say("F-09", Tier::exploited, 95,
          "A dump that is named after the process that keeps passwords", {"T1003.001"});
    }
    const bool own = has(path, "/windows/ntds/") || has(path, "/windows/winsxs/") ||
                     path.ends_with("/windows/system32/ntds.dit");
    if ((name_ == "ntds.dit" || name_.starts_with("ntds.dit.")) && !own) {
      say("F-10", Tier::exploited, 95, "A copy of the directory with all accounts", {"T1003.003"});
    } else if (has(path, "/windows/temp/__output")) {
      say("F-10", Tier::exploited, 90, "What vssadmin copied out of a shadow copy", {"T1003.003"});
    }
    if (!text_of(file_.content.first(std::min<std::size_t>(4, file_.content.size())))
             .starts_with("regf")) {
      return;
    }
    const std::string_view stem = std::string_view(name_).substr(0, name_.find('.'));
    const bool hive = stem == "sam" || stem == "security" || stem == "system";
    const bool home = has(path, "/system32/config/") || has(path, "/windows/winsxs/") ||
                      has(path, "/windows/repair/");
    if (hive && !home) {
      say("F-10", Tier::exploited, stem == "system" ? 80 : 95,
          fmt::format("A copy of the registry hive {}", stem), {"T1003.002"});
    }
  }

  // F-03, and names that are made to be overlooked.
  void check_name() {
    if (!is_web(place_.zone)) return;
    const std::string_view shown = file_name_of(file_.path);
    const bool deceives = has(shown, "\xE2\x80\xAE") || has(shown, "\xE2\x80\x8B") ||
                          (page_ && (shown.ends_with('.') || shown.ends_with(' ')));
    if (deceives) {
      say("F-08", Tier::hunt, 75, "A name that is made to be read as another one", {"T1036.002"});
    }
    if (!page_ || is_microsofts_ || place_.zone == Zone::wwwroot) return;
    const std::string legit = looks_like(name_, server_.known);
    if (legit.empty()) return;
    const bool page = raise(25, "looks like", legit);
    say("F-03", page ? Tier::exploited : Tier::hunt, page ? 85 : 65,
        fmt::format("A page that is named like {}", legit), {"T1036.005"});
  }

  // Raises what the rules of pages found; false where they found nothing.
  bool raise(int by, std::string_view name, std::string_view value) {
    bool raised = false;
    for (Finding& finding : out_) {
      const bool page = finding.rule == "F-01" || finding.rule == "F-02" || finding.rule == "F-06";
      if (!page || finding.confidence < 50) continue;
      finding.confidence = std::min(99, finding.confidence + by);
      finding.details.push_back({std::string(name), std::string(value)});
      raised = true;
    }
    return raised;
  }

  // F-07, F-08.
  void check_times_and_attributes() {
    if (!page_ || !is_web(place_.zone) || is_microsofts_) {
      check_streams();
      return;
    }
    constexpr std::chrono::hours kDay{24};
    constexpr std::uint32_t kHidden = 2;
    constexpr std::uint32_t kSystem = 4;
    const bool set_back =
        file_.created && file_.name_created && *file_.created + kDay < *file_.name_created;
    if (set_back) {
      const bool page = raise(20, "created", "set back to before its name was made");
      say("F-07", page ? Tier::exploited : Tier::hunt, page ? 80 : 60,
          "A page whose time was set back", {"T1070.006"});
    }
    const std::uint32_t attributes = file_.attributes.value_or(0);
    if ((attributes & kHidden) != 0 && (attributes & kSystem) != 0) {
      const bool page = raise(30, "attributes", "hidden and system");
      say("F-08", page ? Tier::exploited : Tier::hunt, page ? 85 : 70,
          "A page that is hidden as a file of the system", {"T1564.001"});
    }
    check_streams();
  }

  void check_streams() {
    for (const FileFacts::Stream& stream : file_.streams) {
      const std::string name = lower(stream.name);
      if (name == "zone.identifier" || name == "smartscreen" || name == "favicon") continue;
      const bool program = text_of(stream.head).starts_with("MZ");
      const bool code = has_server_code(stream.head);
      const std::string low =
          lower(text_of(stream.head.first(std::min<std::size_t>(stream.head.size(), 4096))));
      const bool script = has(low, "powershell") || has(low, "wscript") || has(low, "cmd.exe");
      if (!program && !code && !script && !is_web(place_.zone)) continue;
      const bool bad = program || code || script;
      Finding& finding = say("F-08", bad ? Tier::exploited : Tier::hunt, bad ? 80 : 50,
                             bad ? "A program or script in an alternate stream"
                                 : "An alternate stream of a file that is served",
                             {"T1564.004"});
      finding.details.push_back({"stream", std::string(stream.name)});
    }
  }

  const FileFacts& file_;
  const ServerFacts& server_;
  ServerPlace place_;
  std::string name_;
  bool page_;
  bool is_microsofts_ = false;
  std::vector<Finding> out_;
};

}  // namespace

std::string_view plain_name(std::string_view name) {
  if (const std::size_t colon = name.find(':'); colon != std::string_view::npos && colon > 0) {
    name = name.substr(0, colon);
  }
  while (name.ends_with('.') || name.ends_with(' ')) name.remove_suffix(1);
  return name;
}

bool is_front_end_page(std::string_view file_name) {
  return std::ranges::find(kFrontEndPages, lower(file_name)) != kFrontEndPages.end();
}

std::string looks_like(std::string_view file_name, const KnownGood* known) {
  const std::string name = lower(plain_name(file_name));
  if (is_front_end_page(name) || (known != nullptr && known->has_name(name))) return {};
  const std::string_view extension = extension_of(name);
  if (!is_page_extension(extension)) return {};
  for (const std::string_view legit : kFrontEndPages) {
    if (is_taken_for(stem_of(name), stem_of(legit))) return std::string(legit);
  }
  if (known == nullptr) return {};
  for (const std::string_view legit : known->page_names()) {
    // Of the many other names only the long ones say anything.
    if (stem_of(legit).size() < 8 || extension_of(legit) != extension) continue;
    if (is_taken_for(stem_of(name), stem_of(legit))) return std::string(legit);
  }
  return {};
}

Wanted wanted_of(std::string_view placed, std::uint64_t size) {
  const ServerPlace place = server_place(placed);
  const std::string name = lower(plain_name(file_name_of(placed)));
  const std::string_view extension = extension_of(name);
  if (size == 0) return Wanted::nothing;
  if (is_page_extension(extension)) return Wanted::whole;
  // Libraries beside the pages are many and large; their hashes are asked for by who wants them.
  static constexpr std::array kMedia = std::to_array<std::string_view>(
      {"dll", "exe", "pdb", "xap", "mp3", "wav", "woff", "woff2", "ttf", "eot"});
  if (is_web(place.zone)) {
    const bool media = std::ranges::find(kMedia, extension) != kMedia.end();
    return media ? Wanted::nothing : Wanted::whole;
  }
  if (place.zone == Zone::staging) return Wanted::head;
  static constexpr std::array kTelling =
      std::to_array<std::string_view>({"dmp", "mdmp", "hdmp", "dit", "hiv", "hive", "save"});
  const std::string_view stem = std::string_view(name).substr(0, name.find('.'));
  const bool telling = std::ranges::find(kTelling, extension) != kTelling.end() || stem == "sam" ||
                       stem == "security" || stem == "system" || has(name, "lsass");
  return telling ? Wanted::head : Wanted::nothing;
}

std::vector<Finding> check_file(const FileFacts& file, const ServerFacts& server) {
  return Checker(file, server).run();
}

std::vector<std::string> places_of_page(std::string_view virtual_path) {
  std::string path = lower(virtual_path);
  if (!path.starts_with('/')) path.insert(0, 1, '/');
  std::vector<std::string> out{"/wwwroot" + path, "/frontend/httpproxy" + path,
                               "/clientaccess" + path, "/clientaccess/exchweb" + path};
  return out;
}

Finding check_ghost(std::string_view path, const CompiledPage& page, const ServerFacts& server) {
  const std::string name = lower(file_name_of(page.virtual_path));
  const bool microsofts =
      is_front_end_page(name) || (server.known != nullptr && server.known->has_name(name));
  Finding finding;
  finding.rule = "F-04";
  finding.tier = microsofts ? Tier::hunt : Tier::exploited;
  finding.confidence = microsofts ? 30 : 85;
  finding.title = "A page ran and is gone: " + page.virtual_path;
  finding.attack = {"T1505.003", "T1070.004"};
  finding.place.path = path;
  finding.details.push_back({"page", page.virtual_path});
  if (!page.assembly.empty()) finding.details.push_back({"assembly", page.assembly});
  const std::string legit = looks_like(name, server.known);
  if (!legit.empty()) {
    finding.confidence = std::min(99, finding.confidence + 12);
    finding.details.push_back({"looks like", legit});
  }
  return finding;
}

}  // namespace postern::exchange
