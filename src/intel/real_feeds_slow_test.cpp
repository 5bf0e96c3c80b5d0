// Published lists, where the machine has them: the same names from all formats, and the time
// that a million names take. POSTERN_SHARED_DATA names their folder; skipped where it is absent.
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "intel/feed_dump.h"
#include "intel/format.h"

namespace postern::intel {
namespace {

namespace fs = std::filesystem;

fs::path data_folder() {
  if (const char* folder = std::getenv("POSTERN_SHARED_DATA")) return folder;
  return fs::path(POSTERN_SOURCE_DIR).parent_path() / "shared" / "data";
}

// A file, unpacked if it is packed.
std::string read_file(const fs::path& path) {
  std::string text;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  std::vector<char> chunk(1 << 20);
  int got = 0;
  while ((got = gzread(file, chunk.data(), static_cast<unsigned>(chunk.size()))) > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  gzclose(file);
  return text;
}

std::vector<std::string> sorted_names(const FeedContent& feed) {
  std::vector<std::string> names;
  names.reserve(feed.rules.size());
  for (std::size_t i = 0; i < feed.rules.size(); ++i) {
    if (feed.rules.traits_at(i).trigger != policy::Trigger::qname) continue;
    names.emplace_back(text_of(feed.rules.name_at(i)));
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

double cpu_s() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

TEST(RealFeeds, TheSameNamesComeFromAllFormatsOfAList) {
  const fs::path folder = data_folder() / "feeds" / "blocklistproject";
  if (!fs::exists(folder)) GTEST_SKIP() << "no published lists at " << folder;
  const std::pair<const char*, Format> formats[] = {{"domains", Format::domains},
                                                    {"hosts", Format::hosts},
                                                    {"adblock", Format::adblock},
                                                    {"dnsmasq", Format::dnsmasq}};
  for (const char* list : {"ransomware", "scam", "basic"}) {
    std::vector<std::string> first;
    for (const auto& [name, format] : formats) {
      SCOPED_TRACE(fmt::format("{}.{}", list, name));
      fs::path path = folder / fmt::format("{}.{}.txt", list, name);
      if (!fs::exists(path)) path += ".gz";
      const std::string text = read_file(path);
      FeedOptions options;
      options.format = format;
      const auto feed = read_feed(text, options);
      ASSERT_TRUE(feed.has_value()) << feed.error().text;
      EXPECT_EQ(guess_format(text), format);
      const auto names = sorted_names(*feed);
      fmt::print("{}.{}: {} lines, {} rules, {} names, {} skipped{}\n", list, name, feed->lines,
                 feed->rules.size(), names.size(), feed->lines_skipped,
                 feed->skipped.empty() ? "" : ", first: " + feed->skipped[0].text);
      if (first.empty()) first = names;
      EXPECT_TRUE(names == first);
    }
  }
}

// The indicators of the Exchange break-ins of 2021 as STIX, MISP and plain objects: the same names.
TEST(RealFeeds, TheSameIndicatorsComeFromAllKindsOfJson) {
  const fs::path folder = data_folder() / "exchange";
  if (!fs::exists(folder / "unified-iocs.stix21.json")) {
    GTEST_SKIP() << "no published indicators at " << folder;
  }
  const std::tuple<const char*, Format, std::size_t> files[] = {
      {"unified-iocs.stix21.json", Format::stix, 43},
      {"unified-iocs.misp.json", Format::misp, 7},  // The others are not for detection (to_ids).
      {"unified-iocs.json", Format::json, 43}};
  std::vector<std::string> first;
  for (const auto& [name, format, addresses] : files) {
    SCOPED_TRACE(name);
    const std::string text = read_file(folder / name);
    FeedOptions options;
    options.format = format;
    options.json.field = "value";
    const auto feed = read_feed(text, options);
    ASSERT_TRUE(feed.has_value()) << feed.error().text;
    EXPECT_EQ(guess_format(text), format);
    fmt::print("{}: {} lines, {} rules, {} skipped, {} ignored{}\n", name, feed->lines,
               feed->rules.size(), feed->lines_skipped, feed->lines_ignored,
               feed->skipped.empty() ? "" : ", first: " + feed->skipped[0].text);
    EXPECT_EQ(feed->rules.count_of(policy::Trigger::response_ip), addresses);
    const auto names = sorted_names(*feed);
    if (first.empty()) first = names;
    EXPECT_EQ(first.size(), 13U);
    // Plain objects do not say which of their values are names: file names look alike.
    EXPECT_EQ(names == first, format != Format::json);
    EXPECT_TRUE(std::ranges::includes(names, first));
  }
}

TEST(RealFeeds, TrailsOfAddressesAreRead) {
  const fs::path path = data_folder() / "feeds" / "maltrail" / "addresses.csv.gz";
  if (!fs::exists(path)) GTEST_SKIP() << "no published list at " << path;
  std::string text = read_file(path);
  // The first column alone, as the project's own trails are.
  std::string trails;
  for (std::size_t at = text.find('\n') + 1; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    trails.append(line.substr(0, line.find(','))).push_back('\n');
    at = end + 1;
  }
  FeedOptions options;
  options.format = Format::maltrail;
  const auto feed = read_feed(trails, options);
  ASSERT_TRUE(feed.has_value()) << feed.error().text;
  EXPECT_EQ(guess_format(trails), Format::maltrail);
  fmt::print("trails: {} lines, {} rules, {} skipped{}\n", feed->lines, feed->rules.size(),
             feed->lines_skipped, feed->skipped.empty() ? "" : ", first: " + feed->skipped[0].text);
  EXPECT_EQ(feed->rules.size() + feed->lines_skipped, feed->lines);
  EXPECT_LT(feed->lines_skipped * 100, feed->lines);
}

TEST(RealFeeds, AMillionNamesAreReadFromEachFormat) {
  const fs::path path = data_folder() / "feeds" / "maltrail" / "domains.csv.gz";
  if (!fs::exists(path)) GTEST_SKIP() << "no published list at " << path;
  const std::string csv = read_file(path);
  // The first column alone, as the other formats have it.
  std::string domains;
  std::string hosts;
  std::string json = "[";
  std::string stix = R"({"type":"bundle","objects":[)";
  std::string rpz = "$TTL 60\n@ SOA . . 1 1 1 1 1\n";
  std::string garden = rpz;
  for (std::size_t at = csv.find('\n') + 1; at < csv.size();) {
    const std::size_t end = std::min(csv.find('\n', at), csv.size());
    const std::string_view line = std::string_view(csv).substr(at, end - at);
    const std::string_view name = line.substr(0, line.find(','));
    domains.append(name).push_back('\n');
    hosts.append("0.0.0.0 ").append(name).push_back('\n');
    rpz.append(name).append(" CNAME .\n");
    garden.append(name).append(" CNAME *.garden.example.\n");
    json.append(json.size() > 1 ? ",\n" : "").append(fmt::format(R"({{"domain":"{}"}})", name));
    stix.append(stix.back() == '}' ? ",\n" : "")
        .append(R"({"type":"indicator","pattern_type":"stix","pattern":"[domain-name:value = ')")
        .append(name)
        .append(R"(']","valid_from":"2021-03-02T00:00:00.000Z"})");
    at = end + 1;
  }
  const std::pair<Format, const std::string*> texts[] = {
      {Format::csv, &csv},   {Format::domains, &domains}, {Format::hosts, &hosts},
      {Format::rpz, &rpz},   {Format::rpz, &garden},      {Format::maltrail, &domains},
      {Format::json, &json}, {Format::stix, &stix}};
  json.append("]");
  stix.append("]}");
  std::size_t rules = 0;
  for (const auto& [format, text] : texts) {
    SCOPED_TRACE(to_string(format));
    FeedOptions options;
    options.format = format;
    const double begin = cpu_s();
    const auto feed = read_feed(*text, options);
    const double spent = cpu_s() - begin;
    ASSERT_TRUE(feed.has_value()) << feed.error().text;
    fmt::print("{}: {} rules, {} skipped, {:.3f} s CPU, {} MB{}\n", to_string(format),
               feed->rules.size(), feed->lines_skipped, spent,
               feed->rules.memory_octets() / 1'000'000,
               feed->skipped.empty() ? "" : ", first: " + feed->skipped[0].text);
    EXPECT_GT(feed->rules.size(), 1'000'000U);
    if (rules == 0) rules = feed->rules.size();
    EXPECT_EQ(feed->rules.size(), rules);
  }
}

}  // namespace
}  // namespace postern::intel
