#include "evidence/selection.h"

#include "files/not_examined.h"
#include "files/path.h"
#include "files/walk.h"

namespace postern::evidence {
namespace {

constexpr std::string_view kInArchive = "!/";

/// The entry that the place is in: itself, unless it is one in an archive.
std::string entry_at(const files::Root& root, const std::string& place) {
  const std::size_t mark = place.find(kInArchive);
  if (mark == std::string::npos || root.entry(place)) return place;
  return place.substr(0, mark);
}

Unexpected<Error> too_many() {
  return fail(Errc::limit_exceeded,
              "more than " + std::to_string(Selection::kMaxPaths) + " entries for one pack");
}

Result<void> add_what_is_beneath(const files::Root& root, const std::string& folder,
                                 Selection& selection) {
  files::NotExaminedList not_examined;
  files::WalkOptions options;
  options.wants_ntfs = false;
  files::Walk walk(root, not_examined, folder, options);
  while (const files::Entry* entry = walk.next()) {
    selection.paths.insert(entry->path);
    if (selection.paths.size() > Selection::kMaxPaths) return too_many();
  }
  for (const files::NotExamined& item : not_examined.named()) {
    // Of links and special files the record says what they are.
    const bool is_in_record =
        item.reason == files::Reason::link || item.reason == files::Reason::special;
    if (!is_in_record) selection.not_listed[item.path] = item.text;
  }
  return {};
}

}  // namespace

Result<Selection> select(const files::Root& root, const std::vector<std::string>& places) {
  Selection selection;
  for (const std::string& place : places) {
    const auto fits = files::check_path(place);
    if (!fits) return Unexpected<Error>(Error(fits.error()).context(place));
    const std::string path = entry_at(root, place);
    const bool is_new = selection.paths.insert(path).second;
    for (std::string_view above = path; !above.empty();) {
      above = files::folder_of(above);
      selection.paths.emplace(above);
    }
    if (selection.paths.size() > Selection::kMaxPaths) return too_many();
    const auto metadata = root.metadata_of(path);
    const bool is_folder = metadata && metadata->kind == files::Kind::folder;
    if (is_folder) POSTERN_CHECK(add_what_is_beneath(root, path, selection));
    if (!metadata && is_new) selection.not_listed[path] = metadata.error().text;
  }
  return selection;
}

}  // namespace postern::evidence
