// The console and the API on made-up data: for work on web/ and for the contract test.
//
// usage: api_demo FOLDER [rate]   Keeps its token and control socket in FOLDER; prints the address
// and a token, one a line; makes up `rate` queries a second (default 20; 0: a journal that is empty
// and stays so); ends when its standard input does. usage: api_demo --routes   Prints every route,
// "GET /path".
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include <poll.h>
#include <unistd.h>

#include "api/api.h"
#include "api/routes.h"
#include "api/testing.h"

namespace postern::api {
namespace {

WallTime now() {
  return std::chrono::floor<microseconds>(std::chrono::system_clock::now());
}

class StderrLog final : public Log {
 public:
  void write(LogLevel level, std::string_view component, std::string_view text) override {
    std::fprintf(stderr, "%s %s: %s\n", std::string(to_string(level)).c_str(),
                 std::string(component).c_str(), std::string(text).c_str());
  }
};

/// A day of the past, busier towards now and with a wave in it.
void make_past(journal::Journal& journal) {
  const WallTime end = now();
  std::uint64_t i = 0;
  for (WallTime at = end - std::chrono::hours(24); at < end;) {
    journal.record(testing::made_up_query(i, at));
    const auto since = std::chrono::duration_cast<seconds>(end - at).count();
    const auto wave = 4 + (since / 700) % 5 + (since % 3600) / 900;
    at +=
        since > 3600 ? seconds(5 * wave) : milliseconds(150 * wave + static_cast<long>(i % 7) * 60);
    ++i;
  }
}

int serve(const std::string& folder, unsigned rate) {
  testing::Fixture fixture;
  if (rate != 0) make_past(fixture.journal);
  const auto live = LiveTail::create();
  StderrLog log;
  Options options;
  options.listen = Endpoint{IpAddress::v4(127, 0, 0, 1), 0};
  options.control_socket = folder + "/control.sock";
  options.token_file = folder + "/console-token";
  const auto api = Api::start(options, fixture.services(), *live, log);
  if (!api) {
    std::fprintf(stderr, "api_demo: %s\n", api.error().text.c_str());
    return 1;
  }
  std::printf("http://%s\n%s\n", (*api)->endpoint()->to_text().c_str(),
              (*api)->first_run_token().value_or("(made before)").c_str());
  std::fflush(stdout);
  const int pause_ms = rate == 0 ? -1 : static_cast<int>(1000 / rate);
  for (std::uint64_t i = 0;; ++i) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char text[64];
    if (::poll(&input, 1, pause_ms) > 0 && ::read(STDIN_FILENO, text, sizeof text) <= 0) break;
    const event::Query query = testing::made_up_query(i, now());
    fixture.journal.record(query);
    live->record(query);
  }
  (*api)->stop();
  return 0;
}

int print_routes() {
  for (const Route& route : routes()) {
    std::printf("%s %s\n", std::string(to_string(route.method)).c_str(),
                std::string(route.pattern).c_str());
  }
  return 0;
}

}  // namespace
}  // namespace postern::api

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--routes") {
    return postern::api::print_routes();
  }
  unsigned rate = 20;
  if (count == 3) {
    const std::string_view text = arguments[2];
    std::from_chars(text.data(), text.data() + text.size(), rate);
  }
  if (count < 2 || count > 3 || rate > 1000) {
    std::fprintf(stderr, "usage: api_demo FOLDER [rate up to 1000] | --routes\n");
    return 2;
  }
  return postern::api::serve(arguments[1], rate);
}
