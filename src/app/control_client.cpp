#include "app/control_client.h"

#include <memory>
#include <optional>

#include <curl/curl.h>
#include <fmt/format.h>

namespace postern::app {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Curl = std::unique_ptr<CURL, CurlDeleter>;

struct HeadersDeleter {
  void operator()(curl_slist* headers) const { curl_slist_free_all(headers); }
};
using CurlHeaders = std::unique_ptr<curl_slist, HeadersDeleter>;

/// Collects a body up to a bound.
std::size_t collect(const char* data, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * count > ControlClient::kMaxAnswerOctets) return 0;
  body.append(data, size * count);
  return size * count;
}

/// Cuts a stream of server-sent events into lines, and gives on the name and the data of each.
struct EventReader {
  const ControlClient::OnEvent& on_event;
  std::string line;
  std::string name;  ///< Of the event that has begun.
  std::string body;  ///< The whole of an answer that is no stream: for its error.
  bool is_done = false;

  static std::size_t take(const char* data, std::size_t size, std::size_t count, void* into) {
    auto& self = *static_cast<EventReader*>(into);
    return self.add({data, size * count}) ? size * count : 0;
  }

  bool add(std::string_view text) {
    constexpr std::size_t kMaxLine = 1U << 20;
    if (body.size() < kMaxLine) body.append(text.substr(0, kMaxLine - body.size()));
    for (const char c : text) {
      if (c != '\n') {
        if (line.size() >= kMaxLine) return false;
        line += c;
        continue;
      }
      std::string_view text_line = line;
      if (text_line.ends_with('\r')) text_line.remove_suffix(1);
      if (!take_line(text_line)) {
        is_done = true;
        return false;
      }
      line.clear();
    }
    return true;
  }

  bool take_line(std::string_view text) {
    if (text.empty()) name.clear();
    if (const auto value = field(text, "event:")) name = *value;
    const auto data = field(text, "data:");
    return !data || on_event(name, *data);
  }

  static std::optional<std::string_view> field(std::string_view text, std::string_view key) {
    if (!text.starts_with(key)) return std::nullopt;
    text.remove_prefix(key.size());
    return text.starts_with(' ') ? text.substr(1) : text;
  }
};

Errc code_for(long status) {
  switch (status) {
    case 400:
      return Errc::invalid_input;
    case 401:
    case 403:
      return Errc::denied;
    case 404:
      return Errc::not_found;
    case 500:
      return Errc::corrupt;
    case 504:
      return Errc::timed_out;
    default:
      return Errc::unavailable;
  }
}

/// What the server says is wrong.
Error error_of(long status, const std::string& body) {
  std::string detail;
  if (const auto json = Json::parse(body)) detail = (*json)["detail"].text();
  if (detail.empty()) detail = fmt::format("the server answered with status {}", status);
  return {code_for(status), detail};
}

Curl prepare(const std::string& socket_path, const std::string& path) {
  Curl curl(curl_easy_init());
  if (curl == nullptr) return curl;
  curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket_path.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_URL, ("http://localhost" + path).c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, 5L);
  return curl;
}

long status_of(const Curl& curl) {
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string query_string(const QueryParameters& parameters) {
  std::string out;
  for (const auto& [key, value] : parameters) {
    out += fmt::format("{}{}={}", out.empty() ? "?" : "&", percent_encoded(key),
                       percent_encoded(value));
  }
  return out;
}

Error ControlClient::unreachable(std::string_view why) const {
  return {Errc::unavailable,
          fmt::format("no server answers at {} ({}); is \"postern serve\" running, and is this its "
                      "socket? --socket PATH, --state-dir DIR or -c FILE say which one",
                      socket_path_, why)};
}

Result<std::string> ControlClient::ask(Method method, const std::string& path,
                                       const std::string& json) const {
  const Curl curl = prepare(socket_path_, path);
  if (curl == nullptr) return fail(Errc::unavailable, "libcurl cannot be started");
  std::string body;
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kTimeoutSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  if (method == Method::post) {
    curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, json.c_str());
  }
  if (method == Method::remove) curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, "DELETE");
  CurlHeaders headers;
  if (!json.empty()) {
    headers.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return Unexpected(unreachable(curl_easy_strerror(code)));
  const long status = status_of(curl);
  if (status < 200 || status >= 300) return Unexpected(error_of(status, body));
  return body;
}

Result<std::string> ControlClient::get(const std::string& path) const {
  return ask(Method::get, path);
}

Result<std::string> ControlClient::post(const std::string& path, const std::string& json) const {
  return ask(Method::post, path, json);
}

Result<std::string> ControlClient::remove(const std::string& path) const {
  return ask(Method::remove, path);
}

Result<void> ControlClient::follow(const std::string& path, const OnEvent& on_event) const {
  const Curl curl = prepare(socket_path_, path);
  if (curl == nullptr) return fail(Errc::unavailable, "libcurl cannot be started");
  EventReader reader{.on_event = on_event, .line = {}, .name = {}, .body = {}};
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, EventReader::take);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reader);
  const CURLcode code = curl_easy_perform(curl.get());
  if (reader.is_done) return {};
  const long status = status_of(curl);
  if (status == 0) return Unexpected(unreachable(curl_easy_strerror(code)));
  if (status < 200 || status >= 300) return Unexpected(error_of(status, reader.body));
  return fail(Errc::unavailable, "the server ended the stream");
}

}  // namespace postern::app
