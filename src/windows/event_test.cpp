#include "windows/event.h"

#include <array>

#include <gtest/gtest.h>

namespace postern::windows {
namespace {

constexpr std::array<EventField, 5> kFields{{{"", "Set-OabVirtualDirectory"},
                                             {"Image", "a"},
                                             {"", "-Identity x"},
                                             {"image", "b"},
                                             {"Empty", ""}}};

TEST(Event, AFieldIsFoundByItsNameWhateverItsCase) {
  Event event;
  event.data = kFields;
  ASSERT_TRUE(event.find("IMAGE"));
  EXPECT_EQ(*event.find("IMAGE"), "a");
  ASSERT_TRUE(event.find("Empty"));
  EXPECT_EQ(*event.find("Empty"), "");
  EXPECT_FALSE(event.find("Imag"));
  EXPECT_FALSE(event.find("Image1"));
}

TEST(Event, FieldsWithoutANameAreCountedByThemselves) {
  Event event;
  event.data = kFields;
  ASSERT_TRUE(event.unnamed(1));
  EXPECT_EQ(*event.unnamed(0), "Set-OabVirtualDirectory");
  EXPECT_EQ(*event.unnamed(1), "-Identity x");
  EXPECT_FALSE(event.unnamed(2));
}

}  // namespace
}  // namespace postern::windows
