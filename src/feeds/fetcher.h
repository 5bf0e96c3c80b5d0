// Fetcher: one HTTP download with every bound set.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "feeds/shared_memory.h"

namespace postern::feeds {

/// What a server said about a copy, to ask later whether there is a newer one (RFC 9110 §8.8).
struct Validators {
  std::string etag;
  std::string last_modified;

  bool operator==(const Validators&) const = default;
};

/// Who asks. With both, the token counts.
struct HttpCredentials {
  std::string user;
  std::string password;  ///< Basic (RFC 7617).
  std::string token;     ///< Bearer (RFC 6750).
};

struct FetchRequest {
  std::string url;                        ///< http:// or https://; user and password may be in it.
  Validators validators;                  ///< Of the copy that is at hand; empty: fetch anyway.
  std::uint64_t max_octets = 256U << 20;  ///< Of the body as sent.
  milliseconds timeout{120'000};          ///< For all of it, redirects too.
  milliseconds connect_timeout{10'000};
  std::string accept{};           ///< A media type; empty: any.
  HttpCredentials credentials{};  ///< Never sent to another server than the URL's.
  std::string tls_ca_file{};      ///< Authorities for https://; empty: the system's.
  std::string wanted_header{};    ///< For HttpAnswer::header.
};

struct FetchAnswer {
  bool not_modified = false;  ///< 304: the copy at hand is the newest. The body is empty.
  SharedMemory body;          ///< As sent; sealed.
  bool is_coded = false;      ///< Its content coding, gzip or zstd, is still to be undone.
  Validators validators;
};

/// What one request came to, whatever its status.
struct HttpAnswer {
  unsigned status = 0;
  std::string body;
  std::string content_type;
  std::string header;      ///< Of the one that was wanted; empty where it is not there.
  seconds retry_after{0};  ///< As the server asks (RFC 9110 §10.2.3).
};

/// As `fetch`, without validators and codings, for who has a use for all statuses.
Result<HttpAnswer> http_get(const FetchRequest& request, const std::atomic<bool>& cancelled);

/// Fetches and waits for the end; `cancelled` (from any thread) ends it within a second. At most
/// five redirects, to http(s) only, and never from https down to http. Certificates are checked;
/// proxies are taken from the environment. Errors say what happened and name no credentials:
/// `limit_exceeded` (too large, too many redirects), `timed_out`, `denied` (401, 403, a
/// certificate), `not_found` (404, 410), `invalid_input` (another coding), else `unavailable`.
Result<FetchAnswer> fetch(const FetchRequest& request, const std::atomic<bool>& cancelled);

/// The URL without user, password, query and fragment: fit for logs and pages.
std::string shown_url(const std::string& url);

/// `reference`, a URL or one relative to `base`. Errors: `invalid_input`, it is none; `denied`, it
/// is on another server (scheme, host or port), which credentials must not go to.
Result<std::string> url_within(const std::string& base, const std::string& reference);

}  // namespace postern::feeds
