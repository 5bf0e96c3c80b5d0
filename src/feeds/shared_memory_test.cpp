#include "feeds/shared_memory.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "feeds/files.h"
#include "feeds/testing.h"

namespace postern::feeds {
namespace {

TEST(SharedMemory, IsReadAsItWasWrittenAndSealedForGood) {
  SharedMemory memory = SharedMemory::create("test").value();
  ASSERT_TRUE(memory.append(octets_of("one ")));
  ASSERT_TRUE(memory.append(octets_of("two")));
  EXPECT_EQ(memory.size().value(), 7U);
  ASSERT_TRUE(memory.seal());
  EXPECT_FALSE(memory.append(octets_of("three")));
  const auto mapping = Mapping::of(memory).value();
  EXPECT_EQ(text_of(mapping->octets()), "one two");
  mapping->let_go();
  EXPECT_EQ(text_of(mapping->octets()), "one two");
  Octets three(3);
  EXPECT_TRUE(memory.read_at(4, three));
  EXPECT_EQ(text_of(three), "two");
  EXPECT_FALSE(memory.read_at(5, three));
}

TEST(SharedMemory, IsSealedOnceNothingHoldsItsPagesAnyMore) {
  SharedMemory memory = SharedMemory::create("test").value();
  ASSERT_TRUE(memory.append(octets_of("some text")));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const FileDescriptor out(ends[0]);
  FileDescriptor in(ends[1]);
  loff_t from = 0;
  // The pipe has the page itself, no copy.
  ASSERT_EQ(::splice(memory.fd(), &from, in.get(), nullptr, 9, 0), 9);
  std::jthread reader([&] {
    // Longer than the kernel waits by itself, a sixth of a second.
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    char octets[9];
    EXPECT_EQ(::read(out.get(), octets, sizeof octets), 9);
  });
  const auto sealed = memory.seal();
  EXPECT_TRUE(sealed) << sealed.error().text;
  EXPECT_FALSE(memory.append(octets_of("more")));
}

TEST(SharedMemory, TakesAndGivesFiles) {
  const testing::ScratchFolder folder;
  folder.write("from", "some text");
  const FileDescriptor file(::open(folder.file("from").c_str(), O_RDONLY | O_CLOEXEC));
  SharedMemory memory = SharedMemory::create("test").value();
  ASSERT_TRUE(memory.append_file(file.get(), 9));
  ASSERT_TRUE(replace_file(folder.file("to"), memory));
  EXPECT_EQ(folder.read("to"), "some text");
  const FileDescriptor again(::open(folder.file("from").c_str(), O_RDONLY | O_CLOEXEC));
  const auto refused = SharedMemory::create("test")->append_file(again.get(), 8);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::limit_exceeded);
}

TEST(SharedMemory, SettlesUnderItsReaders) {
  SharedMemory memory = SharedMemory::create("test").value();
  Octets octets(5'000'000);
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(i * 7);
  ASSERT_TRUE(memory.append(octets));
  ASSERT_TRUE(memory.seal());
  const auto mapping = Mapping::of(memory).value();
  std::atomic<bool> is_done{false};
  std::atomic<std::size_t> wrong{0}, rounds{0};
  std::jthread reader([&] {
    do {
      wrong += !std::ranges::equal(mapping->octets(), octets);
      ++rounds;
    } while (!is_done);
  });
  while (rounds == 0) std::this_thread::yield();
  EXPECT_TRUE(mapping->settle());
  EXPECT_TRUE(mapping->settle());
  is_done = true;
  reader.join();
  EXPECT_EQ(wrong, 0U);
  memory = SharedMemory::create("gone").value();
  EXPECT_TRUE(std::ranges::equal(mapping->octets(), octets));
}

TEST(SharedMemory, MayBeEmpty) {
  const SharedMemory memory = SharedMemory::create("test").value();
  const auto mapping = Mapping::of(memory).value();
  EXPECT_TRUE(mapping->octets().empty());
  mapping->let_go();
  EXPECT_TRUE(mapping->settle());
}

}  // namespace
}  // namespace postern::feeds
