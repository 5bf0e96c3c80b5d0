#include "intel/url_host.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::intel {
namespace {

TEST(UrlHost, IsTakenOutOfAUrl) {
  const struct {
    std::string url;
    std::string want;  // The host, "+" behind one that is not all there is.
  } cases[] = {
      {"http://bad.example", "bad.example"},
      {"https://bad.example/", "bad.example"},
      {"https://bad.example:8443/", "bad.example"},
      {"hxxp://user:secret@bad.example/", "bad.example"},
      {"http://a@b@bad.example", "bad.example"},
      {"http://192.0.2.1/", "192.0.2.1"},
      {"http://[2001:db8::1]:80/", "2001:db8::1"},
      {"bad.example", "bad.example"},
      {"bad.example:80", "bad.example"},
      {"http://bad.example/x", "bad.example+"},
      {"http://bad.example//", "bad.example+"},
      {"http://bad.example?x=1", "bad.example+"},
      {"http://bad.example/#x", "bad.example+"},
      {"http://bad.example\\x", "bad.example+"},
      {"bad.example/go?to=http://good.example/", "bad.example+"},
      {"http://", "is a URL without a host; correct it"},
      {"http:///x", "is a URL without a host; correct it"},
      {"/x", "is a URL without a host; correct it"},
      {"http://[2001:db8::1/", "is a URL without a host; correct it"},
      {"http://bad.example:x/", "has a port that is no number; correct it"},
      {"http://[::1]x/", "has a port that is no number; correct it"},
      {"", "is a URL without a host; correct it"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.url);
    const auto host = host_of_url(c.url);
    const std::string got =
        host ? std::string(host->host) + (host->whole_host ? "" : "+") : std::string(host.error());
    EXPECT_EQ(got, c.want);
  }
}

}  // namespace
}  // namespace postern::intel
