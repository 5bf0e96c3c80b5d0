// Places: where the configuration, the state and the control socket are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/command_line.h"
#include "base/result.h"
#include "config/config.h"

namespace postern::app {

/// The file that control commands look into where they are told nothing else.
inline constexpr std::string_view kSystemConfig = "/etc/postern/postern.yaml";

/// What decides where state goes if nobody chose a place; an argument, so that it can be tested.
struct Surroundings {
  bool is_root = false;
  bool can_write_default = false;  ///< The default folder, or the one it would be made in.
  std::string xdg_state_home;      ///< $XDG_STATE_HOME; "" if unset.
  std::string home;                ///< $HOME.
};
Surroundings look_around(const std::string& default_state_dir);

/// `--state-dir` first, then the file's state_dir; the default one only for root or where it can be
/// written, else postern in $XDG_STATE_HOME or ~/.local/state (XDG base directory specification).
std::string choose_state_dir(const std::optional<std::string>& flag, const std::string& configured,
                             const Surroundings& around);

/// The whole file as text; an error over `max_octets`.
Result<std::string> read_text_file(const std::string& path, std::size_t max_octets);

/// A configuration file read and checked. An empty `path`: the defaults. An error where the file
/// cannot be read; mistakes in it are in the Outcome.
Result<config::Outcome> load_config(const std::string& path);

/// Config and flags together.
struct Places {
  std::string state_dir;
  std::string control_socket;
  std::string journal() const { return state_dir + "/journal.sqlite"; }
  std::string feed_cache() const { return state_dir + "/feeds"; }
  std::string questions() const { return state_dir + "/gate/questions"; }
  std::string block_rates() const { return state_dir + "/gate/rates"; }
  std::string published() const { return state_dir + "/published"; }
  std::string state() const { return state_dir + "/state.sqlite"; }
  std::string token() const { return state_dir + "/console-token"; }
};
Places places_of(const config::Config& config, const std::optional<std::string>& state_dir_flag);

/// The control socket that a command's flags mean: --socket, --state-dir, -c, the system's file,
/// the default place; in this order.
Result<std::string> control_socket_of(const Arguments& arguments);

}  // namespace postern::app
