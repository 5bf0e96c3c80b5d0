// ArchiveSurvey: which servers' folders were packed into archives, and which pages they have. What
// an archive told is kept by the state: it is unpacked for this once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/archives.h"
#include "host/finding_octets.h"
#include "host/layout_source.h"
#include "host/server_layout.h"

namespace postern::host {

/// Of all archives of a tree. Paths in them are "a.zip!/b/c".
class ArchiveSurvey final : public LayoutSource {
 public:
  /// Pages and folders of one archive that are kept; more are not looked at.
  static constexpr std::size_t kMaxPaths = 200'000;

  /// Reads one: its names, and the few files that tell a server by. What it told, for `take`. An
  /// archive that cannot be read tells what could be read; the examiners name the fault.
  static Examination read(const ArchiveSource& source, const std::string& path);

  /// What `read` told of one.
  void take(const Examination& told);

  const LayoutMarks& marks() const { return marks_; }
  /// As LayoutMarks' paths.
  const std::vector<std::string>& pages() const { return pages_; }

  MarkFacts facts_of(const std::string& path, MarkKind kind) const override;
  std::string find_folder(std::string_view path) const override;
  std::optional<exchange::Day> came_on_disk(const std::string& path) const override;

 private:
  LayoutMarks marks_;
  std::vector<std::string> pages_;
  std::map<std::string, std::string> folders_;  // As Windows compares them: as they are written.
  std::map<std::string, MarkFacts, std::less<>> facts_;
};

/// Archives that are looked into: what somebody collected, not what lies about on a server.
bool is_collection(std::string_view placed);

}  // namespace postern::host
