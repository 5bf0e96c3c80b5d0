#include "windows/hive.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "windows/little_endian.h"
#include "windows/testing/hive_writer.h"
#include "windows/testing/little_endian_writer.h"
#include "windows/testing/output_of.h"

namespace postern::windows {
namespace {

using testing::output_of;
using testing::put_u16;
using testing::put_u32;
using testing::set_little;
using testing::TestKey;
using testing::text_value;
using testing::utf16;
using testing::write_hive;

constexpr std::string_view kSetup = "Microsoft\\ExchangeServer\\v15\\Setup";
constexpr std::string_view kInstalled = "D:\\Exchange Server\\V15\\";

Octets long_data() {
  Octets data(40'000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 7 / 5);
  return data;
}

TestKey software() {
  Octets texts = utf16("one");
  put_u16(texts, 0);
  testing::put_octets(texts, utf16("two"));
  put_u16(texts, 0);
  put_u16(texts, 0);
  TestKey setup{.name = "Setup"};
  setup.values = {text_value("MsiInstallPath", kInstalled),
                  {"", RegistryType::text, utf16("default")},
                  {"Build", RegistryType::number, {0x22, 0x11, 0, 0}},
                  {"Short", RegistryType::text, utf16("x")},
                  {"Big", RegistryType::big_endian, {0, 0, 1, 2}},
                  {"Long", RegistryType::long_number, {1, 0, 0, 0, 0, 0, 0, 0x80}},
                  {"Texts", RegistryType::texts, texts},
                  {"Data", RegistryType::binary, long_data()},
                  {"Empty", RegistryType::none, {}}};
  TestKey server{.name = "ExchangeServer",
                 .keys = {{.name = "v14"}, {.name = "v15", .keys = {setup}}}};
  server.list = "lf";
  TestKey microsoft{.name = "Microsoft", .keys = {server}};
  microsoft.list = "li";
  TestKey many{.name = "Many"};
  for (int i = 0; i < 7; ++i) many.keys.push_back({.name = "Key" + std::to_string(i)});
  many.list = "ri";
  TestKey wide{.name = "Wide", .values = {text_value("Name", "value")}};
  wide.wide_names = true;
  return {.name = "ROOT", .keys = {microsoft, many, wide}};
}

std::string text_at(const Hive& hive, std::string_view path, std::string_view name) {
  const auto key = hive.find(path);
  if (!key) return key.error().text;
  const auto value = hive.value(*key, name);
  return value ? value->text() : value.error().text;
}

TEST(Hive, AValueIsFoundByItsPathWhateverItsCase) {
  const Octets file = write_hive(software());
  const auto hive = Hive::open(file);
  ASSERT_TRUE(hive);
  EXPECT_FALSE(hive->is_dirty());
  EXPECT_TRUE(hive->checksum_right());
  EXPECT_EQ(hive->file_name(), "\\SystemRoot\\Config\\TEST");
  EXPECT_EQ(hive->written(), WallTime{microseconds{1'614'729'612'345'678}});
  EXPECT_EQ(text_at(*hive, kSetup, "MsiInstallPath"), kInstalled);
  EXPECT_EQ(text_at(*hive, "MICROSOFT\\exchangeserver\\V15\\\\setup\\", "msiinstallpath"),
            kInstalled);
  EXPECT_EQ(text_at(*hive, kSetup, ""), "default");
  EXPECT_EQ(text_at(*hive, "Wide", "Name"), "value");
  EXPECT_EQ(text_at(*hive, "Many\\key6", "x"), "no such value");
  EXPECT_EQ(text_at(*hive, "Many\\Key7", "x"), "no such key");
  EXPECT_EQ(text_at(*hive, "Many\\Key", "x"), "no such key");
  EXPECT_EQ(hive->find(kSetup)->written, hive->written());
  EXPECT_EQ(hive->root()->name, "ROOT");
}

TEST(Hive, ValuesOfAllTypes) {
  const Octets file = write_hive(software());
  const auto hive = Hive::open(file);
  const auto setup = hive->find(kSetup);
  ASSERT_TRUE(setup);
  const auto values = hive->values(*setup);
  EXPECT_EQ(values.unreadable, 0U);
  ASSERT_EQ(values.items.size(), 9U);
  for (const RegistryValue& value : values.items) EXPECT_TRUE(value.is_whole) << value.name;
  EXPECT_EQ(values.items[2].number(), 0x1122U);
  EXPECT_EQ(values.items[3].text(), "x");
  EXPECT_EQ(values.items[4].number(), 258U);
  EXPECT_EQ(values.items[5].number(), 0x8000000000000001U);
  EXPECT_EQ(values.items[6].texts(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(values.items[7].data, long_data());
  EXPECT_EQ(values.items[8].data.size(), 0U);
  EXPECT_FALSE(values.items[0].number());
}

TEST(Hive, KeysOfEachKindOfList) {
  const Octets file = write_hive(software());
  const auto hive = Hive::open(file);
  const auto names = [&](std::string_view path) {
    std::string all;
    const auto list = hive->subkeys(*hive->find(path));
    EXPECT_EQ(list.unreadable, 0U);
    for (const RegistryKey& key : list.items) all += key.name + " ";
    return all;
  };
  EXPECT_EQ(names(""), "Microsoft Many Wide ");
  EXPECT_EQ(names("Microsoft"), "ExchangeServer ");
  EXPECT_EQ(names("Microsoft\\ExchangeServer"), "v14 v15 ");
  EXPECT_EQ(names("Many"), "Key0 Key1 Key2 Key3 Key4 Key5 Key6 ");
  EXPECT_EQ(names("Wide"), "");
}

TEST(Hive, AHiveInUseIsReadAndSaidToBe) {
  Octets file = write_hive(software());
  set_little(file, 4, 8, 4);
  const auto hive = Hive::open(file);
  ASSERT_TRUE(hive);
  EXPECT_TRUE(hive->is_dirty());
  EXPECT_FALSE(hive->checksum_right());
  EXPECT_EQ(text_at(*hive, kSetup, "MsiInstallPath"), kInstalled);
}

TEST(Hive, WhatIsNoHiveIsRefused) {
  EXPECT_FALSE(Hive::open({}));
  EXPECT_FALSE(Hive::open(Octets(5000)));
  Octets file = write_hive(software());
  file.resize(4095);
  ASSERT_FALSE(Hive::open(file));
  file.resize(4096, 0);
  ASSERT_TRUE(Hive::open(file));
  EXPECT_EQ(Hive::open(file)->root().error().code, Errc::corrupt);
  EXPECT_EQ(Hive::open(file)->find("a").error().code, Errc::corrupt);
}

/// Where the cell of the key `path` begins in the file.
std::size_t key_offset(const Octets& file, std::string_view path) {
  return 4096 + 4 + std::size_t{Hive::open(file)->find(path)->cell};
}

TEST(Hive, AListThatHoldsItselfEnds) {
  Octets file = write_hive(software());
  const std::size_t many = key_offset(file, "Many");
  const std::uint32_t list = little_u32(&file[many + 28]);
  for (std::size_t i = 0; i < 4; ++i) set_little(file, 4096 + 4 + list + 4 + i * 4, list, 4);
  const auto hive = Hive::open(file);
  const auto keys = hive->subkeys(*hive->find("Many"));
  EXPECT_TRUE(keys.items.empty());
  EXPECT_GT(keys.unreadable, 0U);
  EXPECT_EQ(hive->find("Many\\Key1").error().code, Errc::corrupt);
}

TEST(Hive, AKeyBeneathItselfIsOnlyAsDeepAsThePath) {
  Octets file = write_hive(software());
  const std::size_t many = key_offset(file, "Many");
  const std::uint32_t root_list = little_u32(&file[key_offset(file, "") + 28]);
  set_little(file, many + 28, root_list, 4);
  const auto hive = Hive::open(file);
  EXPECT_TRUE(hive->find("Many\\Many\\Many\\Microsoft"));
  EXPECT_FALSE(hive->find("Many\\Many\\Key1"));
}

TEST(Hive, CountsThatLieAreNotBelieved) {
  Octets file = write_hive(software());
  const std::size_t setup = key_offset(file, kSetup);
  set_little(file, setup + 36, 0xFFFFFFFF, 4);
  const auto hive = Hive::open(file);
  const auto values = hive->values(*hive->find(kSetup));
  EXPECT_GE(values.items.size(), 9U);
  EXPECT_GT(values.unreadable, 0U);
  EXPECT_EQ(text_at(*hive, kSetup, "MsiInstallPath"), kInstalled);
  EXPECT_EQ(text_at(*hive, kSetup, "Nothing"), "the list of values is damaged");
}

TEST(Hive, DataThatIsCutIsSaidToBe) {
  Octets file = write_hive(software());
  const auto whole = Hive::open(file)->value(*Hive::open(file)->find(kSetup), "Data");
  ASSERT_TRUE(whole && whole->is_whole);
  const Octets db = {'d', 'b', 3, 0};
  const auto at = std::search(file.begin(), file.end(), db.begin(), db.end());
  ASSERT_NE(at, file.end());
  *(at + 2) = 2;
  const auto hive = Hive::open(file);
  const auto cut = hive->value(*hive->find(kSetup), "Data");
  ASSERT_TRUE(cut);
  EXPECT_FALSE(cut->is_whole);
  EXPECT_EQ(cut->data.size(), 2U * 16'344);
  EXPECT_TRUE(std::equal(cut->data.begin(), cut->data.end(), whole->data.begin()));
}

TEST(Hive, NoOctetsMakeItReadBeyondItsOwn) {
  const Octets good = write_hive(software());
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    Octets file = good;
    for (int i = 0; i < 8; ++i) file[random() % file.size()] = static_cast<std::uint8_t>(random());
    if (round % 3 == 0) file.resize(random() % file.size());
    const auto hive = Hive::open(file);
    if (!hive) continue;
    const auto root = hive->root();
    if (!root) continue;
    for (const RegistryKey& key : hive->subkeys(*root).items) {
      for (const RegistryKey& inner : hive->subkeys(key).items) {
        EXPECT_LE(hive->values(inner).items.size(), Hive::kMaxItems);
      }
    }
    static_cast<void>(text_at(*hive, kSetup, "Data"));
  }
}

// hivex, where it is installed, reads our hives and writes one that we read.

TEST(Hive, HivexReadsTheSameAndWhatItWritesIsRead) {
  if (output_of("command -v hivexget hivexsh").empty()) {
    GTEST_SKIP() << "hivexget is not installed (package libhivex-bin)";
  }
  const auto path = std::filesystem::temp_directory_path() /
                    ("postern_hive_" + std::to_string(getpid()) + ".hiv");
  std::ofstream(path, std::ios::binary) << text_of(write_hive(software()));
  const std::string get = "hivexget '" + path.string() + "' '" + std::string(kSetup) + "' ";
  EXPECT_EQ(output_of(get + "MsiInstallPath"), std::string(kInstalled) + "\n");
  EXPECT_EQ(output_of(get + "Build"), "4386\n");
  const std::string edit =
      "printf 'cd Many\\nadd Fresh\\ncd Fresh\\nsetval 2\\nA\\nstring:hello\\nB\\ndword:77\\n"
      "commit\\nquit\\n' | hivexsh -w '" +
      path.string() + "' 2>&1";
  const std::string said = output_of(edit);
  std::ifstream in(path, std::ios::binary);
  const std::string changed{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove(path);
  const auto hive = Hive::open(octets_of(changed));
  ASSERT_TRUE(hive);
  EXPECT_EQ(text_at(*hive, "Many\\Fresh", "A"), "hello") << said;
  EXPECT_EQ(hive->value(*hive->find("many\\fresh"), "b")->number(), 77U);
  EXPECT_EQ(hive->subkeys(*hive->find("Many")).items.size(), 8U);
  EXPECT_EQ(text_at(*hive, kSetup, "MsiInstallPath"), kInstalled);
}

}  // namespace
}  // namespace postern::windows
