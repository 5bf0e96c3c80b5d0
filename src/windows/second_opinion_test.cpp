// Logs as libevtx reads them, where its evtxexport is installed, and real ones where there are.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "windows/evtx_reader.h"
#include "windows/testing/evtx_writer.h"
#include "windows/testing/read_events.h"
#include <nlohmann/json.hpp>

namespace postern::windows {
namespace {

using testing::event_data_template;
using testing::EvtxWriter;
using testing::modern_record;
using testing::ModernEvent;
using testing::nested_value;
using testing::null_value;
using testing::number_value;
using testing::octets_value;
using testing::read_log;
using testing::ReadLog;
using testing::string_value;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string output_of(const std::string& command) {
  std::string output;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::array<char, 4096> piece;
  while (pipe) {
    const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe.get());
    if (count == 0) break;
    output.append(piece.data(), count);
  }
  return output;
}

/// The <Event>s of evtxexport's output, without the spaces it sets between elements.
std::vector<std::string> events_of(const std::string& output) {
  std::vector<std::string> events;
  std::size_t at = 0;
  while ((at = output.find("<Event ", at)) != std::string::npos) {
    const std::size_t end = output.find("</Event>", at) + 8;
    std::string event;
    bool at_line_start = false;
    for (std::size_t i = at; i < end; ++i) {
      if (output[i] == '\n')
        at_line_start = true;
      else if (!at_line_start || output[i] != ' ') {
        at_line_start = false;
        event += output[i];
      }
    }
    events.push_back(event);
    at = end;
  }
  return events;
}

/// What the two are known to say otherwise: libevtx writes times with two more digits and keywords
/// with zeros in front, and leaves out an element whose only value is null and optional.
std::string as_libevtx_writes(std::string xml) {
  const auto replace = [&](const std::string& from, const std::string& to, std::size_t after = 0) {
    const std::size_t at = xml.find(from, after);
    if (at != std::string::npos) xml.replace(at, from.size(), to);
  };
  replace("Z\"", "00Z\"", std::min(xml.find("SystemTime"), xml.size()));
  replace("<Keywords>0x80000000000000<", "<Keywords>0x0080000000000000<");
  replace("<Binary/>", "");
  return xml;
}

std::vector<std::string> libevtx_says(const std::filesystem::path& file) {
  return events_of(output_of("evtxexport -f xml '" + file.string() + "' 2>/dev/null"));
}

bool has_evtxexport() {
  return !output_of("evtxexport -V 2>/dev/null").empty();
}

TEST(SecondOpinion, LibevtxReadsOurLogsAsWeDo) {
  if (!has_evtxexport()) GTEST_SKIP() << "evtxexport is not installed (package libevtx-utils)";
  EvtxWriter writer;
  const auto data = event_data_template(
      0x99, {"Text", "Number", "Guid", "Sid", "Empty", "Binary", "Bool", "Long", "Size"});
  for (std::uint64_t id = 1; id <= 300; ++id) {
    ModernEvent event;
    event.record_id = id;
    event.filetime += id * 12'345'678;
    event.data = nested_value(
        data,
        {string_value("C:\\a & <b> " + std::string(id % 90, 'x')),
         number_value(ValueType::uint32, 0xFFFFFFFF - id),
         octets_value(ValueType::guid, Octets(16, static_cast<std::uint8_t>(id))),
         octets_value(ValueType::sid, {1, 1, 0, 0, 0, 0, 0, 5, 19, 0, 0, 0}), string_value(""),
         octets_value(ValueType::binary, {1, 0xFE}), number_value(ValueType::boolean, id % 2),
         number_value(ValueType::int64, id), number_value(ValueType::size, id)});
    writer.add(modern_record(event));
  }
  writer.add(testing::classic_record(301, {"Set-OabVirtualDirectory", "-Identity 'x'"}));
  const Octets file = writer.finish();
  const auto path = std::filesystem::temp_directory_path() /
                    ("postern_second_opinion_" + std::to_string(getpid()) + ".evtx");
  std::ofstream(path, std::ios::binary) << text_of(file);
  const auto theirs = libevtx_says(path);
  std::filesystem::remove(path);
  const ReadLog ours = read_log(file);
  ASSERT_EQ(ours.events.size(), 301U);
  ASSERT_EQ(theirs.size(), 301U);
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    ASSERT_EQ(as_libevtx_writes(ours.events[i].xml), theirs[i]);
  }
}

/// All logs beneath the folder of third-party data.
std::vector<std::filesystem::path> real_logs() {
  std::vector<std::filesystem::path> logs;
  const char* const folder = std::getenv("POSTERN_SHARED_DATA");
  if (!folder) return logs;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".evtx") logs.push_back(entry.path());
  }
  return logs;
}

TEST(SecondOpinion, RealLogsAreReadAsLibevtxReadsThem) {
  const auto logs = real_logs();
  if (logs.empty()) GTEST_SKIP() << "no event logs beneath $POSTERN_SHARED_DATA";
  if (!has_evtxexport()) GTEST_SKIP() << "evtxexport is not installed (package libevtx-utils)";
  for (const auto& path : logs) {
    SCOPED_TRACE(path);
    const std::string file = read_file(path);
    const ReadLog ours = read_log(octets_of(file));
    EXPECT_TRUE(ours.summary.problems.empty());
    const auto theirs = libevtx_says(path);
    ASSERT_EQ(ours.events.size(), theirs.size());
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      EXPECT_EQ(as_libevtx_writes(ours.events[i].xml), theirs[i]);
    }
  }
}

std::string plain(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

TEST(SecondOpinion, RealLogsSayWhatStandsInTheJsonBeside) {
  std::size_t compared = 0;
  for (const auto& path : real_logs()) {
    auto beside = path;
    beside.replace_extension(".json");
    if (!std::filesystem::exists(beside)) continue;
    SCOPED_TRACE(path);
    const std::string file = read_file(path);
    const ReadLog log = read_log(octets_of(file));
    ASSERT_EQ(log.events.size(), 1U);
    const auto& kept = log.events.front();
    const auto event = nlohmann::json::parse(read_file(beside)).at("Event");
    const auto& system = event.at("System");
    EXPECT_EQ(system.at("EventID"), kept.event.event_id);
    EXPECT_EQ(system.at("EventRecordID"), kept.event.event_record_id);
    EXPECT_EQ(system.at("Channel"), kept.channel);
    EXPECT_EQ(system.at("Computer"), kept.computer);
    EXPECT_EQ(system.at("Provider").at("#attributes").at("Name"), kept.provider);
    EXPECT_EQ(system.at("Security").at("#attributes").at("UserID"), kept.user_sid);
    ASSERT_EQ(event.at("EventData").size(), kept.data.size());
    for (const auto& [name, value] : kept.data) {
      std::string without_braces = value;
      std::erase_if(without_braces, [](char c) { return c == '{' || c == '}'; });
      EXPECT_EQ(plain(event.at("EventData").at(name)), without_braces);
    }
    ++compared;
  }
  if (compared == 0) GTEST_SKIP() << "no event logs with JSON beneath $POSTERN_SHARED_DATA";
}

}  // namespace
}  // namespace postern::windows
