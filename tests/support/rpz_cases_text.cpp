// The files of RPZ cases, read.
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "dns/message.h"
#include "rpz_cases.h"

namespace postern::rpz_cases {
namespace {

using policy::Action;
using policy::ZoneOptions;

const IpAddress kClient = IpAddress::v4(192, 0, 2, 10);

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t") + 1 - begin));
}

std::optional<std::uint32_t> number_in(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool set_override(ZoneOptions& options, std::string_view value) {
  static constexpr std::pair<std::string_view, Action> kActions[] = {
      {"passthru", Action::pass}, {"drop", Action::drop},         {"nxdomain", Action::nxdomain},
      {"nodata", Action::nodata}, {"tcp-only", Action::tcp_only},
  };
  for (const auto& [text, action] : kActions) {
    if (value != text) continue;
    options.policy_override = policy::Override{.action = action};
    return true;
  }
  constexpr std::string_view kCname = "cname:";
  if (!value.starts_with(kCname)) return false;
  const auto target = dns::Name::from_text(value.substr(kCname.size()));
  if (!target) return false;
  const OctetView wire = target->wire();
  options.policy_override =
      policy::Override{.action = Action::local_data,
                       .local_data = {{dns::RRType::cname, 0, {wire.begin(), wire.end()}}}};
  return true;
}

bool set_wait(ZoneOptions& options, std::string_view value) {
  using enum policy::QnameWait;
  options.qname_wait = value == "never" ? never : value == "always" ? always : as_needed;
  return value == "never" || value == "always";
}

bool force(ZoneOptions& options, std::string_view value) {
  const auto name = dns::Name::from_text(value);
  if (name) options.forced.push_back(*name);
  return name.has_value();
}

/// "key=value" behind a zone's name.
bool set_option(ZoneText& zone, const std::string& word) {
  ZoneOptions& options = zone.options;
  const std::size_t equals = word.find('=');
  const std::string key = word.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
  const auto set_number = [&](std::uint32_t& field) {
    const auto number = number_in(value);
    field = number.value_or(0);
    return number.has_value();
  };
  const auto clear = [&](bool& field) {
    field = false;
    return value == "no";
  };
  const std::map<std::string, std::function<bool()>> options_known = {
      {"override", [&] { return set_override(options, value); }},
      {"disabled", [&] { return options.log_only = true; }},
      {"whole", [&] { return zone.is_whole = true; }},
      {"force", [&] { return force(options, value); }},
      {"max-ttl", [&] { return set_number(options.max_ttl_s); }},
      {"ttl", [&] { return set_number(options.ttl_s); }},
      {"wait", [&] { return set_wait(options, value); }},
      {"recursive-only", [&] { return clear(options.recursive_only); }},
      {"break-dnssec", [&] { return clear(options.break_dnssec); }},
      {"nsdname-wait", [&] { return clear(options.nsdname_wait); }},
      {"nsip-wait", [&] { return clear(options.nsip_wait); }},
  };
  const auto found = options_known.find(key);
  return found != options_known.end() && found->second();
}

/// "bad.example A tcp do from=2001:db8::1".
bool read_question(const std::string& text, Case& into) {
  const std::vector<std::string> words = words_of(text);
  if (words.size() < 2) return false;
  into.name = words[0];
  const auto type = dns::rr_type_from_text(words[1]);
  if (!type) return false;
  into.type = *type;
  into.client = kClient;
  into.flags = dns::flag::rd;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "tcp") {
      into.transport = event::Transport::tcp;
    } else if (word == "do") {
      into.dnssec_ok = true;
    } else if (word == "no-edns") {
      into.edns = false;
    } else if (word == "no-rd") {
      into.flags = static_cast<std::uint16_t>(into.flags & ~dns::flag::rd);
    } else if (word == "cd") {
      into.flags = static_cast<std::uint16_t>(into.flags | dns::flag::cd);
    } else if (word == "ad") {
      into.flags = static_cast<std::uint16_t>(into.flags | dns::flag::ad);
    } else if (word.starts_with("udp=")) {
      into.udp_octets = static_cast<std::uint16_t>(number_in(word.substr(4)).value_or(0));
    } else if (word.starts_with("from=")) {
      const auto client = IpAddress::from_text(word.substr(5));
      if (!client) return false;
      into.client = *client;
    } else {
      return false;
    }
  }
  return true;
}

class Reader {
 public:
  Cases read(std::string_view text) {
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);) {
      ++line_;
      if (!take(line)) {
        cases_.error = std::to_string(line_) + ": does not read: " + line;
        break;
      }
    }
    return std::move(cases_);
  }

 private:
  enum class Block : std::uint8_t { none, zone, world };

  bool take(const std::string& line) {
    if (line.empty() || line.starts_with('#')) return true;
    if (line.starts_with("===")) return begin_setting();
    if (line.starts_with("  ") || line.starts_with("! ")) return take_inner(line);
    if (line.find('|') != std::string::npos) return take_case(line);
    const std::vector<std::string> words = words_of(line);
    if (words.size() == 1 && words[0] == "world") {
      block_ = Block::world;
      return is_open();
    }
    if (words.size() == 2 && words[0] == "min-ns-dots") {
      const auto number = number_in(words[1]);
      if (setting_) setting_->min_ns_dots = number.value_or(0);
      return number && is_open();
    }
    return words.size() >= 2 && words[0] == "zone" && begin_zone(words);
  }

  /// No case has been told of the setting yet.
  bool is_open() const { return setting_ != nullptr && !is_closed_; }

  bool begin_setting() {
    setting_ = std::make_shared<Setting>();
    setting_->line = line_;
    is_closed_ = false;
    block_ = Block::none;
    return true;
  }

  bool begin_zone(const std::vector<std::string>& words) {
    if (!is_open()) return false;
    ZoneText zone;
    zone.options.name = words[1];
    for (std::size_t i = 2; i < words.size(); ++i) {
      if (!set_option(zone, words[i])) return false;
    }
    if (!zone.is_whole) {
      zone.text =
          "$TTL 60\n$ORIGIN " + words[1] +
          ".\n@ SOA localhost. hostmaster.localhost. 7 3600 600 86400 60\n@ NS localhost.\n";
    }
    setting_->zones.push_back(std::move(zone));
    block_ = Block::zone;
    return true;
  }

  bool take_inner(const std::string& line) {
    if (!is_open() || block_ == Block::none) return false;
    const std::string inner = line.substr(2);
    if (block_ == Block::world) return take_world(inner);
    ZoneText& zone = setting_->zones.back();
    zone.text += inner + "\n";
    if (line.front() != '!') return true;
    std::size_t lines = 0;
    for (const char c : zone.text) lines += c == '\n' ? 1 : 0;
    zone.unread.push_back(lines);
    return true;
  }

  bool take_world(const std::string& line) {
    const std::vector<std::string> words = words_of(line);
    World& world = setting_->world;
    if (words.size() == 2 && (words[0] == "signed" || words[0] == "fails")) {
      const auto name = dns::Name::from_text(words[1]);
      if (name) (words[0] == "signed" ? world.is_signed : world.fails).push_back(*name);
      return name.has_value();
    }
    if (words.size() < 4) return false;
    world.records.push_back(trimmed(line));
    return true;
  }

  bool take_case(const std::string& line) {
    if (setting_ == nullptr) return false;
    is_closed_ = true;
    block_ = Block::none;
    const std::size_t first = line.find('|');
    const std::size_t second = line.find('|', first + 1);
    if (second == std::string::npos) return false;
    Case made;
    made.line = line_;
    made.setting = setting_;
    made.section = trimmed(std::string_view(line).substr(0, first));
    made.want = trimmed(std::string_view(line).substr(second + 1));
    if (!read_question(line.substr(first + 1, second - first - 1), made)) return false;
    cases_.all.push_back(std::move(made));
    return !cases_.all.back().section.empty() && !cases_.all.back().want.empty();
  }

  Cases cases_;
  std::shared_ptr<Setting> setting_;
  bool is_closed_ = true;
  Block block_ = Block::none;
  std::size_t line_ = 0;
};

}  // namespace

Cases read_cases(std::string_view text) {
  return Reader().read(text);
}

}  // namespace postern::rpz_cases
