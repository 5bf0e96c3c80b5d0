#include "feeds/preview.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "feeds/builder.h"
#include "feeds/feeds_fixture.h"

namespace postern::feeds {
namespace {

using PreviewTest = testing::FeedsFixture;

Content content(std::string_view text) {
  intel::FeedOptions format;
  return Builder({}).read(text, format, Origin::local).value();
}

TEST_F(PreviewTest, TellsWhatAListWouldDoAgainstWhatTheServerHasInForce) {
  const policy::AskedName asked{dns::Name::from_text("www.shop.example").value(), 1, 9, {}, true};
  const policy::Traffic traffic{{"default"}, [&](const auto& take) { take(asked); }};
  const Source pack = text_source("pack", "bad.example\n");
  const Content list = content("www.shop.example\ncom\n");
  // Nothing is in force yet.
  const auto first = preview(options({pack}), source("new"), list, traffic);
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_EQ(first->change.blocked.names, 1U);

  start({pack});
  feeds.reset();
  const auto configured = preview(options({pack}), pack, list, traffic);
  ASSERT_TRUE(configured) << configured.error().text;
  EXPECT_EQ(configured->sizes.before, 1U);
  EXPECT_EQ(configured->change.added, 2U);
  EXPECT_EQ(configured->change.removed, 1U);
  EXPECT_EQ(configured->change.blocked.names, 1U);
  ASSERT_EQ(configured->findings.size(), 1U);
  EXPECT_EQ(configured->findings[0].reason, intel::GateReason::public_suffix);

  const auto another = preview(options({pack}), source("new"), list, traffic);
  ASSERT_TRUE(another) << another.error().text;
  EXPECT_EQ(another->change.removed, 0U);
  EXPECT_EQ(another->change.blocked.names, 1U);
}

}  // namespace
}  // namespace postern::feeds
