#include "exchange/config_check.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "exchange/known_good.h"
#include "exchange/page_check.h"
#include "exchange/server_place.h"
#include "exchange/xml.h"
#include "windows/pe_links.h"

namespace postern::exchange {
namespace {

bool has(std::string_view text, std::string_view needle) {
  return text.find(needle) != std::string_view::npos;
}

std::string windows_path(std::string_view text) {
  std::string out = lower(text);
  for (char& c : out) {
    if (c == '/') c = '\\';
  }
  return out;
}

// Names of devices, which Explorer and many tools cannot open: CON, AUX.txt, com1.
bool has_device_name(std::string_view path) {
  static constexpr std::array kDevices = std::to_array<std::string_view>(
      {"con",  "prn",  "aux",  "nul",  "com1",   "com2",    "com3",  "com4", "com5",
       "com6", "com7", "com8", "com9", "lpt1",   "lpt2",    "lpt3",  "lpt4", "lpt5",
       "lpt6", "lpt7", "lpt8", "lpt9", "conin$", "conout$", "clock$"});
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('\\'), path.size());
    std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    part = part.substr(0, part.find_first_of(".:"));
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (std::ranges::find(kDevices, part) != kDevices.end()) return true;
  }
  return false;
}

bool is_anyones_folder(std::string_view path) {
  static constexpr std::array kFolders = std::to_array<std::string_view>(
      {"\\programdata\\", "%programdata%", "%allusersprofile%", "\\users\\", "%public%",
       "\\windows\\temp\\", "%temp%", "\\perflogs\\", "\\$recycle.bin\\"});
  return std::ranges::any_of(kFolders, [&](std::string_view folder) { return has(path, folder); });
}

// Where native modules of Windows, IIS and Exchange stand.
bool is_usual_image(std::string_view path) {
  static constexpr std::array kFolders = std::to_array<std::string_view>(
      {"\\system32\\inetsrv\\", "\\syswow64\\inetsrv\\", "\\microsoft.net\\framework",
       "\\microsoft\\exchange server\\", "\\exchange server\\v1", "\\program files\\iis\\",
       "\\program files (x86)\\iis\\", "%programfiles%\\iis\\", "%programfiles(x86)%\\iis\\",
       "\\system32\\rpcproxy\\"});
  return std::ranges::any_of(kFolders, [&](std::string_view folder) { return has(path, folder); });
}

class Reader {
 public:
  explicit Reader(ConfigFacts& out) : out_(out) {}

  void run(const XmlElement& root) { walk(root, ""); }

  void finish() {
    if (!weak_.empty() || strong_ != 0) out_.extended_protection = weak_.empty();
    if (weak_.empty()) return;
    Finding finding = make("K-05", 60, Tier::exposed,
                           "Extended Protection is not asked for on all virtual directories");
    finding.attack = {"T1557.001"};
    finding.cve = {"CVE-2018-8581", "CVE-2024-21410"};
    finding.details.push_back({"directories", fmt::format("{}", fmt::join(weak_, ", "))});
    out_.findings.push_back(std::move(finding));
  }

 private:
  Finding make(std::string_view rule, int confidence, Tier tier, std::string_view title) const {
    Finding out;
    out.rule = rule;
    out.title = title;
    out.confidence = confidence;
    out.tier = tier;
    out.place.path = out_.path;
    return out;
  }

  struct Sign {
    std::string_view rule;
    int confidence;
    Tier tier;
    std::string_view attack;
  };

  void say(const Sign& sign, std::string_view title, std::string_view value) {
    Finding finding = make(sign.rule, sign.confidence, sign.tier, title);
    finding.attack = {std::string(sign.attack)};
    finding.details.push_back({"value", std::string(value)});
    out_.findings.push_back(std::move(finding));
  }

  // Depth is bounded by parse_xml. `location` is the path of the <location> above.
  void walk(const XmlElement& element, std::string_view location) {
    std::string here(location);
    if (same_name(element.name, "location")) here = element.attribute("path");
    if (same_name(element.name, "globalModules")) global_modules(element);
    if (same_name(element.name, "modules")) managed_modules(element);
    if (same_name(element.name, "virtualDirectory")) directory(element);
    if (same_name(element.name, "httpLogging") && same_name(element.attribute("dontLog"), "true")) {
      say({"F-14", 75, Tier::attempt, "T1562.002"}, "Logging of requests is switched off",
          here.empty() ? "everywhere" : here);
    }
    if (same_name(element.name, "logFile")) log_file(element);
    if (same_name(element.name, "extendedProtection")) protection(element, here);
    if (same_name(element.name, "rules") || same_name(element.name, "globalRules")) rules(element);
    if (same_name(element.name, "handlers") || same_name(element.name, "httpHandlers")) {
      handlers(element);
    }
    if (same_name(element.name, "buildProviders")) build_providers(element);
    for (const XmlElement& child : element.children) walk(child, here);
  }

  void global_modules(const XmlElement& modules) {
    for (const XmlElement& add : modules.children) {
      if (!same_name(add.name, "add")) continue;
      const std::string image = windows_path(add.attribute("image"));
      if (image.empty()) continue;
      if (is_usual_image(image)) {
        const bool own =
            image.find("\\inetsrv\\") == std::string::npos || is_iis_module(file_name_of(image));
        if (!own) {
          say({"F-14", 60, Tier::attempt, "T1505.004"},
              fmt::format("A native module in inetsrv that is none of Windows': {}",
                          add.attribute("name")),
              add.attribute("image"));
        }
        continue;
      }
      const bool anyones = is_anyones_folder(image);
      say({"F-14", anyones ? 85 : 60, anyones ? Tier::exploited : Tier::attempt, "T1505.004"},
          fmt::format("A native module of IIS from an unusual folder: {}", add.attribute("name")),
          add.attribute("image"));
    }
  }

  void managed_modules(const XmlElement& modules) {
    const Zone zone = server_place(out_.path).zone;
    const bool in_exchange =
        zone == Zone::front_end || zone == Zone::front_end_auth || zone == Zone::client_access;
    for (const XmlElement& add : modules.children) {
      if (!same_name(add.name, "add")) continue;
      const std::string type = lower(add.attribute("type"));
      if (type.empty()) continue;
      if (type.starts_with("system.") || type.starts_with("microsoft.")) {
        // Names lie; an assembly with Microsoft's key, or of Exchange's own folder, is harder to
        // fake.
        continue;
      }
      say({"F-14", 60, in_exchange ? Tier::attempt : Tier::hunt, "T1505.004"},
          fmt::format("A managed module of IIS that is not Microsoft's by its name: {}",
                      add.attribute("name")),
          add.attribute("type"));
    }
  }

  void directory(const XmlElement& element) {
    const std::string path = windows_path(element.attribute("physicalPath"));
    const bool device = has_device_name(path);
    if (!device && !is_anyones_folder(path + "\\")) return;
    Finding finding = make("PS-09", 90, Tier::exploited,
                           device ? "A virtual directory in a folder that has a device's name"
                                  : "A virtual directory in a folder that many may write to");
    finding.attack = {"T1505.003", "T1564"};
    finding.cve = {"CVE-2021-34473"};
    finding.details.push_back({"directory", std::string(element.attribute("path"))});
    finding.details.push_back({"folder", std::string(element.attribute("physicalPath"))});
    out_.findings.push_back(std::move(finding));
  }

  void log_file(const XmlElement& element) {
    if (const auto folder = element.attribute("directory"); !folder.empty()) {
      if (std::ranges::find(out_.log_folders, folder) == out_.log_folders.end()) {
        out_.log_folders.emplace_back(folder);
      }
    }
    if (same_name(element.attribute("enabled"), "false")) {
      say({"F-14", 70, Tier::attempt, "T1562.002"}, "A site writes no log",
          "logFile enabled=false");
    }
    const std::string target = lower(element.attribute("logTargetW3C"));
    if (!target.empty() && !has(target, "file")) {
      say({"F-14", 65, Tier::attempt, "T1562.002"}, "A site does not log to a file", target);
    }
  }

  // As Microsoft's script sets it: required, but for two directories where "Allow" is enough.
  void protection(const XmlElement& element, std::string_view location) {
    const std::string where = lower(location);
    static constexpr std::array kRequired =
        std::to_array<std::string_view>({"/ecp", "/mapi", "/oab", "/owa", "/rpc", "/api"});
    static constexpr std::array kAllowed =
        std::to_array<std::string_view>({"/ews", "/microsoft-server-activesync"});
    const auto is_one = [&](std::string_view end) {
      return where == "default web site" + std::string(end);
    };
    const bool required = std::ranges::any_of(kRequired, is_one);
    const bool allowed = std::ranges::any_of(kAllowed, is_one);
    if (!required && !allowed) return;
    const std::string_view value = element.attribute("tokenChecking");
    const bool strong = same_name(value, "Require") || (allowed && same_name(value, "Allow"));
    if (strong) {
      ++strong_;
    } else {
      weak_.emplace_back(location);
    }
  }

  void rules(const XmlElement& rules) {
    for (const XmlElement& rule : rules.children) {
      if (same_name(rule.name, "clear")) out_.clears_rules = true;
      if (same_name(rule.name, "remove")) {
        const std::string name = lower(rule.attribute("name"));
        if (has(name, "powershell") || has(name, "eomt") || has(name, "resource")) {
          out_.clears_rules = true;
        }
      }
      if (!same_name(rule.name, "rule") || same_name(rule.attribute("enabled"), "false")) continue;
      const XmlElement* const action = rule.child("action");
      const std::string_view kind = action == nullptr ? "" : action->attribute("type");
      if (!same_name(kind, "AbortRequest") && !same_name(kind, "CustomResponse")) continue;
      const XmlElement* const conditions = rule.child("conditions");
      if (conditions == nullptr) continue;
      for (const XmlElement& condition : conditions->children) {
        rule_condition(rule, condition);
      }
    }
  }

  void rule_condition(const XmlElement& rule, const XmlElement& condition) {
    const std::string input = lower(condition.attribute("input"));
    const std::string pattern = lower(condition.attribute("pattern"));
    if (same_name(condition.attribute("negate"), "true")) return;
    // The first published pattern wanted an '@' and was evaded: it does not count.
    if (has(input, "urldecode") && has(input, "request_uri") &&
        has(pattern, "(?=.*autodiscover)(?=.*powershell)") &&
        !same_name(rule.attribute("stopProcessing"), "false")) {
      out_.powershell_rewrite = true;
    }
    if (!has(input, "http_cookie")) return;
    if (has(pattern, "x-anonresource-backend")) out_.anonymous_rewrite = true;
    if (has(pattern, "x-beresource=(.+)/(.+)~(.+)")) out_.backend_rewrite = true;
  }

  // Pages under names that are none: pictures, configuration files, folders.
  void handlers(const XmlElement& handlers) {
    for (const XmlElement& add : handlers.children) {
      if (!same_name(add.name, "add")) continue;
      const std::string type = lower(add.attribute("type"));
      const std::string script = lower(add.attribute("scriptProcessor"));
      const std::string path = lower(add.attribute("path"));
      const bool page = has(type, "pagehandlerfactory") || has(type, "simplehandlerfactory") ||
                        has(script, "asp.dll");
      const bool file = page || has(type, "servicehandlerfactory") || !script.empty();
      if (!file) handled(path);
      if (!page || path == "*" || is_page_extension(extension_of(path))) continue;
      static constexpr std::array kUsual =
          std::to_array<std::string_view>({"*.aspq", "*.axd", "*.slab", "*.owa", "*.eas", "*.ewa"});
      if (std::ranges::find(kUsual, path) != kUsual.end()) continue;
      static constexpr std::array kData = std::to_array<std::string_view>(
          {"jpg", "jpeg", "png", "gif", "ico", "css", "txt", "config", "log", "html", "htm", "xml",
           "bmp", "dat", "js"});
      const bool data = std::ranges::find(kData, extension_of(path)) != kData.end();
      say({"F-14", data ? 85 : 55, data ? Tier::exploited : Tier::hunt, "T1505.003"},
          "Files of another kind are run as pages", path);
    }
  }

  // "a.ashx,b.ashx": what is answered without a file of that name. One that takes all *.aspx of
  // some folder would hide every page that is gone.
  void handled(std::string_view paths) {
    while (!paths.empty()) {
      const std::size_t end = std::min(paths.find(','), paths.size());
      const std::string_view name = file_name_of(paths.substr(0, end));
      paths.remove_prefix(std::min(end + 1, paths.size()));
      if (name.empty() || name == "*" || name == "*." || name == "*.*" || name == "*.aspx") {
        continue;
      }
      if (out_.handled.size() < kMaxHandled) out_.handled.emplace_back(name);
    }
  }

  void build_providers(const XmlElement& providers) {
    for (const XmlElement& add : providers.children) {
      const std::string type = lower(add.attribute("type"));
      const std::string extension = lower(add.attribute("extension"));
      const bool page = has(type, "pagebuildprovider") || has(type, "webhandlerbuildprovider") ||
                        has(type, "webservicebuildprovider");
      if (!same_name(add.name, "add") || !page || extension.empty()) continue;
      if (is_page_extension(extension.substr(1)) || extension == ".aspq") continue;
      say({"F-14", 80, Tier::exploited, "T1505.003"}, "Files of another kind are compiled as pages",
          extension);
    }
  }

  ConfigFacts& out_;
  std::vector<std::string> weak_;  // Virtual directories without protection.
  std::size_t strong_ = 0;
};

}  // namespace

bool is_iis_module(std::string_view file_name) {
  static constexpr std::array kModules =
      std::to_array<std::string_view>({"authanon.dll",
                                       "authbas.dll",
                                       "authcert.dll",
                                       "authmap.dll",
                                       "authmd5.dll",
                                       "authsspi.dll",
                                       "cachfile.dll",
                                       "cachhttp.dll",
                                       "cachtokn.dll",
                                       "cachuri.dll",
                                       "cgi.dll",
                                       "compdyn.dll",
                                       "compstat.dll",
                                       "custerr.dll",
                                       "defdoc.dll",
                                       "dirlist.dll",
                                       "diprestr.dll",
                                       "filter.dll",
                                       "gzip.dll",
                                       "httpredir.dll",
                                       "iis_ssi.dll",
                                       "iiscertobj.dll",
                                       "iisetw.dll",
                                       "iisfcgi.dll",
                                       "iisfreb.dll",
                                       "iisreqs.dll",
                                       "iiswsock.dll",
                                       "iprestr.dll",
                                       "isapi.dll",
                                       "logcust.dll",
                                       "loghttp.dll",
                                       "modrqflt.dll",
                                       "protsup.dll",
                                       "redirect.dll",
                                       "requestrouter.dll",
                                       "rewrite.dll",
                                       "static.dll",
                                       "urlauthz.dll",
                                       "validcfg.dll",
                                       "warmup.dll",
                                       "webdav.dll",
                                       "webdav_simple_lock.dll",
                                       "webdav_simple_prop.dll"});
  return std::ranges::find(kModules, lower(file_name)) != kModules.end();
}

namespace {

/// What a module of IIS takes from Windows that lets it start programs or reach out. Text of a
/// resource is copied in a minute; what a program does, it must take from somewhere.
std::vector<std::string> reaching_out(const windows::PeLinks& links) {
  static constexpr std::array kFunctions = std::to_array<std::string_view>(
      {"createprocess", "winexec", "shellexecute", "wsaconnect", "createremotethread"});
  // Names are looked up in modules of Microsoft's, too; connections are not made.
  static constexpr std::array kWhole = std::to_array<std::string_view>(
      {"ws2_32.dll!connect", "ws2_32.dll!#4", "wsock32.dll!connect", "wsock32.dll!#4"});
  static constexpr std::array kLibraries =
      std::to_array<std::string_view>({"winhttp.dll!", "wininet.dll!", "urlmon.dll!"});
  std::vector<std::string> out;
  for (const std::string& import : links.imports) {
    const std::string low = lower(import);
    const std::string_view name = std::string_view(low).substr(low.find('!') + 1);
    const bool is_function = std::ranges::any_of(
        kFunctions, [&](std::string_view function) { return name.starts_with(function); });
    const bool is_library = std::ranges::any_of(
        kLibraries, [&](std::string_view library) { return low.starts_with(library); });
    const bool is_whole = std::ranges::find(kWhole, low) != kWhole.end();
    if (is_function || is_library || is_whole) out.push_back(import);
  }
  return out;
}

/// Those of Microsoft's that start programs, or speak with other machines.
bool may_reach_out(std::string_view name) {
  static constexpr std::array kNames = std::to_array<std::string_view>(
      {"cgi.dll", "iisfcgi.dll", "iiswsock.dll", "requestrouter.dll", "rpcproxy.dll", "authmap.dll",
       "authcert.dll", "aspnetcore.dll", "aspnetcorev2.dll", "wbhstipm.dll"});
  return std::ranges::find(kNames, name) != kNames.end();
}

/// F-14 of a module whose text says that it is Microsoft's.
std::optional<Finding> check_claimed_module(std::string_view path, OctetView library) {
  const auto links = windows::read_pe_links(library);
  // What else Windows keeps there is no module: it hands out no RegisterModule.
  if (!links || !links->hands_out("RegisterModule")) return std::nullopt;
  if (may_reach_out(lower(file_name_of(path)))) return std::nullopt;
  const std::vector<std::string> taken = reaching_out(*links);
  if (taken.empty()) return std::nullopt;
  Finding out;
  out.rule = "F-14";
  out.tier = Tier::hunt;
  out.confidence = 65;
  out.title = "A module of IIS that says it is Microsoft's, and reaches out as theirs do not";
  out.attack = {"T1505.004"};
  out.place.path = path;
  for (const std::string& one : taken) {
    if (out.details.size() == 10) break;
    out.details.push_back({"takes", one});
  }
  return out;
}

}  // namespace

std::optional<Finding> check_module(std::string_view path, OctetView library) {
  // "Microsoft Corporation" of a version resource, in UTF-16.
  std::string maker;
  for (const char c : std::string_view("Microsoft Corporation")) {
    maker += c;
    maker += '\0';
  }
  const bool microsofts = text_of(library).find(maker) != std::string_view::npos;
  const bool known = is_iis_module(file_name_of(path));
  // What else Windows keeps there (inetinfo.dll, w3wphost.dll) says whose it is.
  if (library.empty()) return std::nullopt;
  if (microsofts) return check_claimed_module(path, library);
  Finding out;
  out.rule = "F-14";
  out.tier = Tier::exploited;
  out.confidence = known ? 80 : 75;
  out.title = known ? "A module of IIS under the name of one of Windows'"
                    : "A library in the folder of IIS' modules that is not Microsoft's";
  out.attack = {"T1505.004"};
  out.place.path = path;
  return out;
}

Result<ConfigFacts> check_config(std::string_view path, OctetView octets) {
  ConfigFacts out;
  out.path = path;
  // Code in a configuration: it is never read as that, unless the file is run as a page.
  if (has_server_code(octets)) {
    for (const PageSign& sign : check_page("web.asp", octets)) {
      if (sign.confidence < 80) continue;
      Finding finding;
      finding.rule = sign.rule;
      finding.title = "A configuration file holds a web shell: " + sign.what;
      finding.tier = Tier::exploited;
      finding.confidence = sign.confidence;
      finding.attack = {"T1505.003"};
      finding.place.path = path;
      out.findings.push_back(std::move(finding));
      break;
    }
  }
  auto root = parse_xml(octets);
  if (!root) {
    if (!out.findings.empty()) return out;
    return Unexpected(std::move(root).error());
  }
  Reader reader(out);
  reader.run(*root);
  reader.finish();
  return out;
}

Mitigations mitigations_of(const std::vector<ConfigFacts>& configs) {
  Mitigations out;
  bool backend = false;
  bool anonymous = false;
  bool cleared = false;
  for (const ConfigFacts& config : configs) {
    const ServerPlace place = server_place(config.path);
    out.powershell_rewrite = out.powershell_rewrite || config.powershell_rewrite;
    backend = backend || config.backend_rewrite;
    anonymous = anonymous || config.anonymous_rewrite;
    const bool front = place.zone == Zone::front_end || place.zone == Zone::front_end_auth;
    cleared = cleared || (front && config.clears_rules);
    if (!config.extended_protection) continue;
    out.extended_protection = out.extended_protection.value_or(true) && *config.extended_protection;
  }
  out.backend_cookie_rewrite = backend && anonymous && !cleared;
  out.powershell_rewrite = out.powershell_rewrite && !cleared;
  return out;
}

}  // namespace postern::exchange
