// TAXII in: what is new in a collection of a TAXII 2.1 server (OASIS TAXII 2.1).
//
// Start at TaxiiPoll::run: discovery, API root, collection, objects page by page. It knows no
// sockets: what gets a URL is given to it. taxii_obtain.cpp puts both together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace postern::feeds {

/// Where the objects of a feed come from.
struct TaxiiSource {
  std::string url;         ///< Of the server's discovery, or of an API root.
  std::string collection;  ///< Its id, title or alias.
  std::string user;        ///< With `password_file`: Basic.
  std::string password_file;
  std::string
      token_file;  ///< Bearer. Both files are read at each poll, so that they can be changed.
  std::string tls_ca_file;      ///< Authorities for https://; empty: the system's.
  seconds whole_every{86'400};  ///< How often all of it is fetched: only so are deletions seen.

  bool operator==(const TaxiiSource&) const = default;
};

/// "https://taxii.example/api1/ collection indicators", without secrets.
std::string shown_taxii(const TaxiiSource& source);

/// The answer to one request, as far as TAXII gives it a meaning.
struct TaxiiReply {
  unsigned status = 0;
  std::string content_type;
  std::string date_added_last;  ///< X-TAXII-Date-Added-Last (§3.5).
  std::string body;
};

struct TaxiiLimits {
  std::size_t pages = 100'000;
  std::size_t empty_pages = 100;        ///< In a row: a server may have filtered a page away.
  std::uint64_t octets = 4ULL << 30;    ///< Of all pages of one poll.
  std::size_t objects_a_page = 1000;    ///< Asked for; the server may give fewer.
  std::size_t page_octets = 64U << 20;  ///< Of one answer.
};

/// One conversation with a server. One thread.
class TaxiiPoll {
 public:
  /// Gets a URL. Errors: it cannot be reached, or its answer is too large.
  using Get = std::function<Result<TaxiiReply>(const std::string& url)>;
  /// Takes an object of the collection, which lives as long as the call. An error ends the poll.
  using Take = std::function<Result<void>(std::string_view object)>;

  TaxiiPoll(const TaxiiSource& source, const TaxiiLimits& limits, Get get)
      : source_(source), limits_(limits), get_(std::move(get)) {}

  /// Gives all objects that were added after `added_after` (empty: all), in the order in which the
  /// server has them. The value is what to ask with the next time; empty: the server does not say.
  /// Errors: what `get` and `take` say; `denied` (401, 403), `not_found` (404, no such collection),
  /// `invalid_input` (406, or the answer is no TAXII 2.1), `limit_exceeded`, else `unavailable`.
  Result<std::string> run(const std::string& added_after, const Take& take);

 private:
  Result<TaxiiReply> get(const std::string& url, std::string_view what);
  Result<std::string> find_collection();
  Result<std::string> collection_in(const std::string& root, std::string& titles);
  Result<bool> read_page(const TaxiiReply& reply, const Take& take, std::string& next);

  const TaxiiSource& source_;
  const TaxiiLimits limits_;
  const Get get_;
  std::uint64_t octets_ = 0;
  std::size_t pages_ = 0;
  std::size_t empty_pages_ = 0;
};

}  // namespace postern::feeds
