#include "host/evaluation.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "files/testing.h"

namespace postern::host {
namespace {

using files::testing::TemporaryFolder;

constexpr std::string_view kShell = "<%@ Page Language=\"JScript\" %><% eval(Request[\"q\"]); %>";
constexpr std::string_view kPlain = "<%@ Page Language=\"C#\" %><p>Hello</p>";

std::string told(const LabelledSamples& looked) {
  std::vector<std::string> lines;
  for (const exchange::Sample& sample : looked.samples) {
    const bool is_found = std::ranges::any_of(sample.findings, [](const exchange::Finding& one) {
      return one.tier >= exchange::Tier::attempt;
    });
    lines.push_back(sample.source + " " + sample.path + (sample.is_malicious ? " bad" : " good") +
                    (is_found ? " found\n" : "\n"));
  }
  std::ranges::sort(lines);
  std::string out;
  for (const std::string& line : lines) out += line;
  return out;
}

TEST(Evaluation, FoldersAreLabels) {
  const TemporaryFolder folder;
  folder.write("malicious/tennc/a.aspx", kShell);
  folder.write("malicious/0f3a", kShell);
  folder.write("malicious/b.aspx.bin", kShell);
  folder.write("benign/docs/c.aspx", kPlain);
  folder.write("README.md", "x");
  folder.write("malicious/empty.aspx", "");
  const auto looked = look_at_samples(folder.path(), {});
  ASSERT_TRUE(looked.has_value());
  EXPECT_EQ(told(*looked),
            "docs benign/docs/c.aspx good\n"
            "malicious malicious/0f3a bad found\n"
            "malicious malicious/b.aspx.bin bad found\n"
            "tennc malicious/tennc/a.aspx bad found\n");
  EXPECT_EQ(looked->skipped, 2U);
}

TEST(Evaluation, AListOfLabelsComesFirst) {
  const TemporaryFolder folder;
  folder.write("malicious/a.aspx", kPlain);
  folder.write("x/b", kShell);
  folder.write("labels.csv",
               "label,path,source\r\nbenign,malicious/a.aspx,one\r\nMalicious,\"x/b\",two\r\n"
               "what,x/c,two\r\n");
  const auto looked = look_at_samples(folder.path(), {});
  ASSERT_TRUE(looked.has_value()) << looked.error().text;
  EXPECT_EQ(told(*looked), "one malicious/a.aspx good\ntwo x/b bad found\n");
  folder.write("labels.csv", "a,b\n1,2\n");
  EXPECT_FALSE(look_at_samples(folder.path(), {}).has_value());
}

TEST(Evaluation, ACollectionIsTakenAsItIs) {
  const TemporaryFolder folder;
  folder.write("aspx/a.aspx", kShell);
  folder.write("aspx/readme.md", "x");
  folder.write(".git/b.aspx", kShell);
  folder.write("c.ashx", kShell);
  SampleOptions options;
  auto looked = look_at_samples(folder.path(), options);
  ASSERT_TRUE(looked.has_value());
  EXPECT_EQ(told(*looked), "aspx aspx/a.aspx bad found\nfiles c.ashx bad found\n");
  options.is_malicious = false;
  looked = look_at_samples(folder.path(), options);
  EXPECT_EQ(told(*looked), "aspx aspx/a.aspx good found\nfiles c.ashx good found\n");
}

exchange::Finding found(std::string_view rule, std::string_view path, std::uint64_t line,
                        std::string_view actor) {
  exchange::Finding out;
  out.rule = rule;
  out.tier = exchange::Tier::exploited;
  out.place = {.path = std::string(path), .line = line};
  out.actor = actor;
  return out;
}

TEST(Evaluation, FindingsBelongToWhatIsKnownOfAServer) {
  std::vector<KnownThing> things(5);
  things[0].path = things[1].path = things[3].path = "a.log";
  things[0].line = 3;
  things[0].actor = "1";
  things[0].rules = {"PL-01"};
  things[1].line = 9;
  things[1].actor = "2";
  things[1].rules = {"PL-08"};
  things[1].is_loose = true;
  things[2].path = "x.aspx";
  things[2].rules = {"F-01"};
  things[3].line = 5;
  for (const std::size_t i : {0U, 1U, 2U}) things[i].truth = Truth::malicious;
  things[4].path = "a.log";
  things[4].line = 6;
  things[4].truth = Truth::neither;
  SweepReport report;
  report.findings = {found("PL-01", "a.log", 3, "1"),  found("PL-08", "b.log", 1, "2"),
                     found("F-06", "x.aspx", 0, ""),   found("PL-02", "a.log", 5, "4"),
                     found("PL-02", "a.log", 77, "1"), found("PL-02", "a.log", 78, "5"),
                     found("PL-02", "a.log", 6, "6")};
  const auto samples = samples_of(things, report, "s");
  std::string out;
  for (const exchange::Sample& sample : samples) {
    out += sample.path + (sample.is_malicious ? " bad" : " good") + " " +
           std::to_string(sample.findings.size()) + "\n";
  }
  EXPECT_EQ(out, "a.log:3 bad 1\na.log:9 bad 1\nx.aspx bad 1\na.log:5 good 1\na.log good 1\n");
}

}  // namespace
}  // namespace postern::host
