// Logs as libevtx reads them, where its evtxexport is installed, and real ones where there are.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "windows/evtx_reader.h"
#include "windows/hive.h"
#include "windows/pe.h"
#include "windows/testing/evtx_writer.h"
#include "windows/testing/output_of.h"
#include "windows/testing/read_events.h"
#include <nlohmann/json.hpp>

namespace postern::windows {
namespace {

using testing::event_data_template;
using testing::EvtxWriter;
using testing::modern_record;
using testing::ModernEvent;
using testing::nested_value;
using testing::number_value;
using testing::octets_value;
using testing::output_of;
using testing::read_log;
using testing::ReadLog;
using testing::string_value;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
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

/// Without what the two are known to say otherwise: libevtx writes times with two more digits and
/// hexadecimal numbers with zeros in front, and leaves out an element whose only value is null.
std::string comparable(std::string xml) {
  const auto is_digit = [&](std::size_t at) { return xml[at] >= '0' && xml[at] <= '9'; };
  for (std::size_t at = 10; at < xml.size(); ++at) {
    if (xml[at] != 'Z' || xml[at - 10] != '.') continue;
    if (is_digit(at - 9) && is_digit(at - 1)) xml.erase(at - 2, 2);
  }
  const std::size_t binary = xml.find("<Binary/>");
  if (binary != std::string::npos) xml.erase(binary, 9);
  for (std::size_t at = xml.find(">0x"); at != std::string::npos; at = xml.find(">0x", at + 1)) {
    while (xml[at + 3] == '0' && std::isxdigit(static_cast<unsigned char>(xml[at + 4]))) {
      xml.erase(at + 3, 1);
    }
  }
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
    ASSERT_EQ(comparable(ours.events[i].xml), comparable(theirs[i]));
  }
}

/// A log, a hive and a program by the writers of the synthetic servers, which know nothing of ours.
std::filesystem::path written_by_python() {
  const auto folder =
      std::filesystem::temp_directory_path() / ("postern_by_python_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string source = POSTERN_SOURCE_DIR;
  output_of("cd '" + folder.string() + "' && python3 -B '" + source +
            "/src/windows/testing/write_samples.py' '" + source + "/tests/exchange' 2>&1");
  return folder;
}

TEST(SecondOpinion, WhatOthersWriteIsReadAsTheyMeantIt) {
  const auto folder = written_by_python();
  const std::string file = read_file(folder / "log.evtx");
  const std::string registry = read_file(folder / "SOFTWARE");
  const std::string program = read_file(folder / "ExSetup.exe");
  const auto theirs =
      has_evtxexport() ? libevtx_says(folder / "log.evtx") : std::vector<std::string>{};
  std::filesystem::remove_all(folder);
  if (program.empty()) GTEST_SKIP() << "python3 is not there, or cannot run tests/exchange";

  const ReadLog log = read_log(octets_of(file));
  ASSERT_EQ(log.events.size(), 220U);
  EXPECT_TRUE(log.summary.problems.empty());
  EXPECT_GT(log.summary.chunks, 1U);
  ASSERT_EQ(log.summary.gaps.size(), 1U);
  EXPECT_EQ(log.summary.gaps[0].missing(), 9U);
  EXPECT_EQ(log.events[4].data[0].second, "C:\\yyyy");
  EXPECT_EQ(log.events[4].data[3].second, "2021-03-03T00:00:12.0000000Z");
  EXPECT_EQ(log.events[5].data[1].second, "-FilePath \xC3\xA9xxxxx");
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    ASSERT_EQ(comparable(log.events[i].xml), comparable(theirs[i]));
  }
  const auto hive = Hive::open(octets_of(registry));
  ASSERT_TRUE(hive);
  const auto setup = hive->find("microsoft\\exchangeserver\\v15\\setup");
  ASSERT_TRUE(setup);
  EXPECT_TRUE(hive->value(*setup, "MsiInstallPath")->text().starts_with("D:\\Exchange\\V15"));
  const auto setup_file = read_pe(octets_of(program));
  ASSERT_TRUE(setup_file && setup_file->version);
  EXPECT_EQ(setup_file->version->file, (FileVersion{15, 1, 2176, 2}));
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
    EXPECT_EQ(ours.summary.problems.size(), ours.summary.count(EvtxProblem::dirty));
    const auto theirs = libevtx_says(path);
    ASSERT_EQ(ours.events.size(), theirs.size());
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      EXPECT_EQ(comparable(ours.events[i].xml), comparable(theirs[i]));
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
