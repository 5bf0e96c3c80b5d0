// `postern serve`: start, say so, wait for signals, stop.
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "app/process.h"
#include "app/server_commands.h"
#include "app/service.h"
#include "app/stderr_log.h"
#include "app/table.h"

namespace postern::app {
namespace {

Result<Overrides> overrides_of(const Arguments& arguments) {
  Overrides out;
  out.config_path = arguments.value("config").value_or("");
  out.state_dir = arguments.value("state-dir");
  for (const std::string& text : arguments.values("listen")) {
    auto endpoint = Endpoint::from_text(text, 53);
    if (!endpoint) return Unexpected(std::move(endpoint).error().context("--listen"));
    out.listen.push_back(*endpoint);
  }
  out.has_ipv6_loopback = has_ipv6_loopback();
  return out;
}

/// Names what could be read as root at the start, and will not be when it is to be read again.
void warn_of_unreadable(const Arguments& arguments, const config::Config& config, Log& log) {
  std::vector<std::string> paths = {arguments.value("config").value_or("")};
  for (const config::Feed& feed : config.feeds) paths.push_back(feed.path);
  const std::string reader = arguments.value("user").value_or("root without its capabilities");
  for (const std::string& path : unreadable(paths)) {
    log.warning("serve",
                fmt::format("{} cannot be read by {}: reading it again will fail; {}", path, reader,
                            arguments.has("user") ? "let that user read it"
                                                  : "give it to root, or start with --user"));
  }
}

Result<void> prepare_process(const Arguments& arguments, const config::Config& config, Log& log) {
  raise_file_limit();
  forbid_new_privileges();
  const Places places = places_of(config, arguments.value("state-dir"));
  POSTERN_CHECK(make_state_dir(places.state_dir));
  const bool was_root = ::geteuid() == 0;
  if (const auto user = arguments.value("user")) {
    POSTERN_CHECK(work_as_user(*user, places.state_dir));
  } else if (was_root) {
    POSTERN_CHECK(drop_root_capabilities());
    log.warning("serve",
                "running as root, with no capability but CAP_NET_BIND_SERVICE; better give it a "
                "user of its own with --user NAME");
  }
  if (was_root) warn_of_unreadable(arguments, config, log);
  return {};
}

/// A name that the built-in pack blocks, to try it with.
std::string sample_name() {
  const auto pack = intel::read_pack(intel::built_in_packs().front().csv);
  return pack && !pack->indicators.empty() ? pack->indicators.front().value : "";
}

std::string dig_line(const Endpoint& server, const std::string& name) {
  const std::string port = server.port == 53 ? "" : fmt::format(" -p {}", server.port);
  return fmt::format("dig @{}{} {}", server.address.to_text(), port, name);
}

std::string places_flag(const Overrides& overrides) {
  std::string flags;
  if (!overrides.config_path.empty()) flags += " -c " + overrides.config_path;
  if (overrides.state_dir) flags += " --state-dir " + *overrides.state_dir;
  return flags;
}

/// How to sign in: the token, but never into the system's journal, which keeps it and others read;
/// else how to have another made.
std::string sign_in_line(const std::optional<std::string>& token, const std::string& token_new) {
  if (token && !is_journal(STDOUT_FILENO)) {
    return fmt::format("  token    {}   to sign in to the console; shown this once\n", *token);
  }
  return fmt::format("  sign-in  \"{}\" makes a{} token\n", token_new, token ? "" : "nother");
}

/// What a person wants to know first: where it is, that it protects, what to try.
std::string summary(const Service& service, const config::Config& config,
                    const Overrides& overrides, const std::string& program) {
  std::vector<std::string> listens;
  for (const Endpoint& endpoint : service.endpoints()) listens.push_back(endpoint.to_text());
  std::string out = fmt::format("\nPostern {} protects.\n\n", POSTERN_VERSION);
  out += fmt::format("  DNS      {} (UDP and TCP)\n", fmt::join(listens, ", "));
  if (const auto console = service.console()) {
    out += fmt::format("  console  http://{}\n", console->to_text());
    out += sign_in_line(service.first_run_token(), program + " token new" + places_flag(overrides));
  }
  out += fmt::format("  policy   {} rules of {} list{} in force\n", grouped(service.rule_count()),
                     service.zone_count(), service.zone_count() == 1 ? "" : "s");
  out += fmt::format("  state    {}\n\n", service.places().state_dir);
  const Endpoint server = service.endpoints().front();
  const std::string flag = places_flag(overrides);
  out += "Try, in another terminal:\n";
  if (const std::string sample = sample_name(); config.pack_hafnium && !sample.empty()) {
    out += fmt::format("  {}\n", dig_line(server, sample));
    out += fmt::format("  {} explain {}{}\n", program, sample, flag);
  }
  out += fmt::format("  {}\n", dig_line(server, "www.debian.org"));
  out += fmt::format("  {} log{}\n\nCtrl-C ends it.\n", program, flag);
  return out;
}

void reload(Service& service) {
  tell_systemd_reloading();
  // The service has logged what came of it.
  const auto done = service.reload();
  if (!done) return tell_systemd_ready("serving; the changed configuration has mistakes");
  std::vector<std::string> unreadable;
  for (const auto& feed : done->unreadable_feeds) unreadable.push_back(feed.name);
  tell_systemd_ready(unreadable.empty()
                         ? "serving"
                         : fmt::format("serving; not readable: {}", fmt::join(unreadable, ", ")));
}

int serve(const Arguments& arguments, const Overrides& overrides, Log& log) {
  const auto fail_with = [&](const Error& error) {
    log.error("serve", error.text);
    return kExitFailed;
  };
  auto config = read_config(overrides, log);
  if (!config) return fail_with(config.error());
  const auto signals = Signals::take_over();
  if (!signals) return fail_with(signals.error());
  if (const auto done = prepare_process(arguments, *config, log); !done)
    return fail_with(done.error());
  const auto lock = lock_state_dir(places_of(*config, overrides.state_dir).state_dir);
  if (!lock) return fail_with(lock.error());

  auto service = Service::start(*config, overrides, log);
  if (!service) return fail_with(service.error());
  if (const auto user = arguments.value("user")) {
    if (const auto done = become_user_for_good(*user); !done) return fail_with(done.error());
  }
  std::fputs(summary(**service, *config, overrides, arguments.program()).c_str(), stdout);
  std::fflush(stdout);
  tell_systemd_ready("serving");
  while (signals->wait() == Signals::Event::reload) reload(**service);
  tell_systemd_stopping();
  log.info("serve", "stopping");
  (*service)->stop();
  return kExitGood;
}

}  // namespace

int run_serve(const Arguments& arguments) {
  const auto overrides = overrides_of(arguments);
  if (!overrides) {
    fmt::print(stderr, "postern serve: {}\n", overrides.error().text);
    return kExitUsage;
  }
  StderrLog log;
  return serve(arguments, *overrides, log);
}

}  // namespace postern::app
