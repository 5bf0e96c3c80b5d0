#include "feeds/store.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "feeds/digest.h"
#include "feeds/files.h"
#include "policy/rule.h"

namespace postern::feeds {
namespace {

constexpr std::string_view kFirstLine = "postern-feed-copy 1";
constexpr std::uint64_t kMaxMetaOctets = 16 * 1024;
constexpr std::size_t kDigestInName = 16;

// Names become file names: nothing that could lead out of the folder.
Result<void> check_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > policy::ZoneOptions::kMaxNameOctets || name.front() == '.' ||
      !std::all_of(name.begin(), name.end(), fits)) {
    return fail(Errc::invalid_input, "\"" + std::string(name) + "\" is not the name of a feed");
  }
  return {};
}

template <class Number>
Number number_of(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

WallTime time_of(std::string_view text) {
  return WallTime(microseconds(number_of<std::int64_t>(text)));
}

std::string meta_text(const CopyFacts& facts) {
  std::string text(kFirstLine);
  const auto add = [&text](std::string_view key, std::string_view value) {
    text += "\n";
    text += key;
    text += " ";
    text += value;
  };
  add("source", facts.source);
  add("fetched_from", facts.fetched_from);
  add("etag", facts.validators.etag);
  add("last_modified", facts.validators.last_modified);
  add("sha256", facts.sha256);
  add("checked_at_us", std::to_string(facts.checked_at.time_since_epoch().count()));
  add("rules", std::to_string(facts.rules));
  add("added_after", facts.taxii.added_after);
  add("whole_at_us", std::to_string(facts.taxii.whole_at.time_since_epoch().count()));
  return text + "\n";
}

Result<CopyFacts> facts_of(std::string_view text) {
  CopyFacts facts;
  bool is_first = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (is_first && line != kFirstLine) return fail(Errc::corrupt, "not the facts of a copy");
    is_first = false;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, space);
    const std::string value(line.substr(space + 1));
    if (key == "source") facts.source = value;
    if (key == "fetched_from") facts.fetched_from = value;
    if (key == "etag") facts.validators.etag = value;
    if (key == "last_modified") facts.validators.last_modified = value;
    if (key == "sha256") facts.sha256 = value;
    if (key == "rules") facts.rules = number_of<std::uint64_t>(value);
    if (key == "checked_at_us") facts.checked_at = time_of(value);
    if (key == "added_after") facts.taxii.added_after = value;
    if (key == "whole_at_us") facts.taxii.whole_at = time_of(value);
  }
  constexpr std::size_t kSha256Digits = 64;
  const bool is_digest = facts.sha256.size() == kSha256Digits &&
                         facts.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (is_first || !is_digest) return fail(Errc::corrupt, "the facts of a copy are not whole");
  return facts;
}

}  // namespace

std::string CopyStore::meta_path(std::string_view name) const {
  return folder_ + "/" + std::string(name) + ".meta";
}

std::string CopyStore::text_path(std::string_view name, std::string_view sha256) const {
  return folder_ + "/" + std::string(name) + "-" + std::string(sha256.substr(0, kDigestInName)) +
         ".feed";
}

Result<void> CopyStore::make_folder() const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return Unexpected<Error>(system_error("make " + folder_, error.value()));
  return {};
}

Result<CopyFacts> CopyStore::facts(std::string_view name) const {
  POSTERN_CHECK(check_name(name));
  const FileContent meta = POSTERN_TRY(read_file(meta_path(name), kMaxMetaOctets));
  return facts_of(meta.text);
}

Result<CopyFacts> CopyStore::load_facts(std::string_view name, std::string_view source) const {
  CopyFacts facts = POSTERN_TRY(this->facts(name));
  if (facts.source != source) {
    return fail(Errc::not_found, "the copy at hand is from another source");
  }
  return facts;
}

Result<Copy> CopyStore::load(std::string_view name, std::string_view source,
                             std::uint64_t max_octets) const {
  CopyFacts facts = POSTERN_TRY(load_facts(name, source));
  const std::string path = text_path(name, facts.sha256);
  if (!has_text(name, facts.sha256)) return fail(Errc::corrupt, path + " is gone");
  FileMemory file = POSTERN_TRY(read_into_memory(path, max_octets));
  if (POSTERN_TRY(sha256_hex(file.text)) != facts.sha256) {
    return fail(Errc::corrupt, "the last good copy is damaged: " + path);
  }
  return Copy{std::move(facts), std::move(file.text)};
}

bool CopyStore::has_text(std::string_view name, std::string_view sha256) const {
  return stamp_of(text_path(name, sha256)).has_value();
}

void CopyStore::remove_text(std::string_view name, std::string_view sha256) {
  std::error_code ignored;
  std::filesystem::remove(text_path(name, sha256), ignored);
}

Result<void> CopyStore::save(std::string_view name, const CopyFacts& facts,
                             const SharedMemory& text) {
  POSTERN_CHECK(check_name(name));
  POSTERN_CHECK(make_folder());
  POSTERN_CHECK(replace_file(text_path(name, facts.sha256), text));
  POSTERN_CHECK(replace_file(meta_path(name), meta_text(facts)));
  remove_other_texts(name, facts.sha256);
  return {};
}

Result<void> CopyStore::save_facts(std::string_view name, const CopyFacts& facts) {
  POSTERN_CHECK(check_name(name));
  POSTERN_CHECK(make_folder());
  return replace_file(meta_path(name), meta_text(facts));
}

// Texts of this feed that its facts name no more. Failing to remove one is no harm.
void CopyStore::remove_other_texts(std::string_view name, std::string_view sha256) const {
  const std::string kept = std::filesystem::path(text_path(name, sha256)).filename().string();
  const std::string prefix = std::string(name) + "-";
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end;
       at.increment(error)) {
    const std::string file = at->path().filename().string();
    const bool is_ours = file.size() == kept.size() && file.starts_with(prefix) &&
                         file.ends_with(".feed") &&
                         file.find_first_not_of("0123456789abcdef", prefix.size()) ==
                             file.size() - std::string_view(".feed").size();
    std::error_code ignored;
    if (is_ours && file != kept) std::filesystem::remove(at->path(), ignored);
  }
}

std::uint64_t CopyStore::load_generation() const {
  const auto file = read_file(folder_ + "/generation", kMaxMetaOctets);
  return file ? number_of<std::uint64_t>(file->text) : 0;
}

Result<void> CopyStore::save_generation(std::uint64_t number) {
  POSTERN_CHECK(make_folder());
  return replace_file(folder_ + "/generation", std::to_string(number) + "\n");
}

}  // namespace postern::feeds
