#include "windows/evtx_reader.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "windows/testing/evtx_writer.h"
#include "windows/testing/little_endian_writer.h"
#include "windows/testing/read_events.h"

namespace postern::windows {
namespace {

using testing::array_value;
using testing::classic_record;
using testing::element;
using testing::event_data_template;
using testing::EvtxWriter;
using testing::KeptEvent;
using testing::modern_record;
using testing::ModernEvent;
using testing::nested_value;
using testing::null_value;
using testing::number_value;
using testing::octets_value;
using testing::optional;
using testing::put_u16;
using testing::put_u32;
using testing::read_log;
using testing::ReadLog;
using testing::string_value;
using testing::TestRecord;
using testing::TestTemplate;
using testing::TestValue;
using testing::text;
using testing::utf16;
using testing::value;
using testing::XmlElement;
using testing::XmlPart;
using Fields = std::vector<std::pair<std::string, std::string>>;

TestRecord record_with(TestValue data) {
  ModernEvent event;
  event.data = std::move(data);
  return modern_record(event);
}

/// A record whose <Event> holds `inner` and nothing else, by a template with these values.
TestRecord record_of(XmlElement inner, std::vector<TestValue> values) {
  XmlElement event{"Event", {}, {element(std::move(inner))}};
  return {1, ModernEvent::kFiletime,
          std::make_shared<TestTemplate>(TestTemplate{0x77, std::move(event)}), std::move(values)};
}

ReadLog read_one(const TestRecord& record) {
  EvtxWriter writer;
  writer.add(record);
  return read_log(writer.finish());
}

Fields fields_of(const TestRecord& record) {
  const ReadLog log = read_one(record);
  EXPECT_EQ(log.events.size(), 1U);
  EXPECT_TRUE(log.summary.problems.empty());
  return log.events.empty() ? Fields{} : log.events.front().data;
}

std::string xml_of(const TestRecord& record) {
  const ReadLog log = read_one(record);
  return log.events.empty() ? "" : log.events.front().xml;
}

TEST(EvtxReader, SystemIsReadIntoTheEventAndDataIntoFields) {
  const auto log = read_one(record_with(
      nested_value(event_data_template(0x99, {"Image", "ProcessId"}),
                   {string_value("C:\\x.exe"), number_value(ValueType::uint32, 2956)})));
  ASSERT_EQ(log.events.size(), 1U);
  const KeptEvent& kept = log.events.front();
  EXPECT_EQ(kept.provider, "Microsoft-Windows-Sysmon");
  EXPECT_EQ(kept.channel, "Microsoft-Windows-Sysmon/Operational");
  EXPECT_EQ(kept.computer, "ex01.example.test");
  EXPECT_EQ(kept.user_sid, "S-1-5-18");
  EXPECT_EQ(kept.event.event_id, 11U);
  EXPECT_EQ(kept.event.version, 2U);
  EXPECT_EQ(kept.event.level, 4U);
  EXPECT_EQ(kept.event.task, 11U);
  EXPECT_EQ(kept.event.keywords, 0x8000000000000000U);
  EXPECT_EQ(kept.event.process_id, 3308U);
  EXPECT_EQ(kept.event.thread_id, 4008U);
  EXPECT_EQ(kept.event.record_id, 1U);
  EXPECT_EQ(kept.event.event_record_id, 1U);
  EXPECT_EQ(kept.event.offset, 4608U);
  EXPECT_EQ(kept.event.origin, EventOrigin::in_order);
  EXPECT_FALSE(kept.event.incomplete);
  // 2021-03-03T00:00:12.3456789Z, cut to microseconds.
  EXPECT_EQ(kept.event.written, WallTime{microseconds{1'614'729'612'345'678}});
  EXPECT_EQ(kept.event.created, kept.event.written);
  EXPECT_EQ(kept.data, (Fields{{"Image", "C:\\x.exe"}, {"ProcessId", "2956"}}));
  EXPECT_TRUE(log.summary.problems.empty());
  EXPECT_EQ(log.summary.records, 1U);
  EXPECT_EQ(log.summary.chunks, 1U);
  EXPECT_FALSE(log.summary.exported);
}

TEST(EvtxReader, TheXmlIsWhatWindowsShows) {
  EXPECT_EQ(
      xml_of(record_with(nested_value(event_data_template(0x99, {"Image"}),
                                      {string_value("a&b<c>\"d\"\r\n\x01")}))),
      "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System>"
      "<Provider Name=\"Microsoft-Windows-Sysmon\" "
      "Guid=\"{5A5A5A5A-5A5A-5A5A-5A5A-5A5A5A5A5A5A}\"/>"
      "<EventID>11</EventID><Version>2</Version><Level>4</Level><Task>11</Task><Opcode>0</Opcode>"
      "<Keywords>0x8000000000000000</Keywords><TimeCreated "
      "SystemTime=\"2021-03-03T00:00:12.3456789Z\"/>"
      "<EventRecordID>1</EventRecordID><Correlation/>"
      "<Execution ProcessID=\"3308\" ThreadID=\"4008\"/>"
      "<Channel>Microsoft-Windows-Sysmon/Operational</Channel>"
      "<Computer>ex01.example.test</Computer><Security UserID=\"S-1-5-18\"/></System>"
      "<EventData><Data Name=\"Image\">a&amp;b&lt;c&gt;\"d\"&#13;\n\xEF\xBF\xBD</Data>"
      "</EventData></Event>");
}

TEST(EvtxReader, AnArrayIsAnElementForEachItem) {
  const TestRecord record = classic_record(7, {"Set-OabVirtualDirectory", "", "-Identity 'x'"});
  EXPECT_EQ(
      fields_of(record),
      (Fields{{"", "Set-OabVirtualDirectory"}, {"", ""}, {"", "-Identity 'x'"}, {"Binary", ""}}));
  EXPECT_TRUE(xml_of(record).ends_with(
      "<EventData><Data>Set-OabVirtualDirectory</Data><Data/><Data>-Identity 'x'</Data>"
      "<Binary/></EventData></Event>"));
}

TEST(EvtxReader, ClassicEventsHaveQualifiersAndUnnamedFields) {
  EvtxWriter writer;
  writer.add(classic_record(7, {"one", "two"}));
  const Octets file = writer.finish();
  EvtxReader reader(EvtxReader::source_of(file));
  const Event* event = reader.next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->provider, "MSExchange Management");
  EXPECT_EQ(event->event_id, 1U);
  EXPECT_EQ(event->qualifiers, 0x4004U);
  EXPECT_EQ(event->keywords, 0x80000000000000U);
  ASSERT_TRUE(event->unnamed(1));
  EXPECT_EQ(*event->unnamed(1), "two");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.xml(), "");
}

TEST(EvtxReader, ANamedArrayKeepsItsNameForEachItem) {
  Octets numbers;
  put_u32(numbers, 5);
  put_u32(numbers, 6);
  const auto record = record_with(
      nested_value(event_data_template(0x99, {"N", "M"}),
                   {array_value(ValueType::uint32, numbers), number_value(ValueType::uint8, 1)}));
  EXPECT_EQ(fields_of(record), (Fields{{"N", "5"}, {"N", "6"}, {"M", "1"}}));
}

TEST(EvtxReader, ElementsOfUserDataAreNamedByTheirPath) {
  XmlElement cleared{"LogFileCleared", {{"xmlns", {text("http://x")}}, {"Kind", {text("k")}}}, {}};
  cleared.content = {element({"SubjectUserName", {}, {value(0)}}), element({"Empty", {}, {}}),
                     element({"Inner", {{"at", {value(1)}}}, {element({"Deep", {}, {value(2)}})}})};
  const auto record = record_of({"UserData", {}, {element(cleared)}},
                                {string_value("eve"), string_value("here"), string_value("down")});
  EXPECT_EQ(fields_of(record), (Fields{{"LogFileCleared/@Kind", "k"},
                                       {"LogFileCleared/SubjectUserName", "eve"},
                                       {"LogFileCleared/Empty", ""},
                                       {"LogFileCleared/Inner/@at", "here"},
                                       {"LogFileCleared/Inner/Deep", "down"}}));
}

TEST(EvtxReader, WhatStandsBesideTheDataHasItsElementInFront) {
  const auto record = record_of(
      {"RenderingInfo", {{"Culture", {text("en-US")}}}, {element({"Message", {}, {value(0)}})}},
      {string_value("shown")});
  EXPECT_EQ(fields_of(record),
            (Fields{{"RenderingInfo/@Culture", "en-US"}, {"RenderingInfo/Message", "shown"}}));
}

TEST(EvtxReader, TextOfSeveralPiecesIsPutTogether) {
  const XmlPart entity{.kind = XmlPart::Kind::entity, .text = "lt"};
  const XmlPart cdata{.kind = XmlPart::Kind::cdata, .text = "<raw>"};
  const XmlPart character{.kind = XmlPart::Kind::character, .text = "&"};
  const auto record = record_of({"EventData",
                                 {},
                                 {element({"Data",
                                           {{"Name", {text("N"), value(0), text("\"")}}},
                                           {text("a"), entity, value(1), cdata, character}})}},
                                {string_value("ame"), number_value(ValueType::int16, 0xFFFE)});
  EXPECT_EQ(fields_of(record), (Fields{{"Name\"", "a<-2<raw>&"}}));
  EXPECT_EQ(xml_of(record),
            "<Event><EventData><Data Name=\"Name&quot;\">a&lt;-2&lt;raw&gt;&amp;</Data>"
            "</EventData></Event>");
}

TEST(EvtxReader, ANullIsNothingAndAnOptionalAttributeOfItIsLeftOut) {
  const auto record = record_of({"EventData",
                                 {},
                                 {element({"Data", {{"Name", {optional(0)}}}, {value(0)}}),
                                  element({"Data", {{"Name", {value(0)}}}, {optional(1)}})}},
                                {null_value(), string_value("")});
  EXPECT_EQ(fields_of(record), (Fields{{"", ""}, {"", ""}}));
  EXPECT_EQ(xml_of(record), "<Event><EventData><Data/><Data Name=\"\"/></EventData></Event>");
}

TEST(EvtxReader, ElementsWithoutTemplateAreRead) {
  // In a value an element has no dependency in front; in a record it has.
  const TestTemplate bare{
      0, {"EventData", {}, {element({"Data", {{"Name", {text("A")}}}, {text("1")}})}}};
  EXPECT_EQ(fields_of(record_with(nested_value(bare))), (Fields{{"A", "1"}}));
  const TestTemplate whole{0, {"Event", {}, {element(bare.root)}}};
  EXPECT_EQ(fields_of({1, 0, std::make_shared<TestTemplate>(whole), {}}), (Fields{{"A", "1"}}));
}

TEST(EvtxReader, LogsOfFileServersAreRead) {
  // No templates, no dependencies, and numbers and times in the elements themselves.
  const auto typed_number = [](ValueType type, std::uint64_t number) {
    return testing::typed(type, number_value(type, number).octets);
  };
  const XmlElement system{
      "System",
      {},
      {element({"Provider", {{"Name", {text("NetApp-Security-Auditing")}}}, {}}),
       element({"EventID", {}, {typed_number(ValueType::uint16, 4663)}}),
       element({"TimeCreated",
                {{"SystemTime", {typed_number(ValueType::filetime, ModernEvent::kFiletime)}}},
                {}})}};
  const XmlElement data{
      "EventData",
      {},
      {element({"Data", {{"Name", {text("Size")}}}, {typed_number(ValueType::uint64, 77)}}),
       element({"Data",
                {{"Name", {text("Sid")}}},
                {testing::typed(ValueType::sid, {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0})}})}};
  const TestTemplate whole{0, {"Event", {}, {element(system), element(data)}}};
  const ReadLog log =
      read_one({1, ModernEvent::kFiletime, std::make_shared<TestTemplate>(whole), {}, false});
  ASSERT_EQ(log.events.size(), 1U);
  EXPECT_TRUE(log.summary.problems.empty());
  const KeptEvent& kept = log.events.front();
  EXPECT_EQ(kept.provider, "NetApp-Security-Auditing");
  EXPECT_EQ(kept.event.event_id, 4663U);
  EXPECT_EQ(kept.event.created, kept.event.written);
  EXPECT_EQ(kept.data, (Fields{{"Size", "77"}, {"Sid", "S-1-5-18"}}));
}

TEST(EvtxReader, TextOutsideAsciiIsUtf8) {
  Octets text = utf16("a");
  put_u16(text, 0xE9);
  put_u16(text, 0x20AC);
  put_u16(text, 0xD83D);
  put_u16(text, 0xDE00);
  put_u16(text, 0xD800);
  const auto record = record_with(
      nested_value(event_data_template(0x99, {"T"}), {octets_value(ValueType::string, text)}));
  EXPECT_EQ(fields_of(record),
            (Fields{{"T", "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD"}}));
}

Octets log_of_chunks(std::size_t chunks) {
  EvtxWriter writer;
  std::uint64_t id = 100;
  const TestTemplate data = event_data_template(0x99, {"Number", "Text"});
  for (std::size_t i = 0; i < chunks; ++i) {
    for (int k = 0; k < 40; ++k) {
      ModernEvent event;
      event.record_id = id;
      event.filetime += id * 10'000'000;
      event.data = nested_value(
          data, {number_value(ValueType::uint64, id), string_value(std::string(id % 50, 'x'))});
      writer.add(modern_record(event));
      ++id;
    }
    writer.end_chunk();
  }
  return writer.finish();
}

TEST(EvtxReader, ChunksFollowEachOtherHoweverTheSourceIsCut) {
  const Octets file = log_of_chunks(3);
  const ReadLog whole = read_log(file);
  ASSERT_EQ(whole.events.size(), 120U);
  EXPECT_TRUE(whole.summary.problems.empty());
  EXPECT_EQ(whole.summary.chunks, 3U);
  EXPECT_EQ(whole.summary.octets, file.size());
  EXPECT_EQ(whole.summary.gap_count, 0U);
  EXPECT_EQ(whole.events.back().data.front().second, "219");
  ASSERT_TRUE(whole.summary.first_written && whole.summary.last_written);
  EXPECT_EQ(*whole.summary.last_written - *whole.summary.first_written, seconds{119});
  for (const std::size_t piece : {1UZ, 4095UZ, 65537UZ}) {
    SCOPED_TRACE(piece);
    const ReadLog pieces = read_log(testing::source_in_pieces(file, piece));
    EXPECT_EQ(pieces.ids(), whole.ids());
    EXPECT_EQ(pieces.summary, whole.summary);
    EXPECT_EQ(pieces.events.back().xml, whole.events.back().xml);
  }
}

TEST(EvtxReader, ASourceThatFailsIsSaidAndWhatCameBeforeIsRead) {
  const Octets file = log_of_chunks(2);
  std::size_t given = 0;
  EvtxReader reader([&](std::span<std::uint8_t> into) -> Result<std::size_t> {
    if (given >= 80'000) return fail(Errc::unavailable, "the disk is gone");
    const std::size_t count = std::min(into.size(), 80'000 - given);
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(given), count, into.begin());
    given += count;
    return count;
  });
  std::size_t records = 0;
  while (reader.next()) ++records;
  EXPECT_GT(records, 40U);
  EXPECT_LT(records, 80U);
  EXPECT_EQ(reader.summary().count(EvtxProblem::read_failed), 1U);
  ASSERT_TRUE(reader.read_error());
  EXPECT_EQ(reader.read_error()->text, "the disk is gone");
}

TEST(EvtxReader, AnExportedLogHasIdsOfItsOwn) {
  ModernEvent event;
  event.record_id = 53968;
  TestRecord record = modern_record(event);
  record.id = 1;
  const ReadLog log = read_one(record);
  EXPECT_TRUE(log.summary.exported);
  EXPECT_EQ(log.events.at(0).event.record_id, 1U);
  EXPECT_EQ(log.events.at(0).event.event_record_id, 53968U);
}

TEST(EvtxReader, AnEmptyFileIsNoLog) {
  const ReadLog log = read_log(OctetView{});
  EXPECT_TRUE(log.events.empty());
  EXPECT_EQ(log.summary.count(EvtxProblem::no_file_header), 1U);
  EXPECT_FALSE(looks_like_evtx({}));
  EXPECT_TRUE(looks_like_evtx(EvtxWriter().finish()));
  EXPECT_TRUE(read_log(EvtxWriter().finish()).summary.problems.empty());
}

}  // namespace
}  // namespace postern::windows
