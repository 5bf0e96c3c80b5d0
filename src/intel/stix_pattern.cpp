#include "intel/stix_pattern.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace postern::intel {
namespace {

constexpr std::string_view kAnd =
    "is a condition of several parts (AND), one of which is no reason to block";
constexpr std::string_view kFollowedBy =
    "is a sequence of sightings (FOLLOWEDBY), one of which is no reason to block";
constexpr std::string_view kNot =
    "says what something is not (NOT, !=, <, >), which no list of names and addresses can hold";
constexpr std::string_view kQualified =
    "is bound to a number or time of sightings (REPEATS, WITHIN, START), which a list cannot hold";
constexpr std::string_view kMatch =
    "compares by ISSUPERSET, or by a MATCHES or LIKE other than '%.name', which stands for no name "
    "or "
    "prefix";

constexpr std::string_view kNoPattern = "is no STIX pattern; correct it, or see its pattern_type";
constexpr std::string_view kTooDeep = "has over 32 brackets in each other; simplify it";

enum class Kind : std::uint8_t { end, word, path, string, literal, symbol, bad };

struct Token {
  Kind kind = Kind::end;
  std::string_view text;  // Of a string with its escapes, without its quotation marks.
};

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

/// Words, paths ("file:hashes.'SHA-256'"), literals and symbols of a pattern.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) {}

  Token next() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    if (rest_.empty()) return {};
    const char c = rest_.front();
    if (c == '\'') return string(Kind::string);
    if (is_word_char(c) || c == '+' || c == '.') return word();
    for (const std::string_view symbol : {"!=", "<>", "<=", ">=", "=="}) {
      if (rest_.starts_with(symbol)) return take(Kind::symbol, symbol.size());
    }
    if (std::string_view("[](),=<>").find(c) != std::string_view::npos)
      return take(Kind::symbol, 1);
    return {Kind::bad, {}};
  }

 private:
  Token take(Kind kind, std::size_t size) {
    const Token token{kind, rest_.substr(0, size)};
    rest_.remove_prefix(size);
    return token;
  }

  // At a quotation mark.
  Token string(Kind kind) {
    const std::size_t size = string_size(0);
    if (size == 0) return {Kind::bad, {}};
    const Token token{kind, rest_.substr(1, size - 2)};
    rest_.remove_prefix(size);
    return token;
  }

  // Of the string at `at`, with its quotation marks; 0: it does not end.
  std::size_t string_size(std::size_t at) const {
    for (std::size_t i = at + 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\')
        ++i;
      else if (rest_[i] == '\'')
        return i + 1 - at;
    }
    return 0;
  }

  Token word() {
    std::size_t size = 0;
    while (size < rest_.size() && (is_word_char(rest_[size]) || rest_[size] == '+')) ++size;
    if (size < rest_.size() && rest_[size] == '\'') {  // t'…', h'…', b'…'
      rest_.remove_prefix(size);
      return string(Kind::literal);
    }
    if (size < rest_.size() && rest_[size] == ':') return path(size + 1);
    while (size < rest_.size() && (is_word_char(rest_[size]) || rest_[size] == '.')) ++size;
    if (size == 0) return {Kind::bad, {}};
    const char c = rest_.front();
    const bool is_number = c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9');
    return take(is_number ? Kind::literal : Kind::word, size);
  }

  // An object path (§9.7); its type and the colon are `size` octets.
  Token path(std::size_t size) {
    while (size < rest_.size()) {
      const char c = rest_[size];
      if (is_word_char(c) || c == '.') {
        ++size;
      } else if (c == '\'') {
        const std::size_t quoted = string_size(size);
        if (quoted == 0) return {Kind::bad, {}};
        size += quoted;
      } else if (c == '[') {
        size = rest_.find(']', size);
        if (size == std::string_view::npos) return {Kind::bad, {}};
        ++size;
      } else {
        break;
      }
    }
    return take(Kind::path, size);
  }

  std::string_view rest_;
};

std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

/// Recursive descent. Each rule returns false once the text is no pattern; `fault_` says why.
class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) { advance(); }

  Result<StixPattern, std::string_view> parse() {
    if (!observations(0) || !is_end()) return Unexpected(fault_);
    return std::move(pattern_);
  }

 private:
  using Rule = bool (Parser::*)(int depth);

  void advance() { token_ = lexer_.next(); }
  bool is_end() const { return token_.kind == Kind::end; }
  bool is_symbol(std::string_view text) const {
    return token_.kind == Kind::symbol && token_.text == text;
  }
  bool take_symbol(std::string_view text) {
    if (!is_symbol(text)) return false;
    advance();
    return true;
  }
  bool take_word(std::string_view text) {
    if (token_.kind != Kind::word || token_.text != text) return false;
    advance();
    return true;
  }
  bool take_literal() {
    const bool is_bool =
        token_.kind == Kind::word && (token_.text == "true" || token_.text == "false");
    if (!is_bool && token_.kind != Kind::literal && token_.kind != Kind::string) return false;
    advance();
    return true;
  }

  // What has been found since there were `kept` holds only under a condition.
  void leave_out(std::size_t kept, std::string_view why) {
    if (pattern_.indicators.size() == kept) return;
    pattern_.indicators.resize(kept);
    note(why);
  }
  void note(std::string_view why) {
    if (pattern_.left_out.empty()) pattern_.left_out = why;
  }

  // One or more of `part` with `word` between them, which hold only together.
  bool all_of(Rule part, std::string_view word, std::string_view why, int depth) {
    const std::size_t kept = pattern_.indicators.size();
    if (!(this->*part)(depth)) return false;
    bool several = false;
    while (take_word(word)) {
      several = true;
      if (!(this->*part)(depth)) return false;
    }
    if (several) leave_out(kept, why);
    return true;
  }
  bool any_of(Rule part, int depth) {
    if (!(this->*part)(depth)) return false;
    while (take_word("OR")) {
      if (!(this->*part)(depth)) return false;
    }
    return true;
  }
  // What is in brackets.
  bool in_brackets(Rule inside, std::string_view close, int depth) {
    if (depth >= kMaxStixDepth) {
      fault_ = kTooDeep;
      return false;
    }
    return (this->*inside)(depth + 1) && take_symbol(close);
  }

  bool observations(int depth) {
    return all_of(&Parser::observation_or, "FOLLOWEDBY", kFollowedBy, depth);
  }
  bool observation_or(int depth) { return any_of(&Parser::observation_and, depth); }
  bool observation_and(int depth) { return all_of(&Parser::observation, "AND", kAnd, depth); }
  bool observation(int depth) {
    const std::size_t kept = pattern_.indicators.size();
    if (take_symbol("(")) {
      if (!in_brackets(&Parser::observations, ")", depth)) return false;
    } else if (take_symbol("[")) {
      if (!in_brackets(&Parser::comparison_or, "]", depth)) return false;
    } else {
      return false;
    }
    bool qualified = false;
    while (token_.kind == Kind::word) {
      if (take_word("WITHIN") || take_word("REPEATS")) {
        if (!take_literal() || !(take_word("SECONDS") || take_word("TIMES"))) return false;
      } else if (take_word("START")) {
        if (!take_literal() || !take_word("STOP") || !take_literal()) return false;
      } else {
        break;
      }
      qualified = true;
    }
    if (qualified) leave_out(kept, kQualified);
    return true;
  }

  bool comparison_or(int depth) { return any_of(&Parser::comparison_and, depth); }
  bool comparison_and(int depth) { return all_of(&Parser::comparison, "AND", kAnd, depth); }
  bool comparison(int depth) {
    if (take_symbol("(")) return in_brackets(&Parser::comparison_or, ")", depth);
    bool negated = take_word("NOT");
    if (take_word("EXISTS")) {
      if (token_.kind != Kind::path) return false;
      const bool matters = kind_of(token_.text) != Subject::other;
      advance();
      if (matters) note(negated ? kNot : kMatch);
      return true;
    }
    if (token_.kind != Kind::path) return false;
    const Subject subject = kind_of(token_.text);
    advance();
    if (take_word("NOT")) negated = true;
    return test(subject, negated);
  }

  enum class Subject : std::uint8_t { name, address, url, other };

  static Subject kind_of(std::string_view path) {
    if (path == "domain-name:value") return Subject::name;
    if (path == "ipv4-addr:value" || path == "ipv6-addr:value") return Subject::address;
    if (path == "url:value") return Subject::url;
    return Subject::other;
  }

  bool test(Subject subject, bool negated) {
    const std::size_t kept = pattern_.indicators.size();
    if (take_symbol("=") || take_symbol("==")) {
      if (!value(subject, StixIndicator::Kind::name)) return false;
    } else if (take_word("IN")) {
      if (!set(subject)) return false;
    } else if (take_word("LIKE")) {
      if (!like(subject)) return false;
    } else if (take_word("ISSUBSET")) {
      if (!value(subject == Subject::address ? subject : Subject::other, {})) return false;
    } else if (take_word("MATCHES")) {
      if (!matches(subject)) return false;
    } else if (take_word("ISSUPERSET")) {
      if (!take_literal()) return false;
      if (subject != Subject::other) note(kMatch);
    } else if (take_symbol("!=") || take_symbol("<>") || take_symbol("<") || take_symbol(">") ||
               take_symbol("<=") || take_symbol(">=")) {
      if (!take_literal()) return false;
      if (subject != Subject::other) note(kNot);
    } else {
      return false;
    }
    if (negated) leave_out(kept, kNot);
    return true;
  }

  bool value(Subject subject, StixIndicator::Kind name_kind) {
    const Token literal = token_;
    if (!take_literal()) return false;
    if (subject == Subject::other || literal.kind != Kind::string) return true;
    add(subject, name_kind, literal.text);
    return true;
  }

  void add(Subject subject, StixIndicator::Kind name_kind, std::string_view text) {
    StixIndicator::Kind kind = name_kind;
    if (subject == Subject::address) kind = StixIndicator::Kind::address;
    if (subject == Subject::url) kind = StixIndicator::Kind::url;
    pattern_.indicators.push_back({kind, without_escapes(text)});
  }

  bool set(Subject subject) {
    if (!take_symbol("(")) return false;
    do {
      if (!value(subject, StixIndicator::Kind::name)) return false;
    } while (take_symbol(","));
    return take_symbol(")");
  }

  // "%" stands for any text, "_" for one character (§9.6.1).
  bool like(Subject subject) {
    const Token literal = token_;
    if (!take_literal()) return false;
    if (subject == Subject::other || literal.kind != Kind::string) return true;
    std::string_view text = literal.text;
    auto kind = StixIndicator::Kind::name;
    if (subject == Subject::name && text.starts_with("%.")) {
      text.remove_prefix(2);
      kind = StixIndicator::Kind::names_below;
    }
    if (text.find_first_of("%_") != std::string_view::npos) {
      note(kMatch);
    } else {
      add(subject, kind, text);
    }
    return true;
  }

  // Of expressions only the one that says what LIKE cannot, of a name with "_" (as in our own
  // collections): "^.*[.]a_b[.]example$".
  bool matches(Subject subject) {
    const Token literal = token_;
    if (!take_literal()) return false;
    if (subject == Subject::other || literal.kind != Kind::string) return true;
    std::string_view rest = literal.text;
    std::string name;
    constexpr std::string_view kBegin = "^.*[.]";
    constexpr std::string_view kDot = "[.]";
    const bool is_whole =
        subject == Subject::name && rest.starts_with(kBegin) && rest.ends_with('$');
    if (is_whole) rest = rest.substr(kBegin.size(), rest.size() - kBegin.size() - 1);
    while (is_whole && !rest.empty()) {
      const bool is_dot = rest.starts_with(kDot);
      name += is_dot ? '.' : rest.front();
      rest.remove_prefix(is_dot ? kDot.size() : 1);
      // Any other sign means something else in an expression.
      if (!is_dot && !is_plain(name.back())) name.clear(), rest = "";
    }
    if (name.empty()) {
      note(kMatch);
    } else {
      add(subject, StixIndicator::Kind::names_below, name);
    }
    return true;
  }

  static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  }

  Lexer lexer_;
  Token token_;
  StixPattern pattern_;
  std::string_view fault_ = kNoPattern;
};

}  // namespace

Result<StixPattern, std::string_view> read_stix_pattern(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace postern::intel
