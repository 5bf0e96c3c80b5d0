// Auth: the token, the sessions it opens, and the limits on wrong ones.
//
// One token per installation. It is shown once, when it is made; only its SHA-256 is kept. Another
// can be made in its place at any time.
// It holds 160 random bits, so a plain digest is enough: nothing to guess offline.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

namespace postern::api {

/// `octets` octets from the system's generator, in lower-case hexadecimal.
std::string random_hex(std::size_t octets);
/// SHA-256 in lower-case hexadecimal.
std::string sha256_hex(std::string_view text);
/// Takes the same time wherever the texts differ; lengths are not secret.
bool equal_constant_time(std::string_view a, std::string_view b);

/// Who is counted as one: an IPv6 client commands its whole /64.
IpPrefix counted_as(const IpAddress& address);

/// The token as it is kept, and in clear if it was made just now.
struct Token {
  std::string sha256;
  std::optional<std::string> fresh;
};

/// Reads `path`, or makes a token where there is no such file; keeping it is for `keep_token`.
/// Errors: the file cannot be read, or is not one that we wrote.
Result<Token> load_or_make_token(const std::string& path);
/// Writes the token's digest to `path` (mode 0600, put in place whole). Only once the token is sure
/// to be shown: one that was kept and never shown locks everybody out.
Result<void> keep_token(const std::string& path, const Token& token);

/// Who is signed in with a cookie. Bounded: a new session closes the oldest. One thread.
class Sessions {
 public:
  /// A new session's id: the cookie's value.
  std::string open(MonoTime now);
  /// True for a live session, whose life begins anew.
  bool touch(std::string_view id, MonoTime now);
  /// True for a live session whose cookie has used up half of its own life: the answer is to carry
  /// it again, as the browser counts from when it was set. Then false for as long again.
  bool take_cookie_renewal(std::string_view id, MonoTime now);
  void close(std::string_view id);
  std::size_t size() const { return sessions_.size(); }

 private:
  struct Session {
    MonoTime until{};
    MonoTime cookie_due{};
  };
  // By the id's SHA-256: how long a look-up takes tells nothing about the ids there are.
  std::map<std::string, Session> sessions_;
};

/// What let a request in, so that it can be asked later whether it still would.
struct Credential {
  enum class Kind : std::uint8_t { none, token, session };
  Kind kind = Kind::none;  ///< `none`: an open route, or the control socket.
  std::string id;          ///< The session's; the token's SHA-256.
};

/// How often wrong tokens of an address (IPv6: of a /64) are told so and logged. One thread.
class SignInLimiter {
 public:
  /// For how long wrong tokens of this address are not told so; zero: they are.
  seconds wait(const IpAddress& address, MonoTime now) const;
  /// A wrong token: after kFreeFailures of them the wait doubles with each.
  void failed(const IpAddress& address, MonoTime now);
  std::size_t size() const { return failures_.size(); }

 private:
  struct Failures {
    unsigned count = 0;
    MonoTime last{};
    MonoTime until{};
  };
  std::map<IpPrefix, Failures> failures_;
};

/// All three. One thread.
class Auth {
 public:
  /// `token_file`: where another token is to be kept.
  explicit Auth(Token token, std::string token_file = "")
      : token_(std::move(token)), token_file_(std::move(token_file)) {}

  enum class Outcome : std::uint8_t {
    good,
    wrong,
    wait,  ///< Wrong, and so soon after other wrong ones that it does not count.
  };
  struct Check {
    Outcome outcome = Outcome::wrong;
    seconds wait{0};
  };
  /// Compares a token given by `address`. The right one is good whatever came before: nobody
  /// guesses 160 bits, and limiting it too would let anyone at the same address, as behind a NAT or
  /// a proxy, lock its holder out.
  Check check_token(std::string_view token, const IpAddress& address, MonoTime now);

  /// For how long a password that `address` gives is not looked at, right or wrong: a person's
  /// password could be guessed.
  seconds password_wait(const IpAddress& address, MonoTime now) const {
    return limiter_.wait(address, now);
  }

  /// What to tell `address`, which has given something else that was wrong.
  Check refuse(const IpAddress& address, MonoTime now);

  /// The credential of whoever has just given the right token.
  Credential token_credential() const { return {Credential::Kind::token, token_.sha256}; }
  /// Does it still let in? A session's life begins anew.
  bool is_good(const Credential& credential, MonoTime now);

  /// Makes another token, keeps it, and gives it in clear. The one before is no good any more, and
  /// all sessions are closed. On an error everything stays.
  Result<std::string> replace_token();

  Sessions& sessions() { return sessions_; }

 private:
  Token token_;
  std::string token_file_;
  Sessions sessions_;
  SignInLimiter limiter_;
};

inline constexpr std::string_view kSessionCookie = "postern_session";
/// The value of a Set-Cookie header that keeps `id` for `life`; zero takes it away.
std::string set_session_cookie(std::string_view id, seconds life);
/// The session id in a Cookie header; empty where there is none.
std::string_view session_from_cookie(std::string_view cookie);
/// The token of "Bearer TOKEN"; nothing for another scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization);

/// User and password of "Basic BASE64"; nothing for another scheme, or what does not read.
std::optional<std::pair<std::string, std::string>> basic_credentials(
    std::string_view authorization);

}  // namespace postern::api
