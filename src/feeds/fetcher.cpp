#include "feeds/fetcher.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include <curl/curl.h>

namespace postern::feeds {
namespace {

constexpr long kMaxRedirects = 5;
constexpr std::size_t kMaxValidatorOctets = 1024;

struct EasyCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlCleanup {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Easy = std::unique_ptr<CURL, EasyCleanup>;
using HeaderList = std::unique_ptr<curl_slist, ListFree>;
using Url = std::unique_ptr<CURLU, UrlCleanup>;

// One download, as the callbacks see it.
struct Download {
  const FetchRequest& request;
  const std::atomic<bool>& cancelled;
  SharedMemory body;
  std::uint64_t octets = 0;
  bool too_large = false;
  Result<void> written{};
};

Result<Download> begin(const FetchRequest& request, const std::atomic<bool>& cancelled) {
  return Download{request, cancelled, POSTERN_TRY(SharedMemory::create("postern-fetched"))};
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& download = *static_cast<Download*>(user);
  if (download.octets + size > download.request.max_octets) {
    download.too_large = true;
    return 0;  // Ends the transfer.
  }
  download.octets += size;
  download.written = download.body.append(octets_of({data, size}));
  return download.written ? size : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) {
  auto& download = *static_cast<Download*>(user);
  if (static_cast<std::uint64_t>(received) > download.request.max_octets) {
    download.too_large = true;
  }
  return download.too_large || download.cancelled.load(std::memory_order_relaxed) ? 1 : 0;
}

// Of the last answer; empty where it is not there.
std::string_view header_of(CURL* easy, const char* name) {
  curl_header* header = nullptr;
  constexpr int kOfLastRequest = -1;
  const CURLHcode code = curl_easy_header(easy, name, 0, CURLH_HEADER, kOfLastRequest, &header);
  return code == CURLHE_OK ? header->value : std::string_view();
}

// Whether the body has a content coding that `unpack` undoes.
Result<bool> is_coded(CURL* easy) {
  const std::string coding(header_of(easy, "Content-Encoding"));
  const auto is = [&](const char* name) { return curl_strequal(coding.c_str(), name) != 0; };
  if (coding.empty() || is("identity")) return false;
  if (is("gzip") || is("x-gzip") || is("zstd")) return true;
  return fail(Errc::invalid_input,
              "the server sent it in a coding other than gzip and zstd, which were asked for");
}

// A validator goes back into a header: only what can stand there.
std::string validator(CURL* easy, const char* name) {
  const std::string_view value = header_of(easy, name);
  const bool fits = value.size() <= kMaxValidatorOctets &&
                    std::all_of(value.begin(), value.end(),
                                [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
  return fits ? std::string(value) : "";
}

HeaderList headers_of(const FetchRequest& request, bool may_be_coded) {
  HeaderList list;
  const auto add = [&list](const char* name, const std::string& value) {
    if (value.empty()) return;
    curl_slist* longer = curl_slist_append(list.get(), (name + value).c_str());
    if (longer == nullptr) return;
    static_cast<void>(list.release());
    list.reset(longer);
  };
  // Not by libcurl: how much they unpack to at once would be bounded for each download alone.
  add("Accept-Encoding: ", may_be_coded ? "gzip, zstd" : "identity");
  add("Accept: ", request.accept);
  add("If-None-Match: ", request.validators.etag);
  add("If-Modified-Since: ", request.validators.last_modified);
  return list;
}

void set_credentials(CURL* easy, const HttpCredentials& credentials) {
  if (!credentials.token.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, credentials.token.c_str());
  } else if (!credentials.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, credentials.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, credentials.password.c_str());
  }
}

void set_up(CURL* easy, Download& download, curl_slist* headers, char* error_text) {
  const FetchRequest& request = download.request;
  set_credentials(easy, request.credentials);
  if (!request.tls_ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, request.tls_ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  const bool is_https = request.url.starts_with("https:") || request.url.starts_with("HTTPS:");
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "postern");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_octets));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &download);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &download);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text);
}

Errc code_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Errc::timed_out;
    case CURLE_TOO_MANY_REDIRECTS:
      return Errc::limit_exceeded;
    case CURLE_URL_MALFORMAT:
      return Errc::invalid_input;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_LOGIN_DENIED:
      return Errc::denied;
    default:
      return Errc::unavailable;
  }
}

Unexpected<Error> failure(CURLcode code, const Download& download, const char* error_text) {
  if (download.too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return fail(Errc::limit_exceeded, "over " + std::to_string(download.request.max_octets) +
                                          " octets; stopped. Raise the feed's max_size if "
                                          "the list is meant to be that large");
  }
  if (download.cancelled.load(std::memory_order_relaxed)) {
    return fail(Errc::unavailable, "stopped");
  }
  if (!download.written) return Unexpected<Error>(download.written.error());
  std::string text = curl_easy_strerror(code);
  if (*error_text != '\0') text += std::string(" (") + error_text + ")";
  return fail(code_of(code), std::move(text));
}

Unexpected<Error> refusal(long status) {
  Errc code = Errc::unavailable;
  if (status == 401 || status == 403) code = Errc::denied;
  if (status == 404 || status == 410) code = Errc::not_found;
  return fail(code, "the server answered " + std::to_string(status));
}

// Sends the request and waits for the end of the answer; its status.
Result<long> perform(CURL* easy, Download& download, curl_slist* headers) {
  std::array<char, CURL_ERROR_SIZE> error_text{};
  set_up(easy, download, headers, error_text.data());
  const CURLcode code = curl_easy_perform(easy);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
  if (code != CURLE_OK) return failure(code, download, error_text.data());
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

// The part of a URL; empty where it has none.
std::string url_part(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, void (*)(void*)> owner(text, curl_free);
  return text;
}

}  // namespace

Result<HttpAnswer> http_get(const FetchRequest& request, const std::atomic<bool>& cancelled) {
  const Easy easy(curl_easy_init());
  if (!easy) return fail(Errc::unavailable, "out of memory");
  Download download = POSTERN_TRY(begin(request, cancelled));
  const HeaderList headers = headers_of(request, false);
  const long status = POSTERN_TRY(perform(easy.get(), download, headers.get()));
  HttpAnswer answer;
  answer.status = static_cast<unsigned>(status);
  answer.content_type = header_of(easy.get(), "Content-Type");
  if (!request.wanted_header.empty()) {
    answer.header = header_of(easy.get(), request.wanted_header.c_str());
  }
  curl_off_t wait = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RETRY_AFTER, &wait);
  answer.retry_after = seconds(wait);
  answer.body = POSTERN_TRY(download.body.to_string());
  return answer;
}

Result<FetchAnswer> fetch(const FetchRequest& request, const std::atomic<bool>& cancelled) {
  const Easy easy(curl_easy_init());
  if (!easy) return fail(Errc::unavailable, "out of memory");
  Download download = POSTERN_TRY(begin(request, cancelled));
  const HeaderList headers = headers_of(request, true);
  const long status = POSTERN_TRY(perform(easy.get(), download, headers.get()));
  const bool was_conditional = request.validators != Validators{};
  if (status == 304 && was_conditional) {
    return FetchAnswer{true, std::move(download.body), false, request.validators};
  }
  if (status != 200) return refusal(status);
  Validators validators{validator(easy.get(), "ETag"), validator(easy.get(), "Last-Modified")};
  const bool coded = POSTERN_TRY(is_coded(easy.get()));
  POSTERN_CHECK(download.body.seal());
  return FetchAnswer{false, std::move(download.body), coded, std::move(validators)};
}

std::string shown_url(const std::string& url) {
  constexpr const char* kNotAUrl = "(not a URL)";
  const Url parts(curl_url());
  if (!parts) return kNotAUrl;
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
      CURLUE_OK) {
    return kNotAUrl;
  }
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                               CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(parts.get(), part, nullptr, 0);
  }
  const std::string shown = url_part(parts.get(), CURLUPART_URL, 0);
  return shown.empty() ? kNotAUrl : shown;
}

Result<std::string> url_within(const std::string& base, const std::string& reference) {
  const Url url(curl_url());
  const Url from(curl_url());
  if (!url || !from || curl_url_set(from.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK) {
    return fail(Errc::invalid_input, "the server names a URL that is none");
  }
  for (const CURLUPart part : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
    if (url_part(url.get(), part, CURLU_DEFAULT_PORT) ==
        url_part(from.get(), part, CURLU_DEFAULT_PORT)) {
      continue;
    }
    return fail(Errc::denied, "it leads to another server, " + shown_url(reference) +
                                  ", which credentials do not go to; if it is right, give that "
                                  "address yourself");
  }
  return url_part(url.get(), CURLUPART_URL, 0);
}

}  // namespace postern::feeds
