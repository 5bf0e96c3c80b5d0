#include "exchange/event_rows.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exchange/rule_examples.h"
#include "exchange/sigma.h"
#include "windows/evtx_reader.h"

namespace postern::exchange {
namespace {

namespace fs = std::filesystem;
using windows::EventField;

windows::Event event_of(std::vector<EventField>& data) {
  windows::Event event;
  event.channel = "MSExchange Management";
  event.provider = "MSExchange CmdletLogs";
  event.event_id = 1;
  event.level = 4;
  event.event_record_id = 77;
  event.offset = 4096;
  event.created = WallTime(std::chrono::seconds(1'614'744'306));
  event.data = data;
  return event;
}

TEST(EventRows, ARowHasTheSystemsValuesAndTheProviders) {
  std::vector<EventField> data = {{"", "Set-OabVirtualDirectory"},
                                  {"", "-ExternalUrl x"},
                                  {"LogFileCleared/SubjectUserName", "admin"},
                                  {"Image", "C:\\x.exe"}};
  EventRows rows;
  const windows::Event event = event_of(data);
  const Row& row = rows.row_of(event);
  EXPECT_EQ(row.source(), Source::event);
  EXPECT_EQ(row.value("Channel"), "MSExchange Management");
  EXPECT_EQ(row.value("Provider_Name"), "MSExchange CmdletLogs");
  EXPECT_EQ(row.value(Common::event_id), "1");
  EXPECT_EQ(row.value("Level"), "4");
  EXPECT_EQ(row.value("Data[0]"), "Set-OabVirtualDirectory");
  EXPECT_EQ(row.value("Data[1]"), "-ExternalUrl x");
  EXPECT_EQ(row.value("SubjectUserName"), "admin");
  EXPECT_EQ(row.value("image"), "C:\\x.exe");
  EXPECT_EQ(row.record, 77U);
  EXPECT_EQ(row.offset, 4096U);
  EXPECT_EQ(row.at(), time_of("2021-03-03T04:05:06Z"));
  const Schema* const schema = row.schema;
  EXPECT_EQ(rows.row_of(event).schema, schema) << "the same names are one schema";
}

TEST(EventRows, NamesWithoutEndAreLostButTheirValuesAreNot) {
  EventRows rows;
  for (std::size_t i = 0; i < EventRows::kMaxSchemas + 5; ++i) {
    const std::string name = fmt::format("n{}", i);
    std::vector<EventField> data = {{name, "value"}};
    const Row& row = rows.row_of(event_of(data));
    if (i < EventRows::kMaxSchemas) {
      ASSERT_EQ(row.value(name), "value");
    } else {
      ASSERT_EQ(row.value("Data[0]"), "value");
    }
  }
  EXPECT_EQ(rows.nameless(), 5U);
}

TEST(EventRows, EventsAreJudged) {
  RuleBook book;
  ASSERT_TRUE(read_rule_pack(built_in_rule_pack(), "rows.rules", book));
  const auto rules = RuleSet::compile(std::move(book));
  ASSERT_TRUE(rules);
  FoundList list;
  const Surroundings surroundings;
  const auto judge = RowJudge::make(*rules, surroundings, list);
  ASSERT_TRUE(judge);
  std::vector<EventField> data = {
      {"", "Set-OabVirtualDirectory"},
      {"", "-ExternalUrl \"http://f/<script runat=\"server\">function Page_Load(){}</script>\""}};
  EventRows rows;
  (*judge)->on_row(rows.row_of(event_of(data)));
  ASSERT_EQ(list.found.size(), 1U);
  EXPECT_EQ(list.found[0].rule, "PL-15");
  EXPECT_EQ(list.found[0].confidence, 97);
  EXPECT_EQ(list.found[0].finding.place.record, 77U);
}

fs::path data_folder() {
  if (const char* folder = std::getenv("POSTERN_SHARED_DATA")) return folder;
  return fs::path(POSTERN_SOURCE_DIR).parent_path() / "shared" / "data";
}

std::string text_of_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(EventRows, APublishedRuleHitsItsPublishedLog) {
  const fs::path folder = data_folder() / "exchange" / "sigma";
  const fs::path log = folder / "69ca12af-119d-44ed-b50f-a47af0ebc364.evtx";
  if (!fs::exists(log))
    GTEST_SKIP() << "SKIPPED: no published log at " << log << ": set POSTERN_SHARED_DATA";
  RuleBook book;
  const std::string rule = text_of_file(folder / "file_event_win_taskmgr_lsass_dump.yml");
  ASSERT_TRUE(read_sigma(rule, "rule", {}, book));
  const auto rules = RuleSet::compile(std::move(book));
  ASSERT_TRUE(rules);
  FoundList list;
  const Surroundings surroundings;
  const auto judge = RowJudge::make(*rules, surroundings, list);
  ASSERT_TRUE(judge);
  const std::string octets = text_of_file(log);
  windows::EvtxReader reader(windows::EvtxReader::source_of(octets_of(octets)));
  EventRows rows;
  std::size_t events = 0;
  while (const windows::Event* const event = reader.next()) {
    ++events;
    (*judge)->on_row(rows.row_of(*event));
  }
  EXPECT_GE(events, 1U);
  ASSERT_EQ(list.found.size(), 1U);
  EXPECT_EQ(list.found[0].finding.place.record, 53968U);
}

}  // namespace
}  // namespace postern::exchange
