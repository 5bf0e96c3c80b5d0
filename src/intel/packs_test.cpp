#include "intel/packs.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <libpsl.h>

#include "dns/name.h"

namespace postern::intel {
namespace {

// Names that many people need: no pack may hold one, nor a name above one.
const char* const kNeeded[] = {
    "krebsonsecurity.com", "symantec.com", "microsoft.com",   "windowsupdate.com", "office.com",
    "outlook.com",         "google.com",   "amazonaws.com",   "cloudflare.com",    "github.com",
    "github.io",           "dropbox.com",  "mega.nz",         "pastebin.com",      "wikipedia.org",
    "apple.com",           "debian.org",   "letsencrypt.org",
};

TEST(Packs, TheHafniumPackIsBuiltInAndEqualsItsFile) {
  ASSERT_EQ(built_in_packs().size(), 1U);
  const Pack& pack = built_in_packs()[0];
  std::ifstream file(POSTERN_SOURCE_DIR "/packs/hafnium/domains.csv", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(pack.csv, text);
  EXPECT_EQ(pack.name, "hafnium");
}

TEST(Packs, EveryRowParsesAndHasItsReference) {
  for (const Pack& pack : built_in_packs()) {
    SCOPED_TRACE(pack.name);
    const auto text = read_pack(pack.csv);
    ASSERT_TRUE(text.has_value()) << text.error().text;
    EXPECT_EQ(text->name, pack.name);
    EXPECT_EQ(text->date, pack.date);
    EXPECT_EQ(text->title.rfind(pack.title, 0), 0U) << text->title;
    std::string newest;
    std::set<std::string> values;
    for (const PackIndicator& row : text->indicators) {
      SCOPED_TRACE(row.value);
      EXPECT_TRUE(values.insert(row.value).second) << "twice";
      EXPECT_TRUE(std::ranges::none_of(row.value, [](char c) { return c >= 'A' && c <= 'Z'; }));
      newest = std::max(newest, row.first_published);
    }
    EXPECT_EQ(newest, pack.date);
  }
}

TEST(Packs, NoRowIsAPublicSuffixOrAboveANameThatPeopleNeed) {
  const psl_ctx_t* suffixes = psl_builtin();
  ASSERT_NE(suffixes, nullptr);
  for (const Pack& pack : built_in_packs()) {
    const auto text = read_pack(pack.csv);
    ASSERT_TRUE(text.has_value());
    for (const PackIndicator& row : text->indicators) {
      SCOPED_TRACE(row.value);
      EXPECT_EQ(psl_is_public_suffix(suffixes, row.value.c_str()), 0);
      const auto name = dns::Name::from_text(row.value);
      ASSERT_TRUE(name.has_value());
      for (const char* needed : kNeeded) {
        const auto other = dns::Name::from_text(needed);
        EXPECT_FALSE(other->is_at_or_below(*name) || name->is_at_or_below(*other)) << needed;
      }
    }
  }
}

TEST(Packs, ReadAsAFeedEveryRowIsARuleForTheNameAndAllBelow) {
  for (const Pack& pack : built_in_packs()) {
    const auto text = read_pack(pack.csv);
    const auto feed = read_feed(pack.csv, pack_feed_options());
    ASSERT_TRUE(text.has_value());
    ASSERT_TRUE(feed.has_value()) << feed.error().text;
    EXPECT_EQ(feed->lines_skipped, 0U);
    ASSERT_EQ(feed->rules.size(), text->indicators.size());
    for (std::size_t i = 0; i < feed->rules.size(); ++i) {
      EXPECT_EQ(feed->rules.at(i).name.to_display(), text->indicators[i].value);
      EXPECT_EQ(feed->rules.at(i).line, text->indicators[i].line);
      EXPECT_EQ(feed->rules.at(i).scope, policy::Scope::at_and_below);
      EXPECT_EQ(feed->rules.at(i).action, policy::Action::block);
    }
  }
}

TEST(ReadPack, AFaultIsAnErrorWithItsLine) {
  const std::string head =
      "# pack: p\n# title: t\n# date: 2021-04-01\n# licence: CC0-1.0\n"
      "# reference: r | 2021-04-01 | who | what | https://x.example/\n"
      "value,type,first_published,reference,confidence,note\n";
  EXPECT_TRUE(read_pack(head + "a.example,domain,2021-04-01,r,95,n\n").has_value());
  const struct {
    std::string row;
    std::string want;
  } cases[] = {
      {"a.example,domain,2021-04-01,r,95", "line 7: a row has six columns"},
      {"a.example,domain,2021-04-01,q,95,n", "line 7: the header lists no reference \"q\""},
      {"a.example,domain,2021-04-01,,95,n", "line 7: every row needs a reference"},
      {"a.example,domain,2021-04-01,r,101,n", "line 7: confidence is a number from 0 to 100"},
      {"a.example,domain,2021-04-01,r,x,n", "line 7: confidence is a number from 0 to 100"},
      {"a.example,domain,April,r,95,n", "line 7: first_published is YYYY-MM-DD"},
      {"192.0.2.1,address,2021-04-01,r,95,n", "line 7: the only type is domain"},
      {"a.example,domain,2021-04-01,r,95,", "line 7: value and note must be there"},
      {"# reference: r | x", "line 7: a reference is ID | DATE | PUBLISHER | TITLE | URL"},
      {"# author: me", "line 7: the header has no \"author: me\""},
      {"", "a pack needs an indicator"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.row);
    const auto pack = read_pack(head + c.row + "\n");
    ASSERT_FALSE(pack.has_value());
    EXPECT_EQ(pack.error().text, c.want);
  }
}

}  // namespace
}  // namespace postern::intel
