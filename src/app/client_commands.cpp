#include "app/client_commands.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "app/asking.h"
#include "app/control_client.h"
#include "app/dns_client.h"
#include "app/places.h"
#include "app/table.h"
#include "app/views.h"
#include "event/json_writer.h"
#include "journal/journal.h"

namespace postern::app {
namespace {

/// Of one `log`: 60 MB as they are kept to be shown.
constexpr std::size_t kMaxLogRows = 100'000;

WallTime wall_now() {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

/// Flags of `log` that go to the API under their own name.
QueryParameters log_parameters(const Arguments& arguments) {
  QueryParameters out;
  for (const std::string_view key : {"since", "until", "client", "name", "below", "disposition",
                                     "zone", "group", "type", "rcode", "trace"}) {
    if (const auto value = arguments.value(key)) out.emplace_back(key, *value);
  }
  return out;
}

int follow_log(const Arguments& arguments, const QueryParameters& parameters) {
  const auto client = client_of(arguments);
  if (!client) return complain(client.error());
  const bool as_json = arguments.has("json");
  const auto show_event = [&](std::string_view name, std::string_view data) {
    const auto json = Json::parse(data);
    if (!json) return true;
    if (name == "dropped") {
      fmt::print(stderr,
                 "postern log: {} queries came too fast to be shown here; without --follow "
                 "\"postern log\" finds them\n",
                 grouped((*json)["count"].count()));
    }
    if (!name.empty()) return true;
    fmt::print("{}", as_json ? fmt::format("{}\n", data) : view_query(*json));
    return std::fflush(stdout) == 0;
  };
  const auto done = client->follow("/api/v1/live" + query_string(parameters), show_event);
  return done ? kExitGood : refused(done.error());
}

/// Of --limit; nothing where that is no number from 1 to kMaxLogRows.
std::optional<std::size_t> rows_wanted(const Arguments& arguments) {
  const std::string text = arguments.value("limit").value_or("100");
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!is_number || count < 1 || count > kMaxLogRows) return std::nullopt;
  return count;
}

/// Asks for page after page until there are `wanted` rows or no more; gives each, and its body, to
/// `on_page`.
template <class OnPage>
Result<void> search_log(const ControlClient& client, const QueryParameters& filter,
                        std::size_t wanted, OnPage on_page) {
  std::string before;
  for (std::size_t left = wanted; left > 0;) {
    QueryParameters parameters = filter;
    parameters.emplace_back("limit",
                            std::to_string(std::min(left, journal::Journal::kMaxPageRows)));
    if (!before.empty()) parameters.emplace_back("before", before);
    const std::string body = POSTERN_TRY(client.get("/api/v1/queries" + query_string(parameters)));
    const Json page = POSTERN_TRY(Json::parse(body));
    POSTERN_CHECK(on_page(page, body));
    const std::size_t count = page["rows"].items().size();
    before = page["next"].text();
    if (count == 0 || before.empty()) break;
    left -= std::min(left, count);
  }
  return {};
}

/// All rows in one document, of the shape of one page.
Result<std::string> log_json(const ControlClient& client, const QueryParameters& filter,
                             std::size_t wanted) {
  std::string rows;
  std::string next;
  const auto add = [&](const Json& page, const std::string& body) -> Result<void> {
    const std::string items = POSTERN_TRY(items_text(body, "rows"));
    rows += fmt::format("{}{}", rows.empty() ? "" : ",", items);
    next = page["next"].text();
    return {};
  };
  POSTERN_CHECK(search_log(client, filter, wanted, add));
  return fmt::format("{{\"rows\":[{}],\"next\":{}}}\n", rows, next.empty() ? "null" : next);
}

Result<std::string> log_text(const ControlClient& client, const QueryParameters& filter,
                             std::size_t wanted) {
  QueriesView view;
  const auto add = [&](const Json& page, const std::string&) -> Result<void> {
    view.add(page);
    return {};
  };
  POSTERN_CHECK(search_log(client, filter, wanted, add));
  return view.text();
}

/// The first address of the running server; where none runs, the default one.
Endpoint default_server(const Arguments& arguments) {
  if (const auto body = get(arguments, "/api/v1/status")) {
    if (const auto status = Json::parse(*body)) {
      for (const Json& endpoint : (*status)["endpoints"].items()) {
        // An endpoint may be written with its transport behind it.
        const std::string& text = endpoint.text();
        if (const auto read = Endpoint::from_text(text.substr(0, text.find(' ')))) return *read;
      }
    }
  }
  return config::parse("").config->listen.front();
}

/// `allow` and `block`: both make exceptions.
int make_exceptions(const Arguments& arguments, std::string_view action) {
  event::JsonWriter body;
  body.begin_object().field("action", action).key("names").begin_array();
  for (const std::string& name : arguments.positional()) body.string(name);
  body.end_array();
  for (const std::string_view key : {"for", "client", "group", "tenant", "reason"}) {
    const auto value = arguments.value(key);
    const bool is_needed = key == "for" || key == "reason";
    if (!value && is_needed) return misused(action, fmt::format("--{} is missing", key));
    if (value) body.field(key, *value);
  }
  body.end_object();
  return show(arguments, post(arguments, "/api/v1/exceptions", body.text()), view_exceptions);
}

/// As many as there may be, of those older than `--before`.
std::string page_of(const Arguments& arguments, std::string_view path) {
  const auto before = arguments.value("before");
  return fmt::format("{}?limit=1000{}", path,
                     before ? "&before=" + percent_encoded(*before) : std::string());
}

}  // namespace

int run_allow(const Arguments& arguments) {
  return make_exceptions(arguments, "allow");
}

int run_block(const Arguments& arguments) {
  return make_exceptions(arguments, "block");
}

int run_exception_list(const Arguments& arguments) {
  return show(arguments, get(arguments, page_of(arguments, "/api/v1/exceptions")), view_exceptions);
}

int run_exception_remove(const Arguments& arguments) {
  const auto remove = [&]() -> Result<std::string> {
    const ControlClient client = POSTERN_TRY(client_of(arguments));
    return client.remove("/api/v1/exceptions/" + percent_encoded(arguments.positional().front()));
  };
  return show(arguments, remove(), [](const Json& removed) {
    return fmt::format("Removed exception {}: {} {} for {}.\n", printable(removed["id"].text()),
                       printable(removed["action"].text()), printable(removed["name"].text()),
                       printable(removed["audience"].text()));
  });
}

int run_audit(const Arguments& arguments) {
  return show(arguments, get(arguments, page_of(arguments, "/api/v1/audit")), view_audit);
}

int run_query(const Arguments& arguments) {
  DnsQuestion question;
  const auto name = dns::Name::from_text(arguments.positional().front());
  if (!name) {
    fmt::print(stderr, "postern query: \"{}\" is not a name ({})\n", arguments.positional().front(),
               to_string(name.error()));
    return kExitUsage;
  }
  question.question.qname = *name;
  if (arguments.positional().size() > 1) {
    const auto type = dns::rr_type_from_text(arguments.positional()[1]);
    if (!type) {
      fmt::print(stderr, "postern query: \"{}\" is not a record type; A, AAAA, HTTPS, TYPE65 …\n",
                 arguments.positional()[1]);
      return kExitUsage;
    }
    question.question.qtype = *type;
  }
  if (const auto server = arguments.value("server")) {
    const auto endpoint = Endpoint::from_text(*server, 53);
    if (!endpoint) {
      fmt::print(stderr, "postern query: --server: {}\n", endpoint.error().text);
      return kExitUsage;
    }
    question.server = *endpoint;
  } else {
    question.server = default_server(arguments);
  }
  question.over_tcp = arguments.has("tcp");
  question.dnssec_ok = arguments.has("dnssec");
  const auto reply = ask_dns(question);
  if (!reply) return complain(reply.error());
  fmt::print("{}", arguments.has("json") ? dns_reply_json(*reply, question) + "\n"
                                         : view_dns_reply(*reply, question));
  return kExitGood;
}

int run_explain(const Arguments& arguments) {
  const auto trace = arguments.value("trace");
  const bool has_name = !arguments.positional().empty();
  if (trace.has_value() == has_name) {
    return misused("explain", "takes a NAME, or --trace ID");
  }
  if (trace) {
    constexpr std::array kOfNames = {"client", "client-id", "device", "type", "at", "candidate"};
    if (std::ranges::any_of(kOfNames, [&](const char* flag) { return arguments.has(flag); })) {
      return misused("explain", "--trace ID says client and type itself, and is about now");
    }
    return show(arguments, get(arguments, "/api/v1/explain/" + percent_encoded(*trace)),
                view_explanation);
  }
  const std::string& name = arguments.positional().front();
  if (const auto read = dns::Name::from_text(name); !read) {
    return misused("explain",
                   fmt::format("\"{}\" is not a name ({})", name, to_string(read.error())));
  }
  QueryParameters parameters = {{"name", name}};
  for (const std::string_view key : {"client", "device", "type", "at", "candidate"}) {
    if (const auto value = arguments.value(key)) parameters.emplace_back(key, *value);
  }
  if (const auto id = arguments.value("client-id")) parameters.emplace_back("client_id", *id);
  return show(arguments, get(arguments, "/api/v1/explain" + query_string(parameters)),
              view_explanation);
}

int run_log(const Arguments& arguments) {
  const QueryParameters filter = log_parameters(arguments);
  if (arguments.has("follow")) {
    if (arguments.has("limit")) return misused("log", "--follow has no --limit");
    return follow_log(arguments, filter);
  }
  const auto wanted = rows_wanted(arguments);
  if (!wanted) return misused("log", fmt::format("--limit takes 1 to {}", kMaxLogRows));
  const auto client = client_of(arguments);
  if (!client) return complain(client.error());
  const auto text = arguments.has("json") ? log_json(*client, filter, *wanted)
                                          : log_text(*client, filter, *wanted);
  if (!text) return refused(text.error());
  fmt::print("{}", *text);
  return kExitGood;
}

int run_status(const Arguments& arguments) {
  return show(arguments, get(arguments, "/api/v1/status"), view_status);
}

int run_feed_list(const Arguments& arguments) {
  return show(arguments, get(arguments, "/api/v1/feeds"),
              [](const Json& feeds) { return view_feeds(feeds, wall_now()); });
}

int run_feed_update(const Arguments& arguments) {
  const auto& names = arguments.positional();
  const bool any_size = arguments.has("accept");
  if (any_size && names.empty()) return misused("feed update", "--accept takes the NAME of a feed");
  const std::string path =
      names.empty() ? "/api/v1/feeds/update"
                    : fmt::format("/api/v1/feeds/{}/update{}", percent_encoded(names.front()),
                                  any_size ? "?accept=true" : "");
  return show(arguments, post(arguments, path), [&](const Json&) {
    return fmt::format("Update of {} started; \"postern feed list\" shows how it went.\n",
                       names.empty() ? "all feeds" : names.front());
  });
}

int run_token_new(const Arguments& arguments) {
  return show(arguments, post(arguments, "/api/v1/token"), [](const Json& made) {
    return fmt::format(
        "{}\n\nSigns in to the console and the API from now on; shown this once. The token of "
        "before is no good any more, and whoever was signed in has to do so again.\n",
        printable(made["token"].text()));
  });
}

int run_reload(const Arguments& arguments) {
  const auto body = post(arguments, "/api/v1/reload");
  const int shown = show(arguments, body, view_reload);
  if (shown != kExitGood) return shown;
  const auto reloaded = Json::parse(*body);
  return reloaded && is_reloaded_whole(*reloaded) ? kExitGood : kExitFailed;
}

}  // namespace postern::app
