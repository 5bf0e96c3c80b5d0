#include "app/gate_commands.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "app/asking.h"
#include "app/gate_views.h"
#include "app/places.h"
#include "app/process.h"
#include "app/table.h"
#include "app/wiring.h"
#include "feeds/builder.h"
#include "feeds/files.h"
#include "feeds/obtain.h"
#include "feeds/preview.h"
#include "feeds/question_memory.h"
#include "feeds/unpack.h"

namespace postern::app {
namespace {

std::string feed_path(const std::string& name, std::string_view what) {
  return fmt::format("/api/v1/feeds/{}/{}", percent_encoded(name), what);
}

std::string view_done(const Json& done) {
  return printable(done["done"].text()) + "\n";
}

Result<config::Config> configuration_of(const Arguments& arguments) {
  std::string path = arguments.value("config").value_or("");
  if (path.empty() && !arguments.has("state-dir") && feeds::stamp_of(std::string(kSystemConfig))) {
    path = kSystemConfig;
  }
  config::Outcome outcome = POSTERN_TRY(load_config(path));
  if (!outcome.config) {
    return fail(Errc::invalid_input, config::to_text(outcome.problems.front(), path));
  }
  return *std::move(outcome.config);
}

/// The feed as the flags describe it, over what the configuration says of it, if anything.
Result<feeds::Source> wanted_source(const Arguments& arguments, const feeds::Options& options) {
  const std::string name = arguments.positional().front();
  const auto known = std::ranges::find_if(
      options.sources, [&](const feeds::Source& source) { return source.zone.name == name; });
  feeds::Source source;
  source.zone.name = name;
  if (known != options.sources.end()) source = *known;
  if (const auto text = arguments.value("format")) {
    const auto format = intel::format_from_text(*text);
    if (!format) return fail(Errc::invalid_input, "--format: there is no format \"" + *text + "\"");
    source.format = {};
    source.format.format = *format;
    source.zone.pass_is_own = *format != intel::Format::rpz;
  } else if (known == options.sources.end()) {
    return fail(Errc::invalid_input,
                "the configuration has no feed \"" + name + "\": say --format");
  }
  source.text.clear();
  source.transfer.reset();
  source.taxii.reset();
  source.mirrors.clear();
  source.path = arguments.value("file").value_or("");
  source.url = arguments.value("url").value_or("");
  return source;
}

Result<feeds::Content> read_source(const feeds::Source& source, const feeds::Builder& builder) {
  if (!source.path.empty()) {
    feeds::FileMemory file = POSTERN_TRY(feeds::read_into_memory(source.path, source.max_octets));
    const feeds::SharedMemory text =
        POSTERN_TRY(feeds::unpack(std::move(file.text), source.max_octets));
    return builder.read(text, source.format, feeds::Origin::local);
  }
  const std::atomic<bool> cancelled{false};
  feeds::UnpackTurns turns;
  feeds::Job job;
  job.feed = source.zone.name;
  job.urls = {source.url};
  job.format = source.format;
  job.max_octets = source.max_octets;
  job.timeout = source.fetch_timeout;
  feeds::Postponed postponed;  // Nobody asks again.
  feeds::Obtained obtained =
      POSTERN_TRY(feeds::obtain(job, cancelled, {turns, builder}, postponed));
  return std::move(obtained.content);
}

/// Beside the running server, from what it keeps on disk.
Result<std::string> preview_aside(const Arguments& arguments) {
  const config::Config config = POSTERN_TRY(configuration_of(arguments));
  const Places places = places_of(config, arguments.value("state-dir"));
  feeds::Options options = feeds_options(config, places, POSTERN_TRY(random_seed()));
  const feeds::Source source = POSTERN_TRY(wanted_source(arguments, options));
  const feeds::Content content = POSTERN_TRY(read_source(source, feeds::Builder(options.builder)));
  const auto traffic = feeds::read_questions(places.questions());
  if (!traffic) {
    fmt::print(stderr, "postern feed preview: what was asked for here is not known: {}\n",
               traffic.error().text);
  }
  const feeds::GateReport report = POSTERN_TRY(
      feeds::preview(std::move(options), source, content, traffic ? *traffic : policy::Traffic{}));
  return feeds::to_json(report);
}

}  // namespace

int run_feed_preview(const Arguments& arguments) {
  if (arguments.has("file") && arguments.has("url")) {
    return misused("feed preview", "takes --file or --url, not both");
  }
  const bool is_aside = arguments.has("file") || arguments.has("url");
  if (!is_aside && arguments.has("format")) {
    return misused("feed preview", "--format says how --file or --url is read");
  }
  return show(arguments,
              is_aside ? preview_aside(arguments)
                       : get(arguments, feed_path(arguments.positional().front(), "report")),
              view_gate_report);
}

int run_feed_diff(const Arguments& arguments) {
  return show(arguments, get(arguments, feed_path(arguments.positional().front(), "report")),
              view_gate_diff);
}

int run_feed_activate(const Arguments& arguments) {
  return show(arguments, post(arguments, feed_path(arguments.positional().front(), "activate")),
              view_done);
}

int run_feed_reject(const Arguments& arguments) {
  return show(arguments, post(arguments, feed_path(arguments.positional().front(), "reject")),
              view_done);
}

int run_feed_rollback(const Arguments& arguments) {
  if (arguments.positional().empty()) {
    return show(arguments, get(arguments, "/api/v1/generations"), view_generations);
  }
  const std::string& what = arguments.positional().front();
  const bool is_number = what.find_first_not_of("0123456789") == std::string::npos;
  return show(arguments,
              post(arguments, is_number ? fmt::format("/api/v1/generations/{}/rollback", what)
                                        : feed_path(what, "rollback")),
              view_done);
}

}  // namespace postern::app
