#include "host/archive_survey.h"

#include <string>

#include <gtest/gtest.h>

#include "host/testing.h"

namespace postern::host {
namespace {

using testing::packed;
using testing::program_of_version;

TEST(ArchiveSurvey, TellsWhatAServersFolderTells) {
  const std::string log =
      "[02/22/2021 10:00:00.0000] [0] The Exchange Server setup operation completed "
      "successfully.\r\n";
  const Octets zip =
      packed("zip", {{"C/Exch/V15/bin/ExSetup.exe", program_of_version("15.1.2176.2")},
                     {"C/ExchangeSetupLogs/ExchangeSetup.log", log},
                     {"C/inetpub/wwwroot/aspnet_client/a.ASPX", "x"},
                     {"C/Windows/System32/config/SOFTWARE", "no hive"},
                     {"C/readme.txt", "x"}});
  const Examination told = ArchiveSurvey::read(ArchiveSource::of(zip), "a.zip");
  ArchiveSurvey survey;
  survey.take(*examination_from(octets_from(told)));
  EXPECT_EQ(survey.pages(),
            (std::vector<std::string>{"a.zip!/C/inetpub/wwwroot/aspnet_client/a.ASPX"}));
  EXPECT_EQ(survey.find_folder("A.ZIP!/c/EXCH/v15"), "a.zip!/C/Exch/V15");
  EXPECT_EQ(survey.find_folder("a.zip!/D"), "");
  const auto servers = find_servers("/cases/a.zip", survey, survey.marks(), nullptr);
  ASSERT_EQ(servers.size(), 1U);
  EXPECT_EQ(servers[0].install, "a.zip!/C/Exch/V15");
  ASSERT_TRUE(servers[0].patch.has_value());
  EXPECT_EQ(exchange::to_string(servers[0].patch->version), "15.1.2176.2");
  EXPECT_EQ(exchange::to_string(*servers[0].patch->cu_installed), "2021-02-22");
  ASSERT_EQ(servers[0].notes.size(), 1U) << "a hive that is none is said";
}

TEST(ArchiveSurvey, EachOfSeveralArchivesIsAServer) {
  ArchiveSurvey survey;
  for (const char* const name : {"ex1.zip", "ex2.zip"}) {
    const Octets zip =
        packed("zip", {{"Program Files/Exch/bin/ExSetup.exe", program_of_version("15.2.792.10")}});
    survey.take(ArchiveSurvey::read(ArchiveSource::of(zip), name));
  }
  const auto servers = find_servers("/cases", survey, survey.marks(), nullptr);
  ASSERT_EQ(servers.size(), 2U);
  const auto first = server_of(servers, "ex1.zip");
  const auto second = server_of(servers, "ex2.zip");
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(server_of(servers, "ex1.zip!/Program Files/x"), first);
  EXPECT_FALSE(server_of(servers, "ex3.zip").has_value());
}

TEST(ArchiveSurvey, WhatAMarkSaysIsKeptAsText) {
  MarkFacts facts;
  facts.version = exchange::version_of("15.1.2176.2")->version;
  facts.hash = exchange::sha256_of(std::string(64, 'a'));
  facts.setup = SetupKey{"D:\\Exch\\", exchange::version_of("15.1.2176.0")->version, true};
  facts.days = {*exchange::day_of("2021-02-22"), *exchange::day_of("2021-03-01")};
  facts.fault = "torn";
  const auto back = mark_facts_from(kept_text(facts));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->version, facts.version);
  EXPECT_EQ(back->hash, facts.hash);
  EXPECT_EQ(back->setup->install, facts.setup->install);
  EXPECT_EQ(back->setup->version, facts.setup->version);
  EXPECT_TRUE(back->setup->unified_messaging);
  EXPECT_EQ(back->days, facts.days);
  EXPECT_EQ(back->fault, facts.fault);
  EXPECT_FALSE(mark_facts_from("none of ours").has_value());
  EXPECT_FALSE(mark_facts_from(kept_text(MarkFacts()))->setup.has_value());
}

}  // namespace
}  // namespace postern::host
