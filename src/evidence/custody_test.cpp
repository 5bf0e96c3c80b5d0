#include "evidence/custody.h"

#include <filesystem>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "evidence/durable.h"
#include "evidence/sha256.h"
#include "evidence/testing.h"

namespace postern::evidence {
namespace {

using testing::TemporaryFolder;

class CustodyTest : public ::testing::Test {
 protected:
  void add(const std::string& what) {
    CustodyEntry entry;
    entry.event = "noted";
    entry.what = what;
    const auto folder = open_folder_at(folder_.path());
    const auto done = add_to_custody(folder->get(), entry, testing::witness(), key_);
    EXPECT_TRUE(done) << done.error().text;
  }
  std::string log() const { return TemporaryFolder::read(folder_ / "custody.log"); }
  std::string signature() const { return TemporaryFolder::read(folder_ / "custody.sig"); }
  CustodyCheck check(const std::string& log) const {
    return check_custody(log, octets_of(signature_held_), key_.public_key());
  }
  CustodyCheck check() {
    signature_held_ = signature();
    return check(log());
  }

  TemporaryFolder folder_;
  SigningKey key_ = *SigningKey::open_or_make(folder_ / "keys");
  std::string signature_held_;
};

TEST_F(CustodyTest, EachLineGoesOnFromTheOneBefore) {
  add("one");
  const std::string first = log();
  add("two\nwith a break");
  add("three");
  const CustodyCheck all = check();
  EXPECT_TRUE(all.problems.empty()) << all.problems.front();
  ASSERT_EQ(all.entries.size(), 3U);
  EXPECT_EQ(all.entries[1].what, "two\nwith a break");
  EXPECT_EQ(all.entries[1].who, "tester (uid 0)");
  EXPECT_EQ(all.entries[1].host, "here");
  EXPECT_EQ(all.entries[1].at, "2026-03-02T08:00:00Z");
  EXPECT_NE(log().find("\"previous\":\"" + sha256_hex(first)), std::string::npos);
}

TEST_F(CustodyTest, NoOctetCanBeChanged) {
  add("one");
  add("two");
  check();
  const std::string whole = log();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(check(changed).problems.empty()) << at;
  }
  EXPECT_FALSE(check(whole.substr(0, whole.find('\n') + 1)).problems.empty()) << "the last is gone";
  EXPECT_FALSE(check(whole.substr(whole.find('\n') + 1)).problems.empty()) << "the first is gone";
  EXPECT_FALSE(check("").problems.empty());
  EXPECT_FALSE(check(whole + whole).problems.empty());
}

TEST_F(CustodyTest, ALineThatACrashLeftUnsignedIsSaid) {
  add("one");
  signature_held_ = signature();
  add("two");
  const CustodyCheck torn = check(log());
  ASSERT_EQ(torn.problems.size(), 1U);
  EXPECT_NE(torn.problems[0].find("not signed"), std::string::npos);
  EXPECT_TRUE(torn.is_interrupted);
  std::ofstream(folder_ / "custody.sig", std::ios::binary) << signature_held_;
  folder_.write("public-key.pem", key_.public_key().pem());
  const auto folder = open_folder_at(folder_.path());
  EXPECT_TRUE(mend_custody(folder->get(), testing::witness(), key_));
  const CustodyCheck all = check();
  EXPECT_TRUE(all.problems.empty());
  EXPECT_NE(all.entries[2].what.find("without this key's signature"), std::string::npos);
}

TEST_F(CustodyTest, WhatNoCrashLeavesIsNotMended) {
  add("one");
  folder_.write("public-key.pem", key_.public_key().pem());
  const auto folder = open_folder_at(folder_.path());
  const std::string whole = log();
  EXPECT_TRUE(mend_custody(folder->get(), testing::witness(), key_));
  EXPECT_EQ(log(), whole) << "there was nothing to mend";
  std::string changed = whole;
  changed.replace(changed.find("one"), 3, "two");
  folder_.write("custody.log", changed);
  EXPECT_TRUE(mend_custody(folder->get(), testing::witness(), key_));
  EXPECT_EQ(log(), changed);
  const auto other = SigningKey::open_or_make(folder_ / "other");
  EXPECT_EQ(mend_custody(folder->get(), testing::witness(), *other).error().code, Errc::denied);
}

TEST_F(CustodyTest, ATornLineIsCutOffBeforeTheNext) {
  add("one");
  std::ofstream(folder_ / "custody.log", std::ios::app) << "{\"n\":2,\"at";
  EXPECT_FALSE(check().problems.empty());
  add("two");
  EXPECT_TRUE(check().problems.empty());
  EXPECT_EQ(check().entries.size(), 2U);
}

TEST_F(CustodyTest, AnotherKeyIsNotTheSigner) {
  add("one");
  const auto other = SigningKey::open_or_make(folder_ / "other");
  EXPECT_FALSE(check_custody(log(), octets_of(signature()), other->public_key()).problems.empty());
}

TEST(SigningKey, IsMadeOnceForItsOwnerAlone) {
  const TemporaryFolder folder;
  const std::string keys = folder / "a/keys";
  const auto first = SigningKey::open_or_make(keys);
  ASSERT_TRUE(first);
  const std::string file = keys + "/evidence-key.pem";
  EXPECT_EQ(testing::look(file).st_mode & 07777U, 0600U);
  EXPECT_EQ(testing::look(keys).st_mode & 07777U, 0700U);
  const auto second = SigningKey::open_or_make(keys);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->public_key().fingerprint(), second->public_key().fingerprint());
  EXPECT_EQ(TemporaryFolder::read(keys + "/evidence-key.public.pem"), first->public_key().pem());
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  EXPECT_EQ(SigningKey::open_or_make(keys).error().code, Errc::denied);
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  std::ofstream(file) << "no key";
  EXPECT_EQ(SigningKey::open_or_make(keys).error().code, Errc::corrupt);
  EXPECT_FALSE(PublicKey::from_pem("no key"));
}

}  // namespace
}  // namespace postern::evidence
