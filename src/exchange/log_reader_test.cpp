#include "exchange/log_reader.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "exchange/log_split.h"

namespace postern::exchange {
namespace {

constexpr LogKind kIis{LogFormat::w3c, Source::iis};
constexpr LogKind kProxy{LogFormat::csv, Source::httpproxy};
constexpr LogKind kEcp{LogFormat::csv, Source::ecp};

constexpr std::string_view kIisFields =
    "#Software: Microsoft Internet Information Services 10.0\n"
    "#Fields: date time cs-method cs-uri-stem cs-username c-ip sc-status\n";
constexpr std::string_view kProxyFields =
    "DateTime,UrlStem,AnchorMailbox,ClientIpAddress,HttpStatus\n";

struct Seen {
  std::vector<std::string> values;
  std::uint64_t line, offset;
  bool whole;
  std::string at(Common what, const Schema& schema) const { return values[schema.column(what)]; }
};

class Rows final : public RowSink {
 public:
  void on_text(std::string_view text) override { text_ = text; }
  void on_row(const Row& row) override {
    const std::less_equal<const char*> not_after;
    inside = inside && not_after(text_.data(), row.text.data()) &&
             not_after(row.text.data() + row.text.size(), text_.data() + text_.size());
    Seen one{{}, row.line, row.offset, row.whole};
    for (const std::string_view value : row.values) one.values.emplace_back(value);
    seen.push_back(std::move(one));
    clients.emplace_back(row.value(Common::client));
    statuses.emplace_back(row.value(Common::status));
    times.push_back(row.at());
  }

  std::vector<Seen> seen;
  std::vector<std::string> clients, statuses;
  std::vector<std::optional<WallTime>> times;
  bool inside = true;

 private:
  std::string_view text_;
};

LogStats read(LogKind kind, std::string_view text, Rows& rows, std::size_t block = 1 << 20) {
  LogReader reader(kind, rows);
  while (!text.empty()) {
    const std::string copy(text.substr(0, block));
    reader.feed(octets_of(std::string_view(copy)));
    text.remove_prefix(copy.size());
  }
  reader.finish();
  const LogStats& stats = reader.stats();
  EXPECT_EQ(stats.lines, stats.rows + stats.headers + stats.blank + stats.unread);
  return stats;
}

std::string wide(std::string_view text, bool big) {
  std::string out = big ? "\xfe\xff" : "\xff\xfe";
  for (const char c : text) {
    if (big) out += '\0';
    out += c;
    if (!big) out += '\0';
  }
  return out;
}

TEST(LogReader, FieldsMayChangeInTheMiddleOfAFile) {
  const std::string text = std::string(kIisFields) +
                           "2021-03-03 04:05:06 GET /owa/ - 192.0.2.1 200\r\n"
                           "#Fields: date time c-ip cs-method sc-status\n"
                           "2021-03-03 04:05:07 192.0.2.2 POST 404\n";
  Rows rows;
  const LogStats stats = read(kIis, text, rows);
  EXPECT_EQ(stats.rows, 2U);
  EXPECT_EQ(stats.headers, 3U);
  EXPECT_EQ(rows.clients, (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(rows.statuses, (std::vector<std::string>{"200", "404"}));
  EXPECT_EQ(rows.seen[0].values[4], "") << "a '-' is nothing";
  EXPECT_EQ(rows.seen[1].line, 5U);
  EXPECT_EQ(rows.times[0], time_of("2021-03-03T04:05:06Z"));
}

TEST(LogReader, TheEncodingAndTheBlocksDoNotMatter) {
  const std::string text = std::string(kIisFields) +
                           "2021-03-03 04:05:06 GET /a - 192.0.2.1 200\r\n\r\n"
                           "2021-03-03 04:05:07 GET /b - 192.0.2.2 200\n";
  Rows plain;
  read(kIis, text, plain);
  ASSERT_EQ(plain.seen.size(), 2U);
  const std::vector<std::string> others = {text, "\xef\xbb\xbf" + text, wide(text, false),
                                           wide(text, true), wide(text, false).substr(2)};
  for (std::size_t i = 0; i < others.size(); ++i) {
    for (const std::size_t block : {1, 2, 3, 50, 1 << 20}) {
      SCOPED_TRACE(testing::Message() << "encoding " << i << " block " << block);
      Rows rows;
      const LogStats stats = read(kIis, others[i], rows, block);
      EXPECT_EQ(stats.octets, others[i].size());
      EXPECT_TRUE(rows.inside);
      ASSERT_EQ(rows.seen.size(), 2U);
      for (std::size_t row = 0; row < 2; ++row) {
        EXPECT_EQ(rows.seen[row].values, plain.seen[row].values);
        EXPECT_EQ(rows.seen[row].line, plain.seen[row].line);
        const std::size_t mark = i == 1 ? 3 : i == 2 || i == 3 ? 2 : 0;
        const std::size_t width = i >= 2 ? 2 : 1;
        EXPECT_EQ(rows.seen[row].offset, mark + width * plain.seen[row].offset);
      }
    }
  }
}

TEST(LogReader, ATornLastLineIsCountedAndHandedOn) {
  Rows rows;
  const LogStats stats =
      read(kIis, std::string(kIisFields) + "2021-03-03 04:05:06 POST /ecp/y.js", rows);
  EXPECT_EQ(stats.rows, 0U);
  EXPECT_EQ(stats.unread, 1U);
  ASSERT_EQ(stats.first_unread.size(), 1U);
  EXPECT_EQ(stats.first_unread[0].line, 3U);
  EXPECT_EQ(stats.first_unread[0].reason, "torn off (4 of 7)");
  ASSERT_EQ(rows.seen.size(), 1U);
  EXPECT_FALSE(rows.seen[0].whole);
  EXPECT_EQ(rows.seen[0].values[3], "/ecp/y.js");
}

TEST(LogReader, ZerosOfAHoleAreNoLines) {
  const std::string hole(70'000, '\0');
  const std::string text = std::string(kIisFields) +
                           "2021-03-03 04:05:06 GET /a - 192.0.2.1 200\n" +
                           "2021-03-03 04:05:07 GET /b" + hole + std::string(kIisFields) +
                           "2021-03-03 04:05:08 GET /c - 192.0.2.3 200\n" + hole;
  for (const std::size_t block : {1, 1000, 1 << 20}) {
    Rows rows;
    const LogStats stats = read(kIis, text, rows, block);
    EXPECT_EQ(stats.zero_octets, 2 * hole.size());
    EXPECT_EQ(stats.rows, 2U);
    EXPECT_EQ(stats.unread, 1U);
    EXPECT_EQ(stats.headers, 4U);
    ASSERT_EQ(rows.seen.size(), 3U);
    EXPECT_EQ(rows.clients[2], "192.0.2.3");
    EXPECT_EQ(rows.seen[2].offset, text.find("2021-03-03 04:05:08"));
  }
}

TEST(LogReader, AVeryLongLineIsCutAndNamed) {
  const std::string text = std::string(kIisFields) + "2021-03-03 04:05:06 GET /" +
                           std::string(10 << 20, 'a') + " - 192.0.2.1 200\n" +
                           "2021-03-03 04:05:07 GET /b - 192.0.2.2 200\n";
  for (const std::size_t block : {1 << 16, 1 << 24}) {
    Rows rows;
    const LogStats stats = read(kIis, text, rows, static_cast<std::size_t>(block));
    EXPECT_EQ(stats.cut, 1U);
    EXPECT_EQ(stats.unread, 1U);
    ASSERT_EQ(stats.first_unread.size(), 1U);
    EXPECT_EQ(stats.first_unread[0].reason, "too long, cut (4 of 7)");
    EXPECT_EQ(stats.first_unread[0].excerpt.size(), LogStats::kExcerptOctets);
    ASSERT_EQ(rows.seen.size(), 2U);
    EXPECT_FALSE(rows.seen[0].whole);
    EXPECT_EQ(rows.clients[1], "192.0.2.2");
    EXPECT_EQ(rows.seen[1].offset, text.rfind("2021"));
  }
}

TEST(LogReader, AUserNameMayHoldBlanksAndBackslashes) {
  Rows rows;
  const LogStats stats = read(kIis,
                              std::string(kIisFields) +
                                  "2021-03-03 04:05:06 GET /a CONTOSO\\John von Doe 192.0.2.1 200\n"
                                  "2021-03-03 04:05:06 GET /a b c d e f\n",
                              rows);
  EXPECT_EQ(stats.rows, 1U);
  EXPECT_EQ(stats.repaired, 1U);
  EXPECT_EQ(stats.unread, 1U);
  EXPECT_EQ(rows.seen[0].values[4], "CONTOSO\\John von Doe");
  EXPECT_EQ(rows.clients[0], "192.0.2.1");
  EXPECT_EQ(stats.first_unread[0].reason, "more values than columns (9 of 7)");
}

TEST(LogReader, QuotationMarksAreDoubled) {
  Rows rows;
  const LogStats stats =
      read(kEcp,
           "TimeStamp,ServerName,EventId,EventData\n#Log-type: ECP Server Log\n"
           "2021-03-03T04:05:06.123Z,EX01,Request,\"S:CMD=Set-OabVirtualDirectory.ExternalUrl="
           "\"\"http://f/<script>\"\",x\"\n"
           "2021-03-03T04:05:07.123Z,EX01,Request,\"S:open\n"
           "2021-03-03T04:05:08.123Z,EX01,Request,S:a=b,c=d\n",
           rows);
  EXPECT_EQ(stats.rows, 2U);
  EXPECT_EQ(stats.repaired, 1U);
  ASSERT_EQ(rows.seen.size(), 3U);
  EXPECT_EQ(rows.seen[0].values[3],
            "S:CMD=Set-OabVirtualDirectory.ExternalUrl=\"http://f/<script>\",x");
  EXPECT_EQ(stats.first_unread[0].reason, "a quotation mark has no partner");
  EXPECT_EQ(rows.seen[2].values[3], "S:a=b,c=d");
  EXPECT_EQ(rows.times[0], time_of("2021-03-03 04:05:06.123"));
}

TEST(LogReader, AnAnchorMailboxMayHoldCommas) {
  Rows rows;
  const LogStats stats =
      read(kProxy,
           "#Fields: DateTime,UrlStem,AnchorMailbox,ClientIpAddress,HttpStatus\n" +
               std::string(kProxyFields) +
               "2021-03-03T04:05:06Z,/ecp/y.js,ServerInfo~a]@ex:444/x,y,z#,192.0.2.1,200\n"
               "2021-03-03T04:05:06Z,/ecp/y.js,\"ServerInfo~a,b\",192.0.2.1,200,\n"
               "2021-03-03T04:05:06Z,/ecp/y.js,a,b,c,d\n",
           rows);
  EXPECT_EQ(stats.headers, 2U);
  EXPECT_EQ(stats.rows, 2U);
  EXPECT_EQ(stats.repaired, 1U);
  EXPECT_EQ(rows.seen[0].values[2], "ServerInfo~a]@ex:444/x,y,z#");
  EXPECT_EQ(rows.seen[1].values[2], "ServerInfo~a,b");
  EXPECT_EQ(rows.statuses[0], "200");
  EXPECT_EQ(stats.unread, 1U);
}

TEST(LogReader, LinesBeforeAnyHeaderAreUnread) {
  Rows rows;
  const LogStats stats = read(kIis, "2021-03-03 04:05:06 GET /a - 192.0.2.1 200\n", rows);
  EXPECT_EQ(stats.unread, 1U);
  EXPECT_EQ(stats.first_unread[0].reason, "no header before it");
  EXPECT_EQ(rows.seen[0].values.size(), 0U);
}

TEST(LogReader, ColumnsThatChangeWithEachLineEndSomewhere) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "#Fields: date x" + std::to_string(i) + "\n2021-03-03 a\n";
  }
  Rows rows;
  const LogStats stats = read(kIis, text, rows);
  EXPECT_EQ(stats.rows, LogReader::kMaxSchemas);
  EXPECT_EQ(stats.unread, 1000 - LogReader::kMaxSchemas);
  EXPECT_EQ(stats.first_unread.size(), LogStats::kMaxUnreadKept);
}

TEST(GuessLog, TellsByTheHeaderElseByThePath) {
  const std::vector<std::pair<std::pair<std::string, std::string>, std::optional<LogKind>>> cases =
      {
          {{"x", std::string(kIisFields)}, kIis},
          {{"x", wide(kIisFields, false)}, kIis},
          {{"x", std::string(100, '\0') + std::string(kIisFields)}, kIis},
          {{"Logging/HttpProxy/Ecp/a.LOG", std::string(kIisFields)}, kIis},
          {{"x.txt", std::string(kProxyFields)}, kProxy},
          {{"x", "#Software: Microsoft Exchange Server\n#Log-type: HttpProxy Logs\n"}, kProxy},
          {{"x", "TimeStamp,ServerName,EventId,EventData\n"}, kEcp},
          {{"x", "DateTime,RequestId,ClientInfo,UrlHost,UrlStem,HttpStatus\n"},
           LogKind{LogFormat::csv, Source::cmdlet}},
          {{"x", "DateTime,StartTime,Cmdlet,Parameters\n"},
           LogKind{LogFormat::csv, Source::cmdlet}},
          {{"V15\\Logging\\HttpProxy\\Owa\\HttpProxy_1.LOG", ""}, kProxy},
          {{"V15/Logging/OABGeneratorLog/a.log", "whatever"},
           LogKind{LogFormat::text, Source::oab}},
          {{"bundle/u_ex210303.log", ""}, kIis},
          {{"bundle/u_ex210303.png", ""}, std::nullopt},
          {{"notes.log", "a,b,c\n"}, std::nullopt},
          {{"inetpub/logs/LogFiles/W3SVC1/u_ex210303.log.gz", "\x1f\x8b\x08"}, std::nullopt},
      };
  for (const auto& [given, expected] : cases) {
    SCOPED_TRACE(given.first + " " + given.second.substr(0, 40));
    EXPECT_EQ(guess_log(given.first, octets_of(std::string_view(given.second))), expected);
  }
}

}  // namespace
}  // namespace postern::exchange
