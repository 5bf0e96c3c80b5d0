// ControlClient: speaks HTTP to a running server's control socket.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/json.h"
#include "base/result.h"

namespace postern::app {

/// Values of a query string, to be encoded.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;

/// "?a=b&c=d", percent-encoded; "" where there are none.
std::string query_string(const QueryParameters& parameters);

/// One text as a part of a path or a query string (RFC 3986 §2).
std::string percent_encoded(std::string_view text);

class ControlClient {
 public:
  static constexpr std::size_t kMaxAnswerOctets = 64U << 20;
  static constexpr long kTimeoutSeconds =
      30;  ///< Of a whole answer; a journal search may take long.

  explicit ControlClient(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  /// The body of a good answer (2xx). An answer of another kind is an error with the sentence
  /// that the server gave ("detail" of RFC 9457); Errc::invalid_input where that
  /// is about what was asked (400); nobody at the socket is Errc::unavailable.
  Result<std::string> get(const std::string& path) const;
  /// `json`: the body, if there is one.
  Result<std::string> post(const std::string& path, const std::string& json = "") const;
  Result<std::string> remove(const std::string& path) const;
  /// One server-sent event: its name ("" where it has none) and its data. False ends the stream.
  using OnEvent = std::function<bool(std::string_view name, std::string_view data)>;
  Result<void> follow(const std::string& path, const OnEvent& on_event) const;

 private:
  enum class Method { get, post, remove };
  Result<std::string> ask(Method method, const std::string& path,
                          const std::string& json = "") const;
  Error unreachable(std::string_view why) const;

  std::string socket_path_;
};

}  // namespace postern::app
