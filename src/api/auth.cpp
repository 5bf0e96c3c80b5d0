#include "api/auth.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include "api/limits.h"
#include "base/assert.h"
#include "base/file_descriptor.h"
#include "base/octets.h"
#include "dns/encoding.h"

namespace postern::api {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase32 = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford's.
constexpr std::string_view kTokenPrefix = "pst_";
constexpr std::size_t kTokenLetters = 32;  // Of five bits each: 160.
constexpr std::string_view kFilePrefix = "sha256:";

std::vector<std::uint8_t> random_octets(std::size_t count) {
  std::vector<std::uint8_t> octets(count);
  // Fails only where the system has no randomness at all: nothing may go on then.
  POSTERN_ASSERT(RAND_bytes(octets.data(), static_cast<int>(count)) == 1);
  return octets;
}

std::string hex(OctetView octets) {
  std::string text;
  text.reserve(octets.size() * 2);
  for (const std::uint8_t octet : octets) {
    text += kHex[octet >> 4];
    text += kHex[octet & 15];
  }
  return text;
}

Token make_token() {
  std::string text(kTokenPrefix);
  for (const std::uint8_t octet : random_octets(kTokenLetters)) text += kBase32[octet & 31];
  return {sha256_hex(text), text};
}

Result<std::string> read_token_file(int fd, const std::string& path) {
  std::array<char, 256> buffer{};
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got < 0) return Unexpected<Error>(system_error("read " + path, errno));
  std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  if (text.ends_with('\n')) text.remove_suffix(1);
  const bool shaped = text.starts_with(kFilePrefix) && text.size() == kFilePrefix.size() + 64 &&
                      text.find_first_not_of(kHex, kFilePrefix.size()) == text.npos;
  if (!shaped) {
    return fail(Errc::corrupt, path + " holds no token; remove it to have a new one made");
  }
  return std::string(text.substr(kFilePrefix.size()));
}

Result<void> write_whole(const std::string& path, std::string_view text) {
  const std::string aside = path + ".new-" + random_hex(4);
  {
    const FileDescriptor fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return Unexpected<Error>(system_error("create " + aside, errno));
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put != static_cast<ssize_t>(text.size()) || ::fsync(fd.get()) != 0) {
      const int error_number = errno;
      ::unlink(aside.c_str());
      return Unexpected<Error>(system_error("write " + aside, error_number));
    }
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(aside.c_str());
    return Unexpected<Error>(system_error("put in place " + path, error_number));
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const FileDescriptor fd(
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());  // Else a crash now means a new token at the next start: no harm.
  return {};
}

}  // namespace

IpPrefix counted_as(const IpAddress& address) {
  return {address, address.is_v4() ? 32U : 64U};
}

std::string random_hex(std::size_t octets) {
  return hex(random_octets(octets));
}

std::string sha256_hex(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  unsigned size = 0;
  POSTERN_ASSERT(
      EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  return hex(digest);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<Token> load_or_make_token(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd) {
    ::fchmod(fd.get(), 0600);  // Where it is not ours to change, reading is what counts.
    return Token{POSTERN_TRY(read_token_file(fd.get(), path)), std::nullopt};
  }
  if (errno != ENOENT) return Unexpected<Error>(system_error("open " + path, errno));
  return make_token();
}

Result<void> keep_token(const std::string& path, const Token& token) {
  return write_whole(path, std::string(kFilePrefix) + token.sha256 + "\n");
}

std::string Sessions::open(MonoTime now) {
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.until <= now; });
  if (sessions_.size() >= kMaxSessions) {
    sessions_.erase(std::min_element(
        sessions_.begin(), sessions_.end(),
        [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
  }
  std::string id = random_hex(20);
  sessions_[sha256_hex(id)] = {now + kSessionLife, now + kSessionLife / 2};
  return id;
}

bool Sessions::touch(std::string_view id, MonoTime now) {
  if (id.empty()) return false;
  const auto at = sessions_.find(sha256_hex(id));
  if (at == sessions_.end()) return false;
  if (at->second.until <= now) {
    sessions_.erase(at);
    return false;
  }
  at->second.until = now + kSessionLife;
  return true;
}

bool Sessions::take_cookie_renewal(std::string_view id, MonoTime now) {
  const auto at = sessions_.find(sha256_hex(id));
  if (at == sessions_.end() || at->second.cookie_due > now) return false;
  at->second.cookie_due = now + kSessionLife / 2;
  return true;
}

void Sessions::close(std::string_view id) {
  sessions_.erase(sha256_hex(id));
}

seconds SignInLimiter::wait(const IpAddress& address, MonoTime now) const {
  const auto at = failures_.find(counted_as(address));
  if (at == failures_.end() || at->second.until <= now) return seconds(0);
  return std::chrono::ceil<seconds>(at->second.until - now);
}

void SignInLimiter::failed(const IpAddress& address, MonoTime now) {
  std::erase_if(failures_, [&](const auto& entry) {
    return entry.second.last + kFailuresForgottenAfter <= now;
  });
  const IpPrefix key = counted_as(address);
  if (!failures_.contains(key) && failures_.size() >= kMaxLimitedAddresses) {
    failures_.erase(std::min_element(
        failures_.begin(), failures_.end(),
        [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
  }
  Failures& failures = failures_[key];
  failures.last = now;
  if (++failures.count < kFreeFailures) return;
  const unsigned doublings = std::min(failures.count - kFreeFailures, 16U);
  failures.until = now + std::min(seconds(1LL << doublings), kMaxSignInWait);
}

Auth::Check Auth::check_token(std::string_view token, const IpAddress& address, MonoTime now) {
  // Digests are compared, so the time tells nothing even about the token's length.
  if (equal_constant_time(sha256_hex(token), token_.sha256)) return {Outcome::good, seconds(0)};
  return refuse(address, now);
}

Auth::Check Auth::refuse(const IpAddress& address, MonoTime now) {
  const seconds wait = limiter_.wait(address, now);
  if (wait.count() > 0) return {Outcome::wait, wait};
  limiter_.failed(address, now);
  return {Outcome::wrong, limiter_.wait(address, now)};
}

Result<std::string> Auth::replace_token() {
  Token made = make_token();
  POSTERN_CHECK(keep_token(token_file_, made));
  token_.sha256 = made.sha256;
  sessions_ = {};
  return *std::move(made.fresh);
}

bool Auth::is_good(const Credential& credential, MonoTime now) {
  switch (credential.kind) {
    case Credential::Kind::none:
      return true;
    case Credential::Kind::token:
      return equal_constant_time(credential.id, token_.sha256);
    case Credential::Kind::session:
      return sessions_.touch(credential.id, now);
  }
  return false;
}

std::string set_session_cookie(std::string_view id, seconds life) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}", kSessionCookie, id,
                     life.count());
}

std::string_view session_from_cookie(std::string_view cookie) {
  while (!cookie.empty()) {
    const std::size_t end = cookie.find(';');
    std::string_view pair = cookie.substr(0, end);
    cookie = end == cookie.npos ? std::string_view() : cookie.substr(end + 1);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.size() > kSessionCookie.size() && pair.starts_with(kSessionCookie) &&
        pair[kSessionCookie.size()] == '=') {
      return pair.substr(kSessionCookie.size() + 1);
    }
  }
  return {};
}

namespace {

/// What stands behind the scheme; nothing where it is another one. `scheme` is in lower case.
std::optional<std::string_view> behind_scheme(std::string_view authorization,
                                              std::string_view scheme) {
  if (authorization.size() <= scheme.size() || authorization[scheme.size()] != ' ') {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = authorization[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (lower != scheme[i]) return std::nullopt;
  }
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return authorization;
}

}  // namespace

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  return behind_scheme(authorization, "bearer");
}

std::optional<std::pair<std::string, std::string>> basic_credentials(
    std::string_view authorization) {
  const auto encoded = behind_scheme(authorization, "basic");
  Octets octets;
  dns::Base64Reader reader;
  if (!encoded || !reader.add(*encoded, octets) || !reader.finish()) return std::nullopt;
  const std::string_view text = text_of(octets);
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  return std::pair(std::string(text.substr(0, colon)), std::string(text.substr(colon + 1)));
}

}  // namespace postern::api
