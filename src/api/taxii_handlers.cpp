// TAXII 2.1 (OASIS): published policies as collections that others poll. Read only.
#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "api/handlers.h"
#include "api/limits.h"
#include "api/record_filter.h"
#include "event/json_writer.h"
#include "intel/indicator_ledger.h"
#include "intel/timestamp.h"

namespace postern::api {
namespace {

using event::JsonWriter;

constexpr std::string_view kMediaType = "application/taxii+json;version=2.1";
constexpr std::string_view kStix = "application/stix+json;version=2.1";
constexpr std::string_view kRoot = "/taxii2/api/";

Response taxii(std::string body) {
  Response response = json(std::move(body));
  response.content_type = kMediaType;
  return response;
}

/// An error message (§3.6.1).
Response taxii_error(unsigned status, std::string_view detail) {
  JsonWriter json_text;
  json_text.begin_object().field("title", reason(status)).field("description", detail);
  json_text.field("http_status", std::to_string(status)).end_object();
  Response response = taxii(std::move(json_text).take());
  response.status = status;
  return response;
}

std::optional<HttpLogin> login_of(const Request& request) {
  if (const auto token = bearer_token(request.authorization)) {
    return HttpLogin{.is_token = true, .user = "", .secret = std::string(*token)};
  }
  const auto basic = basic_credentials(request.authorization);
  if (!basic) return std::nullopt;
  return HttpLogin{.is_token = false, .user = basic->first, .secret = basic->second};
}

/// What a client asks for by "Accept" (RFC 9110 §12.5.1), as far as there is a choice.
bool accepts_taxii(std::string_view accept) {
  if (accept.empty()) return true;
  while (!accept.empty()) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    std::string range;
    for (const char c : accept.substr(0, comma)) {
      if (c != ' ' && c != '\t' && c != '"') {
        range += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
    }
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    const std::string type = range.substr(0, range.find(';'));
    const std::size_t version = range.find(";version=");
    const bool is_ours = version == range.npos || range.substr(version + 9).starts_with("2.1");
    if (type == "*/*" || type == "application/*") return true;
    if (type == "application/taxii+json" && is_ours) return true;
  }
  return false;
}

Response unauthorised(const Context& context, const Request& request) {
  const Auth::Check check = context.auth.refuse(request.peer.address, request.mono);
  context.stats.sign_ins_failed.add();
  const bool must_wait = check.outcome == Auth::Outcome::wait;
  if (!must_wait) {
    context.log.warning("api",
                        fmt::format("wrong TAXII credentials from {}", request.peer.to_text()));
  }
  Response response = must_wait ? taxii_error(429, "too many wrong credentials from your address")
                                : taxii_error(401, "these credentials open no collection");
  if (check.wait.count() > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(check.wait.count()));
  }
  return response;
}

void write_collection(JsonWriter& json_text, const TaxiiCollection& collection) {
  json_text.begin_object().field("id", collection.id).field("title", collection.title);
  json_text.field("can_read", true).field("can_write", false);
  json_text.key("media_types").begin_array().string(kStix).end_array().end_object();
}

const TaxiiCollection* collection_of(const Call& call) {
  const auto found = std::ranges::find(call.collections, call.capture, &TaxiiCollection::id);
  return found == call.collections.end() ? nullptr : &*found;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

template <class Number>
Result<Number> positive(std::string_view name, std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number <= 0) {
    return fail(Errc::invalid_input, fmt::format("{}: \"{}\" is no number over 0", name, text));
  }
  return number;
}

/// What is asked for (§3.4). Errors: a parameter that is none, or has no such value.
Result<intel::IndicatorFilter> filter_of(const Call& call) {
  POSTERN_CHECK(check_only(call.params, {"added_after", "limit", "next", "match[id]", "match[type]",
                                         "match[version]", "match[spec_version]"}));
  intel::IndicatorFilter filter;
  if (const auto after = call.params.get("added_after")) {
    filter.added_after = intel::read_timestamp(*after);
    if (!filter.added_after) return fail(Errc::invalid_input, "added_after: that is no time");
  }
  if (const auto limit = call.params.get("limit")) {
    const auto wanted = POSTERN_TRY(positive<std::uint64_t>("limit", *limit));
    filter.limit = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, kMaxTaxiiPage));
  }
  if (const auto next = call.params.get("next")) {
    filter.next_us = POSTERN_TRY(positive<std::int64_t>("next", *next));
  }
  filter.ids = split(call.params.get("match[id]").value_or(""));
  filter.types = split(call.params.get("match[type]").value_or(""));
  filter.versions = split(call.params.get("match[version]").value_or(""));
  filter.spec_versions = split(call.params.get("match[spec_version]").value_or(""));
  if (!call.second_capture.empty()) filter.ids = {call.second_capture};
  return filter;
}

using Entry = intel::IndicatorLedger::Entry;

/// A page of what `write` says of each entry, under `key`.
Response answer_page(const Call& call, std::string_view key, std::string (*write)(const Entry&)) {
  const TaxiiCollection* collection = collection_of(call);
  if (collection == nullptr) return taxii_error(404, "there is no such collection for you");
  if (!collection->indicators) {
    Response response = taxii_error(503, "the collection is not made yet");
    response.headers.emplace_back("Retry-After", "1");
    return response;
  }
  const auto filter = filter_of(call);
  if (!filter) return taxii_error(400, filter.error().text);
  const auto page = collection->indicators->page(*filter);
  if (!call.second_capture.empty() && page.entries.empty() && !filter->added_after) {
    return taxii_error(404, "there is no such object");
  }
  std::string body = "{";
  if (page.more) {
    body += fmt::format(R"("more":true,"next":"{}",)", page.entries.back()->added_us);
  }
  if (!page.entries.empty()) {
    body += fmt::format("\"{}\":[", key);
    for (const Entry* entry : page.entries) {
      if (entry != page.entries.front()) body += ',';
      body += write(*entry);
    }
    body += "]";
  }
  Response response = taxii(body + "}");
  if (!page.entries.empty()) {
    response.headers.emplace_back("X-TAXII-Date-Added-First",
                                  intel::stix_time(page.entries.front()->added_us));
    response.headers.emplace_back("X-TAXII-Date-Added-Last",
                                  intel::stix_time(page.entries.back()->added_us));
  }
  return response;
}

std::string version_json(const Entry& entry) {
  return fmt::format("\"{}\"", intel::stix_time(entry.added_us));
}

}  // namespace

std::optional<Response> admit_taxii(const Context& context, const Request& request, Call& call) {
  if (context.services.collections) call.collections = context.services.collections();
  if (call.collections.empty()) return taxii_error(404, "no collection is published here");
  if (!accepts_taxii(request.accept)) {
    return taxii_error(406, fmt::format("only {} is spoken here", kMediaType));
  }
  if (request.peer.trusted) return std::nullopt;
  const auto login = login_of(request);
  const bool must_wait =
      login && !login->is_token &&
      context.auth.password_wait(request.peer.address, request.mono) > seconds(0);
  if (must_wait) return unauthorised(context, request);
  if (login) {
    std::erase_if(call.collections,
                  [&](const TaxiiCollection& each) { return !each.admits(*login); });
  }
  if (login && !call.collections.empty()) return std::nullopt;
  Response response = login ? unauthorised(context, request)
                            : taxii_error(401, "say who you are, by password or token");
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"postern\", charset=\"UTF-8\"");
  return response;
}

Response get_taxii_discovery(const Context&, const Call&) {
  JsonWriter json_text;
  json_text.begin_object().field("title", "Postern");
  json_text.field("description", "What this resolver blocks");
  json_text.field("default", kRoot);
  json_text.key("api_roots").begin_array().string(kRoot).end_array().end_object();
  return taxii(std::move(json_text).take());
}

Response get_taxii_root(const Context&, const Call&) {
  JsonWriter json_text;
  json_text.begin_object().field("title", "Policies");
  json_text.key("versions").begin_array().string(kMediaType).end_array();
  json_text.field("max_content_length", HttpLimits{}.body_octets).end_object();
  return taxii(std::move(json_text).take());
}

Response get_taxii_collections(const Context&, const Call& call) {
  JsonWriter json_text;
  json_text.begin_object().key("collections").begin_array();
  for (const TaxiiCollection& each : call.collections) write_collection(json_text, each);
  json_text.end_array().end_object();
  return taxii(std::move(json_text).take());
}

Response get_taxii_collection(const Context&, const Call& call) {
  const TaxiiCollection* collection = collection_of(call);
  if (collection == nullptr) return taxii_error(404, "there is no such collection for you");
  JsonWriter json_text;
  write_collection(json_text, *collection);
  return taxii(std::move(json_text).take());
}

Response get_taxii_manifest(const Context&, const Call& call) {
  return answer_page(call, "objects", intel::manifest_json);
}

Response get_taxii_objects(const Context&, const Call& call) {
  return answer_page(call, "objects", intel::indicator_json);
}

Response get_taxii_versions(const Context&, const Call& call) {
  return answer_page(call, "versions", version_json);
}

}  // namespace postern::api
