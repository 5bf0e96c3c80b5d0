#include "exchange/needed_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

constexpr std::size_t kLongPiece = 6;   // Rare enough by itself.
constexpr std::size_t kShortPiece = 5;  // Wants its edges, or its neighbours.
constexpr std::size_t kFewestLetters = 3;
constexpr std::size_t kMaxPatterns = 400;  // Of one clause.
constexpr std::size_t kMaxPieceOctets = 64;

/// Words that most rows of some log have: a last resort.
constexpr std::array<std::string_view, 14> kCommonWords = {
    "post",  "get", "200", "http", "/owa",      "/owa/",   "/ecp",
    "/ecp/", "owa", "ecp", ".exe", "microsoft", "mozilla", "exchange"};

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_';
}

/// Whether every log has `c` in the row's text as it is in the value.
bool is_stable(char c, const Field& field) {
  if (c <= ' ' || c > '~') return false;
  if (c == '+' || c == ',' || c == '"' || c == '?') return false;
  return !field.decoded || is_unreserved(c);
}

/// What separates two pieces for good: nothing can be said of the octets between them.
bool is_break(char c) {
  return c == '?' || c == '\n' || c == '\r' || c == '\0';
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_unreserved(c) || c == '.' || c == '-')
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out;
}

struct Piece {
  std::string_view text;
  std::size_t gap = 0;  ///< Octets between it and the one before; 0: not to be joined to that.
};

std::vector<Piece> pieces_of(std::string_view value, const Field& field) {
  std::vector<Piece> pieces;
  std::size_t at = 0;
  std::size_t gap = 0;
  bool joined = false;
  while (at < value.size()) {
    if (!is_stable(value[at], field)) {
      joined = (gap == 0 ? !pieces.empty() : joined) && !is_break(value[at]);
      ++gap;
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < value.size() && is_stable(value[at], field)) ++at;
    pieces.push_back({value.substr(begin, at - begin), joined ? gap : 0});
    gap = 0;
    joined = false;
  }
  return pieces;
}

struct Pattern {
  std::string text;
  std::size_t letters = 0;
};

constexpr std::string_view kLeftEdge = "(?:^|[ ,\"\\n])";
constexpr std::string_view kRightEdge = "(?:[ ,\"\\r\\n]|$)";

/// Whether a value of the field stands by itself between separators.
bool has_edges(const Field& field) {
  return field.made == Made::column && !field.decoded;
}

/// The pattern of the longest run of pieces that are joined.
Pattern joined_pattern(const std::vector<Piece>& pieces, bool decoded) {
  Pattern best;
  Pattern run;
  for (const Piece& piece : pieces) {
    if (piece.gap == 0) run = {};
    if (piece.gap != 0) {
      // Each of these octets is itself or an escape; of a quotation mark there may be two.
      run.text += decoded ? fmt::format("(?:[^a-z0-9._\\-\\n]|%[0-9a-f]{{2}}){{{}}}", piece.gap)
                          : fmt::format("[^!#-*\\-->@-~\\n]{{{},{}}}", piece.gap, 2 * piece.gap);
    }
    run.text += escaped(piece.text);
    run.letters += piece.text.size();
    if (run.letters > best.letters) best = run;
  }
  return best;
}

bool is_common(std::string_view text) {
  return std::ranges::find(kCommonWords, folded(text, Fold::ascii)) != kCommonWords.end();
}

/// A field that says what kind of row this is.
bool tells_kind(const Field& field) {
  return field.common == Common::event_id ||
         std::ranges::any_of(field.names, [](const std::string& name) {
           return name == "Provider_Name" || name == "Channel" || name == "Level";
         });
}

std::optional<Pattern> pattern_of(std::string_view value, Op op, const Field& field) {
  const std::vector<Piece> pieces = pieces_of(value, field);
  if (pieces.empty()) return std::nullopt;
  const auto longest =
      std::ranges::max_element(pieces, {}, [](const Piece& piece) { return piece.text.size(); });
  Pattern out;
  if (longest->text.size() >= kLongPiece || pieces.size() == 1) {
    const std::string_view text = longest->text.substr(0, kMaxPieceOctets);
    out = {escaped(text), text.size()};
  } else {
    out = joined_pattern(pieces, field.decoded);
  }
  const bool whole = pieces.size() == 1 && longest->text.size() == value.size();
  if (whole && value.size() < kShortPiece && has_edges(field)) {
    if (op == Op::equals || op == Op::starts) {
      out.text.insert(0, kLeftEdge);
      ++out.letters;
    }
    if (op == Op::equals || op == Op::ends) {
      out.text += kRightEdge;
      ++out.letters;
    }
  } else if (out.letters < kFewestLetters) {
    return std::nullopt;
  }
  if (out.letters < 2) return std::nullopt;
  if (tells_kind(field) || (is_common(longest->text) && pieces.size() == 1)) out.letters = 1;
  return out;
}

/// A pattern that means the same in the midst of other lines: no anchors, nothing escaped.
bool stands_by_itself(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '$' || pattern[i] == '\\') return false;
    if (pattern[i] == '^' && (i == 0 || pattern[i - 1] != '[')) return false;
  }
  return true;
}

std::optional<Pattern> pattern_of(const Regex& regex, const Field& field) {
  auto pattern = pattern_of(required_text(regex.pattern()), Op::contains, field);
  if (pattern || field.made != Made::text || field.decoded) return pattern;
  if (!stands_by_itself(regex.pattern())) return std::nullopt;
  // It is looked for in the same text in which it is tried then.
  return Pattern{regex.pattern(), kLongPiece};
}

/// One of all values.
std::optional<NeededText> any_value(const Test& test, const Fields& fields) {
  const Field& field = fields[test.field];
  NeededText out;
  for (const std::string& value : test.values) {
    const auto pattern = pattern_of(value, test.op, field);
    if (!pattern) return std::nullopt;
    out.letters = out.patterns.empty() ? pattern->letters : std::min(out.letters, pattern->letters);
    out.patterns.push_back(pattern->text);
  }
  for (const Regex& regex : test.regexes) {
    const auto pattern = pattern_of(regex, field);
    if (!pattern) return std::nullopt;
    out.letters = out.patterns.empty() ? pattern->letters : std::min(out.letters, pattern->letters);
    out.patterns.push_back(pattern->text);
  }
  if (out.patterns.empty() || out.patterns.size() > kMaxPatterns) return std::nullopt;
  if (field.decoded) out.patterns.push_back(hiding_escape());
  return out;
}

bool asks_text(Op op) {
  return op == Op::equals || op == Op::starts || op == Op::ends || op == Op::contains ||
         op == Op::matches;
}

/// The dot is always there before an extension.
std::vector<NeededText> needed_by_extension(const Test& test, const Fields& fields) {
  if (test.op != Op::equals && test.op != Op::starts) return {};
  Test dotted = test;
  dotted.op = Op::contains;
  for (std::string& value : dotted.values) value.insert(0, 1, '.');
  auto needed = any_value(dotted, fields);
  if (!needed) return {};
  return {*std::move(needed)};
}

std::vector<NeededText> needed_by(const Test& test, const Fields& fields) {
  if (!asks_text(test.op)) return {};
  const Made made = fields[test.field].made;
  // The client may be taken from another column, or out of a list.
  if (made == Made::client) return {};
  if (made == Made::extension) return needed_by_extension(test, fields);
  std::vector<NeededText> out;
  if (!test.all) {
    if (auto needed = any_value(test, fields)) out.push_back(*std::move(needed));
    return out;
  }
  for (const std::string& value : test.values) {
    Test one = test;
    one.values = {value};
    one.regexes.clear();
    if (auto needed = any_value(one, fields)) out.push_back(*std::move(needed));
  }
  for (const Regex& regex : test.regexes) {
    Test one = test;
    one.values.clear();
    one.regexes = {regex};
    if (auto needed = any_value(one, fields)) out.push_back(*std::move(needed));
  }
  return out;
}

void keep_rarest(std::vector<NeededText>& needed) {
  std::ranges::stable_sort(needed, std::ranges::greater{}, &NeededText::letters);
  // What most rows have only costs time, where there is anything else.
  const auto common =
      std::ranges::find_if(needed, [](const NeededText& n) { return n.letters <= 1; });
  if (common != needed.begin()) needed.erase(common, needed.end());
  if (needed.size() > kMaxNeeded) needed.resize(kMaxNeeded);
}

/// One of the best of each child.
std::vector<NeededText> needed_by_any(const Condition& condition, const Fields& fields) {
  NeededText joined;
  for (const Condition& child : condition.children) {
    std::vector<NeededText> needed = needed_text(child, fields);
    if (needed.empty()) return {};
    NeededText& best = needed.front();
    joined.letters =
        joined.patterns.empty() ? best.letters : std::min(joined.letters, best.letters);
    for (std::string& pattern : best.patterns) joined.patterns.push_back(std::move(pattern));
    if (joined.patterns.size() > kMaxPatterns) return {};
  }
  if (joined.patterns.empty()) return {};
  return {std::move(joined)};
}

}  // namespace

std::vector<NeededText> needed_text(const Condition& condition, const Fields& fields) {
  std::vector<NeededText> out;
  switch (condition.kind) {
    case Condition::Kind::test:
      out = needed_by(condition.test, fields);
      break;
    case Condition::Kind::all:
      for (const Condition& child : condition.children) {
        for (NeededText& needed : needed_text(child, fields)) out.push_back(std::move(needed));
      }
      break;
    case Condition::Kind::any:
      out = needed_by_any(condition, fields);
      break;
    case Condition::Kind::none:
      break;
  }
  keep_rarest(out);
  return out;
}

std::string hiding_escape() {
  return "%(?:25|u|c[01]|2[de]|5f|3[0-9]|[46][1-9a-f]|[57][0-9a])";
}

}  // namespace postern::exchange
