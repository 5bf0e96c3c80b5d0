#include "intel/packs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>

#include <fmt/format.h>

#include "intel/csv_row.h"
#include "intel/text.h"

// packs/hafnium/domains.csv, put there by postern_embed.
extern "C" {
extern const unsigned char postern_pack_hafnium[];
extern const unsigned long postern_pack_hafnium_size;
}

namespace postern::intel {
namespace {

constexpr std::string_view kHeader = "value,type,first_published,reference,confidence,note";

Unexpected<Error> fault(std::uint32_t line, std::string_view what) {
  return fail(Errc::invalid_input, fmt::format("line {}: {}", line, what));
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  return std::ranges::count_if(text, [](char c) { return c >= '0' && c <= '9'; }) == 8;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    words.emplace_back(word);
  }
  return words;
}

// "ID | DATE | PUBLISHER | TITLE | URL"
std::optional<PackReference> read_reference(std::string_view text) {
  std::array<std::string, 5> fields;
  CsvRow row(text, '|');
  std::string field;
  std::size_t count = 0;
  for (; row.next(field); ++count) {
    if (count == fields.size()) return std::nullopt;
    fields[count] = trimmed(field);
  }
  if (count != fields.size() || !is_date(fields[1])) return std::nullopt;
  if (std::ranges::any_of(fields, &std::string::empty)) return std::nullopt;
  return PackReference{fields[0], fields[1], fields[2], fields[3], fields[4]};
}

Result<void> read_comment(std::string_view text, std::uint32_t line, PackText& pack) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return fault(line, "a comment of the header needs a key");
  const std::string_view key = trimmed(text.substr(0, colon));
  const std::string_view value = trimmed(text.substr(colon + 1));
  if (key == "pack") {
    pack.name = value;
  } else if (key == "title") {
    pack.title = value;
  } else if (key == "date" && is_date(value)) {
    pack.date = value;
  } else if (key == "licence") {
    pack.licence = value;
  } else if (key == "reference") {
    auto reference = read_reference(value);
    if (!reference) return fault(line, "a reference is ID | DATE | PUBLISHER | TITLE | URL");
    pack.references.push_back(*std::move(reference));
  } else {
    return fault(line, fmt::format("the header has no {}", shown(text)));
  }
  return {};
}

Result<void> read_row(std::string_view text, std::uint32_t line, PackText& pack) {
  std::array<std::string, 6> fields;
  CsvRow row(text, ',');
  std::string field;
  std::size_t count = 0;
  for (; row.next(field); ++count) {
    if (count < fields.size()) fields[count] = trimmed(field);
  }
  if (count != fields.size()) return fault(line, "a row has six columns");
  PackIndicator out{fields[0], fields[1], fields[2], split_words(fields[3]), 0, fields[5], line};
  const char* end = fields[4].data() + fields[4].size();
  const auto [at, code] = std::from_chars(fields[4].data(), end, out.confidence);
  if (code != std::errc() || at != end || out.confidence > 100) {
    return fault(line, "confidence is a number from 0 to 100");
  }
  if (out.type != "domain") return fault(line, "the only type is domain");
  if (!is_date(out.first_published)) return fault(line, "first_published is YYYY-MM-DD");
  if (out.value.empty() || out.note.empty()) return fault(line, "value and note must be there");
  if (out.references.empty()) return fault(line, "every row needs a reference");
  for (const std::string& id : out.references) {
    if (std::ranges::find(pack.references, id, &PackReference::id) == pack.references.end()) {
      return fault(line, fmt::format("the header lists no reference {}", shown(id)));
    }
  }
  pack.indicators.push_back(std::move(out));
  return {};
}

}  // namespace

std::span<const Pack> built_in_packs() {
  static const std::array packs = {
      Pack{"hafnium", "Command and control of the Exchange Server attacks of early 2021",
           "2021-04-01", text_of({postern_pack_hafnium, postern_pack_hafnium_size})},
  };
  return packs;
}

FeedOptions pack_feed_options() {
  FeedOptions options;
  options.format = Format::csv;
  options.scope = policy::Scope::at_and_below;
  options.csv.column = "value";
  return options;
}

Result<PackText> read_pack(std::string_view csv) {
  PackText pack;
  bool header_seen = false;
  for (std::uint32_t line = 1; !csv.empty(); ++line) {
    const std::size_t end = csv.find('\n');
    const std::string_view text = trimmed(csv.substr(0, end));
    csv.remove_prefix(end == std::string_view::npos ? csv.size() : end + 1);
    if (text.empty()) continue;
    if (text.front() == '#') {
      POSTERN_CHECK(read_comment(trimmed(text.substr(1)), line, pack));
    } else if (!header_seen) {
      if (text != kHeader) return fault(line, fmt::format("the columns are {}", kHeader));
      header_seen = true;
    } else {
      POSTERN_CHECK(read_row(text, line, pack));
    }
  }
  if (pack.name.empty() || pack.title.empty() || pack.date.empty() || pack.licence.empty()) {
    return fail(Errc::invalid_input, "the header needs pack, title, date and licence");
  }
  if (pack.indicators.empty()) return fail(Errc::invalid_input, "a pack needs an indicator");
  return pack;
}

}  // namespace postern::intel
