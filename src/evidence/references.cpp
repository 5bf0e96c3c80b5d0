#include "evidence/references.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "files/not_examined.h"
#include "files/path.h"
#include "files/walk.h"

namespace postern::evidence {
namespace {

constexpr std::string_view kIisFiles[] = {"Windows/System32/inetsrv/config/applicationHost.config",
                                          "Windows/System32/inetsrv/config/administration.config"};
constexpr std::string_view kTasks = "Windows/System32/Tasks";
constexpr std::size_t kMaxLines = 10;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
  return out;
}

/// In lower case; of UTF-16 every other octet goes, which leaves what is ASCII in it.
std::string searchable(OctetView octets) {
  std::string text = lower(text_of(octets));
  std::erase(text, '\0');
  return text;
}

bool is_part_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/// What follows from the file's own name.
void add_what_it_is(std::string_view name, std::vector<std::string>& breaks) {
  if (name == "web.config") {
    breaks.emplace_back(
        "it is a configuration itself: what it sets for this folder and those "
        "beneath is gone; look into it first");
  }
  if (name.ends_with(".dll")) {
    breaks.emplace_back("it is a library: whatever loads it fails");
  }
  if (name == "global.asax") breaks.emplace_back("it starts the application of its folder");
}

}  // namespace

std::vector<std::size_t> lines_naming(std::string_view text, std::string_view name) {
  std::vector<std::size_t> lines;
  std::size_t line = 1;
  std::size_t counted = 0;
  for (std::size_t at = text.find(name); at != std::string_view::npos && !name.empty();
       at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool is_whole = (at == 0 || !is_part_of_a_name(text[at - 1])) &&
                          (end == text.size() || !is_part_of_a_name(text[end]));
    if (!is_whole) continue;
    line += static_cast<std::size_t>(std::ranges::count(text.substr(counted, at - counted), '\n'));
    counted = at;
    if (lines.empty() || lines.back() != line) lines.push_back(line);
    if (lines.size() == kMaxLines) break;
  }
  return lines;
}

void References::read_fixed_places() {
  if (has_read_fixed_places_) return;
  has_read_fixed_places_ = true;
  for (const std::string_view place : kIisFiles) {
    std::ranges::move(root_.find(place), std::back_inserter(fixed_places_));
  }
  for (const std::string& folder : root_.find(kTasks)) {
    files::NotExaminedList not_examined;
    files::WalkOptions options;
    options.wants_ntfs = false;
    options.max_entries = kMaxTasks;
    files::Walk walk(root_, not_examined, folder, options);
    while (const files::Entry* entry = walk.next()) {
      if (entry->metadata.kind == files::Kind::regular) fixed_places_.push_back(entry->path);
    }
  }
}

const std::string* References::text_of_file(const std::string& path) {
  const auto known = texts_.find(path);
  if (known != texts_.end()) return &known->second;
  if (held_octets_ > kMaxAllOctets) return nullptr;
  const auto file = root_.open_file(path);
  const auto octets = file ? file->read_whole(kMaxFileOctets) : Result<Octets>(Octets{});
  std::string text = octets ? searchable(*octets) : std::string();
  held_octets_ += text.size();
  return &texts_.emplace(path, std::move(text)).first->second;
}

std::vector<std::string> References::what_breaks_without(const std::string& path) {
  read_fixed_places();
  std::vector<std::string> places = fixed_places_;
  for (std::string_view folder = files::folder_of(path);; folder = files::folder_of(folder)) {
    std::ranges::move(root_.find(files::joined(folder, "web.config")), std::back_inserter(places));
    if (folder.empty()) break;
  }
  const std::string name = lower(files::name_of(path));
  std::vector<std::string> breaks;
  add_what_it_is(name, breaks);
  for (const std::string& place : places) {
    if (place == path) continue;
    const std::string* text = text_of_file(place);
    if (text == nullptr) {
      breaks.emplace_back("not every configuration was read: there are too many");
      break;
    }
    for (const std::size_t line : lines_naming(*text, name)) {
      breaks.push_back(fmt::format("{}, line {}, names it", place, line));
    }
  }
  return breaks;
}

}  // namespace postern::evidence
