// The route table: every path of the API, who may ask for it, and the function that answers.
//
// docs/reference/openapi.yaml describes the same; tests/support/openapi_check.py compares.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/auth.h"
#include "api/query_string.h"
#include "api/request.h"
#include "api/stats.h"

namespace postern::api {

enum class Access : std::uint8_t {
  open,       ///< Anybody: the page itself, signing in.
  signed_in,  ///< A token, a session, or the control socket.
  control,    ///< The control socket alone: a stolen session must not become a token.
  taxii,      ///< The credentials of a published collection, or the control socket.
  metrics,  ///< As signed_in, but open to all on a loopback listener without other names: scrapers
            ///< cannot sign in.
};

/// On which thread: each does one thing at a time, so that an urgent exception waits neither for a
/// search nor for a feed that is being compiled.
enum class Runs : std::uint8_t {
  here,        ///< Quick: on the API's thread.
  on_journal,  ///< Reads the journal, or much else.
  on_state,    ///< Changes exceptions, or reads them and the audit.
  on_feeds,    ///< Waits for what feeds and policy become.
};

/// What handlers have at hand. `auth` belongs to the API's thread: a handler that runs on another
/// one must not use it.
struct Context {
  const Services& services;
  Auth& auth;
  Stats& stats;
  const LiveTail& live;
  Log& log;
  WallTime started_at{};
};

/// One admitted request.
struct Call {
  Request request;
  std::string capture;         ///< What stood for "{…}" in the path, decoded.
  std::string second_capture;  ///< The same for the second one.
  Params params;
  std::vector<TaxiiCollection> collections;  ///< Of Access::taxii: those that are open to who asks.
  Credential::Kind let_in_by = Credential::Kind::none;
};

struct Route {
  Method method;
  std::string_view pattern;  ///< "/api/v1/feeds/{name}/update": at most two captures.
  Access access;
  Runs runs;
  Response (*handle)(const Context&, const Call&);
};

std::span<const Route> routes();

/// True where `path` (still encoded) fits; the captures are then what stood for each "{…}",
/// decoded. An error where that cannot be decoded.
Result<bool> path_fits(std::string_view pattern, std::string_view path, std::string& capture,
                       std::string& second_capture);

}  // namespace postern::api
