#include "app/custodian.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "app/table.h"

namespace postern::app {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string user_here() {
  const uid_t uid = ::geteuid();
  const passwd* user = ::getpwuid(uid);
  const std::string name = user == nullptr ? "somebody" : user->pw_name;
  const std::string by = environment("SUDO_USER");
  if (uid == 0 && !by.empty()) return fmt::format("{} by sudo (uid 0)", by);
  return fmt::format("{} (uid {})", name, uid);
}

std::string host_here() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

}  // namespace

evidence::Witness witness_here() {
  return {user_here(), host_here(), "postern " POSTERN_VERSION,
          [] { return std::chrono::floor<microseconds>(std::chrono::system_clock::now()); }};
}

std::string key_folder(const Arguments& arguments) {
  if (const auto folder = arguments.value("keys")) return *folder;
  // Not in the server's state folder, which serve gives to another user.
  constexpr std::string_view kName = "postern-evidence";
  const std::string state = environment("XDG_STATE_HOME");
  const std::string home = environment("HOME");
  if (::geteuid() == 0 || (!state.starts_with('/') && !home.starts_with('/'))) {
    return fmt::format("/var/lib/{}", kName);
  }
  return state.starts_with('/') ? fmt::format("{}/{}", state, kName)
                                : fmt::format("{}/.local/state/{}", home, kName);
}

Result<evidence::SigningKey> signing_key(const Arguments& arguments) {
  return evidence::SigningKey::open_or_make(key_folder(arguments));
}

int could_not(std::string_view command, const Error& error) {
  fmt::print(stderr, "postern {}: {}\n", command, printable(error.text));
  return kExitIncomplete;
}

std::string lines_of(const std::vector<std::string>& texts, std::string_view before) {
  constexpr std::size_t kMaxLines = 100;
  std::string all;
  for (std::size_t at = 0; at < std::min(texts.size(), kMaxLines); ++at) {
    all += fmt::format("{}{}\n", before, printable(texts[at]));
  }
  if (texts.size() > kMaxLines) {
    all += fmt::format("{}and {} more\n", before, texts.size() - kMaxLines);
  }
  return all;
}

std::string absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path full = std::filesystem::absolute(path, error);
  std::string text = error ? path : full.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace postern::app
