#include <fmt/format.h>
#include <simdjson.h>

#include "api/deed.h"
#include "api/handlers.h"
#include "api/limits.h"
#include "event/json_writer.h"

namespace postern::api {
namespace {

Response session_state(bool signed_in) {
  event::JsonWriter json_text;
  json_text.begin_object().field("signed_in", signed_in).end_object();
  return json(std::move(json_text).take());
}

/// The token in {"token": "…"}.
Result<std::string> token_of(const std::string& body) {
  simdjson::dom::parser parser;
  std::string_view token;
  if (parser.parse(body)["token"].get_string().get(token) != simdjson::SUCCESS) {
    return fail(Errc::invalid_input, "the body must be {\"token\": \"…\"}");
  }
  return std::string(token);
}

}  // namespace

Response refuse_token(const Context& context, const Request& request, const Auth::Check& check) {
  context.stats.sign_ins_failed.add();
  const bool must_wait = check.outcome == Auth::Outcome::wait;
  // Not those that come too soon: they come as fast as the network.
  if (!must_wait) {
    context.log.warning("api", fmt::format("wrong token from {}", request.peer.to_text()));
  }
  Response response =
      must_wait ? problem(429, fmt::format("too many wrong tokens from your address; wait {} s",
                                           check.wait.count()))
                : problem(401, "that is not the token of this server");
  if (check.wait.count() > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(check.wait.count()));
  }
  if (!must_wait) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"postern\"");
  return response;
}

Response get_session(const Context& context, const Call& call) {
  const Request& request = call.request;
  Sessions& sessions = context.auth.sessions();
  const std::string_view id = session_from_cookie(request.cookie);
  const bool is_live = sessions.touch(id, request.mono);
  Response response = session_state(request.peer.trusted || is_live);
  if (is_live && sessions.take_cookie_renewal(id, request.mono)) {
    response.headers.emplace_back("Set-Cookie", set_session_cookie(id, kSessionLife));
  }
  return response;
}

Response open_session(const Context& context, const Call& call) {
  const Request& request = call.request;
  // A form of another site's page cannot send this type without asking first.
  if (!request.content_type.starts_with("application/json")) {
    return problem(415, "the body must be application/json");
  }
  const auto token = token_of(request.body);
  if (!token) return problem(token.error());
  const Auth::Check check = context.auth.check_token(*token, request.peer.address, request.mono);
  if (check.outcome != Auth::Outcome::good) {
    return refuse_token(context, request, check);
  }
  context.stats.sign_ins.add();
  context.log.info("api", fmt::format("sign-in from {}", request.peer.to_text()));
  Response response = session_state(true);
  response.headers.emplace_back(
      "Set-Cookie", set_session_cookie(context.auth.sessions().open(request.mono), kSessionLife));
  return response;
}

Response replace_token(const Context& context, const Call& call) {
  const auto token = context.auth.replace_token();
  if (!token) return problem(token.error());
  context.log.warning("api",
                      "another token was made; the one before is no good any more, and all "
                      "sessions are closed");
  keep_deed(context, call, {"replaced", "console token"});
  event::JsonWriter json_text;
  json_text.begin_object().field("token", *token).end_object();
  return json(std::move(json_text).take());
}

Response close_session(const Context& context, const Call& call) {
  context.auth.sessions().close(session_from_cookie(call.request.cookie));
  Response response;
  response.status = 204;
  response.headers.emplace_back("Set-Cookie", set_session_cookie("", seconds(0)));
  return response;
}

}  // namespace postern::api
