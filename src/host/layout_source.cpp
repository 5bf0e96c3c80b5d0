#include "host/layout_source.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "files/ntfs.h"
#include "host/text_items.h"
#include "windows/hive.h"
#include "windows/pe.h"

namespace postern::host {
namespace {

/// "2021-02-22", and as setup writes it: "02/22/2021", "02.22.2021", "02-22-2021".
std::optional<exchange::Day> setup_day(std::string_view text) {
  if (const auto day = exchange::day_of(text.substr(0, 10))) return day;
  if (text.size() < 10 || text[2] != text[5]) return std::nullopt;
  const std::string turned =
      fmt::format("{}-{}-{}", text.substr(6, 4), text.substr(0, 2), text.substr(3, 2));
  return exchange::day_of(turned);
}

// Microsoft\ExchangeServer\v15\Setup, or v14.
std::optional<SetupKey> setup_key(const windows::Hive& hive) {
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
    out.unified_messaging =
        hive.find(fmt::format("Microsoft\\ExchangeServer\\{}\\UnifiedMessagingRole", version))
            .has_value();
    return out;
  }
  return std::nullopt;
}

std::optional<exchange::BuildVersion> written(std::string_view text) {
  const auto version = exchange::version_of(text);
  return version ? std::optional(version->version) : std::nullopt;
}

}  // namespace

std::optional<exchange::BuildVersion> file_version(OctetView program) {
  const auto read = windows::read_pe(program);
  if (!read || !read->version) return std::nullopt;
  const windows::FileVersion& version = read->version->file;
  return exchange::BuildVersion{{version.major, version.minor, version.build, version.revision}};
}

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

std::uint64_t max_octets(MarkKind kind) {
  return kind == MarkKind::hive ? 512U << 20 : 64U << 20;
}

MarkFacts mark_facts(MarkKind kind, OctetView octets) {
  MarkFacts out;
  switch (kind) {
    case MarkKind::program:
      out.version = file_version(octets);
      if (!out.version) out.fault = "no version is in it";
      break;
    case MarkKind::library: {
      exchange::Sha256 hash{};
      SHA256(octets.data(), octets.size(), hash.data());
      out.hash = hash;
      break;
    }
    case MarkKind::setup_log:
      out.days = setup_days(text_of(octets));
      break;
    case MarkKind::hive: {
      const auto hive = windows::Hive::open(octets);
      if (hive) {
        out.setup = setup_key(*hive);
      } else {
        out.fault = hive.error().text;
      }
      break;
    }
  }
  return out;
}

std::string kept_text(const MarkFacts& facts) {
  std::string out;
  append_item(out, facts.version ? exchange::to_string(*facts.version) : "");
  append_item(out, facts.hash ? exchange::to_string(*facts.hash) : "");
  append_item(out, facts.setup ? "setup" : "");
  append_item(out, facts.setup ? facts.setup->install : "");
  const bool has_version = facts.setup && facts.setup->version;
  append_item(out, has_version ? exchange::to_string(*facts.setup->version) : "");
  append_item(out, facts.setup && facts.setup->unified_messaging ? "UM" : "");
  append_item(out, facts.fault);
  for (const exchange::Day day : facts.days) append_item(out, exchange::to_string(day));
  return out;
}

std::optional<MarkFacts> mark_facts_from(std::string_view text) {
  TextItems items(text);
  const auto version = items.next();
  const auto hash = items.next();
  const auto is_setup = items.next();
  const auto install = items.next();
  const auto setup_version = items.next();
  const auto messaging = items.next();
  const auto fault = items.next();
  if (!fault) return std::nullopt;
  MarkFacts out;
  out.version = written(*version);
  out.hash = exchange::sha256_of(*hash);
  if (!is_setup->empty()) {
    out.setup = SetupKey{std::string(*install), written(*setup_version), !messaging->empty()};
  }
  out.fault = *fault;
  while (const auto day = items.next()) {
    if (const auto read = exchange::day_of(*day)) out.days.push_back(*read);
  }
  return out;
}

MarkFacts DiskLayout::facts_of(const std::string& path, MarkKind kind) const {
  MarkFacts out;
  const auto file = root_.open_file(path);
  if (!file) {
    out.fault = file.error().text;
    return out;
  }
  const auto octets = file->read_whole(max_octets(kind));
  if (!octets) {
    out.fault = octets.error().text;
    return out;
  }
  return mark_facts(kind, *octets);
}

std::string DiskLayout::find_folder(std::string_view path) const {
  const auto found = root_.find(path);
  return found.empty() ? std::string() : found.front();
}

std::optional<exchange::Day> DiskLayout::came_on_disk(const std::string& path) const {
  const auto entry = root_.entry(path);
  if (!entry) return std::nullopt;
  const auto facts = files::ntfs_facts(*entry);
  if (!facts || !facts->times) return std::nullopt;
  return std::chrono::floor<std::chrono::days>(facts->times->created.wall());
}

}  // namespace postern::host
