#include "feeds/store.h"

#include <gtest/gtest.h>

#include "feeds/digest.h"
#include "feeds/testing.h"

namespace postern::feeds {
namespace {

using testing::in_memory;
using testing::ScratchFolder;

CopyFacts facts_of(std::string_view text) {
  return {"source",
          "from",
          {"\"v1\"", "Mon, 02 Mar 2026 08:00:00 GMT"},
          sha256_hex(text),
          WallTime(microseconds(1'772'438'400'000'001)),
          7};
}

struct CopyStoreTest : ::testing::Test {
  Result<Copy> load() { return store.load("feed", "source", 1000); }
  std::size_t file_count() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& file :
         std::filesystem::directory_iterator(folder.file("c"))) {
      ++count;
    }
    return count;
  }

  ScratchFolder folder;
  CopyStore store{folder.file("c")};
};

TEST(Digest, IsSha256) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, IsTheSameOfWhatIsInSharedMemory) {
  for (const std::size_t size : {0UL, 3UL, 262'144UL, 600'000UL}) {
    const std::string text(size, 'x');
    EXPECT_EQ(sha256_hex(in_memory(text)).value(), sha256_hex(text)) << size;
  }
}

TEST_F(CopyStoreTest, ACopyComesBackWithItsFacts) {
  EXPECT_EQ(load().error().code, Errc::not_found);
  const std::string text = "bad.example\n\0\xff";
  ASSERT_TRUE(store.save("feed", facts_of(text), in_memory(text)));
  const auto copy = load();
  ASSERT_TRUE(copy) << copy.error().text;
  EXPECT_EQ(copy->text.to_string().value(), text);
  EXPECT_EQ(copy->facts.validators, facts_of(text).validators);
  EXPECT_EQ(copy->facts.fetched_from, "from");
  EXPECT_EQ(copy->facts.rules, 7U);
  EXPECT_EQ(copy->facts.checked_at, facts_of(text).checked_at);
}

TEST_F(CopyStoreTest, TheNewestReplacesAndOnlyItStays) {
  for (const std::string text : {"one", "two", "three"}) {
    ASSERT_TRUE(store.save("feed", facts_of(text), in_memory(text)));
    EXPECT_EQ(load()->text.to_string().value(), text);
    EXPECT_EQ(file_count(), 2U);
  }
  // A feed whose name begins with this one's keeps its own.
  ASSERT_TRUE(store.save("feed-two", facts_of("x"), in_memory("x")));
  ASSERT_TRUE(store.save("feed", facts_of("four"), in_memory("four")));
  EXPECT_EQ(store.load("feed-two", "source", 1000)->text.to_string().value(), "x");
}

TEST_F(CopyStoreTest, FactsAloneAreRenewedWithoutTheText) {
  ASSERT_TRUE(store.save("feed", facts_of("one"), in_memory("one")));
  CopyFacts later = facts_of("one");
  later.checked_at += seconds(5);
  ASSERT_TRUE(store.save_facts("feed", later));
  EXPECT_EQ(load()->facts.checked_at, later.checked_at);
  EXPECT_EQ(load()->text.to_string().value(), "one");
}

TEST_F(CopyStoreTest, WhatIsDamagedOrFromElsewhereIsNotUsed) {
  ASSERT_TRUE(store.save("feed", facts_of("one"), in_memory("one")));
  EXPECT_EQ(store.load("feed", "other source", 1000).error().code, Errc::not_found);
  EXPECT_EQ(store.load("feed", "source", 2).error().code, Errc::limit_exceeded);
  const std::string meta = folder.read("c/feed.meta");
  for (const std::string& damaged :
       {std::string(), std::string("garbage"), meta.substr(0, meta.size() / 2),
        meta.substr(0, meta.find("sha256")) + "sha256 ../../etc/passwd\n"}) {
    folder.write("c/feed.meta", damaged);
    EXPECT_EQ(load().error().code, Errc::corrupt) << damaged;
  }
  folder.write("c/feed.meta", meta);
  ASSERT_TRUE(load());
  folder.write("c/feed-" + sha256_hex("one").substr(0, 16) + ".feed", "oen");
  EXPECT_EQ(load().error().code, Errc::corrupt);
}

TEST_F(CopyStoreTest, ANameCannotLeadOutOfTheFolder) {
  for (const std::string_view name : {"", "..", "../x", "a/b", ".hidden", "A", "a\n", "a b"}) {
    EXPECT_EQ(store.save(name, facts_of("x"), in_memory("x")).error().code, Errc::invalid_input)
        << name;
    EXPECT_EQ(store.load(name, "source", 9).error().code, Errc::invalid_input) << name;
  }
}

TEST_F(CopyStoreTest, AFolderThatCannotBeMadeIsAnError) {
  folder.write("file", "in the way");
  CopyStore blocked(folder.file("file/c"));
  EXPECT_FALSE(blocked.save("feed", facts_of("x"), in_memory("x")));
  EXPECT_FALSE(blocked.save_generation(1));
  EXPECT_EQ(blocked.load_generation(), 0U);
}

TEST_F(CopyStoreTest, GenerationNumbersAreKept) {
  EXPECT_EQ(store.load_generation(), 0U);
  ASSERT_TRUE(store.save_generation(41));
  EXPECT_EQ(CopyStore(folder.file("c")).load_generation(), 41U);
}

}  // namespace
}  // namespace postern::feeds
