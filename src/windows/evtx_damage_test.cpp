// What can be read of a log that is damaged, cut, wiped or hostile is read, and what is wrong said.
#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "windows/evtx_chunk.h"
#include "windows/evtx_reader.h"
#include "windows/little_endian.h"
#include "windows/testing/evtx_writer.h"
#include "windows/testing/little_endian_writer.h"
#include "windows/testing/read_events.h"

namespace postern::windows {
namespace {

using testing::element;
using testing::event_data_template;
using testing::EvtxWriter;
using testing::modern_record;
using testing::ModernEvent;
using testing::nested_value;
using testing::number_value;
using testing::octets_value;
using testing::put_octets;
using testing::put_u16;
using testing::put_u32;
using testing::read_log;
using testing::ReadLog;
using testing::set_little;
using testing::string_value;
using testing::TestRecord;
using testing::TestTemplate;
using testing::TestValue;
using testing::value;
using testing::XmlElement;

constexpr std::size_t kPerChunk = 20;
constexpr std::uint64_t kFirstId = 1000;

TestRecord numbered(std::uint64_t id) {
  static const TestTemplate kData = event_data_template(0x99, {"Number", "Text"});
  ModernEvent event;
  event.record_id = id;
  event.filetime += id * 10'000'000;
  event.data = nested_value(
      kData, {number_value(ValueType::uint64, id), string_value("text " + std::to_string(id))});
  return modern_record(event);
}

/// Records from kFirstId on, kPerChunk in each chunk.
Octets log_of_chunks(std::size_t chunks, bool dirty = false) {
  EvtxWriter writer;
  for (std::size_t i = 0; i < chunks * kPerChunk; ++i) {
    writer.add(numbered(kFirstId + i));
    if (i % kPerChunk == kPerChunk - 1) writer.end_chunk();
  }
  return writer.finish(dirty);
}

std::size_t chunk_at(std::size_t index) {
  return kEvtxFileHeaderBlock + index * kEvtxChunk;
}

/// Where the records are, read the simple way.
std::vector<std::size_t> records_of_chunk(const Octets& file, std::size_t chunk) {
  std::vector<std::size_t> records;
  std::size_t at = chunk_at(chunk) + kEvtxChunkHeader;
  while (at + 8 < file.size() && little_u32(&file[at]) == 0x2A2A) {
    records.push_back(at);
    at += little_u32(&file[at + 4]);
  }
  return records;
}

std::set<std::uint64_t> ids_of(const ReadLog& log) {
  const auto ids = log.ids();
  return {ids.begin(), ids.end()};
}

std::set<std::uint64_t> all_ids(std::size_t chunks) {
  std::set<std::uint64_t> ids;
  for (std::size_t i = 0; i < chunks * kPerChunk; ++i) ids.insert(kFirstId + i);
  return ids;
}

std::uint64_t number_in(const testing::KeptEvent& kept) {
  return kept.data.empty() ? 0 : std::stoull(kept.data.front().second);
}

TEST(EvtxDamage, ALogThatWasNotClosedIsReadWhole) {
  Octets file = log_of_chunks(2, true);
  set_little(file, 42, 1, 2);  // Its header knows of one chunk only,
  set_little(file, 124, 0, 4);
  // and the last chunk's header of one record, behind which the others follow.
  const std::size_t second = records_of_chunk(file, 1)[1] - chunk_at(1);
  set_little(file, chunk_at(1) + 48, second, 4);
  const ReadLog log = read_log(file);
  EXPECT_EQ(ids_of(log), all_ids(2));
  EXPECT_EQ(log.summary.count(EvtxProblem::dirty), 1U);
  EXPECT_EQ(log.summary.count(EvtxProblem::file_header_checksum), 1U);
  EXPECT_EQ(log.summary.count(EvtxProblem::chunk_header_checksum), 1U);
  EXPECT_EQ(log.summary.gap_count, 0U);
}

TEST(EvtxDamage, RecordsBehindTheEndThatFollowOnAreInOrder) {
  const Octets chunk = [&] {
    std::vector<TestRecord> records;
    for (std::size_t i = 0; i < 4; ++i) records.push_back(numbered(kFirstId + i));
    return EvtxWriter::chunk_of({records.begin(), records.begin() + 2});
  }();
  const Octets longer = EvtxWriter::chunk_of(
      {numbered(kFirstId), numbered(kFirstId + 1), numbered(kFirstId + 2), numbered(kFirstId + 3)});
  // The header of before the last two were written.
  Octets file = EvtxWriter().finish();
  put_octets(file, OctetView{chunk}.first(kEvtxChunkHeader));
  put_octets(file, OctetView{longer}.subspan(kEvtxChunkHeader));
  const ReadLog log = read_log(file);
  ASSERT_EQ(log.ids(), (std::vector<std::uint64_t>{1000, 1001, 1002, 1003}));
  EXPECT_EQ(log.events[3].event.origin, EventOrigin::in_order);
  EXPECT_EQ(log.summary.carved, 0U);
}

TEST(EvtxDamage, AChunkThatIsFullToItsLastOctetIsReadToThere) {
  const auto chunk_with = [](std::size_t characters) {
    ModernEvent event;
    event.record_id = 2;
    event.data = nested_value(event_data_template(0x98, {"Text"}),
                              {string_value(std::string(characters, 'x'))});
    return std::vector<TestRecord>{numbered(1), modern_record(event)};
  };
  const std::size_t used = little_u32(&EvtxWriter::chunk_of(chunk_with(16))[48]);
  const Octets chunk = EvtxWriter::chunk_of(chunk_with(16 + (kEvtxChunk - used) / 2));
  ASSERT_EQ(little_u32(&chunk[48]), kEvtxChunk);
  Octets file = EvtxWriter().finish();
  put_octets(file, chunk);
  put_octets(file, EvtxWriter::chunk_of({numbered(3)}));
  const ReadLog log = read_log(file);
  EXPECT_EQ(log.ids(), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_TRUE(log.summary.problems.empty());
}

TEST(EvtxDamage, OldRecordsBehindTheEndAreCarved) {
  const Octets old = EvtxWriter::chunk_of({numbered(5), numbered(6), numbered(7), numbered(8)});
  const Octets now = EvtxWriter::chunk_of({numbered(4)});
  const std::size_t end = little_u32(&now[48]);
  Octets chunk = now;
  std::copy(old.begin() + static_cast<std::ptrdiff_t>(end), old.end(),
            chunk.begin() + static_cast<std::ptrdiff_t>(end));
  Octets file = EvtxWriter().finish();
  put_octets(file, chunk);
  const ReadLog log = read_log(file);
  ASSERT_EQ(log.ids(), (std::vector<std::uint64_t>{4, 6, 7, 8}));
  EXPECT_EQ(log.events[0].event.origin, EventOrigin::in_order);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(log.events[i].event.origin, EventOrigin::carved);
    EXPECT_EQ(number_in(log.events[i]), 4 + i + 1);
  }
  EXPECT_EQ(log.summary.carved, 3U);
  EXPECT_EQ(log.summary.gap_count, 0U) << "they are of another log";
  EXPECT_EQ(log.summary.first_written, log.summary.last_written);
  EXPECT_TRUE(log.summary.problems.empty());
}

TEST(EvtxDamage, AWrongChecksumLosesNothing) {
  Octets file = log_of_chunks(3);
  file[chunk_at(0) + 130] ^= 1;                  // A header,
  file[records_of_chunk(file, 1)[3] + 16] ^= 1;  // a record's time,
  file[20] ^= 1;                                 // the file's header.
  const ReadLog log = read_log(file);
  EXPECT_EQ(ids_of(log), all_ids(3));
  EXPECT_EQ(log.summary.carved, kPerChunk) << "of the chunk with a header not to be trusted";
  EXPECT_EQ(log.summary.problems,
            (std::vector<EvtxProblemAt>{{EvtxProblem::file_header_checksum, 0},
                                        {EvtxProblem::chunk_header_checksum, chunk_at(0)},
                                        {EvtxProblem::chunk_records_checksum, chunk_at(1)}}));
}

TEST(EvtxDamage, AFileCutAnywhereGivesEveryRecordBeforeTheCut) {
  const Octets file = log_of_chunks(2);
  std::vector<std::size_t> ends;
  for (std::size_t chunk = 0; chunk < 2; ++chunk) {
    for (const std::size_t at : records_of_chunk(file, chunk)) {
      ends.push_back(at + little_u32(&file[at + 4]));
    }
  }
  for (std::size_t cut = 0; cut < file.size(); cut += 997) {
    SCOPED_TRACE(cut);
    const ReadLog log = read_log(OctetView{file}.first(cut));
    const auto whole = static_cast<std::size_t>(
        std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= cut; }));
    ASSERT_GE(log.events.size(), whole);
    ASSERT_LE(log.events.size(), whole + 1);
    for (std::size_t i = 0; i < whole; ++i) {
      EXPECT_EQ(number_in(log.events[i]), kFirstId + i);
      EXPECT_FALSE(log.events[i].event.incomplete);
    }
    if (log.events.size() > whole) {
      EXPECT_TRUE(log.events.back().event.incomplete);
      EXPECT_EQ(log.events.back().event.record_id, kFirstId + whole);
    }
    const bool within = cut >= chunk_at(0) + kEvtxChunkHeader && (cut - chunk_at(0)) % kEvtxChunk;
    if (within && (cut - chunk_at(0)) % kEvtxChunk >= kEvtxChunkHeader) {
      EXPECT_EQ(log.summary.count(EvtxProblem::cut_chunk), 1U);
    }
  }
}

TEST(EvtxDamage, ARecordThatIsCutGivesWhatIsThereOfIt) {
  const Octets file = log_of_chunks(1);
  const auto records = records_of_chunk(file, 0);
  const ReadLog log = read_log(OctetView{file}.first(records[7] - 30));
  ASSERT_EQ(log.events.size(), 7U);
  const auto& last = log.events.back();
  EXPECT_TRUE(last.event.incomplete);
  EXPECT_EQ(last.event.event_id, 11U);
  EXPECT_EQ(number_in(last), kFirstId + 6);
  EXPECT_TRUE(last.xml.ends_with("</Event>"));
}

TEST(EvtxDamage, ZeroedChunksAreAGapAndAProblem) {
  Octets file = log_of_chunks(4);
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(chunk_at(1)), kEvtxChunk, 0);
  const ReadLog log = read_log(file);
  EXPECT_EQ(log.events.size(), 3 * kPerChunk);
  EXPECT_EQ(log.summary.problems,
            (std::vector<EvtxProblemAt>{{EvtxProblem::zeroed_chunk, chunk_at(1)}}));
  ASSERT_EQ(log.summary.gaps.size(), 1U);
  const RecordGap& gap = log.summary.gaps[0];
  EXPECT_EQ(gap.after, kFirstId + kPerChunk - 1);
  EXPECT_EQ(gap.before, kFirstId + 2 * kPerChunk);
  EXPECT_EQ(gap.missing(), kPerChunk);
  EXPECT_EQ(log.summary.missing_records, kPerChunk);
  EXPECT_EQ(gap.to - gap.from, seconds{kPerChunk + 1});
}

TEST(EvtxDamage, ZerosBehindTheLastChunkAreRoomForMore) {
  Octets file = log_of_chunks(1);
  file.resize(file.size() + 5 * kEvtxChunk);
  EXPECT_TRUE(read_log(file).summary.problems.empty());
  set_little(file, 42, 3, 2);
  const ReadLog log = read_log(file);
  EXPECT_EQ(log.summary.count(EvtxProblem::zeroed_chunk), 2U) << "the header counts three";
}

TEST(EvtxDamage, ChunksOutOfOrderAreNoGap) {
  const Octets file = log_of_chunks(4);
  Octets turned(file.begin(), file.begin() + kEvtxFileHeaderBlock);
  for (const std::size_t chunk : {2UZ, 3UZ, 0UZ, 1UZ}) {
    put_octets(turned, OctetView{file}.subspan(chunk_at(chunk), kEvtxChunk));
  }
  const ReadLog log = read_log(turned);
  EXPECT_EQ(ids_of(log), all_ids(4));
  EXPECT_EQ(log.events.front().event.record_id, kFirstId + 2 * kPerChunk);
  EXPECT_TRUE(log.summary.problems.empty());
  EXPECT_EQ(log.summary.gap_count, 0U);
}

TEST(EvtxDamage, RecordsAreCarvedFromAChunkWithoutHeader) {
  Octets file = log_of_chunks(3);
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(chunk_at(1)), kEvtxChunkHeader, 0xCC);
  const ReadLog log = read_log(file);
  EXPECT_EQ(ids_of(log), all_ids(3));
  EXPECT_EQ(log.summary.carved, kPerChunk);
  EXPECT_EQ(number_in(log.events[kPerChunk + 3]), kFirstId + kPerChunk + 3) << "templates hold";
  EXPECT_EQ(log.summary.problems,
            (std::vector<EvtxProblemAt>{{EvtxProblem::no_chunk_header, chunk_at(1)}}));
  EXPECT_EQ(log.summary.gap_count, 0U);
  EXPECT_EQ(*log.summary.last_written - *log.summary.first_written, seconds{3 * kPerChunk - 1});
}

TEST(EvtxDamage, AFileWithoutItsBeginningIsRead) {
  const Octets file = log_of_chunks(3);
  Octets overwritten = file;
  std::fill_n(overwritten.begin(), kEvtxFileHeaderBlock, 0xEE);
  EXPECT_EQ(ids_of(read_log(overwritten)), all_ids(3));
  // From the first chunk on, from within it, and behind other data.
  EXPECT_EQ(ids_of(read_log(OctetView{file}.subspan(chunk_at(0)))), all_ids(3));
  const ReadLog within = read_log(OctetView{file}.subspan(records_of_chunk(file, 0)[5]));
  EXPECT_EQ(within.events.size(), 3 * kPerChunk - 5);
  EXPECT_EQ(within.summary.count(EvtxProblem::misplaced_chunk), 1U);
  Octets behind(123'457, 0xAB);
  put_octets(behind, file);
  EXPECT_EQ(ids_of(read_log(behind)), all_ids(3));
}

TEST(EvtxDamage, OctetsThatAreMissingWithinAChunkLoseOneRecord) {
  Octets file = log_of_chunks(3);
  const std::size_t at = records_of_chunk(file, 1)[4] + 40;
  file.erase(file.begin() + static_cast<std::ptrdiff_t>(at),
             file.begin() + static_cast<std::ptrdiff_t>(at + 100));
  const ReadLog log = read_log(file);
  EXPECT_EQ(ids_of(log), all_ids(3));
  EXPECT_TRUE(log.events[kPerChunk + 4].event.incomplete);
  EXPECT_EQ(number_in(log.events[2 * kPerChunk]), kFirstId + 2 * kPerChunk) << "the next chunk";
  EXPECT_EQ(log.summary.count(EvtxProblem::misplaced_chunk), 1U);
  EXPECT_EQ(log.summary.count(EvtxProblem::bad_record), 2U) << "there, and before the end it names";
}

TEST(EvtxDamage, ARecordThatIsOverwrittenIsAGapAndTheOthersAreRead) {
  Octets file = log_of_chunks(1);
  const auto records = records_of_chunk(file, 0);
  std::fill(file.begin() + static_cast<std::ptrdiff_t>(records[3]),
            file.begin() + static_cast<std::ptrdiff_t>(records[5]), 0);
  const ReadLog log = read_log(file);
  EXPECT_EQ(log.events.size(), kPerChunk - 2);
  ASSERT_EQ(log.summary.gaps.size(), 1U);
  EXPECT_EQ(log.summary.gaps[0].missing(), 2U);
  EXPECT_EQ(log.summary.problems.back(), (EvtxProblemAt{EvtxProblem::bad_record, records[3]}));
  EXPECT_EQ(log.events[3].event.origin, EventOrigin::carved);
  EXPECT_EQ(log.events[4].event.origin, EventOrigin::in_order);
}

TEST(EvtxDamage, TheLastRecordsWipedWithZerosAreSaid) {
  Octets file = log_of_chunks(1);
  const auto records = records_of_chunk(file, 0);
  std::fill(file.begin() + static_cast<std::ptrdiff_t>(records[15]), file.end(), 0);
  const ReadLog log = read_log(file);
  EXPECT_EQ(log.events.size(), 15U);
  EXPECT_EQ(log.summary.count(EvtxProblem::bad_record), 1U);
  EXPECT_EQ(log.summary.count(EvtxProblem::chunk_records_checksum), 1U);
}

TEST(EvtxDamage, ARecordHiddenInTheOneBeforeIsFound) {
  Octets file = log_of_chunks(1);
  const auto records = records_of_chunk(file, 0);
  // As the tools do it: the record before says that it is as long as both.
  const std::size_t both = records[9] - records[7];
  set_little(file, records[7] + 4, both, 4);
  set_little(file, records[9] - 4, both, 4);
  const ReadLog log = read_log(file);
  EXPECT_EQ(ids_of(log), all_ids(1));
  EXPECT_EQ(log.summary.count(EvtxProblem::hidden_record), 1U);
  EXPECT_EQ(log.events[8].event.record_id, kFirstId + 8);
  EXPECT_EQ(log.events[8].event.origin, EventOrigin::carved);
  EXPECT_EQ(number_in(log.events[8]), kFirstId + 8);
  ASSERT_EQ(log.summary.gaps.size(), 1U) << "it is not in the log all the same";
  EXPECT_EQ(log.summary.gaps[0].missing(), 1U);
}

TEST(EvtxDamage, SizesThatLieAreNotBelieved) {
  for (const std::uint64_t size :
       {0ULL, 8ULL, 27ULL, 29ULL, 65'000ULL, 0x7FFFFFFFULL, 0xFFFFFFFFULL}) {
    SCOPED_TRACE(size);
    Octets file = log_of_chunks(1);
    const auto records = records_of_chunk(file, 0);
    set_little(file, records[6] + 4, size, 4);
    const ReadLog log = read_log(file);
    EXPECT_EQ(ids_of(log), all_ids(1));
    EXPECT_EQ(number_in(log.events[6]), kFirstId + 6) << "it says itself where it ends";
    EXPECT_TRUE(log.events[6].event.incomplete);
    EXPECT_EQ(log.summary.count(EvtxProblem::bad_record), 1U);
  }
}

TEST(EvtxDamage, WithoutItsTemplateARecordGivesItsValues) {
  Octets file = log_of_chunks(1);
  const auto records = records_of_chunk(file, 0);
  // The template's tokens are lost, in the first record; of <EventData> they are whole.
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(records[0] + 24 + 4 + 10 + 24), 40, 0xFF);
  const ReadLog log = read_log(file);
  ASSERT_EQ(log.events.size(), kPerChunk);
  const auto& kept = log.events[5];
  EXPECT_TRUE(kept.event.incomplete);
  EXPECT_TRUE(
      std::count(kept.data.begin(), kept.data.end(),
                 std::pair<std::string, std::string>{"Value14", "Microsoft-Windows-Sysmon"}));
  EXPECT_TRUE(std::count(kept.data.begin(), kept.data.end(),
                         std::pair<std::string, std::string>{"Text", "text 1005"}));
  EXPECT_EQ(log.summary.count(EvtxProblem::bad_xml), kPerChunk);
}

/// A log with one record that holds `data`, and one behind it that is as always.
ReadLog read_hostile(TestValue data) {
  ModernEvent event;
  event.record_id = 1;
  event.data = std::move(data);
  EvtxWriter writer;
  writer.add(modern_record(event));
  writer.add(numbered(2));
  const ReadLog log = read_log(writer.finish());
  EXPECT_EQ(log.events.size(), 2U);
  EXPECT_EQ(log.events.at(0).event.event_id, 11U) << "what stands before is read";
  EXPECT_EQ(number_in(log.events.at(1)), 2U) << "what follows is read";
  return log;
}

TEST(EvtxDamage, ATemplateThatHoldsItselfEnds) {
  // <EventData> whose value 0 is an instance of the same template, with the same octets as value.
  ModernEvent event;
  event.data = nested_value(event_data_template(0x99, {"A", "B"}),
                            {octets_value(ValueType::binxml, Octets(40)), string_value("b")});
  EvtxWriter writer;
  writer.add(modern_record(event));
  writer.add(numbered(2));
  Octets file = writer.finish();
  // The definition is found by its id, and the value by its 40 zeros behind 0F 01 01 00.
  const std::size_t chunk = chunk_at(0);
  const Octets id = {0x0C, 1, 0x99, 0, 0, 0};
  const auto at = std::search(file.begin(), file.end(), id.begin(), id.end());
  ASSERT_NE(at, file.end());
  const std::uint32_t definition = little_u32(&*at + 6);
  Octets self = {0x0F, 1, 1, 0, 0x0C, 1, 0x99, 0, 0, 0};
  put_u32(self, definition);
  put_u32(self, 1);
  put_u16(self, 18);  // The value is what follows: an instance without values, of itself.
  put_u16(self, 0x21);
  put_octets(self, Octets{0x0C, 1, 0x99, 0, 0, 0});
  put_u32(self, definition);
  put_u32(self, 0);
  self.resize(44);
  const std::size_t zeros = [&] {
    const Octets run(40);
    return static_cast<std::size_t>(std::search(at, file.end(), run.begin(), run.end()) -
                                    file.begin());
  }();
  ASSERT_LT(zeros, chunk + kEvtxChunk);
  std::copy_n(self.begin() + 4, 40, file.begin() + static_cast<std::ptrdiff_t>(zeros));
  const ReadLog log = read_log(file);
  ASSERT_EQ(log.events.size(), 2U);
  EXPECT_EQ(number_in(log.events[1]), 2U);
}

TEST(EvtxDamage, ARecordThatGrowsWithoutEndIsCut) {
  // Ten values in each other, each there a hundred times: 10^20 elements.
  std::vector<std::string> names(100, "N");
  TestTemplate hundred = event_data_template(0x500, names);
  for (auto& part : hundred.root.content) part.element->content[0].index = 0;
  TestValue inner = string_value("x");
  for (std::uint32_t i = 0; i < 10; ++i) {
    hundred.id = 0x500 + i;
    inner = nested_value(hundred, {inner});
  }
  const ReadLog log = read_hostile(inner);
  EXPECT_EQ(log.summary.count(EvtxProblem::too_much_work), 1U);
  EXPECT_TRUE(log.events[0].event.incomplete);
  EXPECT_LT(log.events[0].xml.size(), 32U << 20);
}

TEST(EvtxDamage, WhatTheRecordsOfAChunkMayCostTogetherIsBoundedToo) {
  // Each record holds ten thousand elements, which is within its own bound.
  TestTemplate outer = event_data_template(0x500, std::vector<std::string>(100, "N"));
  for (auto& part : outer.root.content) part.element->content[0].index = 0;
  TestTemplate inner = outer;
  inner.id = 0x501;
  EvtxWriter writer;
  for (std::uint64_t id = 1; id <= 70; ++id) {
    ModernEvent event;
    event.record_id = id;
    event.data = nested_value(outer, {nested_value(inner, {string_value("x")})});
    writer.add(modern_record(event));
  }
  const ReadLog log = read_log(writer.finish());
  ASSERT_EQ(log.events.size(), 70U);
  EXPECT_FALSE(log.events[0].event.incomplete);
  EXPECT_EQ(log.summary.chunks, 1U);
  EXPECT_GT(log.summary.count(EvtxProblem::too_much_work), 5U);
  EXPECT_TRUE(log.events[69].event.incomplete);
  EXPECT_EQ(log.events[69].event.record_id, 70U);
}

TEST(EvtxDamage, ElementsDeepWithinEachOtherEnd) {
  XmlElement deep{"D", {}, {}};
  for (int i = 0; i < 500; ++i) deep = {"D", {}, {element(deep)}};
  const ReadLog log = read_hostile(nested_value({0x600, {"UserData", {}, {element(deep)}}}));
  EXPECT_TRUE(log.events[0].event.incomplete);
  EXPECT_EQ(log.summary.count(EvtxProblem::bad_xml), 1U);
  TestValue nested = string_value("x");
  for (int i = 0; i < 60; ++i) nested = nested_value({0, {"D", {}, {}}}, {});
  for (std::uint32_t i = 0; i < 60; ++i) {
    nested = nested_value({0x700 + i, {"D", {}, {value(0)}}}, {nested});
  }
  EXPECT_EQ(read_hostile(nested).summary.count(EvtxProblem::bad_xml), 1U);
}

TEST(EvtxDamage, AValueThatIsNotThereIsNothing) {
  TestTemplate data = event_data_template(0x98, {"A", "B"});
  data.root.content[1].element->content[0].index = 60'000;
  const ReadLog log = read_hostile(nested_value(data, {string_value("a")}));
  EXPECT_EQ(log.events[0].data,
            (std::vector<std::pair<std::string, std::string>>{{"A", "a"}, {"B", ""}}));
  EXPECT_EQ(log.summary.count(EvtxProblem::bad_xml), 1U);
}

TEST(EvtxDamage, ProblemsAndGapsAreCountedBeyondThoseThatAreKept) {
  EvtxWriter writer;
  for (std::uint64_t id = 1; id <= 600; ++id) {
    TestRecord record = numbered(id * 3);
    writer.add(record);
  }
  Octets file = writer.finish();
  const ReadLog gaps = read_log(file);
  EXPECT_EQ(gaps.summary.gap_count, 599U);
  EXPECT_EQ(gaps.summary.missing_records, 599U * 2);
  EXPECT_EQ(gaps.summary.gaps.size(), EvtxSummary::kMaxKept);
  for (std::size_t chunk = 0; chunk_at(chunk) < file.size(); ++chunk) {
    for (const std::size_t at : records_of_chunk(file, chunk)) file[at + 28] = 0xFF;
  }
  const ReadLog broken = read_log(file);
  EXPECT_EQ(broken.events.size(), 600U);
  EXPECT_EQ(broken.summary.count(EvtxProblem::bad_xml), 600U);
  EXPECT_EQ(broken.summary.problems.size(), EvtxSummary::kMaxKept);
}

TEST(EvtxDamage, WhateverIsTurnedAroundInOneChunkTheOthersAreReadAsBefore) {
  const Octets good = log_of_chunks(3);
  const ReadLog whole = read_log(good);
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    Octets file = good;
    for (int i = 0; i < 20; ++i) {
      file[chunk_at(1) + random() % 30'000] = static_cast<std::uint8_t>(random());
    }
    const ReadLog log = read_log(file);
    const auto ids = ids_of(log);
    for (std::size_t i = 0; i < kPerChunk; ++i) {
      ASSERT_TRUE(ids.contains(kFirstId + i));
      ASSERT_TRUE(ids.contains(kFirstId + 2 * kPerChunk + i));
      ASSERT_EQ(log.events[i].xml, whole.events[i].xml);
      ASSERT_EQ(log.events[log.events.size() - 1 - i].xml, whole.events[3 * kPerChunk - 1 - i].xml);
    }
  }
}

}  // namespace
}  // namespace postern::windows
