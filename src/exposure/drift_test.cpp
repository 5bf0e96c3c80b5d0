#include "exposure/drift.h"

#include <gtest/gtest.h>

#include "exposure/testing.h"

namespace postern::exposure {
namespace {

using testing::name;

struct Seen {
  Inquiry inquiry;
  Verdict verdict;
  Snapshot snapshot;
};
Seen look(std::string_view zone, const Nonces& nonces = {"xone", "xtwo"}) {
  static const Pack pack = testing::built_in();
  testing::FakeDns dns(zone, name("v.example"));
  Inquiry inquiry(name("v.example"), pack, nonces);
  testing::bring_to_end(inquiry, dns);
  Verdict verdict = judge(inquiry, pack);
  Snapshot snapshot = snapshot_of(inquiry, verdict);
  return {std::move(inquiry), std::move(verdict), std::move(snapshot)};
}

Drift drift(const std::optional<Snapshot>& before, Seen& now) {
  return compare(before, now.snapshot, now.inquiry, now.verdict.is_complete);
}

constexpr std::string_view kCloud =
    "@ MX 0 v-example.mail.protection.outlook.com.\nv-example.mail.protection.outlook.com. A "
    "192.0.2.1\n"
    "autodiscover CNAME autodiscover.outlook.com.\nautodiscover.outlook.com. A 192.0.2.2\n";

TEST(Drift, TheFirstTimeAllIsNew) {
  Seen now = look(kCloud);
  EXPECT_EQ(drift(std::nullopt, now).change, Change::added);
}

TEST(Drift, AddressesOfProvidersAndProbesDoNotCount) {
  const Seen before = look(std::string(kCloud) + "* TXT \"wild\"\n", {"xone", "xtwo"});
  Seen now = look(
      "@ MX 0 v-example.mail.protection.outlook.com.\nv-example.mail.protection.outlook.com. A "
      "192.0.2.8\n"
      "autodiscover CNAME autodiscover.outlook.com.\nautodiscover.outlook.com. A 192.0.2.9\n"
      "* TXT \"wild\"\n",
      {"xother", "xnames"});
  const Drift found = drift(before.snapshot, now);
  EXPECT_EQ(found.change, Change::same) << (found.added.empty() ? "" : found.added.front());
}

TEST(Drift, ChangedRecordsAreNamed) {
  const Seen before = look(kCloud);
  Seen now = look("@ MX 0 v-example.mail.protection.outlook.com.\nautodiscover A 203.0.113.26\n");
  const Drift found = drift(before.snapshot, now);
  EXPECT_EQ(found.change, Change::changed);
  EXPECT_EQ(found.added, std::vector<std::string>{"autodiscover.v.example A 203.0.113.26"});
  EXPECT_EQ(found.removed,
            std::vector<std::string>{"autodiscover.v.example CNAME autodiscover.outlook.com."});
  EXPECT_EQ(found.before->hosting, "exchange-online");
  EXPECT_EQ(now.snapshot.hosting, "hybrid");
}

TEST(Drift, WhatCannotBeAskedIsNotGone) {
  const Seen before = look(kCloud);
  Seen now = look(std::string(kCloud) + "!fail autodiscover.v.example\n");
  const Drift found = drift(before.snapshot, now);
  EXPECT_EQ(found.change, Change::not_known);
  EXPECT_TRUE(found.removed.empty());
  // And what is kept for the next time is what was known.
  EXPECT_EQ(to_text(now.snapshot), to_text(before.snapshot));
  Seen dead = look("!fail v.example\n");
  EXPECT_TRUE(drift(before.snapshot, dead).removed.empty());
  EXPECT_EQ(to_text(dead.snapshot), to_text(before.snapshot));
}

TEST(Snapshot, IsReadAsItWasWritten) {
  const Seen seen = look(std::string(kCloud) + "@ TXT \"a\\009b\\010c\"\n");
  const std::string text = to_text(seen.snapshot);
  const auto read = snapshot_from_text(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(to_text(*read), text);
  EXPECT_EQ(read->lines.size(), seen.snapshot.lines.size());
  for (const char* wrong : {"", "1\n", "2\na\nb\nc\nd\n", "1\na\nb\nc\nd\nno tab\n"}) {
    EXPECT_FALSE(snapshot_from_text(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace postern::exposure
