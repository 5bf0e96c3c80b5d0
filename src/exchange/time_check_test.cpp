#include "exchange/time_check.h"

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr WallTime kCame{seconds(1'614'744'000)};
constexpr std::string_view kPage = "inetpub/wwwroot/aspnet_client/x.aspx";

TEST(TimeCheck, TimesThatWereSetAreTold) {
  struct Case {
    const char* what;
    PageTimes page;
    int confidence;  ///< 0: nothing.
  };
  const std::string page(kPage);
  const std::string exchange = "Program Files/Microsoft/Exchange Server/V15/";
  const Case cases[] = {
      {"as it came", {page, kCame, kCame}, 0},
      {"a clock that goes otherwise", {page, kCame - hours(20), kCame}, 0},
      {"set back", {page, kCame - hours(2'000), kCame}, 60},
      {"set back to whole seconds", {page, kCame - hours(2'000), kCame, true, false}, 70},
      {"set to whole seconds", {page, kCame + hours(1), kCame, true, false}, 50},
      {"a volume that has no others", {page, kCame, kCame, true, true}, 0},
      {"Exchange's own",
       {exchange + "FrontEnd/HttpProxy/owa/auth/Logon.aspx", kCame - hours(2'000), kCame},
       0},
      {"beside Exchange's own",
       {exchange + "FrontEnd/HttpProxy/owa/auth/outlooken.aspx", kCame - hours(2'000), kCame},
       60},
      {"elsewhere", {"Windows/System32/x.aspx", kCame - hours(2'000), kCame}, 0},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    const auto found = check_times(one.page);
    ASSERT_EQ(found.has_value(), one.confidence > 0);
    if (!found) continue;
    EXPECT_EQ(found->confidence, one.confidence);
    EXPECT_EQ(found->tier, Tier::hunt);
    EXPECT_EQ(found->at, kCame);
  }
}

}  // namespace
}  // namespace postern::exchange
