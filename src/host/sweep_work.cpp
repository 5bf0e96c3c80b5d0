#include "host/sweep_work.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include <fmt/format.h>

#include "base/thread.h"
#include "exchange/server_place.h"
#include "files/path.h"
#include "files/walk.h"
#include "host/archive_survey.h"
#include "host/file_examiner.h"
#include "host/log_examiner.h"
#include "host/record_examiner.h"

namespace postern::host {
namespace {

using exchange::Finding;

// Candidates are held in memory: some 400 octets each.
constexpr std::size_t kMaxCandidates = 5'000'000;
constexpr std::size_t kMaxWebFolders = 10'000;

// A tree may be given from a folder of the server: its name then tells where it stands.
std::string placed_prefix(const std::string& root) {
  std::string_view path = root;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string name = exchange::lower(files::name_of(path));
  static constexpr std::array kTelling = std::to_array<std::string_view>(
      {"inetpub", "wwwroot", "frontend", "clientaccess", "programdata", "windows", "program files",
       "perflogs", "exchange server"});
  if (name == "aspnet_client") return "wwwroot/aspnet_client/";
  return std::ranges::find(kTelling, name) == kTelling.end() ? "" : name + "/";
}

// Applications of Exchange at its front end, by the first part of their paths.
bool is_exchange_application(std::string_view first) {
  static constexpr std::array kNames = std::to_array<std::string_view>(
      {"api", "autodiscover", "ecp", "ews", "mapi", "microsoft-server-activesync", "oab", "owa",
       "powershell", "rest", "rpc"});
  return std::ranges::find(kNames, first) != kNames.end();
}

// Folders that say which pages a tree could have.
class WebFolders {
 public:
  void see(std::string_view placed) {
    const std::string path = "/" + exchange::lower(placed);
    if (path.ends_with("/frontend/httpproxy") || path.ends_with("/clientaccess")) {
      has_exchange_ = true;
    }
    const std::string_view above = files::folder_of(path);
    has_root_ = has_root_ || path.ends_with("/wwwroot") || above.ends_with("/wwwroot");
    if (above.ends_with("/wwwroot") && below_root_.size() < kMaxWebFolders) {
      below_root_.emplace(files::name_of(path));
    }
  }
  // Of a page: the folders that it stands in.
  void see_page(std::string_view path) {
    for (std::size_t at = path.find('/'); at != std::string_view::npos;
         at = path.find('/', at + 1)) {
      see(path.substr(0, at));
    }
  }
  // Whether the folder that the page of a URL would be in is in the tree.
  bool could_have(std::string_view page) const {
    const std::size_t end = page.find('/', 1);
    if (end == std::string_view::npos) return has_root_;
    const std::string_view first = page.substr(1, end - 1);
    if (is_exchange_application(first)) return has_exchange_;
    return has_root_ && (first == "aspnet_client" || below_root_.contains(first));
  }

 private:
  bool has_exchange_ = false, has_root_ = false;
  std::set<std::string, std::less<>> below_root_;
};

// What one thread hands back of one file.
struct Done {
  std::size_t index = 0;
  Examined examined;
};

// Files for several threads, results for one.
class Pool {
 public:
  using Work = std::function<Examined(std::size_t, std::vector<std::unique_ptr<Examiner>>&)>;
  using Examiners = std::vector<std::unique_ptr<Examiner>>;

  Pool(std::vector<Examiners> sets, std::size_t count, Work work)
      : sets_(std::move(sets)), count_(count), work_(std::move(work)) {
    for (Examiners& set : sets_) {
      threads_.emplace_back([this, &set] { run(set); });
    }
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    next_ = count_;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  /// The next result; nothing when all are handed out.
  std::optional<Done> next() {
    if (handed_ == count_) return std::nullopt;
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !done_.empty(); });
    Done out = std::move(done_.front());
    done_.pop_front();
    ++handed_;
    lock.unlock();
    room_.notify_one();
    return out;
  }

 private:
  static constexpr std::size_t kMaxWaiting = 256;  // Results hold content's findings only.

  void run(Examiners& set) {
    enter_thread("sweep");
    for (std::size_t index = next_++; index < count_; index = next_++) {
      Done done{index, work_(index, set)};
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return done_.size() < kMaxWaiting || closed_; });
      done_.push_back(std::move(done));
      lock.unlock();
      filled_.notify_one();
    }
  }

  std::vector<Examiners> sets_;
  std::size_t count_;
  Work work_;
  std::atomic<std::size_t> next_ = 0;
  std::size_t handed_ = 0;
  std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::deque<Done> done_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

void put_worst_first(std::vector<Finding>& findings) {
  const auto key = [](const Finding& finding) {
    return std::tuple(-static_cast<int>(finding.tier), -finding.confidence,
                      std::string_view(finding.place.path), std::string_view(finding.rule));
  };
  std::ranges::stable_sort(findings, {}, key);
}

class Sweep {
 public:
  Sweep(files::Root root, const SweepOptions& options)
      : root_(std::move(root)), options_(options), prefix_(placed_prefix(root_.path())) {
    report_.root = root_.path();
    if (!prefix_.empty()) web_folders_.see(files::folder_of(prefix_));
  }

  Result<SweepReport> run(std::string_view only) {
    // What is kept of a folder must not be forgotten for a sweep of one file in it.
    report_.state_root = only.empty() ? root_.path() : files::joined(root_.path(), only);
    walk(only);
    for (ServerLayout& layout : layouts()) {
      SweptServer server;
      server.layout = std::move(layout);
      report_.servers.push_back(std::move(server));
    }
    prepare_servers();
    POSTERN_CHECK(examine_all());
    judge_together();
    note_fault(state() == nullptr ? Result<void>() : state()->flush());
    for (SweptServer& server : report_.servers) put_worst_first(server.findings);
    put_worst_first(report_.findings);
    return std::move(report_);
  }

 private:
  // Of the tree itself; where it has none, of the archives in it: somebody packed servers whole.
  std::vector<ServerLayout> layouts() {
    const DiskLayout disk(root_);
    auto found = find_servers(root_.path(), disk, marks_, options_.known);
    if (marks_.has_installation()) return found;
    survey();
    auto packed = find_servers(root_.path(), survey_, survey_.marks(), options_.known);
    if (packed.empty()) return found;
    for (const std::string& page : survey_.pages()) {
      pages_.push_back("/" + exchange::lower(page));
      web_folders_.see_page(page);
    }
    return packed;
  }

  void survey() {
    for (const Candidate& file : candidates_) {
      if (file.kind != FileKind::archive || !is_collection(file.placed)) continue;
      const std::string key = path_key(file) + "\nsurvey";
      if (const auto kept = kept_of({key, file.metadata, ""})) {
        survey_.take(*kept);
        continue;
      }
      const auto opened = root_.open_file(file.path);
      if (!opened) continue;  // Its examiners will say so.
      const Examination told = ArchiveSurvey::read(source_of(*opened), file.path);
      if (state() != nullptr) note_fault(state()->put({key, file.metadata, ""}, told));
      survey_.take(told);
      if (stopping()) return;
    }
  }

  static ArchiveSource source_of(const files::File& file) {
    ArchiveSource octets;
    octets.size = file.size();
    octets.read_at = [&file](std::uint64_t offset, std::span<std::uint8_t> into) {
      return file.read_at(offset, into);
    };
    return octets;
  }

  bool stopping() {
    if (options_.stop && options_.stop()) report_.stopped = true;
    return report_.stopped;
  }

  void tell() {
    if (!options_.progress) return;
    progress_.entries = report_.counts.entries;
    progress_.octets_read = report_.counts.octets_read;
    options_.progress(progress_);
  }

  bool wants(FileKind kind, std::string_view placed, std::uint64_t size) const {
    return std::ranges::any_of(options_.examiners, [&](const ExaminerFactory* factory) {
      return factory->wants(kind, placed, size);
    });
  }

  void walk(std::string_view only) {
    files::Walk walk(root_, report_.not_examined);
    while (const files::Entry* const entry = walk.next()) {
      ++report_.counts.entries;
      if (report_.counts.entries % 4096 == 0) {
        tell();
        if (stopping()) return;
      }
      if (!only.empty() && entry->path != only) {
        if (entry->metadata.kind == files::Kind::folder) walk.skip_folder();
        continue;
      }
      marks_.see(entry->path);
      if (entry->metadata.kind == files::Kind::folder) web_folders_.see(prefix_ + entry->path);
      if (entry->metadata.kind != files::Kind::regular) continue;
      consider(*entry);
    }
  }

  void consider(const files::Entry& entry) {
    Candidate file;
    file.placed = prefix_ + entry.path;
    file.kind = kind_of(file.placed);
    if (file.kind == FileKind::page) pages_.push_back("/" + exchange::lower(file.placed));
    const bool streams = entry.ntfs && !entry.ntfs->streams.empty();
    if (!wants(file.kind, file.placed, entry.metadata.size) && !streams && !is_telling(file))
      return;
    if (candidates_.size() == kMaxCandidates) {
      report_.not_examined.add(entry.path, files::Reason::too_many, "too many files to look at");
      return;
    }
    file.path = entry.path;
    file.metadata = entry.metadata;
    file.ntfs = entry.ntfs;
    candidates_.push_back(std::move(file));
  }

  // What is told by its name alone, though nothing of it be read: an empty lsass.dmp.
  static bool is_telling(const Candidate& file) {
    const std::string name = exchange::lower(exchange::file_name_of(file.placed));
    return file.kind == FileKind::page || name.find("lsass") != std::string::npos ||
           name.starts_with("ntds.dit");
  }

  void prepare_servers() {
    facts_.resize(report_.servers.size() + 1);
    exposed_from_.resize(facts_.size());
    for (exchange::ServerFacts& facts : facts_) facts.known = options_.known;
    for (std::size_t i = 0; i < report_.servers.size(); ++i) {
      const auto& patch = report_.servers[i].layout.patch;
      if (!patch) continue;
      facts_[i].build = patch->version;
      const auto state = exchange::patch_state(*patch, exchange::built_in_builds());
      for (const exchange::CvePatch& cve : state.cves) {
        if (!cve.window) continue;
        const std::string from = exchange::to_string(cve.window->from);
        if (exposed_from_[i].empty() || from < exposed_from_[i]) exposed_from_[i] = from;
      }
    }
    for (const SweptServer& server : report_.servers) layouts_.push_back(server.layout);
    for (Candidate& file : candidates_) file.server = server_of(layouts_, file.path);
    std::ranges::sort(pages_);
  }

  std::size_t slot_of(const Candidate& file) const {
    return file.server.value_or(report_.servers.size());
  }

  // Of any path, be it in an archive.
  std::size_t slot_at(std::string_view path) const {
    return server_of(layouts_, path).value_or(report_.servers.size());
  }

  // Null where there is none, and from its first fault on: a sweep goes on without.
  SweepState* state() const { return report_.state_fault ? nullptr : options_.state; }

  void note_fault(const Result<void>& done) {
    if (!done && !report_.state_fault) report_.state_fault = done.error();
  }

  std::string path_key(const Candidate& file) const {
    return state_key(report_.state_root, file.path);
  }

  // What it was judged by besides the rules: another build, another judgement.
  std::string judged_by(const Candidate& file) const {
    const auto& build = facts_[slot_of(file)].build;
    return build ? exchange::to_string(*build) : "";
  }

  // What is known of it since the last sweep; nothing where it is to be looked at.
  std::optional<Examination> kept_of(const FileKey& key) {
    if (state() == nullptr) return std::nullopt;
    auto kept = state()->find(key);
    if (kept) return *std::move(kept);
    note_fault(Unexpected<Error>(kept.error()));
    return std::nullopt;
  }

  Result<void> examine_all() {
    examinations_.resize(candidates_.size());
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      const std::string path = path_key(candidates_[i]);
      const std::string judged = judged_by(candidates_[i]);
      auto kept = kept_of({path, candidates_[i].metadata, judged});
      if (!kept) {
        open.push_back(i);
        continue;
      }
      examinations_[i] = *std::move(kept);
      ++report_.counts.kept;
    }
    progress_.files = candidates_.size();
    progress_.files_done = report_.counts.kept;
    tell();
    std::vector<Pool::Examiners> sets(std::max(1U, options_.threads));
    for (Pool::Examiners& set : sets) {
      for (const ExaminerFactory* const factory : options_.examiners) {
        set.push_back(POSTERN_TRY(factory->make()));
      }
    }
    Pool pool(std::move(sets), open.size(), [&](std::size_t at, Pool::Examiners& set) {
      return examine(candidates_[open[at]], set);
    });
    while (auto done = pool.next()) {
      take(open[done->index], std::move(done->examined));
      if (stopping()) break;
    }
    return {};
  }

  // On a worker's thread: touches nothing but what does not change.
  Examined examine(const Candidate& file, Pool::Examiners& set) const {
    Examined out;
    const auto opened = root_.open_file(file.path);
    if (!opened) {
      out.not_examined.push_back(
          {file.path, files::reason_of(opened.error()), opened.error().text});
      return out;
    }
    const std::size_t slot = slot_of(file);
    Subject subject{file,
                    facts_[slot],
                    exposed_from_[slot],
                    source_of(*opened),
                    file_extra(opened->descriptor()),
                    {},
                    {}};
    subject.has_page = [this](std::string_view stem) { return has_page(stem); };
    subject.server_at = [this](std::string_view path) -> const exchange::ServerFacts& {
      return facts_[slot_at(path)];
    };
    for (std::size_t i = 0; i < set.size(); ++i) {
      const bool wanted = options_.examiners[i]->wants(file.kind, file.placed, file.metadata.size);
      // Names and streams are the first examiner's to judge, whatever is to be read.
      if (wanted || i == 0) set[i]->examine(subject, out);
    }
    if (const auto changed = opened->changed(); changed && *changed) {
      out.not_examined.push_back(
          {file.path, files::Reason::changed, "written to while it was read"});
    }
    return out;
  }

  void take(std::size_t index, Examined examined) {
    ++report_.counts.examined;
    ++progress_.files_done;
    report_.counts.octets_read += examined.octets_read;
    for (const files::NotExamined& item : examined.not_examined) {
      report_.not_examined.add(item.path, item.reason, item.text);
    }
    keep(candidates_[index], examined);
    examinations_[index] = std::move(examined.examination);
    if (report_.counts.examined % 64 == 0) tell();
  }

  // What could not be looked at is looked at again the next time.
  void keep(const Candidate& file, const Examined& examined) {
    if (state() == nullptr) return;
    const std::string path = path_key(file);
    const std::string judged = judged_by(file);
    const FileKey key{path, file.metadata, judged};
    note_fault(examined.not_examined.empty() ? state()->put(key, examined.examination)
                                             : state()->put_unread(key));
  }

  std::vector<Finding>& findings_at(std::size_t slot) {
    return slot < report_.servers.size() ? report_.servers[slot].findings : report_.findings;
  }

  // A file with facts: on disk, or in an archive.
  struct Told {
    std::string path;
    FileKind kind{};
    files::Time modified;
  };

  void judge_facts(const Told& file, const std::vector<exchange::Detail>& facts,
                   std::vector<std::vector<exchange::ConfigFacts>>& configs) {
    if (facts.empty()) return;
    if (file.kind == FileKind::config) {
      configs[slot_at(file.path)].push_back(config_facts_of(prefix_ + file.path, facts));
    }
    if (file.kind == FileKind::compiled) judge_compiled(file, facts);
  }

  // What needs all files: deleted pages, workarounds, what the build leaves open.
  void judge_together() {
    std::vector<std::vector<exchange::ConfigFacts>> configs(facts_.size());
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      const Candidate& file = candidates_[i];
      Examination& examination = examinations_[i];
      for (Finding& finding : examination.findings) {
        // Of several servers in one archive each has its own.
        const std::size_t slot = slot_at(finding.place.path);
        findings_at(slot).push_back(std::move(finding));
      }
      judge_facts({file.path, file.kind, file.metadata.modified}, examination.facts, configs);
      if (file.kind != FileKind::archive) continue;
      for (const auto& [path, facts] : member_facts_of(examination.facts)) {
        judge_facts({path, kind_of(path), file.metadata.modified}, facts, configs);
      }
    }
    compare_tasks();
    compare_times();
    if (options_.rules != nullptr) tell_stories(*options_.rules, configs);
    for (std::size_t i = 0; i < report_.servers.size(); ++i) {
      SweptServer& server = report_.servers[i];
      server.mitigations = exchange::mitigations_of(configs[i]);
      if (!server.layout.patch) continue;
      server.layout.patch->mitigations = server.mitigations;
      server.patch = exchange::patch_state(*server.layout.patch, exchange::built_in_builds());
      auto open = exchange::exposure_findings(*server.patch, {.path = server.layout.setup});
      std::ranges::move(open, std::back_inserter(server.findings));
    }
  }

  // Each task is kept twice; who hides one takes one of the two away.
  void compare_tasks() {
    std::vector<std::vector<std::pair<std::string, exchange::TaskCache>>> hives(facts_.size());
    std::vector<std::string> files;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      const Candidate& file = candidates_[i];
      if (file.kind == FileKind::task) files.push_back(file.path);
      if (file.kind != FileKind::hive) continue;
      exchange::TaskCache cache = task_cache_of(examinations_[i].facts);
      if (cache.is_there) hives[slot_of(file)].emplace_back(file.path, std::move(cache));
    }
    for (std::size_t i = 0; i < hives.size(); ++i) {
      std::ranges::move(judge_tasks(hives[i], files), std::back_inserter(findings_at(i)));
    }
  }

  // F-07, by the table of files of a volume: what one of its pages is found to be makes its times
  // worse.
  void compare_times() {
    std::map<std::string, const Candidate*> by_path;
    for (const Candidate& file : candidates_) {
      if (file.kind == FileKind::page) by_path.emplace(exchange::lower(file.path), &file);
    }
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (candidates_[i].kind != FileKind::file_table) continue;
      if (candidates_[i].server) report_.servers[*candidates_[i].server].has_file_table = true;
      for (exchange::PageTimes& page : page_times_of(examinations_[i].facts)) {
        const auto known = by_path.find(exchange::lower(page.path));
        const Candidate& of = known == by_path.end() ? candidates_[i] : *known->second;
        if (known != by_path.end()) page.path = of.path;
        auto found = exchange::check_times(page);
        if (!found) continue;
        auto& findings = findings_at(slot_of(of));
        if (is_bad_page(findings, page.path)) {
          found->tier = exchange::Tier::exploited;
          found->confidence = 80;
        }
        findings.push_back(*std::move(found));
      }
    }
  }

  static bool is_bad_page(const std::vector<Finding>& findings, std::string_view path) {
    return std::ranges::any_of(findings, [&](const Finding& other) {
      const bool is_rule = other.rule == "F-01" || other.rule == "F-02" || other.rule == "F-06";
      return is_rule && other.place.path == path && other.confidence >= 50;
    });
  }

  // Logs of a server tell more together than each by itself.
  void tell_stories(const exchange::RuleSet& rules,
                    const std::vector<std::vector<exchange::ConfigFacts>>& configs) {
    std::vector<std::unique_ptr<LogStory>> stories(facts_.size());
    for (auto& story : stories) story = std::make_unique<LogStory>(rules);
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      for (const exchange::Detail& fact : examinations_[i].facts) {
        const auto path = LogStory::path_of(fact);
        if (path) stories[slot_at(*path)]->take(fact);
      }
    }
    for (std::size_t i = 0; i < stories.size(); ++i) {
      const bool is_server = i < report_.servers.size();
      auto& findings = is_server ? report_.servers[i].findings : report_.findings;
      const auto on_disk = [&](std::string_view page) { return page_on_disk(page, configs[i]); };
      std::ranges::move(stories[i]->findings(on_disk), std::back_inserter(findings));
      if (stories[i]->is_traffic_cut()) {
        report_.not_examined.add(is_server ? report_.servers[i].layout.top : "",
                                 files::Reason::too_many,
                                 "the logs together have more addresses or pages than are kept: "
                                 "traffic as a whole is known in part");
      }
      if (!is_server) continue;
      report_.servers[i].coverage = stories[i]->coverage();
      report_.servers[i].logs = stories[i]->logs();
    }
  }

  void judge_compiled(const Told& file, const std::vector<exchange::Detail>& facts) {
    exchange::CompiledPage page;
    for (const exchange::Detail& fact : facts) {
      if (fact.name == kFactPage) page.virtual_path = fact.value;
      if (fact.name == kFactAssembly) page.assembly = fact.value;
    }
    if (page.virtual_path.empty() || has_page(page.virtual_path)) return;
    const std::size_t slot = slot_at(file.path);
    Finding finding = exchange::check_ghost(file.path, page, facts_[slot]);
    finding.at = file.modified.wall();
    findings_at(slot).push_back(std::move(finding));
  }

  // W-04: as a file, or by a handler that needs none.
  exchange::OnDisk page_on_disk(std::string_view page,
                                const std::vector<exchange::ConfigFacts>& configs) const {
    using exchange::OnDisk;
    if (has_page(page)) return OnDisk::there;
    // Services need no file; and of which version a folder was is not said any more.
    if (page.ends_with(".svc") || page.find("/version/") != std::string_view::npos) {
      return OnDisk::unknown;
    }
    const std::string_view name = exchange::file_name_of(page);
    for (const exchange::ConfigFacts& config : configs) {
      const bool is_handled = std::ranges::any_of(config.handled, [&](std::string_view pattern) {
        return pattern.starts_with('*') ? name.ends_with(pattern.substr(1)) : name == pattern;
      });
      if (is_handled) return OnDisk::there;
    }
    if (!web_folders_.could_have(page)) return OnDisk::unknown;
    // Another site may have it at the top of its own root.
    const bool is_at_top = page.rfind('/') == 0;
    const bool is_elsewhere =
        is_at_top && std::ranges::any_of(pages_, [&](const std::string& other) {
          return exchange::file_name_of(other) == name;
        });
    return is_elsewhere ? OnDisk::unknown : OnDisk::missing;
  }

  bool has_page(std::string_view virtual_path) const {
    for (const std::string& place : exchange::places_of_page(virtual_path)) {
      const bool found = std::ranges::any_of(
          pages_, [&](const std::string& page) { return page.ends_with(place); });
      if (found) return true;
    }
    return false;
  }

  files::Root root_;
  const SweepOptions& options_;
  std::string prefix_;
  LayoutMarks marks_;
  WebFolders web_folders_;
  ArchiveSurvey survey_;
  std::vector<ServerLayout> layouts_;
  std::vector<Candidate> candidates_;
  std::vector<Examination> examinations_;
  std::vector<std::string> pages_;            // Of the tree, lower case, with '/' in front.
  std::vector<exchange::ServerFacts> facts_;  // By server; the last for files of none.
  std::vector<std::string> exposed_from_;
  SweepProgress progress_;
  SweepReport report_;
};

}  // namespace

Result<SweepReport> sweep(const std::string& path, const SweepOptions& options) {
  auto root = files::Root::open(path);
  if (root) return Sweep(*std::move(root), options).run("");
  // A single file: its folder is opened, and nothing else in it looked at.
  const std::string folder(files::folder_of(path));
  const std::string name(files::name_of(path));
  auto above = files::Root::open(folder.empty() ? (path.starts_with('/') ? "/" : ".") : folder);
  if (name.empty() || !above || !above->open_file(name)) {
    return Unexpected(std::move(root).error());
  }
  return Sweep(*std::move(above), options).run(name);
}

}  // namespace postern::host
