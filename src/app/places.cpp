#include "app/places.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "app/time_zones.h"
#include "base/file_descriptor.h"

namespace postern::app {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Surroundings look_around(const std::string& default_state_dir) {
  const std::filesystem::path path(default_state_dir);
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(path, ignored);
  const std::string probe = is_there ? path.string() : path.parent_path().string();
  return {.is_root = ::geteuid() == 0,
          .can_write_default = ::access(probe.c_str(), W_OK | X_OK) == 0,
          .xdg_state_home = environment("XDG_STATE_HOME"),
          .home = environment("HOME")};
}

std::string choose_state_dir(const std::optional<std::string>& flag, const std::string& configured,
                             const Surroundings& around) {
  if (flag) return *flag;
  const bool is_default = configured == config::parse("").config->state_dir;
  if (!is_default || around.is_root || around.can_write_default) return configured;
  // The specification ignores relative paths here.
  if (around.xdg_state_home.starts_with('/')) return around.xdg_state_home + "/postern";
  if (around.home.starts_with('/')) return around.home + "/.local/state/postern";
  return configured;
}

Result<std::string> read_text_file(const std::string& path, std::size_t max_octets) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Unexpected(system_error(path, errno));
  std::string text;
  for (;;) {
    char block[65536];
    const ssize_t count = ::read(file.get(), block, sizeof block);
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Unexpected(system_error(path, errno));
    text.append(block, static_cast<std::size_t>(count));
    if (text.size() > max_octets) {
      return fail(Errc::limit_exceeded, path + ": over " + std::to_string(max_octets) + " octets");
    }
  }
}

namespace {

/// Fills the schedules' time zones in; a mistake for each that there is not.
void read_time_zones(config::Outcome& outcome) {
  std::vector<config::Schedule>& schedules = outcome.config->schedules;
  for (std::size_t i = 0; i < schedules.size(); ++i) {
    auto zone = load_time_zone(schedules[i].time_zone);
    if (zone) {
      schedules[i].zone = *std::move(zone);
      continue;
    }
    outcome.problems.push_back(
        {.line = schedules[i].zone_place.line,
         .column = schedules[i].zone_place.column,
         .path = "schedules[" + std::to_string(i) + "].time_zone",
         .text = zone.error().text,
         .advice = "write it as in /usr/share/zoneinfo: Europe/Berlin, UTC"});
  }
  if (!outcome.problems.empty()) outcome.config.reset();
}

}  // namespace

Result<config::Outcome> load_config(const std::string& path) {
  if (path.empty()) return config::parse("");
  constexpr std::size_t kMaxOctets = 4U
                                     << 20;  // Past config's own bound, which has the better text.
  const std::string text = POSTERN_TRY(read_text_file(path, kMaxOctets));
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return fail(Errc::unavailable, path + ": " + error.message());
  config::Outcome outcome = config::parse(text, absolute.parent_path().string());
  if (outcome.config) read_time_zones(outcome);
  return outcome;
}

Places places_of(const config::Config& config, const std::optional<std::string>& state_dir_flag) {
  Places places;
  places.state_dir =
      choose_state_dir(state_dir_flag, config.state_dir, look_around(config.state_dir));
  const bool is_set = !config.control_socket.empty();
  places.control_socket = is_set ? config.control_socket : places.state_dir + "/control.sock";
  return places;
}

Result<std::string> control_socket_of(const Arguments& arguments) {
  if (const auto socket = arguments.value("socket")) return *socket;
  std::string path = arguments.value("config").value_or("");
  if (path.empty() && !arguments.has("state-dir") &&
      ::access(std::string(kSystemConfig).c_str(), R_OK) == 0) {
    path = kSystemConfig;
  }
  const config::Outcome outcome = POSTERN_TRY(load_config(path));
  if (!outcome.config) {
    return fail(Errc::not_found, path + " has mistakes (\"postern check -c " + path +
                                     "\" names them); --socket PATH works without it");
  }
  return places_of(*outcome.config, arguments.value("state-dir")).control_socket;
}

}  // namespace postern::app
