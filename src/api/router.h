// Router: from a request to the handler that answers it, or to the reason why not.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/routes.h"

namespace postern::api {

/// A request that may be answered, and by which route.
struct Admitted {
  const Route* route = nullptr;
  Call call;
  Credential credential;
  std::string set_cookie;  ///< For the answer; empty: none.
};

/// Decides who may ask what. `admit` and whatever routes run `here` belong to one thread.
class Router {
 public:
  /// `hosts` as in Options.
  Router(Context context, const std::optional<Endpoint>& listen,
         std::vector<std::string> hosts = {})
      : context_(context), listen_(listen), hosts_(std::move(hosts)) {}

  /// Checks in this order: the peer, the Host header, the path, the method, the token or session,
  /// the Origin header. The first that fails is the answer.
  std::variant<Admitted, Response> admit(Request request) const;
  /// Calls the handler. For a route that runs on_journal: from the journal's thread.
  Response run(const Admitted& admitted) const;
  /// Both at once, whatever the thread: for tests.
  Response answer(Request request) const;
  /// Is a stream that was opened with this credential still its asker's to read?
  bool still_admitted(const Credential& credential, MonoTime now) const;

  /// Where it listens became known only by binding (port 0).
  void set_listen(const std::optional<Endpoint>& listen) { listen_ = listen; }

 private:
  std::optional<Response> check_access(const Request& request, Admitted& admitted) const;

  Context context_;
  std::optional<Endpoint> listen_;
  std::vector<std::string> hosts_;
};

/// The headers that every answer has: no framing, no sniffing, nothing from elsewhere, no inline
/// script or style.
std::span<const std::pair<std::string_view, std::string_view>> security_headers();

}  // namespace postern::api
