#include "host/server_layout.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "files/ntfs.h"
#include "files/path.h"
#include "windows/hive.h"
#include "windows/pe.h"

namespace postern::host {
namespace {

constexpr std::uint64_t kMaxProgram = 64U << 20;
constexpr std::uint64_t kMaxSetupLog = 64U << 20;
constexpr std::uint64_t kMaxHive = 512U << 20;
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

exchange::Day day_of_time(const files::Time& time) {
  return std::chrono::floor<std::chrono::days>(time.wall());
}

}  // namespace

void LayoutMarks::see(std::string_view path) {
  const std::string low = "/" + exchange::lower(path);
  if (low.ends_with("/bin/exsetup.exe")) return keep(setups_, path);
  if (low.ends_with("/system32/config/software")) return keep(hives_, path);
  if (low.ends_with(kFrontEndLibrary)) return keep(front_ends_, path);
  if (low.ends_with("/exchangesetuplogs/exchangesetup.log")) return keep(setup_logs_, path);
  const std::size_t auth = low.rfind("/owa/auth/");
  if (auth != std::string::npos) {
    const std::string_view rest = std::string_view(low).substr(auth + 10);
    if (rest.starts_with("1") && rest.find('/') == std::string_view::npos &&
        std::ranges::count(rest, '.') >= 2 && exchange::version_of(rest)) {
      return keep(versions_, path);
    }
  }
  if (!signs_.empty() && signs_.size() >= 64) return;
  static constexpr std::array kSigns = std::to_array<std::string_view>(
      {"/frontend/httpproxy", "/exchange server", "/logging/httpproxy", "/inetpub/logs", "/w3svc1",
       "/clientaccess/owa", "/applicationhost.config", "/aspnet_client"});
  for (const std::string_view sign : kSigns) {
    if (low.ends_with(sign)) keep(signs_, path);
  }
}

namespace {

/// "2021-02-22", and as setup writes it: "02/22/2021", "02.22.2021", "02-22-2021".
std::optional<exchange::Day> setup_day(std::string_view text) {
  if (const auto day = exchange::day_of(text.substr(0, 10))) return day;
  if (text.size() < 10 || text[2] != text[5]) return std::nullopt;
  const std::string turned =
      fmt::format("{}-{}-{}", text.substr(6, 4), text.substr(0, 2), text.substr(3, 2));
  return exchange::day_of(turned);
}

}  // namespace

std::vector<exchange::Day> setup_days(std::string_view setup_log) {
  constexpr std::string_view kDone = "setup operation completed successfully";
  std::vector<exchange::Day> days;
  for (std::size_t at = setup_log.find(kDone); at != std::string_view::npos;
       at = setup_log.find(kDone, at + kDone.size())) {
    const std::size_t line = setup_log.rfind('\n', at);
    std::string_view begin = setup_log.substr(line == std::string_view::npos ? 0 : line + 1);
    if (begin.starts_with("\xef\xbb\xbf")) begin.remove_prefix(3);
    if (!begin.starts_with('[')) continue;
    if (const auto day = setup_day(begin.substr(1))) days.push_back(*day);
  }
  std::ranges::sort(days);
  return days;
}

/// Puts the marks together.
class LayoutFinder {
 public:
  LayoutFinder(const files::Root& root, const LayoutMarks& marks, const exchange::KnownGood* known)
      : root_(root), marks_(marks), known_(known) {}

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
      const std::string_view name = files::name_of(server.top.empty() ? root_.path() : server.top);
      server.name = name.empty() ? root_.path() : std::string(name);
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

  std::optional<windows::Hive> open_hive(const std::string& path, Octets& octets,
                                         std::string& note) const {
    const auto file = root_.open_file(path);
    if (!file) {
      note = file.error().text;
      return std::nullopt;
    }
    auto read = file->read_whole(kMaxHive);
    if (!read) {
      note = read.error().text;
      return std::nullopt;
    }
    octets = *std::move(read);
    auto hive = windows::Hive::open(octets);
    if (!hive) {
      note = hive.error().text;
      return std::nullopt;
    }
    return *std::move(hive);
  }

  struct SetupKey {
    std::string install;
    std::optional<exchange::BuildVersion> version;
  };

  // Microsoft\ExchangeServer\v15\Setup, or v14.
  static std::optional<SetupKey> setup_key(const windows::Hive& hive) {
    for (const std::string_view version : {"v15", "v14"}) {
      const auto key = hive.find(fmt::format("Microsoft\\ExchangeServer\\{}\\Setup", version));
      if (!key) continue;
      SetupKey out;
      if (const auto path = hive.value(*key, "MsiInstallPath")) out.install = path->text();
      exchange::BuildVersion build;
      constexpr std::array kNames = {"MsiProductMajor", "MsiProductMinor", "MsiBuildMajor",
                                     "MsiBuildMinor"};
      bool whole = true;
      for (std::size_t i = 0; i < kNames.size(); ++i) {
        const auto value = hive.value(*key, kNames[i]);
        const auto number = value ? value->number() : std::nullopt;
        whole = whole && number.has_value();
        build.part[i] = static_cast<std::uint32_t>(number.value_or(0));
      }
      if (whole) out.version = build;
      return out;
    }
    return std::nullopt;
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
      const auto found = root_.find(files::joined(from, path));
      if (!found.empty()) return found.front();
    }
    return {};
  }

  void add_by_hives(std::vector<ServerLayout>& out) {
    for (const std::string& path : marks_.hives_) {
      Octets octets;
      std::string note;
      const auto hive = open_hive(path, octets, note);
      if (!hive) continue;
      const auto key = setup_key(*hive);
      if (!key) continue;
      ServerLayout server;
      server.install = installed_at(path, key->install);
      server.install_source = "the registry";
      if (server.install.empty()) {
        server.notes.push_back(
            fmt::format("the registry says {}, which is not here", key->install));
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
      Octets octets;
      std::string note;
      const auto hive = open_hive(path, octets, note);
      if (!hive) {
        server.notes.push_back(fmt::format("{}: {}", path, note));
        continue;
      }
      const auto key = setup_key(*hive);
      if (!key) continue;
      const std::string said = installed_at(path, key->install);
      if (!said.empty() && !server.install.empty() &&
          !files::equal_ignoring_case(said, server.install)) {
        server.notes.push_back(fmt::format("the registry says {}", said));
      }
      if (key->version && !registry_version_) {
        registry_version_ = key->version;
        registry_path_ = path;
      }
    }
  }

  // Where a mount gives NTFS's own times; in a copied tree all is as young as the copy.
  std::optional<exchange::Day> came_on_disk(const std::string& path) const {
    const auto entry = root_.entry(path);
    if (!entry) return std::nullopt;
    const auto facts = files::ntfs_facts(*entry);
    if (!facts || !facts->times) return std::nullopt;
    return day_of_time(facts->times->created);
  }

  // By its resources; a few reads of what may be a large file.
  Result<exchange::BuildVersion> version_of_program(const std::string& path) const {
    const auto file = POSTERN_TRY(root_.open_file(path));
    const auto program =
        POSTERN_TRY(windows::read_pe([&file](std::uint64_t offset, std::span<std::uint8_t> into) {
          return file.read_at(offset, into);
        }));
    if (!program.version) return fail(Errc::not_found, "no version is in it");
    const windows::FileVersion& version = program.version->file;
    return exchange::BuildVersion{{version.major, version.minor, version.build, version.revision}};
  }

  void find_version(ServerLayout& server) {
    exchange::PatchFacts facts;
    if (!server.setup.empty()) {
      const auto version = version_of_program(server.setup);
      if (version) {
        facts.version = *version;
        facts.source = exchange::VersionSource::exsetup_file;
        facts.update_installed = came_on_disk(server.setup);
        server.patch = facts;
      } else {
        server.notes.push_back(fmt::format("{}: {}", server.setup, version.error().text));
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
    if (server.patch) find_setup_days(server);
  }

  // Setup's own log tells when Exchange came, and when the CU that is there now.
  void find_setup_days(ServerLayout& server) const {
    for (const std::string& path : marks_.setup_logs_) {
      if (!is_beneath(path, server.top)) continue;
      const auto file = root_.open_file(path);
      const auto octets =
          file ? file->read_whole(kMaxSetupLog) : Result<Octets>(Unexpected<Error>(file.error()));
      if (!octets) {
        server.notes.push_back(fmt::format("{}: {}", path, octets.error().text));
        continue;
      }
      const std::vector<exchange::Day> days = setup_days(text_of(*octets));
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
      const auto file = root_.open_file(path);
      const auto octets =
          file ? file->read_whole(kMaxProgram) : Result<Octets>(Unexpected<Error>(file.error()));
      if (!octets) continue;
      exchange::Sha256 hash{};
      SHA256(octets->data(), octets->size(), hash.data());
      std::set<exchange::BuildVersion> builds;
      for (const auto& match : known_->find(hash))
        builds.insert(match.builds.begin(), match.builds.end());
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

  const files::Root& root_;
  const LayoutMarks& marks_;
  const exchange::KnownGood* known_;
  std::optional<exchange::BuildVersion> registry_version_;
  std::string registry_path_;
};

std::vector<ServerLayout> find_servers(const files::Root& root, const LayoutMarks& marks,
                                       const exchange::KnownGood* known) {
  return LayoutFinder(root, marks, known).run();
}

std::optional<std::size_t> server_of(const std::vector<ServerLayout>& servers,
                                     std::string_view path) {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (is_beneath(path, servers[i].top)) return i;
  }
  return std::nullopt;
}

}  // namespace postern::host
