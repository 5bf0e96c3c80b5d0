#include "exposure/spf.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/safe_text.h"
#include "exposure/text_match.h"

namespace postern::exposure {
namespace {

constexpr std::string_view kVersion = "v=spf1";

struct KindName {
  std::string_view name;
  SpfTermKind kind;
};
constexpr std::array kMechanisms = {
    KindName{"all", SpfTermKind::all}, KindName{"include", SpfTermKind::include},
    KindName{"a", SpfTermKind::a},     KindName{"mx", SpfTermKind::mx},
    KindName{"ptr", SpfTermKind::ptr}, KindName{"exists", SpfTermKind::exists},
    KindName{"ip4", SpfTermKind::ip},  KindName{"ip6", SpfTermKind::ip},
};

/// Host bits may be set here (§5.6): they are cleared.
std::optional<IpPrefix> prefix_of(std::string_view text, bool is_v4) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto address = IpAddress::from_text(text.substr(0, slash));
  if (!address || address->is_v4() != is_v4) return std::nullopt;
  if (slash == text.size()) return IpPrefix(*address, address->bit_count());
  const auto length = number_of(text.substr(slash + 1), address->bit_count());
  if (!length) return std::nullopt;
  return IpPrefix(*address, *length);
}

/// A mechanism or modifier; nothing where it is not one.
std::optional<SpfTerm> term_of(std::string_view word) {
  SpfTerm term;
  const std::string lower = lower_text(word);
  std::string_view rest = lower;
  if (rest.starts_with("redirect=")) {
    term.kind = SpfTermKind::redirect;
    term.domain = rest.substr(9);
    return term.domain.empty() ? std::nullopt : std::optional(std::move(term));
  }
  const std::size_t end_of_name = rest.find_first_of(":/=");
  if (end_of_name != std::string_view::npos && rest[end_of_name] == '=') return term;  // "exp=…"
  if (std::string_view("+-~?").find(rest.front()) != std::string_view::npos) {
    term.qualifier = rest.front();
    rest.remove_prefix(1);
  }
  const std::size_t name_end = std::min(rest.find_first_of(":/"), rest.size());
  const auto found = std::ranges::find(kMechanisms, rest.substr(0, name_end), &KindName::name);
  if (found == kMechanisms.end()) return std::nullopt;
  term.kind = found->kind;
  const bool has_value = name_end < rest.size() && rest[name_end] == ':';
  const std::string_view value = has_value ? rest.substr(name_end + 1) : std::string_view();
  const bool needs_value = term.kind == SpfTermKind::ip || term.kind == SpfTermKind::include ||
                           term.kind == SpfTermKind::exists;
  if (needs_value && value.empty()) return std::nullopt;
  if (term.kind == SpfTermKind::ip) {
    term.ip = prefix_of(value, found->name == "ip4");
    return term.ip ? std::optional(std::move(term)) : std::nullopt;
  }
  term.domain = value.substr(0, std::min(value.find('/'), value.size()));
  return term;
}

/// One walk over what is known, depth first, as a receiver would.
class Walker {
 public:
  Walker(const dns::Name& domain, const Answers& answers) : domain_(domain), answers_(answers) {}

  SpfWalk run();

 private:
  const Record* spf_of(const Answer& answer, const dns::Name& name);
  void read(const Record& record, bool decides);
  void follow(const SpfTerm& term, const Record& by, bool decides);
  bool count();
  void add_problem(std::string text);

  const dns::Name& domain_;
  const Answers& answers_;
  SpfWalk walk_;
  std::vector<dns::Name> path_;  ///< From the domain to the record being read.
};

SpfWalk Walker::run() {
  const Question first{domain_, dns::RRType::txt};
  const Answer* answer = find_answer(answers_, first);
  if (answer == nullptr) {
    walk_.state = SpfWalk::State::waiting;
    walk_.wanted.push_back(first);
    return std::move(walk_);
  }
  const Record* const record = spf_of(*answer, domain_);
  if (record == nullptr) {
    // What was left out may have been it.
    const bool is_unknown = answer->outcome == Outcome::unknown || answer->left_out > 0;
    walk_.state = is_unknown ? SpfWalk::State::unknown : SpfWalk::State::none;
    return std::move(walk_);
  }
  walk_.record = *record;
  read(*record, true);
  walk_.state = walk_.wanted.empty() ? SpfWalk::State::whole : SpfWalk::State::waiting;
  return std::move(walk_);
}

const Record* Walker::spf_of(const Answer& answer, const dns::Name& name) {
  const Record* found = nullptr;
  for (const Record& record : answer.records) {
    if (!is_spf(record.text)) continue;
    if (found != nullptr) {
      add_problem(fmt::format("{} has several SPF records", name.to_display()));
      break;
    }
    found = &record;
  }
  return found;
}

// `decides`: its "all" is the domain's own, not that of an include (RFC 7208 §5.2).
void Walker::read(const Record& record, bool decides) {
  SpfText text = read_spf(record.text);
  const bool is_own = record.owner.is_at_or_below(domain_);
  if (is_own) {
    for (std::string& problem : text.problems) add_problem(std::move(problem));
  }
  path_.push_back(record.owner);
  const SpfTerm* redirect = nullptr;
  bool has_all = false;
  for (const SpfTerm& term : text.terms) {
    switch (term.kind) {
      case SpfTermKind::all:
        has_all = true;
        if (decides) walk_.all = std::string(1, term.qualifier) + "all";
        break;
      case SpfTermKind::ip:
        if (is_own && term.ip) walk_.addresses.push_back(*term.ip);
        break;
      case SpfTermKind::include:
        follow(term, record, false);
        break;
      case SpfTermKind::redirect:
        redirect = &term;
        break;
      case SpfTermKind::a:
      case SpfTermKind::mx:
        if (is_own && term.domain.empty()) {
          (term.kind == SpfTermKind::a ? walk_.sends_by_a : walk_.sends_by_mx) = true;
        }
        count();
        break;
      case SpfTermKind::ptr:
      case SpfTermKind::exists:
        count();
        break;
      case SpfTermKind::other:
        break;
    }
    // Behind "all" nothing counts any more (§5.1).
    if (has_all || walk_.lookups > kMaxSpfLookups) break;
  }
  if (redirect != nullptr && !has_all) follow(*redirect, record, decides);
  path_.pop_back();
}

void Walker::follow(const SpfTerm& term, const Record& by, bool decides) {
  if (!count()) return;
  if (term.domain.find('%') != std::string::npos) {
    add_problem(fmt::format("\"{}\" depends on the sender", shown(term.domain, 100)));
    return;
  }
  const auto name = dns::Name::from_text(term.domain);
  if (!name || name->is_root()) {
    add_problem(fmt::format("\"{}\" is no name", shown(term.domain, 100)));
    return;
  }
  if (std::ranges::find(path_, *name) != path_.end()) {
    add_problem(fmt::format("{} leads back to itself", name->to_display()));
    return;
  }
  walk_.senders.push_back(
      {.name = *name, .is_direct = by.owner.is_at_or_below(domain_), .named_by = by});
  const Question question{*name, dns::RRType::txt};
  const Answer* const answer = find_answer(answers_, question);
  if (answer == nullptr) {
    const bool is_known = std::ranges::find(walk_.wanted, question) != walk_.wanted.end();
    if (!is_known) walk_.wanted.push_back(question);
    return;
  }
  if (const Record* const record = spf_of(*answer, *name)) {
    read(*record, decides);
  } else if (answer->outcome == Outcome::unknown) {
    add_problem(fmt::format("{}: not known because {}", name->to_display(), answer->why));
  } else {
    add_problem(fmt::format("{} has no SPF record", name->to_display()));
  }
}

/// One more look-up; false where there may be none.
bool Walker::count() {
  if (walk_.lookups > kMaxSpfLookups) return false;
  if (++walk_.lookups <= kMaxSpfLookups) return true;
  add_problem("more than 10 look-ups (RFC 7208 §4.6.4)");
  return false;
}

void Walker::add_problem(std::string text) {
  constexpr std::size_t kMost = 20;
  const bool is_new = std::ranges::find(walk_.problems, text) == walk_.problems.end();
  if (is_new && walk_.problems.size() < kMost) walk_.problems.push_back(std::move(text));
}

}  // namespace

bool is_spf(std::string_view text) {
  const std::string lower = lower_text(text.substr(0, kVersion.size()));
  return lower == kVersion && (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

SpfText read_spf(std::string_view text) {
  SpfText out;
  if (!is_spf(text)) return out;
  text.remove_prefix(kVersion.size());
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    if (out.terms.size() + out.problems.size() >= kMaxSpfTerms) {
      out.problems.push_back(fmt::format("more than {} terms", kMaxSpfTerms));
      break;
    }
    if (auto term = term_of(word)) {
      out.terms.push_back(*std::move(term));
    } else {
      out.problems.push_back(fmt::format("\"{}\" is no term of SPF", shown(word, 100)));
    }
  }
  return out;
}

SpfWalk walk_spf(const dns::Name& domain, const Answers& answers) {
  return Walker(domain, answers).run();
}

}  // namespace postern::exposure
