#include "exchange/builds.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/octets.h"

// packs/exchange/builds.csv, put there by postern_embed.
extern "C" {
extern const unsigned char postern_exchange_builds[];
extern const unsigned long postern_exchange_builds_size;
}

namespace postern::exchange {
namespace {

constexpr std::string_view kHeader = "product,cu,build,update,released,alone,fixes";
constexpr std::uint32_t kMaxVersionPart = 99'999;

struct ConditionName {
  Prerequisite condition;
  std::string_view name, text;
};
constexpr std::array kConditions = {
    ConditionName{Prerequisite::none, "", ""},
    ConditionName{Prerequisite::extended_protection, "extended-protection",
                  "Extended Protection must be required on the virtual directories"},
    ConditionName{Prerequisite::schema, "schema", "the directory's schema must be extended"},
    ConditionName{Prerequisite::prepare_all_domains, "prepare-all-domains",
                  "Setup /PrepareAllDomains must have run"},
    ConditionName{Prerequisite::token_cache_off, "token-cache-off",
                  "IIS' TokenCacheModule must be removed, or Windows have its update"},
    ConditionName{Prerequisite::windows_update, "windows-update",
                  "Windows must have its own update of that month"},
    ConditionName{Prerequisite::fip_fs, "fip-fs", "OutsideIn must be off in FIP-FS' configuration"},
    ConditionName{Prerequisite::certificate_signing, "certificate-signing",
                  "signing of serialised PowerShell data must be on"},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const char* const end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, out);
  return code == std::errc() && at == end;
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return out;
}

bool read_fixes(std::string_view text, std::vector<Fix>& out) {
  while (!text.empty()) {
    std::string_view word = take_until(text, ' ');
    const std::string_view cve = take_until(word, '+');
    const auto found = std::ranges::find(kConditions, word, &ConditionName::name);
    if (cve.size() < 8 || found == kConditions.end()) return false;
    out.push_back({std::string(cve), found->condition});
  }
  return true;
}

std::optional<Build> read_row(std::string_view text) {
  std::array<std::string_view, 7> field;
  if (std::ranges::count(text, ',') != 6) return std::nullopt;
  for (std::string_view& part : field) part = take_until(text, ',');
  const auto version = version_of(field[2]);
  const auto released = day_of(field[4]);
  Build row;
  if (field[0].empty() || field[1].empty() || !version || !version->has_revision || !released) {
    return std::nullopt;
  }
  if (!field[5].empty() && field[5] != "yes") return std::nullopt;
  if (!read_fixes(field[6], row.fixes)) return std::nullopt;
  row.product = field[0];
  row.cu = field[1];
  row.update = field[3];
  row.version = version->version;
  row.released = *released;
  row.alone = field[5] == "yes";
  return row;
}

}  // namespace

std::string to_string(Day day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::optional<Day> day_of(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 1;
  if ((text.size() != 7 && text.size() != 10) || text[4] != '-') return std::nullopt;
  if (!read_number(text.substr(0, 4), year) || !read_number(text.substr(5, 2), month)) {
    return std::nullopt;
  }
  if (text.size() == 10 && (text[7] != '-' || !read_number(text.substr(8), day))) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return Day(date);
}

std::string to_string(const BuildVersion& version) {
  return fmt::format("{}", fmt::join(version.part, "."));
}

std::optional<WrittenVersion> version_of(std::string_view text) {
  WrittenVersion out;
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    std::uint32_t number = 0;
    if (count == out.version.part.size() || !read_number(text.substr(at, end - at), number) ||
        number > kMaxVersionPart) {
      return std::nullopt;
    }
    out.version.part[count++] = number;
    at = end;
  }
  if (count < 3) return std::nullopt;
  out.has_revision = count == 4;
  return out;
}

std::string_view to_text(Prerequisite condition) {
  return kConditions.at(static_cast<std::size_t>(condition)).text;
}

Result<BuildTable> BuildTable::read(std::string_view csv) {
  BuildTable table;
  bool header_seen = false;
  for (int line = 1; !csv.empty(); ++line) {
    const std::string_view text = take_until(csv, '\n');
    if (text.empty() || text.front() == '#') continue;
    if (!header_seen) {
      if (text != kHeader) {
        return fail(Errc::invalid_input, fmt::format("line {}: the columns are {}", line, kHeader));
      }
      header_seen = true;
      continue;
    }
    auto row = read_row(text);
    if (!row) return fail(Errc::invalid_input, fmt::format("line {}: is no build", line));
    if (!table.rows_.empty() && row->version <= table.rows_.back().version) {
      return fail(Errc::invalid_input, fmt::format("line {}: rows go by version", line));
    }
    table.rows_.push_back(*std::move(row));
  }
  if (table.rows_.empty()) return fail(Errc::invalid_input, "the table has no rows");
  return table;
}

bool BuildTable::same_release(const BuildVersion& one, const BuildVersion& other) {
  const bool same_line = one.part[0] == other.part[0] && one.part[1] == other.part[1];
  return same_line && (one.part[0] == 14 || one.part[2] == other.part[2]);
}

std::size_t BuildTable::release_of(std::size_t row) const {
  while (row > 0 && same_release(rows_[row - 1].version, rows_[row].version)) --row;
  return row;
}

BuildPlace BuildTable::place(const BuildVersion& version) const {
  using Kind = BuildPlace::Kind;
  const auto above = std::ranges::upper_bound(rows_, version, {}, &Build::version);
  if (above == rows_.begin()) return {Kind::not_exchange, 0};
  const auto row = static_cast<std::size_t>(above - rows_.begin()) - 1;
  const BuildVersion& below = rows_[row].version;
  const bool more = above != rows_.end();
  if (below == version) return {Kind::exact, row};
  if (same_release(below, version)) {
    const bool between = more && same_release(above->version, version);
    return {between ? Kind::between : Kind::newer_update, row};
  }
  // Below the first row that the table has of its release: of that release all the same.
  if (more && same_release(above->version, version)) return {Kind::unknown_release, row + 1};
  if (below.part[0] != version.part[0]) return {Kind::not_exchange, 0};
  if (below.part[1] != version.part[1]) {
    // A line that the table does not have is newer where it is above all, else nobody's.
    return more ? BuildPlace{Kind::not_exchange, 0} : BuildPlace{Kind::newer_release, row};
  }
  const bool last_of_line = !more || above->version.part[1] != version.part[1] ||
                            above->version.part[0] != version.part[0];
  return {last_of_line ? Kind::newer_release : Kind::unknown_release, row};
}

const BuildTable& built_in_builds() {
  static const BuildTable table = [] {
    auto read = BuildTable::read(text_of({postern_exchange_builds, postern_exchange_builds_size}));
    POSTERN_ASSERT(read.has_value());
    return *std::move(read);
  }();
  return table;
}

}  // namespace postern::exchange
