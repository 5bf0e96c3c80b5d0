#include "exposure/pack.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/octets.h"
#include "base/safe_text.h"

// packs/exposure/mail.rules, put there by postern_embed.
extern "C" {
extern const unsigned char postern_exposure_mail[];
extern const unsigned long postern_exposure_mail_size;
}

namespace postern::exposure {
namespace {

constexpr std::array<std::string_view, 8> kRoles = {"exchange-online", "google",          "gateway",
                                                    "vendor",          "vendor-exchange", "server",
                                                    "exchange",        "sender"};
constexpr std::array<std::string_view, 11> kSlots = {
    "mx", "autodiscover", "spf", "dkim", "dkim-key", "alias", "srv", "host", "txt", "dmarc", "ptr"};

/// Texts longer than that are tried by their beginning alone: a star costs size times pattern.
constexpr std::size_t kMaxTriedOctets = 1'024;

template <class Enum, std::size_t N>
std::optional<Enum> from_name(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// A label below the domain, or several with dots: "owa", "_sip._tls".
bool is_label(std::string_view text) {
  const auto pattern = NamePattern::from_text(text);
  return pattern && text.size() <= 100 && text.front() != '.' &&
         text.find('*') == std::string_view::npos;
}

/// Reads one text into a copy of the pack.
class Reader {
 public:
  Reader(std::string_view name, Pack& into) : name_(name), into_(into) {}

  Result<void> read(std::string_view text);

 private:
  Unexpected<Error> wrong(std::string what) const {
    return fail(Errc::invalid_input, fmt::format("{}:{}: {}", name_, line_, what));
  }
  Result<void> read_line(std::string_view line);
  Result<void> read_statement(std::string_view word, std::string_view rest);
  Result<void> read_provider(std::string_view rest);
  Result<void> read_rule(std::string_view rest);
  Result<void> read_field(std::string_view word, std::string_view rest);
  Result<void> read_slot(std::string_view rest);
  Result<void> read_patterns(std::string_view rest);
  Result<void> end_rule();
  Result<void> end_pack();

  std::string_view name_;
  Pack& into_;
  std::size_t line_ = 0;
  bool has_header_ = false;
  std::optional<Rule> rule_;
  bool has_slot_ = false;
};

// The text behind a "#" that begins a word is a comment, but not within quotation marks.
std::string_view without_comment(std::string_view line) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') is_quoted = !is_quoted;
    const bool begins_word = i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t';
    if (line[i] == '#' && !is_quoted && begins_word) return line.substr(0, i);
  }
  return line;
}

/// What stands between quotation marks, as a whole; nothing where it does not.
std::optional<std::string> quoted(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  const std::string_view inside = text.substr(1, text.size() - 2);
  if (inside.empty() || inside.size() > 200 || inside.find('"') != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(inside);
}

Result<void> Reader::read(std::string_view text) {
  if (text.size() > kMaxPackOctets) {
    return fail(Errc::limit_exceeded, fmt::format("{}: over {} octets", name_, kMaxPackOctets));
  }
  while (!text.empty()) {
    ++line_;
    const std::size_t end = std::min(text.find('\n'), text.size());
    POSTERN_CHECK(read_line(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  POSTERN_CHECK(end_rule());
  return end_pack();
}

Result<void> Reader::read_line(std::string_view line) {
  const bool is_indented = line.starts_with(' ') || line.starts_with('\t');
  std::string_view rest = without_comment(line);
  const std::string_view word = take_word(rest);
  if (word.empty()) return {};
  if (!is_indented) {
    POSTERN_CHECK(end_rule());
    return read_statement(word, rest);
  }
  if (!rule_) return wrong("what is indented belongs to a rule, and there is none above");
  return read_field(word, rest);
}

Result<void> Reader::read_statement(std::string_view word, std::string_view rest) {
  if (word == "pack") {
    const std::string_view id = take_word(rest);
    const std::string_view date = take_word(rest);
    if (has_header_ || !is_id(id) || date.empty() || !trimmed(rest).empty()) {
      return wrong("\"pack NAME DATE\" stands once, at the beginning");
    }
    has_header_ = true;
    into_.origins.push_back(fmt::format("{} {}", id, shown(date, 20)));
    return {};
  }
  if (!has_header_) return wrong("a pack begins with \"pack NAME DATE\"");
  if (word == "provider") return read_provider(rest);
  if (word == "rule") return read_rule(rest);
  if (word == "drop") {
    const std::string_view id = take_word(rest);
    if (std::erase_if(into_.rules, [&](const Rule& rule) { return rule.id == id; }) == 0) {
      return wrong(fmt::format("there is no rule {} to drop", shown(id, 64)));
    }
    return {};
  }
  return wrong(fmt::format("{} is no statement: pack, provider, rule, drop", shown(word, 64)));
}

Result<void> Reader::read_provider(std::string_view rest) {
  Provider provider;
  provider.id = take_word(rest);
  const std::string_view role_text = take_word(rest);
  const auto role = from_name<Role>(kRoles, role_text);
  const auto title = quoted(rest);
  if (!is_id(provider.id) || !title) return wrong("write: provider ID ROLE \"TITLE\"");
  if (!role) {
    return wrong(fmt::format("{} is no role: {}", shown(role_text, 64), fmt::join(kRoles, ", ")));
  }
  provider.role = *role;
  provider.title = *title;
  const auto old = std::ranges::find(into_.providers, provider.id, &Provider::id);
  if (old != into_.providers.end()) {
    *old = std::move(provider);
  } else if (into_.providers.size() >= kMaxProviders) {
    return wrong(fmt::format("more than {} providers", kMaxProviders));
  } else {
    into_.providers.push_back(std::move(provider));
  }
  return {};
}

Result<void> Reader::read_rule(std::string_view rest) {
  Rule rule;
  rule.line = line_;
  rule.id = take_word(rest);
  rule.provider = take_word(rest);
  if (!is_id(rule.id) || !is_id(rule.provider) || !trimmed(rest).empty()) {
    return wrong("write: rule ID PROVIDER");
  }
  rule_ = std::move(rule);
  has_slot_ = false;
  return {};
}

Result<void> Reader::read_field(std::string_view word, std::string_view rest) {
  if (word == "on") return read_slot(rest);
  if (word == "match") return read_patterns(rest);
  if (word == "weight") {
    const auto weight = number_of(trimmed(rest), 100);
    if (!weight || *weight == 0) return wrong("weight is a number from 1 to 100");
    rule_->weight = static_cast<int>(*weight);
    return {};
  }
  if (word == "means") {
    const auto text = quoted(rest);
    if (!text) return wrong("write: means \"TEXT\"");
    rule_->means = *text;
    return {};
  }
  if (word == "hit" || word == "miss") {
    const std::string_view value = trimmed(rest);
    if (value.empty() || rule_->examples.size() >= kMaxPatterns) {
      return wrong("hit and miss take one value, and there are not that many");
    }
    const auto text = quoted(value);
    rule_->examples.push_back(
        {.value = text.value_or(std::string(value)), .is_hit = word == "hit", .line = line_});
    return {};
  }
  return wrong(fmt::format("{} is no field: on, match, weight, means, hit, miss", shown(word, 64)));
}

Result<void> Reader::read_slot(std::string_view rest) {
  const std::string_view name = take_word(rest);
  const auto slot = from_name<Slot>(kSlots, name);
  if (!slot || has_slot_) {
    return wrong(fmt::format("write once: on SLOT [LABEL…]; slots: {}", fmt::join(kSlots, ", ")));
  }
  has_slot_ = true;
  rule_->slot = *slot;
  for (std::string_view label = take_word(rest); !label.empty(); label = take_word(rest)) {
    if (!is_label(label) || rule_->labels.size() >= kMaxSlotLabels) {
      return wrong(fmt::format("{} is no label, or one too many", shown(label, 64)));
    }
    rule_->labels.push_back(lower_text(label));
  }
  if (rule_->labels.empty() == has_labels(*slot)) {
    return wrong(
        fmt::format("{} {}", name,
                    has_labels(*slot) ? "needs the labels that are asked for" : "takes no labels"));
  }
  return {};
}

Result<void> Reader::read_patterns(std::string_view rest) {
  if (!has_slot_) return wrong("\"on\" comes before \"match\"");
  const bool is_whole = quoted(rest).has_value();
  const std::string whole = quoted(rest).value_or("");
  while (true) {
    const std::string_view word = is_whole ? std::string_view(whole) : take_word(rest);
    if (word.empty()) return {};
    if (word.size() > kMaxPatternOctets ||
        rule_->names.size() + rule_->texts.size() >= kMaxPatterns) {
      return wrong("a pattern is too long, or there are too many");
    }
    if (!has_names(rule_->slot)) {
      rule_->texts.push_back(lower_text(word));
    } else if (auto pattern = NamePattern::from_text(word)) {
      rule_->names.push_back(*std::move(pattern));
    } else {
      return wrong(fmt::format("{} is no pattern for names", shown(word, 64)));
    }
    if (is_whole) return {};
  }
}

Result<void> Reader::end_rule() {
  if (!rule_) return {};
  Rule rule = *std::exchange(rule_, std::nullopt);
  const bool has_patterns = !rule.names.empty() || !rule.texts.empty();
  if (!has_slot_ || !has_patterns || rule.weight == 0) {
    return fail(Errc::invalid_input, fmt::format("{}:{}: rule {} needs on, match and weight", name_,
                                                 rule.line, rule.id));
  }
  const auto old = std::ranges::find(into_.rules, rule.id, &Rule::id);
  if (old != into_.rules.end()) {
    *old = std::move(rule);
  } else if (into_.rules.size() >= kMaxRules) {
    return wrong(fmt::format("more than {} rules", kMaxRules));
  } else {
    into_.rules.push_back(std::move(rule));
  }
  return {};
}

/// Ties rules to providers; what a pack as a whole may not be.
Result<void> Reader::end_pack() {
  if (!has_header_) return wrong("a pack begins with \"pack NAME DATE\"");
  for (Rule& rule : into_.rules) {
    const auto found = std::ranges::find(into_.providers, rule.provider, &Provider::id);
    if (found == into_.providers.end()) {
      return fail(Errc::invalid_input, fmt::format("{}:{}: rule {}: there is no provider {}", name_,
                                                   rule.line, rule.id, rule.provider));
    }
    rule.provider_index = static_cast<std::size_t>(found - into_.providers.begin());
  }
  for (std::size_t i = 0; i < kSlots.size(); ++i) {
    if (into_.labels_of(static_cast<Slot>(i)).size() > kMaxSlotLabels) {
      return wrong(
          fmt::format("more than {} labels to ask for in rules on {}", kMaxSlotLabels, kSlots[i]));
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(Role role) {
  return kRoles[static_cast<std::size_t>(role)];
}

std::string_view to_string(Slot slot) {
  return kSlots[static_cast<std::size_t>(slot)];
}

bool has_names(Slot slot) {
  return slot != Slot::dkim_key && slot != Slot::txt && slot != Slot::dmarc && slot != Slot::host;
}

bool has_labels(Slot slot) {
  return slot == Slot::dkim || slot == Slot::dkim_key || slot == Slot::alias || slot == Slot::srv ||
         slot == Slot::host;
}

std::vector<std::string> Pack::labels_of(Slot slot) const {
  std::vector<std::string> out;
  for (const Rule& rule : rules) {
    if (rule.slot != slot) continue;
    for (const std::string& label : rule.labels) {
      if (std::ranges::find(out, label) == out.end()) out.push_back(label);
      if (out.size() > kMaxSlotLabels) return out;  // Refused by who reads; no use in more.
    }
  }
  return out;
}

Result<void> read_pack(std::string_view text, std::string_view name, Pack& into) {
  Pack copy = into;
  POSTERN_CHECK(Reader(name, copy).read(text));
  into = std::move(copy);
  return {};
}

std::string_view built_in_pack() {
  return text_of({postern_exposure_mail, postern_exposure_mail_size});
}

bool fits(const Rule& rule, const dns::Name& name) {
  return std::ranges::any_of(rule.names,
                             [&](const NamePattern& pattern) { return pattern.matches(name); });
}

bool fits_text(const Rule& rule, std::string_view text) {
  const std::string lower = lower_text(text.substr(0, kMaxTriedOctets));
  return std::ranges::any_of(
      rule.texts, [&](const std::string& pattern) { return matches_glob(lower, pattern); });
}

}  // namespace postern::exposure
