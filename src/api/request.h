// Request and Response: what handlers see of HTTP. No sockets here, so that every route can be
// tested as a function.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "journal/journal.h"

namespace postern::api {

enum class Method : std::uint8_t { get, post, del, other };
/// "GET", "POST", "DELETE", "".
std::string_view to_string(Method method);

/// Who asks.
struct Peer {
  bool control_socket = false;  ///< Came over the UNIX socket.
  bool trusted = false;         ///< There, with uid 0 or our own: needs no token.
  IpAddress address;            ///< Over TCP.
  std::uint32_t uid = 0;        ///< Of whoever is at the control socket, where `trusted`.

  /// "192.0.2.1", or "the control socket": for logs.
  std::string to_text() const;
};

/// One request, its headers cut down to those that matter here.
struct Request {
  Method method = Method::get;
  bool head = false;   ///< It was HEAD: as GET, without the body.
  std::string target;  ///< "/api/v1/queries?limit=10", as received.
  std::string host;
  std::string origin;
  std::string fetch_site;  ///< Sec-Fetch-Site.
  std::string accept;
  std::string authorization;
  std::string cookie;
  std::string content_type;
  std::string if_none_match;
  std::string body;
  Peer peer;
  WallTime now{};
  MonoTime mono{};
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string cache_control = "no-store";
  std::vector<std::pair<std::string, std::string>> headers;
  /// Set: no body; a stream of the records that pass the filter follows.
  std::optional<journal::Filter> live;
  /// Set: the body comes from here, part by part, instead of `body`; false at its end. Called on
  /// the API's thread, whenever the part before has been sent: a part is to be made in some
  /// milliseconds.
  std::function<bool(std::string& part)> parts;
};

/// An RFC 9457 problem. `title` follows from the status.
Response problem(unsigned status, std::string_view detail);
/// The status that fits an Error, its text as the detail.
Response problem(const Error& error);
/// 200 with a JSON body.
Response json(std::string body);

/// "Not Found" for 404.
std::string_view reason(unsigned status);

}  // namespace postern::api
