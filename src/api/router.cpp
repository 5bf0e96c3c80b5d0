#include "api/router.h"

#include <array>

#include <fmt/format.h>

#include "api/handlers.h"
#include "api/limits.h"
#include "api/origin.h"

namespace postern::api {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kSecurityHeaders = {{
    {"Content-Security-Policy",
     "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
     "frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
}};

/// The route for a path and method; else the 404 or 405 to answer with.
std::variant<Admitted, Response> find_route(const Request& request, std::string_view path) {
  std::string allowed;
  for (const Route& route : routes()) {
    Admitted admitted;
    const auto fits =
        path_fits(route.pattern, path, admitted.call.capture, admitted.call.second_capture);
    if (!fits) return problem(fits.error());
    if (!*fits) continue;
    if (route.method == request.method) {
      admitted.route = &route;
      return admitted;
    }
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", to_string(route.method));
    if (route.method == Method::get) allowed += ", HEAD";
  }
  if (allowed.empty()) return problem(404, fmt::format("there is nothing at {}", path));
  Response response = problem(405, fmt::format("{} takes {}", path, allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace

std::span<const std::pair<std::string_view, std::string_view>> security_headers() {
  return kSecurityHeaders;
}

/// Nothing where the request may be answered: `admitted` then says what let it in.
std::optional<Response> Router::check_access(const Request& request, Admitted& admitted) const {
  const Access access = admitted.route->access;
  if (access == Access::taxii) return admit_taxii(context_, request, admitted.call);
  if (access == Access::open || request.peer.trusted) return std::nullopt;
  if (access == Access::control) {
    return problem(403, "only over the control socket, on the server's own machine");
  }
  // With a proxy in front everybody comes from loopback.
  const bool local_only = hosts_.empty() && listen_ && listen_->address.is_loopback();
  if (access == Access::metrics && local_only) return std::nullopt;
  if (const auto token = bearer_token(request.authorization)) {
    const Auth::Check check = context_.auth.check_token(*token, request.peer.address, request.mono);
    if (check.outcome != Auth::Outcome::good) return refuse_token(context_, request, check);
    admitted.credential = context_.auth.token_credential();
    return std::nullopt;
  }
  Sessions& sessions = context_.auth.sessions();
  const std::string_view id = session_from_cookie(request.cookie);
  if (sessions.touch(id, request.mono)) {
    admitted.credential = {Credential::Kind::session, std::string(id)};
    if (sessions.take_cookie_renewal(id, request.mono)) {
      admitted.set_cookie = set_session_cookie(id, kSessionLife);
    }
    return std::nullopt;
  }
  Response response = problem(401,
                              "sign in first: POST the token to /api/v1/session, or send it as "
                              "\"Authorization: Bearer TOKEN\"");
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"postern\"");
  return response;
}

std::variant<Admitted, Response> Router::admit(Request request) const {
  if (request.peer.control_socket && !request.peer.trusted) {
    return problem(403, "the control socket is for root and the server's own user");
  }
  if (!request.peer.control_socket && !host_is_ours(request.host, listen_, hosts_)) {
    return problem(421,
                   "the Host header names another server; use the address it listens on, or add "
                   "the name to console.hosts");
  }
  const std::string_view target = request.target;
  if (!target.starts_with('/')) return problem(400, "the request target must be a path");
  const std::size_t question = target.find('?');
  auto found = find_route(request, target.substr(0, question));
  auto* admitted = std::get_if<Admitted>(&found);
  if (admitted == nullptr) return found;
  if (auto refusal = check_access(request, *admitted)) return *std::move(refusal);
  if (request.method != Method::get && !origin_is_ours(request, hosts_)) {
    return problem(403, "this request was sent by a page of another site");
  }
  if (question != target.npos && admitted->route->access != Access::open) {
    auto params = Params::from_query(target.substr(question + 1));
    if (!params) return problem(params.error());
    admitted->call.params = *std::move(params);
  }
  admitted->call.request = std::move(request);
  admitted->call.let_in_by = admitted->credential.kind;
  return found;
}

Response Router::run(const Admitted& admitted) const {
  Response response = admitted.route->handle(context_, admitted.call);
  if (!admitted.set_cookie.empty()) {
    response.headers.emplace_back("Set-Cookie", admitted.set_cookie);
  }
  return response;
}

Response Router::answer(Request request) const {
  const auto admitted = admit(std::move(request));
  if (const auto* refusal = std::get_if<Response>(&admitted)) return *refusal;
  return run(std::get<Admitted>(admitted));
}

bool Router::still_admitted(const Credential& credential, MonoTime now) const {
  return context_.auth.is_good(credential, now);
}

}  // namespace postern::api
