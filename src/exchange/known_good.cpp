#include "exchange/known_good.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

constexpr std::string_view kMagic = "PSTNKNG1";
constexpr std::size_t kHeaderWords = 6;  // Builds, sets, hashes, entries, paths, octets of text.
constexpr std::size_t kHeaderOctets = 8 + 4 * kHeaderWords + 8;
constexpr std::size_t kBuildOctets = 20;

// FNV-1a: against damage, not against forgers; who can write the table can write any.
std::uint64_t checksum(OctetView octets) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const std::uint8_t octet : octets) sum = (sum ^ octet) * 0x100000001b3;
  return sum;
}

void put(Octets& out, std::uint32_t value) {
  std::array<std::uint8_t, 4> word{};
  store_u32(word.data(), value);
  out.insert(out.end(), word.begin(), word.end());
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return out;
}

std::string_view take_line(std::string_view& text) {
  std::string_view line = take_until(text, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool read_u32(std::string_view text, std::uint32_t& out) {
  const char* const end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, out);
  return code == std::errc() && at == end;
}

// "15.1.2176" and "15.1.2176.9", and nothing else.
bool is_version(std::string_view part) {
  if (part.empty() || part.front() == '.' || part.back() == '.') return false;
  if (std::ranges::any_of(part, [](char c) { return c != '.' && (c < '0' || c > '9'); })) {
    return false;
  }
  return std::ranges::count(part, '.') >= 2;
}

// Paths are in the order of their names, so that a name is found by halving.
bool path_less(std::string_view one, std::string_view other) {
  const int names = file_name_of(one).compare(file_name_of(other));
  return names != 0 ? names < 0 : one < other;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view file_name_of(std::string_view path) {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

bool is_page_extension(std::string_view extension) {
  static constexpr std::array kPages = std::to_array<std::string_view>(
      {"aspx", "ashx",   "asmx",   "asp",  "asax",   "ascx",  "asa",  "cer",
       "cdx",  "cshtml", "vbhtml", "soap", "svc",    "shtml", "shtm", "stm",
       "php",  "jsp",    "jspx",   "cfm",  "master", "rem",   "axd"});
  return std::ranges::find(kPages, lower(extension)) != kPages.end();
}

std::optional<Sha256> sha256_of(std::string_view text) {
  Sha256 out{};
  if (text.size() != 2 * out.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

std::string to_string(const Sha256& hash) {
  return fmt::format("{:02x}", fmt::join(hash, ""));
}

std::string normal_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  while (!path.empty()) {
    const std::size_t end = std::min(path.find_first_of("/\\"), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    // A file may be called 1.2.3; only folders are versions.
    out += !path.empty() && is_version(part) ? std::string("version") : lower(part);
  }
  return out;
}

Result<KnownGood> KnownGood::open(OctetView octets) {
  const auto damaged = [](std::string_view what) {
    return fail(Errc::corrupt, fmt::format("table of known files: {}", what));
  };
  ByteReader reader(octets);
  if (text_of(reader.take(kMagic.size())) != kMagic) return damaged("is none");
  std::array<std::size_t, kHeaderWords> count{};
  for (std::size_t& number : count) number = reader.u32();
  const std::uint64_t sum = (std::uint64_t{reader.u32()} << 32) | reader.u32();
  if (!reader.ok()) return damaged("is cut");
  KnownGood table;
  table.octets_ = octets;
  table.set_count_ = count[1];
  table.hash_count_ = count[2];
  table.entry_count_ = count[3];
  table.path_count_ = count[4];
  if (count[0] > KnownGoodBuilder::kMaxBuilds) return damaged("has too many builds");
  table.set_octets_ = (count[0] + 7) / 8;
  // All counts are below 2^32 and none is multiplied by more than 512: no sum can wrap.
  table.sets_ = kHeaderOctets + count[0] * kBuildOctets;
  table.hashes_ = table.sets_ + table.set_count_ * table.set_octets_;
  table.first_entry_ = table.hashes_ + table.hash_count_ * 32;
  table.entries_ = table.first_entry_ + 4 * (table.hash_count_ + 1);
  table.path_offsets_ = table.entries_ + 8 * table.entry_count_;
  table.text_ = table.path_offsets_ + 4 * (table.path_count_ + 1);
  if (octets.size() != table.text_ + count[5]) return damaged("has another size than it says");
  if (checksum(octets.subspan(kHeaderOctets)) != sum) return damaged("has a wrong checksum");

  for (std::size_t i = 0; i < count[0]; ++i) {
    BuildEntry build;
    for (std::uint32_t& part : build.version.part) part = reader.u32();
    build.has_front_end = reader.u32() != 0;
    table.builds_.push_back(build);
  }
  const auto rises_to = [&](std::size_t section, std::size_t steps, std::size_t end) {
    if (table.word(section, 0) != 0 || table.word(section, steps) != end) return false;
    for (std::size_t i = 0; i < steps; ++i) {
      if (table.word(section, i) > table.word(section, i + 1)) return false;
    }
    return true;
  };
  if (!rises_to(table.first_entry_, table.hash_count_, table.entry_count_) ||
      !rises_to(table.path_offsets_, table.path_count_, count[5])) {
    return damaged("has entries out of order");
  }
  for (std::size_t i = 0; i < table.entry_count_; ++i) {
    if (table.word(table.entries_, 2 * i) >= table.path_count_ ||
        table.word(table.entries_, 2 * i + 1) >= table.set_count_) {
      return damaged("has an entry that points nowhere");
    }
  }
  for (std::size_t i = 0; i < table.path_count_; ++i) {
    const std::string_view name = file_name_of(table.path(i));
    if (!is_page_extension(extension_of(name))) continue;
    if (table.page_names_.empty() || table.page_names_.back() != name) {
      table.page_names_.push_back(name);
    }
  }
  return table;
}

std::string_view KnownGood::path(std::size_t at) const {
  const std::size_t begin = word(path_offsets_, at);
  return text_of(octets_.subspan(text_ + begin, word(path_offsets_, at + 1) - begin));
}

std::optional<std::size_t> KnownGood::index_of(const Sha256& hash) const {
  std::size_t low = 0;
  std::size_t high = hash_count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const int order = std::memcmp(&octets_[hashes_ + 32 * middle], hash.data(), 32);
    if (order == 0) return middle;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::nullopt;
}

std::vector<KnownGood::Match> KnownGood::find(const Sha256& hash) const {
  std::vector<Match> out;
  const auto index = index_of(hash);
  if (!index) return out;
  for (std::size_t i = word(first_entry_, *index); i < word(first_entry_, *index + 1); ++i) {
    Match match;
    match.path = path(word(entries_, 2 * i));
    const std::size_t set = sets_ + word(entries_, 2 * i + 1) * set_octets_;
    for (std::size_t build = 0; build < builds_.size(); ++build) {
      if ((octets_[set + build / 8] >> (build % 8) & 1) != 0) {
        match.builds.push_back(builds_[build].version);
      }
    }
    out.push_back(std::move(match));
  }
  return out;
}

bool KnownGood::has_name(std::string_view file_name) const {
  const std::string name = lower(file_name);
  std::size_t low = 0;
  std::size_t high = path_count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (file_name_of(path(middle)) < name) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < path_count_ && file_name_of(path(low)) == name;
}

bool KnownGood::has_path(std::string_view wanted) const {
  const auto has = [&](std::string_view text) {
    std::size_t low = 0;
    std::size_t high = path_count_;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (path_less(path(middle), text)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < path_count_ && path(low) == text;
  };
  if (has(wanted)) return true;
  constexpr std::string_view kClientAccess = "clientaccess/";
  return wanted.starts_with(kClientAccess) && has(wanted.substr(kClientAccess.size()));
}

bool KnownGood::covers(const BuildVersion& build, bool front_end) const {
  const auto found = std::ranges::find(builds_, build, &BuildEntry::version);
  return found != builds_.end() && (!front_end || found->has_front_end);
}

Result<void> KnownGoodBuilder::add_builds(std::string_view csv) {
  int line = 1;
  if (take_line(csv) != "build_idx,build") {
    return fail(Errc::invalid_input, "line 1: the columns are build_idx,build");
  }
  while (!csv.empty()) {
    ++line;
    std::string_view text = take_line(csv);
    if (text.empty()) continue;
    std::uint32_t number = 0;
    const bool is_number = read_u32(take_until(text, ','), number);
    const auto version = version_of(text);
    if (!is_number || !version || !version->has_revision ||
        !builds_.emplace(number, version->version).second) {
      return fail(Errc::invalid_input, fmt::format("line {}: is no build", line));
    }
    if (builds_.size() > kMaxBuilds) {
      return fail(Errc::limit_exceeded, fmt::format("over {} builds", kMaxBuilds));
    }
  }
  return {};
}

Result<void> KnownGoodBuilder::add_files(std::string_view csv) {
  if (take_line(csv) != "sha256,path,build_idx") {
    return fail(Errc::invalid_input, "line 1: the columns are sha256,path,build_idx");
  }
  while (!csv.empty()) {
    const std::string_view line = take_line(csv);
    if (line.empty()) continue;
    if (!add_file(line)) ++skipped_;
    if (files_.size() > kMaxFiles) {
      return fail(Errc::limit_exceeded, fmt::format("over {} files", kMaxFiles));
    }
  }
  return {};
}

bool KnownGoodBuilder::add_file(std::string_view line) {
  const auto hash = sha256_of(take_until(line, ','));
  // A path may hold a comma, numbers of builds do not.
  const std::size_t comma = line.rfind(',');
  if (!hash || comma == std::string_view::npos) return false;
  const std::string path = normal_path(line.substr(0, comma));
  const auto set = set_of(line.substr(comma + 1));
  if (path.empty() || !set) return false;
  const auto next = static_cast<std::uint32_t>(paths_.size());
  const auto [at, is_new] = paths_.emplace(path, next);
  files_.push_back({*hash, at->second, *set});
  return true;
}

std::optional<std::uint32_t> KnownGoodBuilder::set_of(std::string_view text) {
  const auto next = static_cast<std::uint32_t>(sets_.size());
  if (const auto known = sets_.find(std::string(text)); known != sets_.end()) return known->second;
  std::string_view numbers = text;
  if (numbers.empty()) return std::nullopt;
  while (!numbers.empty()) {
    std::uint32_t number = 0;
    if (!read_u32(take_until(numbers, ' '), number) || !builds_.contains(number)) {
      return std::nullopt;
    }
  }
  return sets_.emplace(text, next).first->second;
}

// The sets of builds as bits, each build's at its rank.
Octets KnownGoodBuilder::packed_sets() const {
  std::map<std::uint32_t, std::uint32_t> rank;  // A build's number to its bit.
  for (const auto& [number, version] : builds_) {
    rank.emplace(number, static_cast<std::uint32_t>(rank.size()));
  }
  const std::size_t set_octets = (builds_.size() + 7) / 8;
  Octets sets(sets_.size() * set_octets);
  for (const auto& [text, index] : sets_) {
    std::string_view numbers = text;
    while (!numbers.empty()) {
      std::uint32_t number = 0;
      read_u32(take_until(numbers, ' '), number);
      const std::uint32_t bit = rank.at(number);
      sets[index * set_octets + bit / 8] |= static_cast<std::uint8_t>(1U << (bit % 8));
    }
  }
  return sets;
}

Result<Octets> KnownGoodBuilder::finish() {
  if (builds_.empty() || files_.empty()) return fail(Errc::invalid_input, "no builds, or no files");
  // Paths in their order, and the numbers they had.
  std::vector<std::pair<std::string_view, std::uint32_t>> paths(paths_.begin(), paths_.end());
  std::ranges::sort(paths,
                    [](const auto& a, const auto& b) { return path_less(a.first, b.first); });
  std::vector<std::uint32_t> place(paths.size());
  std::size_t text_octets = 0;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    place[paths[i].second] = static_cast<std::uint32_t>(i);
    text_octets += paths[i].first.size();
  }
  for (File& file : files_) file.path = place[file.path];
  std::ranges::sort(files_);
  files_.erase(std::unique(files_.begin(), files_.end()), files_.end());

  const std::size_t set_octets = (builds_.size() + 7) / 8;
  const Octets sets = packed_sets();
  std::vector<bool> front_end(builds_.size());
  for (const File& file : files_) {
    if (!paths[file.path].first.starts_with("frontend/httpproxy/")) continue;
    for (std::size_t bit = 0; bit < builds_.size(); ++bit) {
      if ((sets[file.set * set_octets + bit / 8] >> (bit % 8) & 1) != 0) front_end[bit] = true;
    }
  }

  Octets body;
  std::size_t bit = 0;
  for (const auto& [number, version] : builds_) {
    for (const std::uint32_t part : version.part) put(body, part);
    put(body, front_end[bit++] ? 1 : 0);
  }
  body.insert(body.end(), sets.begin(), sets.end());
  std::vector<std::uint32_t> first;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (i > 0 && files_[i].hash == files_[i - 1].hash) continue;
    first.push_back(static_cast<std::uint32_t>(i));
    body.insert(body.end(), files_[i].hash.begin(), files_[i].hash.end());
  }
  for (const std::uint32_t at : first) put(body, at);
  put(body, static_cast<std::uint32_t>(files_.size()));
  for (const File& file : files_) {
    put(body, file.path);
    put(body, file.set);
  }
  std::uint32_t offset = 0;
  for (const auto& entry : paths) {
    put(body, offset);
    offset += static_cast<std::uint32_t>(entry.first.size());
  }
  put(body, offset);
  for (const auto& entry : paths) body.insert(body.end(), entry.first.begin(), entry.first.end());

  Octets out(octets_of(kMagic).begin(), octets_of(kMagic).end());
  for (const std::size_t number :
       {builds_.size(), sets_.size(), first.size(), files_.size(), paths.size(), text_octets}) {
    put(out, static_cast<std::uint32_t>(number));
  }
  const std::uint64_t sum = checksum(body);
  put(out, static_cast<std::uint32_t>(sum >> 32));
  put(out, static_cast<std::uint32_t>(sum));
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

}  // namespace postern::exchange
