#include "feeds/taxii.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "feeds/fetcher.h"
#include "intel/taxii.h"
#include "intel/timestamp.h"

namespace postern::feeds {
namespace {

constexpr std::size_t kTitlesShown = 10;

std::string with_slash(std::string url) {
  if (!url.ends_with('/')) url += '/';
  return url;
}

// For a query string (RFC 3986 §2.3).
std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool is_plain = (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
                          (octet >= 'a' && octet <= 'z') ||
                          std::string_view("-._~").find(c) != std::string_view::npos;
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", octet);
  }
  return out;
}

// Media types are compared without their parameters and case (RFC 9110 §8.3.1).
bool is_media_type(std::string_view value, std::string_view type) {
  value = value.substr(0, value.find(';'));
  while (value.ends_with(' ')) value.remove_suffix(1);
  return std::ranges::equal(
      value, type, [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

Result<void> check_media_type(const TaxiiReply& reply) {
  if (is_media_type(reply.content_type, "application/taxii+json") ||
      is_media_type(reply.content_type, "application/json")) {
    return {};
  }
  if (is_media_type(reply.content_type, "application/vnd.oasis.taxii+json") ||
      is_media_type(reply.content_type, "application/vnd.oasis.stix+json")) {
    return fail(Errc::invalid_input,
                "the server speaks TAXII 2.0; ask its operator for TAXII 2.1, or for the list as "
                "a STIX bundle by url");
  }
  return fail(Errc::invalid_input, fmt::format("the answer is \"{}\", no TAXII; check the address",
                                               reply.content_type.substr(0, 60)));
}

// What a status other than 200 means (§3.6).
Error refusal(const TaxiiReply& reply) {
  const std::string title = intel::taxii_error_title(reply.body);
  const std::string said = title.empty() ? "" : " and says " + title;
  const auto error = [&](Errc code, std::string_view what) {
    return Error{code, fmt::format("the server answered {}{}{}", reply.status, said, what)};
  };
  switch (reply.status) {
    case 400:
    case 422:
      return error(Errc::invalid_input, ": it does not take the request");
    case 401:
      return error(Errc::denied, ": give user and password_file, or token_file, that it takes");
    case 403:
      return error(Errc::denied, ": the credentials do not open it; ask the server's operator");
    case 404:
      return error(Errc::not_found, ": there is no such thing; check taxii.url and collection");
    case 406:
    case 415:
      return error(Errc::invalid_input, ": it does not speak TAXII 2.1");
    case 429:
      return error(Errc::unavailable, ": too many requests; it is asked again later");
    default:
      return error(Errc::unavailable, "");
  }
}

}  // namespace

std::string shown_taxii(const TaxiiSource& source) {
  return shown_url(source.url) + " collection " + source.collection;
}

Result<TaxiiReply> TaxiiPoll::get(const std::string& url, std::string_view what) {
  auto reply = get_(url);
  if (!reply) return Unexpected(std::move(reply).error().context(what));
  if (reply->status != 200) return Unexpected(refusal(*reply).context(what));
  if (auto type = check_media_type(*reply); !type) {
    return Unexpected(std::move(type).error().context(what));
  }
  octets_ += reply->body.size();
  if (octets_ > limits_.octets) {
    return fail(Errc::limit_exceeded, fmt::format("over {} octets in one poll", limits_.octets));
  }
  return reply;
}

Result<std::string> TaxiiPoll::run(const std::string& added_after, const Take& take) {
  const std::string objects = POSTERN_TRY(find_collection()) + "objects/";
  // Brackets are no part of a query as they stand (RFC 3986 §3.4).
  std::string query =
      fmt::format("?limit={}&match%5Btype%5D=indicator,marking-definition", limits_.objects_a_page);
  if (!added_after.empty()) query += "&added_after=" + encoded(added_after);
  std::string last = added_after;
  std::string next;
  for (;;) {
    const std::string page = next.empty() ? "" : "&next=" + encoded(next);
    const TaxiiReply reply = POSTERN_TRY(get(objects + query + page, "objects"));
    const std::string before = next;
    const bool has_more = POSTERN_TRY(read_page(reply, take, next));
    if (intel::read_timestamp(reply.date_added_last)) last = reply.date_added_last;
    if (!has_more) break;
    if (next.empty() || next == before) {
      return fail(Errc::invalid_input,
                  "objects: the server says that there is more and not where: \"next\" is missing "
                  "or the same again");
    }
  }
  // Without that header nobody knows what comes after the last one.
  return last;
}

// False: it was the last one.
Result<bool> TaxiiPoll::read_page(const TaxiiReply& reply, const Take& take, std::string& next) {
  auto page = intel::read_taxii_page(reply.body);
  if (!page) return Unexpected(std::move(page).error().context("objects"));
  for (const std::string_view object : page->objects) POSTERN_CHECK(take(object));
  empty_pages_ = page->objects.empty() ? empty_pages_ + 1 : 0;
  if (++pages_ > limits_.pages || empty_pages_ > limits_.empty_pages) {
    return fail(Errc::limit_exceeded,
                fmt::format("objects: over {} pages, or over {} without an object in a row",
                            limits_.pages, limits_.empty_pages));
  }
  next = std::move(page->next);
  return page->more;
}

// The URL of the collection, with a slash at the end.
Result<std::string> TaxiiPoll::find_collection() {
  const std::string url = with_slash(source_.url);
  const TaxiiReply reply = POSTERN_TRY(get(url, "discovery"));
  auto entry = intel::read_taxii_entry(reply.body);
  if (!entry) return Unexpected(std::move(entry).error().context("discovery"));
  std::vector<std::string> roots = std::move(entry->api_roots);
  if (roots.empty()) roots.push_back(url);
  std::string titles;
  Error error{Errc::not_found, ""};
  for (const std::string& each : roots) {
    auto root = url_within(url, each);
    auto found = root ? collection_in(with_slash(std::move(*root)), titles)
                      : Result<std::string>(Unexpected(std::move(root).error()));
    if (found && !found->empty()) return found;
    if (!found && error.text.empty()) error = std::move(found).error();
  }
  if (!error.text.empty()) return Unexpected(std::move(error));
  return fail(Errc::not_found,
              fmt::format("the server has no collection \"{}\" that these credentials open; it has "
                          "{}",
                          source_.collection, titles.empty() ? "none" : titles));
}

// Empty: it is not there.
Result<std::string> TaxiiPoll::collection_in(const std::string& root, std::string& titles) {
  const TaxiiReply reply = POSTERN_TRY(get(root + "collections/", "collections"));
  auto collections = intel::read_taxii_collections(reply.body);
  if (!collections) return Unexpected(std::move(collections).error().context("collections"));
  const std::string& wanted = source_.collection;
  std::size_t shown = 0;
  for (const intel::TaxiiCollection& each : *collections) {
    if (each.id != wanted && each.title != wanted && each.alias != wanted) {
      if (shown++ >= kTitlesShown) continue;
      titles += fmt::format("{}\"{}\"", titles.empty() ? "" : ", ", each.title.substr(0, 60));
      continue;
    }
    if (!each.can_read) {
      return fail(Errc::denied, fmt::format("the credentials do not open the collection \"{}\" for "
                                            "reading; ask the server's operator",
                                            wanted));
    }
    return root + "collections/" + encoded(each.id) + "/";
  }
  return std::string();
}

}  // namespace postern::feeds
