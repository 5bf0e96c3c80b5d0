#include "app/asking.h"

#include <cstdio>

#include <fmt/format.h>

#include "app/places.h"

namespace postern::app {

int complain(const Error& error) {
  fmt::print(stderr, "postern: {}\n", error.text);
  return kExitFailed;
}

int refused(const Error& error) {
  complain(error);
  return error.code == Errc::invalid_input ? kExitUsage : kExitFailed;
}

int misused(std::string_view command, std::string_view text) {
  fmt::print(stderr, "postern {}: {} (see \"postern {} --help\")\n", command, text, command);
  return kExitUsage;
}

Result<ControlClient> client_of(const Arguments& arguments) {
  return ControlClient(POSTERN_TRY(control_socket_of(arguments)));
}

Result<std::string> get(const Arguments& arguments, const std::string& path) {
  const ControlClient client = POSTERN_TRY(client_of(arguments));
  return client.get(path);
}

Result<std::string> post(const Arguments& arguments, const std::string& path,
                         const std::string& json) {
  const ControlClient client = POSTERN_TRY(client_of(arguments));
  return client.post(path, json);
}

int show(const Arguments& arguments, const Result<std::string>& body,
         const std::function<std::string(const Json&)>& view) {
  if (!body) return refused(body.error());
  if (arguments.has("json")) {
    fmt::print("{}\n", *body);
    return kExitGood;
  }
  const auto json = Json::parse(*body);
  if (!json) return complain(json.error());
  fmt::print("{}", view(*json));
  return kExitGood;
}

}  // namespace postern::app
