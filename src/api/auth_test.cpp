#include "api/auth.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "api/limits.h"

namespace postern::api {
namespace {

class TempFolder {
 public:
  TempFolder() {
    std::string shape = (std::filesystem::temp_directory_path() / "postern-auth-XXXXXX").string();
    path_ = ::mkdtemp(shape.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::string path_;
};

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

MonoTime at(std::int64_t second) {
  return MonoTime(seconds(second));
}
const IpAddress kClient = IpAddress::v4(192, 0, 2, 1);

TEST(Sha256, KnownAnswer) {  // FIPS 180-4's example.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(EqualConstantTime, Equality) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
}

TEST(Token, IsMadeOnceAndOnlyItsDigestIsKept) {
  const TempFolder folder;
  const std::string path = folder.file("api.token");
  const auto first = load_or_make_token(path);
  ASSERT_TRUE(first.has_value()) << first.error().text;
  ASSERT_TRUE(first->fresh.has_value());
  EXPECT_EQ(first->fresh->size(), 36U);  // "pst_" and 160 bits in letters of five.
  EXPECT_EQ(first->sha256, sha256_hex(*first->fresh));
  EXPECT_EQ(folder.files(), 0U);  // Made is not kept.
  ASSERT_TRUE(keep_token(path, *first).has_value());
  EXPECT_EQ(content(path), "sha256:" + first->sha256 + "\n");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(folder.files(), 1U);  // Nothing is left of the way it was put in place.

  const auto second = load_or_make_token(path);
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(second->fresh.has_value());
  EXPECT_EQ(second->sha256, first->sha256);
}

TEST(Token, NoTwoAreAlike) {
  const TempFolder folder;
  std::set<std::string> tokens;
  for (int i = 0; i < 20; ++i) {
    tokens.insert(*load_or_make_token(folder.file(std::to_string(i)))->fresh);
  }
  EXPECT_EQ(tokens.size(), 20U);
}

TEST(Token, AFileThatIsNotOursIsAnErrorAndStays) {
  const TempFolder folder;
  const std::string path = folder.file("api.token");
  for (const std::string text : {"", "secret", "sha256:abc", "sha256:"}) {
    SCOPED_TRACE(text);
    std::ofstream(path) << text;
    const auto token = load_or_make_token(path);
    ASSERT_FALSE(token.has_value());
    EXPECT_EQ(token.error().code, Errc::corrupt);
    EXPECT_EQ(content(path), text);
  }
}

TEST(Token, AFolderThatIsNotThereIsAnError) {
  const auto kept = keep_token("/nonexistent/api.token", Token{sha256_hex("x"), std::nullopt});
  ASSERT_FALSE(kept.has_value());
  EXPECT_NE(kept.error().text.find("/nonexistent/api.token"), std::string::npos);
}

TEST(Token, ASymbolicLinkIsNotFollowed) {
  const TempFolder folder;
  std::ofstream(folder.file("target")) << "sha256:" << std::string(64, 'a') << "\n";
  std::filesystem::create_symlink(folder.file("target"), folder.file("api.token"));
  EXPECT_FALSE(load_or_make_token(folder.file("api.token")).has_value());
}

TEST(Sessions, LiveUntilUnusedForTheirLife) {
  Sessions sessions;
  const std::string id = sessions.open(at(0));
  const auto life = kSessionLife.count();
  EXPECT_TRUE(sessions.touch(id, at(life - 1)));
  EXPECT_TRUE(sessions.touch(id, at(2 * life - 2)));  // It began anew.
  EXPECT_FALSE(sessions.touch(id, at(3 * life)));
  EXPECT_EQ(sessions.size(), 0U);
}

TEST(Sessions, TheCookieIsRenewedWhenHalfItsTimeIsOver) {
  Sessions sessions;
  const auto life = kSessionLife.count();
  const std::string id = sessions.open(at(0));
  EXPECT_FALSE(sessions.take_cookie_renewal(id, at(life / 2 - 1)));
  EXPECT_TRUE(sessions.take_cookie_renewal(id, at(life / 2)));
  EXPECT_FALSE(sessions.take_cookie_renewal(id, at(life / 2)));
  EXPECT_TRUE(sessions.take_cookie_renewal(id, at(life)));
  EXPECT_FALSE(sessions.take_cookie_renewal("0123", at(life)));
}

TEST(Sessions, UnknownAndClosedOnesAreNobody) {
  Sessions sessions;
  const std::string id = sessions.open(at(0));
  EXPECT_FALSE(sessions.touch("", at(0)));
  EXPECT_FALSE(sessions.touch("0123", at(0)));
  EXPECT_FALSE(sessions.touch(sha256_hex(id), at(0)));  // The digest kept opens nothing.
  sessions.close(id);
  EXPECT_FALSE(sessions.touch(id, at(0)));
}

TEST(Sessions, OneTooManyClosesTheOldest) {
  Sessions sessions;
  const std::string oldest = sessions.open(at(0));
  const std::string second = sessions.open(at(1));
  for (std::size_t i = 2; i < kMaxSessions; ++i) sessions.open(at(2));
  EXPECT_EQ(sessions.size(), kMaxSessions);
  sessions.open(at(3));
  EXPECT_EQ(sessions.size(), kMaxSessions);
  EXPECT_FALSE(sessions.touch(oldest, at(3)));
  EXPECT_TRUE(sessions.touch(second, at(3)));
}

TEST(SignInLimiter, WaitsDoubleFromTheFifthFailure) {
  SignInLimiter limiter;
  std::int64_t now = 0;
  for (unsigned i = 1; i < kFreeFailures; ++i) {
    limiter.failed(kClient, at(now));
    EXPECT_EQ(limiter.wait(kClient, at(now)).count(), 0);
  }
  for (const int want : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) {
    limiter.failed(kClient, at(now));
    EXPECT_EQ(limiter.wait(kClient, at(now)).count(), want);
    EXPECT_EQ(limiter.wait(kClient, at(now + want)).count(), 0);
    now += want;
  }
}

TEST(SignInLimiter, IsPerAddressAndForSixPerNetwork) {
  SignInLimiter limiter;
  const auto six = *IpAddress::from_text("2001:db8::1");
  for (unsigned i = 0; i < kFreeFailures; ++i) limiter.failed(six, at(0));
  EXPECT_GT(limiter.wait(*IpAddress::from_text("2001:db8::ffff"), at(0)).count(), 0);
  EXPECT_EQ(limiter.wait(*IpAddress::from_text("2001:db8:0:1::1"), at(0)).count(), 0);
  EXPECT_EQ(limiter.wait(kClient, at(0)).count(), 0);
}

TEST(SignInLimiter, TimeForgives) {
  SignInLimiter limiter;
  for (unsigned i = 1; i < kFreeFailures; ++i) limiter.failed(kClient, at(0));
  limiter.failed(kClient, at(kFailuresForgottenAfter.count() + 1));  // Counts as the first.
  EXPECT_EQ(limiter.wait(kClient, at(kFailuresForgottenAfter.count() + 1)).count(), 0);
}

TEST(SignInLimiter, RemembersABoundedNumberOfAddresses) {
  SignInLimiter limiter;
  for (std::uint32_t i = 0; i < kMaxLimitedAddresses + 100; ++i) {
    limiter.failed(
        IpAddress::v4(10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)),
        at(i));
  }
  EXPECT_LE(limiter.size(), kMaxLimitedAddresses);
}

TEST(Auth, WrongTokensLockNobodyOut) {
  Auth auth(Token{sha256_hex("right"), std::nullopt});
  for (unsigned i = 0; i < kFreeFailures; ++i) {
    EXPECT_EQ(auth.check_token("wrong", kClient, at(0)).outcome, Auth::Outcome::wrong);
  }
  EXPECT_EQ(auth.check_token("wrong", kClient, at(0)).outcome, Auth::Outcome::wait);
  EXPECT_EQ(auth.check_token("right", kClient, at(0)).outcome, Auth::Outcome::good);
  // Nor does the right one make room for wrong ones of others at that address.
  EXPECT_EQ(auth.check_token("wrong", kClient, at(0)).outcome, Auth::Outcome::wait);
  EXPECT_EQ(auth.check_token("wrong", kClient, at(1)).outcome, Auth::Outcome::wrong);
}

TEST(Auth, AnotherTokenEndsAllThatTheOneBeforeLetIn) {
  const TempFolder folder;
  Auth auth(Token{sha256_hex("right"), std::nullopt}, folder.file("api.token"));
  const Credential by_token = auth.token_credential();
  const Credential by_session{Credential::Kind::session, auth.sessions().open(at(0))};
  const auto token = auth.replace_token();
  ASSERT_TRUE(token.has_value()) << token.error().text;
  EXPECT_EQ(auth.check_token("right", kClient, at(0)).outcome, Auth::Outcome::wrong);
  EXPECT_EQ(auth.check_token(*token, kClient, at(0)).outcome, Auth::Outcome::good);
  EXPECT_FALSE(auth.is_good(by_token, at(0)));
  EXPECT_FALSE(auth.is_good(by_session, at(0)));
  EXPECT_TRUE(auth.is_good(auth.token_credential(), at(0)));
  EXPECT_EQ(load_or_make_token(folder.file("api.token"))->sha256, sha256_hex(*token));
}

TEST(Auth, ATokenThatCannotBeKeptReplacesNone) {
  Auth auth(Token{sha256_hex("right"), std::nullopt}, "/nonexistent/api.token");
  EXPECT_FALSE(auth.replace_token().has_value());
  EXPECT_EQ(auth.check_token("right", kClient, at(0)).outcome, Auth::Outcome::good);
}

TEST(Headers, SessionFromCookie) {
  EXPECT_EQ(session_from_cookie("postern_session=abc"), "abc");
  EXPECT_EQ(session_from_cookie("a=b; postern_session=abc; c=d"), "abc");
  EXPECT_EQ(session_from_cookie("xpostern_session=abc"), "");
  EXPECT_EQ(session_from_cookie("postern_sessionx=abc"), "");
  EXPECT_EQ(session_from_cookie(";;;"), "");
  EXPECT_EQ(session_from_cookie(""), "");
}

TEST(Headers, BearerToken) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bEARER   abc"), "abc");
  EXPECT_EQ(bearer_token("Bearer "), "");
  EXPECT_FALSE(bearer_token("Basic abc").has_value());
  EXPECT_FALSE(bearer_token("Bearer").has_value());
  EXPECT_FALSE(bearer_token("").has_value());
}

}  // namespace
}  // namespace postern::api
