#include "exchange/page_names.h"

#include <gtest/gtest.h>

namespace postern::exchange {
namespace {

TEST(PageNames, ThePageOfAPathIsWhatIisWouldRun) {
  struct Case {
    std::string_view stem, page;
  };
  constexpr Case kCases[] = {
      {"/owa/auth/Logon.ASPX", "/owa/auth/logon.aspx"},
      {"/ecp/DDI/DDIService.svc/GetList", "/ecp/ddi/ddiservice.svc"},
      {"/aspnet_client/x.aspx;a=b/c", "/aspnet_client/x.aspx"},
      {"/aspnet_client/x%2easpx", "/aspnet_client/x.aspx"},
      {"/aspnet_client//x%252easpx", "/aspnet_client/x.aspx"},
      {"\\aspnet_client\\x.aspx", "/aspnet_client/x.aspx"},
      {"/owa/15.1.2176.9/x.aspx", "/owa/version/x.aspx"},
      {"/owa/", ""},
      {"/owa/auth/logon.css", ""},
      {"/owa/x.aspx.js", ""},
      {"", ""},
  };
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.stem);
    EXPECT_EQ(page_of(one.stem).value_or(""), one.page);
  }
}

TEST(PageNames, ExchangesOwnAreBuiltIn) {
  EXPECT_GT(exchange_pages().size(), 800U);
  for (const std::string_view page :
       {"/owa/auth/logon.aspx", "/owa/auth/errorfe.aspx", "/ecp/default.aspx", "/ews/exchange.asmx",
        "/ecp/ddi/ddiservice.svc", "/ecp/auth/timeoutlogout.aspx", "/ews/mrsproxy.svc",
        "/owa/service.svc", "/autodiscover/autodiscover.svc"}) {
    EXPECT_TRUE(exchange_pages().has(page)) << page;
  }
  for (const std::string_view page :
       {"/owa/auth/timeoutlogoff.aspx", "/owa/auth/outlooken.aspx", "/aspnet_client/default.aspx",
        "/owa/auth/current/logon.aspx", "/default.aspx"}) {
    EXPECT_FALSE(exchange_pages().has(page)) << page;
  }
}

TEST(PageNames, AFaultNamesItsLine) {
  struct Case {
    std::string_view text, error;
  };
  constexpr Case kCases[] = {
      {"/a/\n", "line 1: no \"pack NAME DATE\""},
      {"pack x 1\n  a.aspx\n", "line 2: a page without a folder"},
      {"pack x 1\na/\n", "line 2: a folder begins and ends with \"/\""},
      {"pack x 1\n# y\n/a/\n b.aspx c.css\n", "line 4: \"c.css\" is no page"},
  };
  for (const Case& one : kCases) {
    const auto read = PageNames::read(one.text);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().text, one.error);
  }
  const auto read = PageNames::read("pack x 1\r\n\r\n/a/\r\n  c.aspx b.aspx\r\n");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->size(), 2U);
  EXPECT_TRUE(read->has("/a/b.aspx"));
}

}  // namespace
}  // namespace postern::exchange
