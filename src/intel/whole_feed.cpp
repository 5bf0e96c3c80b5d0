#include "intel/whole_feed.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "intel/text.h"

namespace postern::intel {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t kLookedAtOctets = 4096;

struct Magic {
  std::string_view octets;
  std::string_view what;
};

constexpr std::array kMagics = {
    Magic{"\x1f\x8b"sv, "gzip data"},
    Magic{"\x28\xb5\x2f\xfd"sv, "zstd data"},
    Magic{"BZh"sv, "bzip2 data"},
    Magic{"\xfd"
          "7zXZ"sv,
          "xz data"},
    Magic{"PK\x03\x04"sv, "a zip archive"},
    Magic{"%PDF-"sv, "a PDF document"},
    Magic{"\xff\xfe"sv, "UTF-16 text"},
    Magic{"\xfe\xff"sv, "UTF-16 text"},
    Magic{"SQLite format 3"sv, "an SQLite database"},
};

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && same_word(text.substr(0, word.size()), word);
}

// The text from its first octet that is no blank or line end.
std::string_view first_content(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n\f\v");
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin);
}

bool is_html(std::string_view content) {
  constexpr std::array kStarts = {"<!doctype"sv, "<html"sv, "<head"sv,  "<body"sv,
                                  "<?xml"sv,     "<!--"sv,  "<script"sv};
  return std::ranges::any_of(
      kStarts, [&](std::string_view start) { return starts_with_word(content, start); });
}

// An object, or an array: "[Adblock Plus 2.0]" is none.
bool is_json(std::string_view content) {
  if (content.empty()) return false;
  if (content.front() == '{') return true;
  if (content.front() != '[') return false;
  const std::string_view inside = first_content(content.substr(1));
  return inside.starts_with('{') || inside.starts_with('"') || inside.starts_with('[');
}

// " (its title: …)", so that a person sees which page came instead of the list.
std::string title_of(std::string_view html) {
  html = html.substr(0, kLookedAtOctets);
  const std::size_t tag = html.find("<title>");
  if (tag == std::string_view::npos) return {};
  std::string_view title = html.substr(tag + 7);
  title = trimmed(title.substr(0, title.find('<')));
  return title.empty() ? std::string() : fmt::format(" (its title: {})", shown(title));
}

}  // namespace

std::string_view without_bom(std::string_view text) {
  constexpr std::string_view kBom = "\xef\xbb\xbf";
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  return text;
}

bool is_json_format(Format format) {
  return format == Format::stix || format == Format::misp || format == Format::json;
}

bool looks_like_json(std::string_view text) {
  return is_json(first_content(text));
}

Result<void> check_is_text(std::string_view text, Format format) {
  const std::string_view content = first_content(text);
  if (content.empty()) {
    return fail(Errc::invalid_input,
                "the text is empty; check the source, an empty answer is often an error page");
  }
  if (text.size() > kMaxFeedOctets) {
    return fail(Errc::limit_exceeded, "over 2 GiB of text; take a smaller list");
  }
  for (const Magic& magic : kMagics) {
    if (!text.starts_with(magic.octets)) continue;
    return fail(Errc::invalid_input,
                fmt::format("{} where a list as UTF-8 text is expected; give the list itself, "
                            "unpacked or converted",
                            magic.what));
  }
  if (is_html(content)) {
    return fail(Errc::invalid_input,
                fmt::format("a web page{} where a list is expected; open the address in a "
                            "browser: it may have moved or ask for a sign-in",
                            title_of(content)));
  }
  if (is_json(content) && !is_json_format(format)) {
    const Format guess = guess_format(text).value_or(Format::json);
    return fail(Errc::invalid_input,
                fmt::format("JSON where a list is expected; set format: {}", to_string(guess)));
  }
  const std::size_t nul = text.substr(0, kLookedAtOctets).find('\0');
  if (nul != std::string_view::npos) {
    return fail(Errc::invalid_input,
                fmt::format("binary data (a NUL at octet {}) where a list as UTF-8 text is "
                            "expected; check the source",
                            nul));
  }
  return {};
}

Error no_rules_error(std::string_view text, const FeedContent& content, Format format) {
  if (content.lines_skipped == 0 && is_json_format(format)) {
    return {Errc::not_found, "no rule in it, and nothing that was passed over with a fault"};
  }
  if (content.lines_skipped == 0) {
    return {Errc::not_found,
            fmt::format("no rule in {} lines, only comments and blank lines", content.lines)};
  }
  const std::optional<Format> guess = guess_format(text);
  const std::string hint =
      guess && *guess != format
          ? fmt::format("it looks like {}: set format: {}", to_string(*guess), to_string(*guess))
          : std::string("check that the source is the list that you mean");
  const std::string first =
      content.skipped.empty()
          ? std::string()
          : fmt::format(" (line {}: {})", content.skipped[0].line, content.skipped[0].text);
  return {Errc::invalid_input, fmt::format("no rule in {} lines read as {}{}; {}", content.lines,
                                           to_string(format), first, hint)};
}

}  // namespace postern::intel
