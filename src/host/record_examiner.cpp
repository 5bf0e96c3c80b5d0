#include "host/record_examiner.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <span>
#include <unordered_map>

#include <fmt/format.h>

#include "exchange/known_good.h"
#include "exchange/server_place.h"
#include "files/path.h"
#include "host/text_items.h"
#include "windows/filetime.h"
#include "windows/hive.h"
#include "windows/mft.h"

namespace postern::host {
namespace {

constexpr std::uint64_t kMaxHive = 512U << 20;

constexpr std::string_view kFactCache = "task cache";
constexpr std::string_view kFactTask = "cached task";
constexpr std::string_view kWhole = "whole";
constexpr std::string_view kFactTable = "table of files";
constexpr std::string_view kFactTimes = "times of a page";

bool is_software(std::string_view placed) {
  return files::equal_ignoring_case(files::name_of(placed), "SOFTWARE");
}

std::string_view bit(bool value) {
  return value ? "1" : "0";
}

/// The pages of a volume by its table of files, and where they stand.
class FileTable {
 public:
  FileTable(const Subject& subject, Examined& out) : subject_(subject), out_(out) {}

  void run() {
    const std::string& path = subject_.candidate.path;
    auto reader = windows::MftReader::open(
        [this](std::uint64_t offset, std::span<std::uint8_t> into) { return read(offset, into); });
    if (!reader) return note(files::Reason::not_understood, reader.error().text);
    while (const windows::MftEntry* const entry = reader->next()) take(*entry);
    out_.octets_read += subject_.octets.size;
    if (reader->read_error()) {
      note(files::reason_of(*reader->read_error()), reader->read_error()->text);
    }
    if (reader->unread() > 0) {
      note(files::Reason::not_understood, fmt::format("{} of {} records of the table of files",
                                                      reader->unread(), reader->records()));
    }
    if (left_out_ > 0) {
      note(files::Reason::too_many, fmt::format("{} more folders and pages in the table of files "
                                                "than are kept",
                                                left_out_));
    }
    const std::string above(files::folder_of(path));
    for (const Page& page : pages_) tell(above, page);
    out_.examination.facts.push_back({std::string(kFactTable), "read"});
  }

 private:
  struct Folder {
    std::uint64_t parent = 0;
    std::string name;
  };
  struct Page {
    std::uint64_t parent = 0;
    std::string name;
    std::uint64_t created = 0, name_created = 0;  // Ticks.
  };
  static constexpr std::size_t kBlock = 1U << 20;  // Records are small: many are read at once.
  static constexpr int kMaxDepth = 128;
  static constexpr std::uint64_t kTicks = 10'000'000;  // A second.

  Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) {
    const bool is_here = offset >= block_at_ && offset < block_at_ + block_.size();
    if (!is_here) {
      block_.resize(kBlock);
      block_at_ = offset;
      const auto got = subject_.octets.read_at(offset, block_);
      block_.resize(got ? *got : 0);
      if (!got) return Unexpected(got.error());
      if (*got == 0) return 0;
    }
    const std::size_t within = static_cast<std::size_t>(offset - block_at_);
    const std::size_t count = std::min(into.size(), block_.size() - within);
    std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(within), count, into.begin());
    return count;
  }

  void note(files::Reason reason, std::string text) {
    out_.not_examined.push_back({subject_.candidate.path, reason, std::move(text)});
  }

  void take(const windows::MftEntry& entry) {
    if (!entry.in_use) return;
    if (entry.is_folder) {
      if (folders_.size() < RecordExaminers::kMaxFolders) {
        folders_[entry.record] = {entry.parent, entry.name};
      } else {
        ++left_out_;
      }
      return;
    }
    const bool is_page = exchange::is_page_extension(exchange::extension_of(entry.name));
    if (!is_page || !entry.standard) return;
    if (pages_.size() == RecordExaminers::kMaxPages) {
      ++left_out_;
      return;
    }
    pages_.push_back({entry.parent, entry.name, entry.standard->created, entry.of_name.created});
  }

  /// Nothing where a folder on the way is not there, or they lead in a circle.
  std::optional<std::string> path_of(const Page& page) const {
    std::string path = page.name;
    std::uint64_t at = page.parent;
    for (int depth = 0; depth < kMaxDepth; ++depth) {
      if (at == windows::MftEntry::kRoot) return path;
      const auto folder = folders_.find(at);
      if (folder == folders_.end()) return std::nullopt;
      path.insert(0, folder->second.name + '/');
      at = folder->second.parent;
    }
    return std::nullopt;
  }

  void tell(const std::string& above, const Page& page) {
    const auto beneath = path_of(page);
    if (!beneath) return;
    const std::string path = files::joined(above, *beneath);
    if (!exchange::is_web(exchange::server_place(path).zone)) return;
    std::string fact;
    append_item(fact, path);
    for (const std::uint64_t ticks : {page.created, page.name_created}) {
      const WallTime at = windows::wall_time_of_filetime(ticks);
      append_item(fact, std::to_string(at.time_since_epoch().count()));
      append_item(fact, bit(ticks % kTicks == 0));
    }
    out_.examination.facts.push_back({std::string(kFactTimes), std::move(fact)});
  }

  const Subject& subject_;
  Examined& out_;
  Octets block_;
  std::uint64_t block_at_ = 0;
  std::unordered_map<std::uint64_t, Folder> folders_;
  std::vector<Page> pages_;
  std::uint64_t left_out_ = 0;
};

WallTime time_of(std::string_view microseconds_since) {
  std::int64_t count = 0;
  std::from_chars(microseconds_since.data(), microseconds_since.data() + microseconds_since.size(),
                  count);
  return WallTime(microseconds(count));
}

class RecordExaminer final : public Examiner {
 public:
  void examine(const Subject& subject, Examined& out) override {
    if (subject.candidate.kind == FileKind::file_table) {
      FileTable(subject, out).run();
    } else {
      examine_hive(subject, out);
    }
  }

 private:
  static void examine_hive(const Subject& subject, Examined& out) {
    const Candidate& file = subject.candidate;
    if (subject.octets.size > kMaxHive) {
      out.not_examined.push_back({file.path, files::Reason::too_large, "a hive over 512 MiB"});
      return;
    }
    Octets octets(static_cast<std::size_t>(subject.octets.size));
    const auto read = subject.octets.read_at(0, octets);
    if (!read) {
      out.not_examined.push_back({file.path, files::reason_of(read.error()), read.error().text});
      return;
    }
    octets.resize(*read);
    out.octets_read += *read;
    const auto hive = windows::Hive::open(octets);
    if (!hive) {
      out.not_examined.push_back({file.path, files::Reason::not_understood, hive.error().text});
      return;
    }
    tell(exchange::read_task_cache(*hive), out);
  }

  static void tell(const exchange::TaskCache& cache, Examined& out) {
    if (!cache.is_there) return;
    out.examination.facts.push_back(
        {std::string(kFactCache), std::string(cache.is_whole ? kWhole : "cut")});
    for (const exchange::CachedTask& task : cache.tasks) {
      std::string fact;
      append_item(fact, task.name);
      append_item(fact, bit(task.has_descriptor));
      append_item(fact, bit(task.has_definition));
      append_item(fact, std::to_string(task.written.time_since_epoch().count()));
      append_item(fact, std::to_string(task.offset));
      out.examination.facts.push_back({std::string(kFactTask), std::move(fact)});
    }
  }
};

/// "a/Windows/System32" of the hive "a/Windows/System32/config/SOFTWARE".
std::string_view system_folder_of(std::string_view hive) {
  return files::folder_of(files::folder_of(hive));
}

/// "Microsoft\Windows\x" of the file ".../Tasks/Microsoft/Windows/x" of that system; nothing of
/// another one's.
std::optional<std::string> task_name_of(std::string_view path, std::string_view system) {
  const std::string folder = files::joined(system, "Tasks");
  if (path.size() <= folder.size() + 1 || path[folder.size()] != '/') return std::nullopt;
  if (!files::equal_ignoring_case(path.substr(0, folder.size()), folder)) return std::nullopt;
  std::string name(path.substr(folder.size() + 1));
  for (char& c : name) {
    if (c == '/') c = '\\';
  }
  return name;
}

}  // namespace

bool RecordExaminers::wants(FileKind kind, std::string_view placed, std::uint64_t size) const {
  if (size == 0) return false;
  return kind == FileKind::file_table || (kind == FileKind::hive && is_software(placed));
}

Result<std::unique_ptr<Examiner>> RecordExaminers::make() const {
  return std::unique_ptr<Examiner>(std::make_unique<RecordExaminer>());
}

std::vector<exchange::PageTimes> page_times_of(const std::vector<exchange::Detail>& facts) {
  std::vector<exchange::PageTimes> out;
  for (const exchange::Detail& fact : facts) {
    if (fact.name != kFactTimes) continue;
    TextItems items(fact.value);
    const auto path = items.next();
    const auto created = items.next();
    const auto created_is_whole = items.next();
    const auto name_created = items.next();
    const auto name_is_whole = items.next();
    if (!path || !name_is_whole) continue;
    out.push_back({std::string(*path), time_of(*created), time_of(*name_created),
                   *created_is_whole == "1", *name_is_whole == "1"});
  }
  return out;
}

exchange::TaskCache task_cache_of(const std::vector<exchange::Detail>& facts) {
  exchange::TaskCache cache;
  for (const exchange::Detail& fact : facts) {
    if (fact.name == kFactCache) {
      cache.is_there = true;
      cache.is_whole = fact.value == kWhole;
    }
    if (fact.name != kFactTask) continue;
    TextItems items(fact.value);
    const auto name = items.next();
    const auto descriptor = items.next();
    const auto definition = items.next();
    const auto written = items.next();
    const auto offset = items.next_number();
    if (!name || !descriptor || !definition || !written || !offset) continue;
    cache.tasks.push_back(
        {std::string(*name), *descriptor == "1", *definition == "1", time_of(*written), *offset});
  }
  return cache;
}

std::vector<exchange::Finding> judge_tasks(
    const std::vector<std::pair<std::string, exchange::TaskCache>>& hives,
    const std::vector<std::string>& files) {
  std::vector<exchange::Finding> out;
  for (const auto& [hive, cache] : hives) {
    std::vector<exchange::TaskFile> of_system;
    for (const std::string& file : files) {
      if (auto name = task_name_of(file, system_folder_of(hive))) {
        of_system.push_back({*std::move(name), file});
      }
    }
    std::ranges::move(exchange::check_task_cache(cache, hive, of_system), std::back_inserter(out));
  }
  return out;
}

}  // namespace postern::host
