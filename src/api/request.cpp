#include "api/request.h"

#include "event/json_writer.h"

namespace postern::api {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::del:
      return "DELETE";
    case Method::other:
      return "";
  }
  return "";
}

std::string Peer::to_text() const {
  return control_socket ? "the control socket" : address.to_text();
}

std::string_view reason(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Unknown";
  }
}

Response problem(unsigned status, std::string_view detail) {
  event::JsonWriter json;
  json.begin_object();
  json.field("type", "about:blank").field("title", reason(status)).field("status", status);
  json.field("detail", detail);
  json.end_object();
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = std::move(json).take();
  return response;
}

Response problem(const Error& error) {
  switch (error.code) {
    case Errc::invalid_input:
    case Errc::limit_exceeded:
      return problem(400, error.text);
    case Errc::not_found:
      return problem(404, error.text);
    case Errc::denied:
      return problem(403, error.text);
    case Errc::unavailable:
      return problem(503, error.text);
    case Errc::timed_out:
      return problem(504, error.text);
    case Errc::corrupt:
      return problem(500, error.text);
  }
  return problem(500, error.text);
}

Response json(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

}  // namespace postern::api
