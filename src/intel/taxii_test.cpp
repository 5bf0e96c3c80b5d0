#include "intel/taxii.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::intel {
namespace {

TEST(Taxii, ADiscoveryNamesItsDefaultRootFirst) {
  const auto entry =
      read_taxii_entry(R"({"title":"t","default":"https://t.example/b/",)"
                       R"("api_roots":["https://t.example/a/","https://t.example/b/"]})");
  ASSERT_TRUE(entry) << entry.error().text;
  EXPECT_EQ(entry->api_roots,
            (std::vector<std::string>{"https://t.example/b/", "https://t.example/a/"}));
}

TEST(Taxii, AnApiRootIsKnownByItsVersions) {
  const auto entry = read_taxii_entry(
      R"({"title":"r","versions":["application/taxii+json;version=2.1"],"max_content_length":1})");
  ASSERT_TRUE(entry) << entry.error().text;
  EXPECT_TRUE(entry->api_roots.empty());
}

TEST(Taxii, WhatIsNeitherIsSaid) {
  struct Case {
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"<html>", "is no JSON"},
      {"[]", "is no JSON object"},
      {R"({"a":1})", "names no api_roots and no versions"},
      {R"({"title":"t"})", "give the API root's address as taxii.url"},
      {R"({"title":"t","api_roots":[]})", "names no api_roots"},
      {R"({"title":"t","api_roots":[1,2]})", "names no api_roots"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto entry = read_taxii_entry(c.text);
    ASSERT_FALSE(entry);
    EXPECT_NE(entry.error().text.find(c.want), std::string::npos) << entry.error().text;
  }
}

TEST(Taxii, CollectionsWithTheirRights) {
  const auto collections =
      read_taxii_collections(R"({"collections":[{"id":"1","title":"one","can_read":true},)"
                             R"({"id":"2","title":"two","alias":"b","can_read":false}]})");
  ASSERT_TRUE(collections) << collections.error().text;
  ASSERT_EQ(collections->size(), 2U);
  EXPECT_TRUE(collections->at(0).can_read);
  EXPECT_EQ(collections->at(1).alias, "b");
  EXPECT_FALSE(collections->at(1).can_read);
  EXPECT_TRUE(read_taxii_collections("{}")->empty());
  EXPECT_FALSE(read_taxii_collections(R"({"collections":{}})"));
}

TEST(Taxii, APageIsItsObjectsAndWhatComesNext) {
  const std::string text = R"( {"more": true, "objects": [{"a": [1, {"objects": [2]}]}, )"
                           R"({"b": "]}"}], "next": "n\u0031"} )";
  const auto page = read_taxii_page(text);
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->next, "n1");
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0], R"({"a": [1, {"objects": [2]}]})");
  EXPECT_EQ(page->objects[1], R"({"b": "]}"})");
}

TEST(Taxii, AnEmptyPageIsOneToo) {
  for (const std::string_view text : {"{}", " {} ", R"({"objects":[]})", R"({"more":false})"}) {
    SCOPED_TRACE(text);
    const auto page = read_taxii_page(text);
    ASSERT_TRUE(page) << page.error().text;
    EXPECT_TRUE(page->objects.empty());
    EXPECT_FALSE(page->more);
  }
}

TEST(Taxii, WhatIsNoPageIsRefusedWhole) {
  struct Case {
    std::string text;
    std::string_view want;
  };
  const Case cases[] = {
      {"", "no JSON"},
      {R"({"objects":[{"a":1},{"b":)", "cut off"},
      {R"({"objects":[{"a":1})", "cut off"},
      {R"({"objects":{"a":1}})", "objects are no array"},
      {R"({"objects":"x"})", "objects are no array"},
      {R"({"more":1,"objects":[]})", "\"more\" is no boolean"},
      {R"({"more":"true","objects":[{"a":1}]})", "\"more\" is no boolean"},
      {R"({"more":true,"next":7})", "\"next\" is no string"},
      {R"({"more":true,"next":")" + std::string(4097, 'n') + "\"}", "over 4096"},
      {"[{\"a\":1}]", "no JSON object"},
      {"nothing", "neither an object nor an array"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text.substr(0, 60));
    const auto page = read_taxii_page(c.text);
    ASSERT_FALSE(page);
    EXPECT_NE(page.error().text.find(c.want), std::string::npos) << page.error().text;
  }
}

TEST(Taxii, AnErrorMessageHasATitleForTheLog) {
  EXPECT_EQ(taxii_error_title(R"({"title":"No \u0007such"})"), "\"No \\x07such\"");
  EXPECT_EQ(taxii_error_title("<html>"), "");
  EXPECT_EQ(taxii_error_title("{}"), "");
}

}  // namespace
}  // namespace postern::intel
