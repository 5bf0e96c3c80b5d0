#include "host/server_layout.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "files/path.h"

namespace postern::host {
namespace {

constexpr std::string_view kFrontEndLibrary = "/microsoft.exchange.frontendhttpproxy.dll";

void keep(std::vector<std::string>& list, std::string_view path) {
  if (list.size() < LayoutMarks::kMaxMarks) list.emplace_back(path);
}

// The first `count` names of a path.
std::string front_of(std::string_view path, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < count && at < path.size(); ++i) {
    at = path.find('/', at + (i == 0 ? 0 : 1));
    if (at == std::string_view::npos) return std::string(path);
  }
  return std::string(path.substr(0, at));
}

std::size_t shared_names(std::string_view one, std::string_view other) {
  const auto a = files::names_of(one);
  const auto b = files::names_of(other);
  std::size_t count = 0;
  while (count < a.size() && count < b.size() && files::equal_ignoring_case(a[count], b[count])) {
    ++count;
  }
  return count;
}

bool is_beneath(std::string_view path, std::string_view top) {
  return top.empty() || path == top ||
         (path.size() > top.size() && path.starts_with(top) && path[top.size()] == '/');
}

/// Of a path in lower case, with '/' in front.
std::optional<MarkKind> kind_of_low(std::string_view low) {
  if (low.ends_with("/bin/exsetup.exe")) return MarkKind::program;
  if (low.ends_with("/system32/config/software")) return MarkKind::hive;
  if (low.ends_with(kFrontEndLibrary)) return MarkKind::library;
  if (low.ends_with("/exchangesetuplogs/exchangesetup.log")) return MarkKind::setup_log;
  return std::nullopt;
}

}  // namespace

std::optional<MarkKind> LayoutMarks::kind_of(std::string_view path) {
  return kind_of_low("/" + exchange::lower(path));
}

void LayoutMarks::see(std::string_view path) {
  const std::string low = "/" + exchange::lower(path);
  if (const auto kind = kind_of_low(low)) {
    auto& list = *kind == MarkKind::program   ? setups_
                 : *kind == MarkKind::hive    ? hives_
                 : *kind == MarkKind::library ? front_ends_
                                              : setup_logs_;
    return keep(list, path);
  }
  const std::size_t auth = low.rfind("/owa/auth/");
  if (auth != std::string::npos) {
    const std::string_view rest = std::string_view(low).substr(auth + 10);
    if (rest.starts_with("1") && rest.find('/') == std::string_view::npos &&
        std::ranges::count(rest, '.') >= 2 && exchange::version_of(rest)) {
      return keep(versions_, path);
    }
  }
  // Folders of logs: of the wizard in the profile of whoever ran it, of the wizard that came with
  // Exchange, of the agent.
  static constexpr std::array kHybrid = std::to_array<std::string_view>(
      {"/microsoft/exchange hybrid configuration", "/logging/update-hybridconfiguration",
       "/programdata/microsoft hybrid service", "/program files/microsoft hybrid service"});
  for (const std::string_view folder : kHybrid) {
    if (low.ends_with(folder)) return keep(hybrids_, path);
  }
  if (!signs_.empty() && signs_.size() >= 64) return;
  static constexpr std::array kSigns = std::to_array<std::string_view>(
      {"/frontend/httpproxy", "/exchange server", "/logging/httpproxy", "/inetpub/logs", "/w3svc1",
       "/clientaccess/owa", "/applicationhost.config", "/aspnet_client"});
  for (const std::string_view sign : kSigns) {
    if (low.ends_with(sign)) keep(signs_, path);
  }
}

/// Puts the marks together.
class LayoutFinder {
 public:
  LayoutFinder(std::string_view root, const LayoutSource& source, const LayoutMarks& marks,
               const exchange::KnownGood* known)
      : root_(root), source_(source), marks_(marks), known_(known) {}

  std::vector<ServerLayout> run() {
    std::vector<ServerLayout> out;
    for (const std::string& setup : distinct_setups()) {
      ServerLayout server;
      server.setup = setup;
      server.install = files::folder_of(files::folder_of(setup));
      server.install_source = "bin/ExSetup.exe";
      out.push_back(std::move(server));
    }
    if (out.empty()) add_by_hives(out);
    if (out.empty() && has_signs()) out.emplace_back();
    set_tops(out);
    for (ServerLayout& server : out) {
      const std::string_view name = files::name_of(server.top.empty() ? root_ : server.top);
      server.name = name.empty() ? root_ : std::string(name);
      compare_with_registry(server);
      find_version(server);
    }
    std::ranges::sort(out, std::ranges::greater(),
                      [](const ServerLayout& server) { return server.top.size(); });
    return out;
  }

 private:
  bool has_signs() const {
    return !marks_.signs_.empty() || !marks_.front_ends_.empty() || !marks_.versions_.empty();
  }

  // Setup's own copies (of a CU's sources, of a backup) stand beneath another folder called Setup.
  std::vector<std::string> distinct_setups() const {
    std::vector<std::string> out;
    for (const std::string& setup : marks_.setups_) {
      const std::string low = "/" + exchange::lower(setup);
      if (low.find("/setup/serverroles/") == std::string::npos) out.push_back(setup);
    }
    std::ranges::sort(out);
    return out;
  }

  // "D:\Exchange\V15\" beneath the folder in which the hive's drive stands: with or without a
  // folder for each drive.
  std::string installed_at(const std::string& hive, std::string_view windows_path) const {
    std::string path(windows_path);
    for (char& c : path) {
      if (c == '\\') c = '/';
    }
    const bool drive = path.size() >= 2 && path[1] == ':';
    const std::string letter = drive ? path.substr(0, 1) : "";
    if (drive) path.erase(0, 2);
    while (path.starts_with('/')) path.erase(0, 1);
    while (path.ends_with('/')) path.pop_back();
    // The folder with Windows: what the hive's path has in front of Windows/System32/config.
    std::string base(files::folder_of(files::folder_of(files::folder_of(files::folder_of(hive)))));
    const std::string above(files::folder_of(base));
    for (const std::string& from :
         {base, files::joined(above, letter), files::joined(above, letter + ":"),
          files::joined(above, letter + "$"), files::joined(base, letter)}) {
      if (path.empty()) continue;
      std::string found = source_.find_folder(files::joined(from, path));
      if (!found.empty()) return found;
    }
    return {};
  }

  void add_by_hives(std::vector<ServerLayout>& out) {
    for (const std::string& path : marks_.hives_) {
      const MarkFacts facts = source_.facts_of(path, MarkKind::hive);
      if (!facts.setup) continue;
      ServerLayout server;
      server.install = installed_at(path, facts.setup->install);
      server.install_source = "the registry";
      if (server.install.empty()) {
        server.notes.push_back(
            fmt::format("the registry says {}, which is not here", facts.setup->install));
        server.install =
            files::folder_of(files::folder_of(files::folder_of(files::folder_of(path))));
      }
      out.push_back(std::move(server));
    }
  }

  // Servers stand beside each other: each has all from the first name in which they differ.
  void set_tops(std::vector<ServerLayout>& servers) const {
    if (servers.size() < 2) return;
    for (ServerLayout& server : servers) {
      std::size_t shared = 0;
      for (const ServerLayout& other : servers) {
        if (&other != &server)
          shared = std::max(shared, shared_names(server.install, other.install));
      }
      server.top = front_of(server.install, shared + 1);
    }
  }

  void compare_with_registry(ServerLayout& server) {
    for (const std::string& path : marks_.hives_) {
      if (!is_beneath(path, server.top)) continue;
      const MarkFacts facts = source_.facts_of(path, MarkKind::hive);
      if (!facts.fault.empty()) server.notes.push_back(fmt::format("{}: {}", path, facts.fault));
      if (!facts.setup) continue;
      const std::string said = installed_at(path, facts.setup->install);
      if (!said.empty() && !server.install.empty() &&
          !files::equal_ignoring_case(said, server.install)) {
        server.notes.push_back(fmt::format("the registry says {}", said));
      }
      unified_messaging_ = unified_messaging_.value_or(false) || facts.setup->unified_messaging;
      if (facts.setup->version && !registry_version_) {
        registry_version_ = facts.setup->version;
        registry_path_ = path;
      }
    }
  }

  void find_version(ServerLayout& server) {
    exchange::PatchFacts facts;
    if (!server.setup.empty()) {
      const MarkFacts said = source_.facts_of(server.setup, MarkKind::program);
      if (said.version) {
        facts.version = *said.version;
        facts.source = exchange::VersionSource::exsetup_file;
        facts.update_installed = source_.came_on_disk(server.setup);
        server.patch = facts;
      } else {
        server.notes.push_back(fmt::format("{}: {}", server.setup, said.fault));
      }
    }
    if (!server.patch && known_ != nullptr) by_front_end(server);
    if (!server.patch && registry_version_) {
      facts.version = *registry_version_;
      facts.source = exchange::VersionSource::setup_registry;
      server.setup = registry_path_;
      server.patch = facts;
    }
    if (!server.patch) by_folders(server);
    registry_version_.reset();
    if (server.patch) {
      server.patch->unified_messaging = unified_messaging_;
      find_hybrid(server);
      find_setup_days(server);
    }
    unified_messaging_.reset();
  }

  // Its traces prove it; without them it may have been set up from elsewhere.
  void find_hybrid(ServerLayout& server) const {
    const bool has_traces = std::ranges::any_of(
        marks_.hybrids_, [&](const std::string& path) { return is_beneath(path, server.top); });
    if (has_traces) server.patch->hybrid = true;
  }

  // Setup's own log tells when Exchange came, and when the CU that is there now.
  void find_setup_days(ServerLayout& server) const {
    for (const std::string& path : marks_.setup_logs_) {
      if (!is_beneath(path, server.top)) continue;
      const MarkFacts facts = source_.facts_of(path, MarkKind::setup_log);
      if (!facts.fault.empty()) server.notes.push_back(fmt::format("{}: {}", path, facts.fault));
      const std::vector<exchange::Day>& days = facts.days;
      if (days.empty()) continue;
      server.patch->first_installed = days.front();
      server.patch->cu_installed = days.back();
      return;
    }
  }

  // A library of the front end whose hash only one build has.
  void by_front_end(ServerLayout& server) const {
    for (const std::string& path : marks_.front_ends_) {
      if (!is_beneath(path, server.top)) continue;
      const MarkFacts said = source_.facts_of(path, MarkKind::library);
      if (!said.hash) continue;
      std::set<exchange::BuildVersion> builds;
      for (const auto& match : known_->find(*said.hash)) {
        builds.insert(match.builds.begin(), match.builds.end());
      }
      if (builds.size() != 1) continue;
      exchange::PatchFacts facts;
      facts.version = *builds.begin();
      facts.source = exchange::VersionSource::front_end_hash;
      server.setup = path;
      server.patch = facts;
      return;
    }
  }

  void by_folders(ServerLayout& server) const {
    exchange::PatchFacts facts;
    for (const std::string& path : marks_.versions_) {
      if (!is_beneath(path, server.top)) continue;
      const auto version = exchange::version_of(files::name_of(path));
      if (!version || version->version <= facts.version) continue;
      facts.version = version->version;
      server.setup = path;
    }
    if (facts.version == exchange::BuildVersion{}) return;
    facts.source = exchange::VersionSource::owa_folder;
    server.patch = facts;
  }

  std::string root_;
  const LayoutSource& source_;
  const LayoutMarks& marks_;
  const exchange::KnownGood* known_;
  std::optional<exchange::BuildVersion> registry_version_;
  std::string registry_path_;
  std::optional<bool> unified_messaging_;  // Nothing: no hive says.
};

std::vector<ServerLayout> find_servers(std::string_view root, const LayoutSource& source,
                                       const LayoutMarks& marks, const exchange::KnownGood* known) {
  return LayoutFinder(root, source, marks, known).run();
}

std::optional<std::size_t> server_of(const std::vector<ServerLayout>& servers,
                                     std::string_view path) {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const std::string& top = servers[i].top;
    const bool is_its_archive =
        top.size() == path.size() + 1 && top.starts_with(path) && top.ends_with('!');
    if (is_its_archive || is_beneath(path, top)) return i;
  }
  return std::nullopt;
}

}  // namespace postern::host
