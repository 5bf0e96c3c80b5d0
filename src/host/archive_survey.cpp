#include "host/archive_survey.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "exchange/server_place.h"
#include "files/path.h"
#include "host/file_kinds.h"
#include "host/text_items.h"

namespace postern::host {
namespace {

constexpr std::string_view kFactFolder = "folder";
constexpr std::string_view kFactPage = "page";
constexpr std::string_view kFactMark = "mark";

// A hive of a server is some 100 MB, and a few more stand in an archive of several.
constexpr std::uint64_t kMaxMarkOctets = std::uint64_t{2} << 30;

/// Goes through one archive.
class Surveyor final : public ArchiveVisitor {
 public:
  explicit Surveyor(std::string_view path) : prefix_(fmt::format("{}!/", path)) {}

  bool wants(std::string_view path, std::uint64_t /*size*/) override {
    path_ = prefix_ + std::string(path);
    see_folders(files::folder_of(path_));
    if (host::kind_of(path_) == FileKind::page && room()) {
      told_.facts.push_back({std::string(kFactPage), path_});
    }
    kind_ = LayoutMarks::kind_of(path_);
    return kind_.has_value();
  }

  void visit(ArchivedFile& file) override {
    Octets octets;
    std::string fault;
    while (true) {
      const auto more = file.next();
      if (!more) fault = more.error().text;
      if (!more || more->empty()) break;
      unpacked_ += more->size();
      if (octets.size() + more->size() > max_octets(*kind_) || unpacked_ > kMaxMarkOctets) {
        fault = "too large to be read from an archive";
        break;
      }
      octets.insert(octets.end(), more->begin(), more->end());
    }
    MarkFacts facts = mark_facts(*kind_, octets);
    if (!fault.empty()) facts.fault = fault;
    std::string text;
    append_item(text, path_);
    append_item(text, kept_text(facts));
    told_.facts.push_back({std::string(kFactMark), std::move(text)});
  }

  Examination told() && { return std::move(told_); }

 private:
  bool room() const { return told_.facts.size() < ArchiveSurvey::kMaxPaths; }

  // An archive need not name the folders that its files are in.
  void see_folders(std::string_view folder) {
    while (folder.size() >= prefix_.size() && room()) {
      if (!folders_.emplace(folder).second) return;
      told_.facts.push_back({std::string(kFactFolder), std::string(folder)});
      folder = files::folder_of(folder);
    }
  }

  std::string prefix_, path_;
  std::optional<MarkKind> kind_;
  std::uint64_t unpacked_ = 0;
  std::set<std::string, std::less<>> folders_;
  Examination told_;
};

}  // namespace

bool is_collection(std::string_view placed) {
  const exchange::Zone zone = exchange::server_place(placed).zone;
  return zone == exchange::Zone::other || zone == exchange::Zone::inetpub ||
         zone == exchange::Zone::exchange;
}

Examination ArchiveSurvey::read(const ArchiveSource& source, const std::string& path) {
  Surveyor surveyor(path);
  // Its faults are named by whoever looks at what is in it.
  static_cast<void>(read_archive(source, path, surveyor));
  return std::move(surveyor).told();
}

void ArchiveSurvey::take(const Examination& told) {
  for (const exchange::Detail& fact : told.facts) {
    if (fact.name == kFactFolder) {
      marks_.see(fact.value);
      folders_.emplace(exchange::lower(fact.value), fact.value);
    } else if (fact.name == kFactPage) {
      pages_.push_back(fact.value);
    } else if (fact.name == kFactMark) {
      TextItems items(fact.value);
      const auto path = items.next();
      const auto text = items.next();
      auto facts = text ? mark_facts_from(*text) : std::nullopt;
      if (!facts) continue;
      marks_.see(*path);
      facts_.emplace(*path, *std::move(facts));
    }
  }
}

MarkFacts ArchiveSurvey::facts_of(const std::string& path, MarkKind /*kind*/) const {
  const auto at = facts_.find(path);
  if (at != facts_.end()) return at->second;
  MarkFacts none;
  none.fault = "it is not in the archive";
  return none;
}

std::string ArchiveSurvey::find_folder(std::string_view path) const {
  const auto at = folders_.find(exchange::lower(path));
  return at == folders_.end() ? std::string() : at->second;
}

std::optional<exchange::Day> ArchiveSurvey::came_on_disk(const std::string& /*path*/) const {
  return std::nullopt;
}

}  // namespace postern::host
