// Against a real NTFS that ntfs-3g mounts; skipped where that cannot be had.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "files/extended_attributes.h"
#include "files/ntfs.h"
#include "files/ntfs_testing.h"
#include "files/walk.h"

namespace postern::files {
namespace {

using testing::append_word;
using testing::junction_to;
using testing::NtfsTest;

TEST_F(NtfsTest, AttributesTimesAndStreamsAreSeen) {
  folder_.write("mount/shell.aspx", "x");
  set("shell.aspx", "user.Zone.Identifier", "[ZoneTransfer]");
  std::string hidden;
  append_word(hidden, 0x27, 4);  // Read-only, hidden, system, archive: "RHSA".
  set("shell.aspx", "system.ntfs_attrib", hidden);
  std::string times;
  for (const std::uint64_t time : {1U, 2U, 3U}) {
    append_word(times, 116'444'736'000'000'000 + time * 10'000'000 + 7, 8);
  }
  set("shell.aspx", "system.ntfs_times", times);
  const auto root = Root::open(mount());
  ASSERT_TRUE(root);
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  const Entry* entry = walk.next();
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->path, "shell.aspx");
  ASSERT_TRUE(entry->ntfs);
  EXPECT_EQ(entry->ntfs->attributes & 0x27, 0x27U);
  EXPECT_TRUE(entry->ntfs->is_hidden());
  EXPECT_TRUE(entry->ntfs->is_system());
  EXPECT_TRUE(entry->ntfs->is_read_only());
  EXPECT_EQ(entry->ntfs->streams, (std::vector<std::string>{"Zone.Identifier"}));
  ASSERT_TRUE(entry->ntfs->times);
  EXPECT_EQ(entry->ntfs->times->created, (Time{1, 700}));
  EXPECT_EQ(entry->ntfs->times->modified, (Time{2, 700}));
  EXPECT_EQ(entry->metadata.modified, (Time{2, 700}));
  const auto stream = attribute(*walk.open_entry(), "user.Zone.Identifier");
  ASSERT_TRUE(stream);
  EXPECT_EQ(text_of(*stream), "[ZoneTransfer]");
}

TEST_F(NtfsTest, JunctionsAreNotFollowed) {
  folder_.write("outside/secret", "x");
  folder_.write("mount/real/a", "x");
  folder_.make_folder("mount/to real");
  folder_.make_folder("mount/real/to above");
  folder_.make_folder("mount/to another disk");
  set("to real", "system.ntfs_reparse_data", junction_to("C:\\real"));
  set("real/to above", "system.ntfs_reparse_data", junction_to("C:\\"));
  set("to another disk", "system.ntfs_reparse_data", junction_to("Z:\\logs"));
  remount();
  const auto root = Root::open(mount());
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  std::map<std::string, Kind> kinds;
  std::map<std::string, bool> reparse;
  while (const Entry* entry = walk.next()) {
    kinds[entry->path] = entry->metadata.kind;
    reparse[entry->path] = entry->ntfs && entry->ntfs->leads_elsewhere();
  }
  EXPECT_EQ(kinds, (std::map<std::string, Kind>{{"real", Kind::folder},
                                                {"real/a", Kind::regular},
                                                {"real/to above", Kind::link},
                                                {"to another disk", Kind::link},
                                                {"to real", Kind::link}}));
  EXPECT_TRUE(reparse["to real"]);
  EXPECT_FALSE(reparse["real"]);
  std::map<std::string, Reason> left_out;
  for (const NotExamined& item : not_examined.named()) left_out[item.path] = item.reason;
  EXPECT_EQ(left_out.count("to another disk"), 1U);
}

TEST_F(NtfsTest, AMountBeneathTheRootIsPartOfIt) {
  folder_.write("mount/a", "x");
  folder_.write("b", "x");
  const auto root = Root::open(folder_.path());
  NotExaminedList not_examined;
  Walk walk(*root, not_examined);
  std::map<std::string, bool> ntfs;
  while (const Entry* entry = walk.next()) ntfs[entry->path] = entry->ntfs.has_value();
  EXPECT_EQ(ntfs, (std::map<std::string, bool>{
                      {"b", false}, {"image", false}, {"mount", true}, {"mount/a", true}}));
}

}  // namespace
}  // namespace postern::files
