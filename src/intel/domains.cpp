// A name a line. "*.name" and ".name" stand for the name and all below it, in both formats:
// what they differ in is what `FeedOptions::scope` changes.
#include <string_view>

#include "intel/readers.h"
#include "intel/text.h"

namespace postern::intel {
namespace {

bool is_comment(std::string_view line) {
  return line.front() == '#' || line.front() == '!' || line.front() == ';' ||
         line.starts_with("//");
}

// What the line was probably meant for, if another format's; empty: no idea.
std::string_view advice_on_format(std::string_view line) {
  if (line.starts_with("||") || line.starts_with("@@")) {
    return "is adblock syntax; set format: adblock";
  }
  if (line.starts_with("address=/") || line.starts_with("server=/") ||
      line.starts_with("local=/")) {
    return "is dnsmasq syntax; set format: dnsmasq";
  }
  if (line.starts_with("local-zone:") || line.starts_with("local-data:")) {
    return "is unbound syntax; set format: unbound";
  }
  return {};
}

struct Scopes {
  policy::Scope bare;
  policy::Scope wildcard;
};

Scopes scopes_for(const FeedOptions& options) {
  Scopes scopes{policy::Scope::exact, policy::Scope::at_and_below};
  if (!options.scope) return scopes;
  if (options.format == Format::wildcard) {
    scopes.wildcard = *options.scope;
  } else {
    scopes.bare = *options.scope;
  }
  return scopes;
}

}  // namespace

void read_domains(std::string_view text, FeedSink& sink) {
  const Scopes scopes = scopes_for(sink.options());
  dns::Name name;
  for_each_line(text, sink, [&](std::string_view line) {
    if (is_comment(line)) return sink.ignore();
    std::string_view rest = line.substr(0, line.find('#'));
    std::string_view word = take_word(rest);
    rest = trimmed(rest);
    if (!rest.empty() && rest.front() != ';' && rest.front() != '!' && !rest.starts_with("//")) {
      const std::string_view other = advice_on_format(line);
      return sink.skip(line, !other.empty() ? other
                                            : "is more than one word; write one name a line, or "
                                              "set format: hosts if addresses come first");
    }
    const bool wildcard = word.starts_with("*.") || (word.starts_with('.') && word.size() > 1);
    if (wildcard) word.remove_prefix(word.front() == '*' ? 2 : 1);
    if (const std::string_view other = advice_on_format(word); !other.empty()) {
      return sink.skip(word, other);
    }
    if (!sink.read_name(word, name)) return;
    sink.add(name, {.scope = wildcard ? scopes.wildcard : scopes.bare});
  });
}

}  // namespace postern::intel
