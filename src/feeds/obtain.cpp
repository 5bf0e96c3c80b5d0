#include "feeds/obtain.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "feeds/builder.h"
#include "feeds/digest.h"
#include "feeds/misp_obtain.h"
#include "feeds/unpack.h"

namespace postern::feeds {
namespace {

// What a line that is one word stands for; none where a rule takes more than a word.
std::optional<policy::Scope> scope_of_bare_word(const intel::FeedOptions& options) {
  using enum intel::Format;
  switch (options.format) {
    case domains:
    case hosts:
    case csv:
      return options.scope.value_or(policy::Scope::exact);
    case wildcard:
    case adblock:
      return policy::Scope::exact;
    default:
      return std::nullopt;
  }
}

// "Service", "Temporarily", "Unavailable": where a line may be a bare name, an error page without
// mark-up reads as names of one label each.
bool is_prose(const policy::ZoneRules& rules, const intel::FeedOptions& options) {
  const auto bare = scope_of_bare_word(options);
  if (!bare) return false;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const policy::Rule rule = rules.at(i);
    if (rule.name.label_count() > 1 || rule.scope != *bare) return false;
  }
  return true;
}

// In a list of names nearly every line is one. The other formats have lines that a resolver cannot
// use: rules for URLs, rows with addresses.
bool is_mostly_no_names(const intel::FeedContent& feed, intel::Format format) {
  using enum intel::Format;
  if (format != domains && format != hosts && format != wildcard) return false;
  return feed.lines_skipped > feed.rules.size();
}

// No list of any format has a line that begins so.
bool begins_with_markup(std::string_view text) {
  constexpr int kLookedAtLines = 10;  // That have any content.
  for (int lines = 0; lines < kLookedAtLines && !text.empty();) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::size_t content = text.find_first_not_of(" \t\r");
    if (content < end) {
      if (text[content] == '<') return true;
      ++lines;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

// What reads as a list and, coming from afar, is none.
Result<void> check_is_a_list(std::string_view text, const intel::FeedContent& feed,
                             const intel::FeedOptions& options) {
  if (feed.rules.size() == 0) return fail(Errc::invalid_input, "no rule in it");
  if (begins_with_markup(text)) {
    return fail(Errc::invalid_input,
                "a web page where a list is expected; open the address in a browser: it may have "
                "moved or ask for a sign-in");
  }
  if (is_prose(feed.rules, options)) {
    return fail(Errc::invalid_input,
                "none of its names has a dot; this is probably a message, not a list");
  }
  if (is_mostly_no_names(feed, options.format)) {
    return fail(Errc::invalid_input,
                std::to_string(feed.lines_skipped) + " lines are no rules and only " +
                    std::to_string(feed.rules.size()) + " are (line " +
                    std::to_string(feed.skipped.front().line) + ": " + feed.skipped.front().text +
                    "); open the address: it may have another format, or show a message");
  }
  return {};
}

// The body's text: the server's coding undone, and then that of a file which is packed itself.
Result<SharedMemory> text_in(FetchAnswer answer, const Job& job, const std::atomic<bool>& cancelled,
                             UnpackTurns& turns, UnpackTurns::Turn& turn) {
  if (!answer.is_coded && !is_packed(answer.body)) return std::move(answer.body);
  auto taken = turns.take(cancelled);
  if (!taken) return fail(Errc::unavailable, "stopped");
  turn = std::move(*taken);
  if (answer.is_coded && POSTERN_TRY(answer.body.size()) > 0) {
    if (!is_packed(answer.body)) {
      return fail(Errc::corrupt, "the body is not in the coding that the server says it is in");
    }
    answer.body = POSTERN_TRY(unpack(std::move(answer.body), job.max_octets));
  }
  SharedMemory text = POSTERN_TRY(unpack(std::move(answer.body), job.max_octets));
  turn.unpacked(POSTERN_TRY(text.size()));
  return text;
}

Result<Obtained> obtain_from(const Job& job, const std::string& url,
                             const std::atomic<bool>& cancelled, const Hands& hands) {
  FetchRequest request;
  request.url = url;
  request.max_octets = job.max_octets;
  request.timeout = job.timeout;
  Obtained obtained;
  obtained.fetched_from = sha256_hex(url);
  if (obtained.fetched_from == job.fetched_from) request.validators = job.validators;
  FetchAnswer answer = POSTERN_TRY(fetch(request, cancelled));
  obtained.validators = std::move(answer.validators);
  if (answer.not_modified) {
    obtained.not_modified = true;
    return obtained;
  }
  obtained.text =
      POSTERN_TRY(text_in(std::move(answer), job, cancelled, hands.turns, obtained.turn));
  obtained.content = POSTERN_TRY(hands.builder.read(*obtained.text, job.format, Origin::remote));
  return obtained;
}

}  // namespace

bool is_remote(const Source& source) {
  return source.text.empty() && source.path.empty() &&
         (source.transfer || source.taxii || !source.url.empty());
}

Origin origin_of(const Source& source) {
  if (source.transfer || source.taxii) return Origin::primary;
  if (is_misp_folder(source.format.format, source.url)) return Origin::primary;
  return is_remote(source) ? Origin::remote : Origin::local;
}

std::string source_digest(const Source& source) {
  if (!source.text.empty() || !source.path.empty()) return sha256_hex("path:" + source.path);
  if (source.transfer) return sha256_hex("zone:" + source.transfer->zone.to_text());
  if (source.taxii) {
    return sha256_hex("taxii:" + source.taxii->url + "\n" + source.taxii->collection);
  }
  return sha256_hex("url:" + source.url);
}

Result<ParsedCopy> parse_copy(std::string_view text, const intel::FeedOptions& format,
                              Origin origin) {
  ParsedCopy content;
  content.sha256 = sha256_hex(text);
  intel::FeedOptions options = format;
  options.now = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  auto feed = intel::read_feed(text, options);
  if (!feed && feed.error().code == Errc::not_found && origin == Origin::local) {
    return content;
  }
  if (!feed && feed.error().code == Errc::not_found && origin == Origin::primary) {
    feed = intel::FeedContent{};
  }
  if (!feed) return Unexpected<Error>(std::move(feed).error());
  if (origin == Origin::remote) POSTERN_CHECK(check_is_a_list(text, *feed, format));
  content.lines_skipped = feed->lines_skipped;
  if (!feed->skipped.empty()) {
    const intel::SkippedLine& first = feed->skipped.front();
    content.first_skipped = "line " + std::to_string(first.line) + ": " + first.text;
    content.first_skipped.resize(std::min(content.first_skipped.size(), kMaxSkippedOctets));
  }
  content.rules = std::move(feed->rules);
  return content;
}

Result<Obtained> obtain(const Job& job, const std::atomic<bool>& cancelled, const Hands& hands,
                        Postponed& postponed) {
  if (job.transfer) return obtain_zone(job, cancelled, hands);
  if (job.taxii) return obtain_collection(job, cancelled, hands, postponed);
  Error error{Errc::invalid_input, "no URL"};
  std::string told;
  for (const std::string& url : job.urls) {
    auto obtained = is_misp_folder(job.format.format, url)
                        ? obtain_misp_folder(job, url, cancelled, hands)
                        : obtain_from(job, url, cancelled, hands);
    if (obtained) return obtained;
    error = std::move(obtained).error().context(shown_url(url));
    told += (told.empty() ? "" : "; ") + error.text;
    if (cancelled.load(std::memory_order_relaxed)) break;
  }
  if (!told.empty()) error.text = told;
  return Unexpected<Error>(std::move(error));
}

}  // namespace postern::feeds
