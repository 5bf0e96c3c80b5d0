#include "files/root.h"

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "files/extended_attributes.h"
#include "files/open_beneath.h"
#include "files/testing.h"

namespace postern::files {
namespace {

using testing::TemporaryFolder;

Root opened(const std::string& path) {
  auto root = Root::open(path);
  EXPECT_TRUE(root);
  return *std::move(root);
}

std::string text_of_file(const Root& root, std::string_view path) {
  const auto file = root.open_file(path);
  if (!file) return std::string(to_string(file.error().code));
  const auto octets = file->read_whole(1 << 20);
  return octets ? std::string(text_of(*octets)) : octets.error().text;
}

TEST(Root, NothingLeadsOutOfIt) {
  const TemporaryFolder folder;
  folder.write("secret", "outside");
  folder.write("root/in/a", "inside");
  folder.link("../secret", "root/up");
  folder.link(folder / "secret", "root/absolute");
  folder.link("..", "root/parent");
  folder.link("in", "root/beneath");
  folder.link("/proc/self/root", "root/magic");
  const Root root = opened(folder / "root");
  EXPECT_EQ(text_of_file(root, "in/a"), "inside");
  for (const std::string path : {"../secret", "in/../../secret", "/etc/passwd", "in/../in/a"}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(root.open_file(path).error().code, Errc::invalid_input);
    EXPECT_EQ(root.metadata_of(path).error().code, Errc::invalid_input);
  }
  for (const std::string path : {"parent/secret", "beneath/a", "magic/etc/passwd"}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(root.open_file(path).error().code, Errc::denied);
    EXPECT_EQ(root.entry(path).error().code, Errc::denied);
  }
  for (const std::string path : {"up", "absolute", "parent", "beneath", "magic"}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(root.open_file(path).error().code, Errc::invalid_input);
    EXPECT_FALSE(root.open_folder(path));
    EXPECT_EQ(root.metadata_of(path)->kind, Kind::link);
  }
  EXPECT_EQ(root.link_target("up"), "../secret");
  EXPECT_TRUE(root.leads_beneath("beneath"));
  for (const std::string path : {"up", "absolute", "parent", "magic"}) {
    EXPECT_FALSE(root.leads_beneath(path)) << path;
  }
}

TEST(Root, WhatIsNoRegularFileIsNotOpened) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder / "socket").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(listener);
  folder.make_folder("folder");
  const Root root = opened(folder.path());
  for (const std::string path : {"fifo", "socket", "folder"}) {
    const auto file = root.open_file(path);  // Would wait for ever for somebody to write.
    EXPECT_EQ(file.error().code, Errc::invalid_input) << path;
    EXPECT_TRUE(root.metadata_of(path)) << path;
  }
  // Who opens a FIFO to write without waiting is told whether anybody reads it.
  EXPECT_EQ(::open((folder / "fifo").c_str(), O_WRONLY | O_NONBLOCK), -1);
}

TEST(Root, ALinkThatIsSwappedInMeanwhileIsNotFollowed) {
  const TemporaryFolder folder;
  folder.write("secret/a", "outside");
  folder.write("root/in/a", "inside");
  folder.link("../secret", "root/spare");
  const Root root = opened(folder / "root");
  // As the entry was looked at, then swapped: the entry stands for what it was.
  const auto entry = root.entry("in/a");
  ASSERT_TRUE(entry);
  std::filesystem::rename(folder / "root/in", folder / "root/old");
  std::filesystem::rename(folder / "root/spare", folder / "root/in");
  EXPECT_EQ(root.open_file("in/a").error().code, Errc::denied);
  const auto file = open_regular(*entry);
  ASSERT_TRUE(file);
  EXPECT_EQ(text_of(*file->read_whole(100)), "inside");
}

TEST(Root, AFolderMovedOutOfItTakesNoReaderAlong) {
  const TemporaryFolder folder;
  folder.write("root/in/a", "inside");
  const Root root = opened(folder / "root");
  std::filesystem::rename(folder / "root", folder / "moved");
  EXPECT_EQ(text_of_file(root, "in/a"), "inside") << "the root is the folder, not its name";
}

TEST(Root, NamesAreOctets) {
  const TemporaryFolder folder;
  const std::vector<std::string> names = {
      "trailing.",   "trailing ", "no\xff\xfe utf8", "gpj.\xe2\x80\xaexe", "new\nline",
      "back\\slash", "a:b"};
  for (const std::string& name : names) folder.write(name, name);
  const Root root = opened(folder.path());
  for (const std::string& name : names) EXPECT_EQ(text_of_file(root, name), name);
}

TEST(Root, PathsLongerThanTheKernelTakesAtOnce) {
  const TemporaryFolder folder;
  const std::string name(200, 'n');
  std::string path;
  FileDescriptor at(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0700), 0);
    at = FileDescriptor(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
    path += name + "/";
  }
  FileDescriptor file(::openat(at.get(), "a", O_WRONLY | O_CREAT, 0600));
  ASSERT_EQ(::write(file.get(), "deep", 4), 4);
  const Root root = opened(folder.path());
  EXPECT_GT(path.size(), 8000U);
  EXPECT_EQ(text_of_file(root, path + "a"), "deep");
}

TEST(Root, FindsInWhateverCase) {
  const TemporaryFolder folder;
  folder.write("InetPub/Logs/LogFiles/W3SVC1/u_ex.log", "1");
  folder.write("inetpub/logs/logfiles/w3svc1/U_EX.LOG", "2");
  folder.write("inetpub/other", "");
  const Root root = opened(folder.path());
  EXPECT_EQ(root.find("INETPUB/LOGS/LOGFILES/W3SVC1/u_ex.LOG"),
            (std::vector<std::string>{"InetPub/Logs/LogFiles/W3SVC1/u_ex.log",
                                      "inetpub/logs/logfiles/w3svc1/U_EX.LOG"}));
  EXPECT_EQ(root.find("inetpub"), (std::vector<std::string>{"inetpub", "InetPub"}));
  EXPECT_EQ(root.find("inetpub/other"), (std::vector<std::string>{"inetpub/other"}));
  EXPECT_TRUE(root.find("inetpub/none").empty());
  EXPECT_TRUE(root.find("inetpub/other/beneath a file").empty());
  EXPECT_TRUE(root.find("../" + folder.path()).empty());
  EXPECT_EQ(root.find(""), (std::vector<std::string>{""}));
}

TEST(Root, TimesAreExact) {
  const TemporaryFolder folder;
  folder.write("a", "x");
  const std::array<timespec, 2> times{timespec{1'600'000'001, 7}, timespec{-5, 999'999'999}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder / "a").c_str(), times.data(), 0), 0);
  ASSERT_EQ(::chmod((folder / "a").c_str(), 0641), 0);
  const Root root = opened(folder.path());
  const auto metadata = root.metadata_of("a");
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->modified, (Time{-5, 999'999'999}));
  EXPECT_EQ(metadata->accessed, (Time{1'600'000'001, 7}));
  EXPECT_EQ(metadata->mode, 0641U);
  EXPECT_EQ(metadata->size, 1U);
  EXPECT_EQ(text_of_file(root, "a"), "x");
  EXPECT_EQ(root.metadata_of("a")->accessed, metadata->accessed) << "reading leaves no trace";
}

TEST(Root, AnAttributeThatIsNotThereIsNotFound) {
  const TemporaryFolder folder;
  folder.write("a", "x");
  const Root root = opened(folder.path());
  const auto entry = root.entry("a");
  EXPECT_EQ(attribute(*entry, "user.none").error().code, Errc::not_found);
  EXPECT_TRUE(attribute_names(*entry));
}

TEST(Root, WhatIsNoFolderIsNoRoot) {
  const TemporaryFolder folder;
  folder.write("a", "x");
  EXPECT_EQ(Root::open(folder / "none").error().code, Errc::not_found);
  EXPECT_FALSE(Root::open(folder / "a"));
}

}  // namespace
}  // namespace postern::files
