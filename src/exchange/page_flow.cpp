#include "exchange/page_flow.h"

#include <algorithm>
#include <array>

#include "exchange/page_text.h"

namespace postern::exchange {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::size_t kMaxExpression = 4'000;

// What of a request is the client's to write. Files that are uploaded are told apart elsewhere.
constexpr std::array kSources = std::to_array<std::string_view>({"request[",
                                                                 "request(",
                                                                 "request.item",
                                                                 "request.form",
                                                                 "request.querystring",
                                                                 "request.params",
                                                                 "request.headers",
                                                                 "request.cookies",
                                                                 "request.inputstream",
                                                                 "request.binaryread",
                                                                 "request.servervariables",
                                                                 "request.rawurl",
                                                                 "request.useragent",
                                                                 "request.getbufferlessinputstream",
                                                                 "request.unvalidated",
                                                                 "request.pathinfo",
                                                                 "request.url.query",
                                                                 "request.urlreferrer",
                                                                 "request.contenttype",
                                                                 "request.userhostname",
                                                                 "request.contentencoding",
                                                                 "request.totalbytes",
                                                                 "queryhelpers.",
                                                                 "request.get_item"});

std::string_view word_before(std::string_view text, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && is_word_octet(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

// Up to the end of the statement that begins at `at`, brackets minded.
std::string_view statement_at(std::string_view text, std::size_t at) {
  int depth = 0;
  std::size_t end = at;
  const std::size_t limit = std::min(text.size(), at + kMaxExpression);
  for (; end < limit; ++end) {
    const char c = text[end];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') {
      if (depth == 0) break;
      --depth;
    }
    if (c == ';' || (c == '\n' && depth == 0)) break;
  }
  return text.substr(at, end - at);
}

std::size_t close_of(std::string_view text, std::size_t open) {
  int depth = 0;
  const std::size_t limit = std::min(text.size(), open + kMaxExpression);
  for (std::size_t i = open; i < limit; ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i;
  }
  return limit;
}

// Names of a function's parameters: "string a,int b=1", "byval a as string,b".
std::vector<std::string_view> parameters(std::string_view list) {
  std::vector<std::string_view> out;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    one = one.substr(0, std::min({one.find(" as "), one.find('='), one.find(':')}));
    if (const auto name = word_before(one, one.size()); !name.empty()) out.push_back(name);
  }
  return out;
}

bool is_control(std::string_view word) {
  static constexpr std::array kWords = std::to_array<std::string_view>(
      {"if", "for", "foreach", "while", "switch", "using", "catch", "lock", "elseif", "return"});
  return std::ranges::find(kWords, word) != kWords.end();
}

}  // namespace

PageFlow::PageFlow(std::string_view outside, bool has_controls)
    : code_(outside), has_controls_(has_controls) {
  // A request by another name: var r=request;
  for (std::size_t at = code_.find("=request"); at != kNone; at = code_.find("=request", at + 1)) {
    const std::size_t end = at + 8;
    if (end == code_.size() || code_[end] == ';' || code_[end] == '\n' || code_[end] == ',') {
      add(word_before(code_, at));
    }
  }
  for (std::size_t at = code_.find(".request;"); at != kNone;
       at = code_.find(".request;", at + 1)) {
    const std::size_t equals = code_.rfind('=', at);
    if (equals != kNone && at - equals < 60) add(word_before(code_, equals));
  }
  // What a web service is called with.
  for (const std::string_view mark : {"[webmethod", "<webmethod", "[operationcontract"}) {
    for (std::size_t at = code_.find(mark); at != kNone; at = code_.find(mark, at + 1)) {
      std::size_t open = code_.find_first_of("]>", at);
      if (open == kNone) break;
      open = code_.find('(', open);
      if (open == kNone) break;
      for (const auto name : parameters(code_.substr(open + 1, close_of(code_, open) - open - 1))) {
        add(name);
        reads_request_ = true;
      }
    }
  }
  reads_request_ = reads_request_ || is_source(code_) || !tainted_.empty();
  for (int pass = 0; pass < 4; ++pass) {
    const std::size_t before = tainted_.size();
    follow_assignments();
    follow_calls();
    if (tainted_.size() == before) break;
  }
}

bool PageFlow::add(std::string_view name) {
  if (name.empty() || name.size() > 64 || tainted_.size() >= kMaxNames) return false;
  return tainted_.emplace(name).second;
}

bool PageFlow::is_source(std::string_view expression) const {
  for (std::size_t at = expression.find("request"); at != kNone;
       at = expression.find("request", at + 1)) {
    if (at > 0 && is_word_octet(expression[at - 1])) continue;
    const std::string_view rest = expression.substr(at);
    for (const std::string_view source : kSources) {
      if (rest.starts_with(source)) return true;
    }
  }
  return has_controls_ && (expression.find(".text") != kNone || expression.find(".value") != kNone);
}

Taint PageFlow::taint_of(std::string_view expression) const {
  if (is_source(expression)) return Taint::client;
  Taint worst = Taint::literal;
  for (std::size_t at = 0; at < expression.size();) {
    if (!is_word_octet(expression[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < expression.size() && is_word_octet(expression[end])) ++end;
    const std::string_view word = expression.substr(at, end - at);
    const bool member = at > 0 && expression[at - 1] == '.';
    if (!member && tainted_.contains(word)) return Taint::client;
    const bool number = word.front() >= '0' && word.front() <= '9';
    if (!number && word != "true" && word != "false" && word != "null" && word != "nothing") {
      worst = Taint::unknown;
    }
    at = end;
  }
  return worst;
}

void PageFlow::follow_assignments() {
  for (std::size_t at = code_.find('='); at != kNone; at = code_.find('=', at + 1)) {
    if (at + 1 < code_.size() && code_[at + 1] == '=') {
      ++at;
      continue;
    }
    if (at == 0) continue;
    std::size_t left = at;
    if (code_[left - 1] == '+' || code_[left - 1] == '&') --left;
    // "x as string=…": the name stands before.
    std::string_view name = word_before(code_, left);
    const std::size_t begin = left - name.size();
    if (begin >= 4 && code_.substr(begin - 4, 4) == " as ") name = word_before(code_, begin - 4);
    // A member takes its object with it: p.startinfo.arguments=….
    const std::size_t line = code_.find_last_of(";\n{}(", left == 0 ? 0 : left - 1);
    const std::string_view target =
        code_.substr(line == kNone ? 0 : line + 1, left - (line == kNone ? 0 : line + 1));
    if (taint_of(statement_at(code_, at + 1)) != Taint::client) continue;
    if (target.find('.') == kNone) {
      add(name);
    } else {
      add(word_before(target, target.find('.')));
    }
  }
  // "foreach(var x in request.form)", "for each x in request.form".
  for (std::size_t at = code_.find(" in "); at != kNone; at = code_.find(" in ", at + 1)) {
    if (taint_of(statement_at(code_, at + 4)) == Taint::client) add(word_before(code_, at));
  }
}

void PageFlow::follow_calls() {
  for (std::size_t at = code_.find('('); at != kNone; at = code_.find('(', at + 1)) {
    const std::string_view name = word_before(code_, at);
    if (name.empty() || is_control(name)) continue;
    const std::size_t close = close_of(code_, at);
    const bool defines =
        close + 1 < code_.size() &&
        (code_[close + 1] == '{' || code_[close + 1] == '\n' ||
         code_.substr(close + 1).starts_with("as ") || code_.substr(close + 1).starts_with(":"));
    const std::size_t begin = at - name.size();
    const bool declared = begin > 0 && code_[begin - 1] == ' ';
    if (!defines || !declared) continue;
    const std::string call = std::string(name) + "(";
    // A call elsewhere with what a client sent taints what the function is given.
    for (std::size_t use = code_.find(call); use != kNone; use = code_.find(call, use + 1)) {
      if (use == begin || (use > 0 && is_word_octet(code_[use - 1]))) continue;
      if (taint_of(arguments_at(use + name.size())) != Taint::client) continue;
      for (const auto one : parameters(code_.substr(at + 1, close - at - 1))) add(one);
      break;
    }
  }
}

std::string_view PageFlow::arguments_at(std::size_t open) const {
  return code_.substr(open + 1, close_of(code_, open) - open - 1);
}

PageFlow::Calls PageFlow::calls_of(std::string_view name, bool after_dot) const {
  Calls out;
  for (std::size_t at = code_.find(name); at != kNone; at = code_.find(name, at + 1)) {
    const char before = at == 0 ? '\0' : code_[at - 1];
    if (is_word_octet(name.front()) && is_word_octet(before)) continue;
    if (!after_dot && before == '.') continue;
    out.any = true;
    const std::string_view arguments = name.ends_with('(') ? arguments_at(at + name.size() - 1)
                                                           : statement_at(code_, at + name.size());
    out.worst = std::max(out.worst, taint_of(arguments));
  }
  return out;
}

PageFlow::Calls PageFlow::assigned_to(std::string_view member) const {
  Calls out;
  for (std::size_t at = code_.find(member); at != kNone; at = code_.find(member, at + 1)) {
    out.any = true;
    out.worst = std::max(out.worst, taint_of(statement_at(code_, at + member.size())));
  }
  return out;
}

}  // namespace postern::exchange
