#include "feeds/held_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "feeds/files.h"

namespace postern::feeds {
namespace {

constexpr std::string_view kFirstLine = "postern-held 1";
constexpr std::uint64_t kMaxOctets = 4U << 20;  // A report has some hundred names and rules.
constexpr std::array<std::string_view, 4> kStates = {"waiting", "rejected", "rolled_back",
                                                     "canary"};
constexpr auto kLastReason = intel::GateReason::block_rate;

std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

std::string to_text(const Held& held) {
  std::string text(kFirstLine);
  text += "\nstate ";
  text += to_string(held.state);
  text += "\nsha256 " + held.facts.sha256;
  text += "\nsince_us " + std::to_string(held.since.time_since_epoch().count()) + "\n";
  for (const intel::GateFinding& each : held.reasons) {
    text += "reason ";
    text += to_string(each.reason);
    text += " " + one_line(each.text) + "\n";
  }
  for (const std::string& each : held.also_out) text += "out " + each + "\n";
  if (!held.report.empty()) text += "report " + one_line(held.report) + "\n";
  return text;
}

/// The word that the line begins with; the line is then what follows it.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

void read_line(std::string_view line, Held& held) {
  const std::string_view key = take_word(line);
  if (key == "state") {
    const auto at = std::ranges::find(kStates, line);
    if (at != kStates.end()) held.state = static_cast<HeldState>(at - kStates.begin());
  } else if (key == "sha256") {
    held.facts.sha256 = line;
  } else if (key == "out") {
    if (held.also_out.size() < Held::kMostOut) held.also_out.emplace_back(line);
  } else if (key == "since_us") {
    std::int64_t since = 0;
    std::from_chars(line.data(), line.data() + line.size(), since);
    held.since = WallTime(microseconds(since));
  } else if (key == "reason") {
    const std::string_view code = take_word(line);
    for (int i = 0; i <= static_cast<int>(kLastReason); ++i) {
      const auto reason = static_cast<intel::GateReason>(i);
      if (to_string(reason) == code) held.reasons.push_back({reason, std::string(line)});
    }
  } else if (key == "report") {
    held.report = line;
  }
}

}  // namespace

std::string_view to_string(HeldState state) {
  return kStates[static_cast<std::size_t>(state)];
}

bool Held::is_out(std::string_view sha256) const {
  if (is_taken_out() && facts.sha256 == sha256) return true;
  return std::ranges::find(also_out, sha256) != also_out.end();
}

void Held::keep_out(const Held& before) {
  also_out = before.also_out;
  if (before.is_taken_out()) also_out.insert(also_out.begin(), before.facts.sha256);
  std::erase(also_out, facts.sha256);
  if (also_out.size() > kMostOut) also_out.resize(kMostOut);
}

std::optional<Held> Held::others_out() const {
  if (also_out.empty()) return std::nullopt;
  Held others;
  others.facts = facts;
  others.facts.validators = {};  // They may be of one of these.
  others.facts.sha256 = also_out.front();
  others.facts.rules = 0;  // Nobody knows any more.
  others.state = HeldState::rejected;
  others.since = since;
  others.also_out.assign(std::next(also_out.begin()), also_out.end());
  return others;
}

std::string HeldStore::path(std::string_view name) const {
  return folder_ + "/" + std::string(name) + ".held";
}

std::optional<Held> HeldStore::load(std::string_view name, std::string_view source) const {
  auto facts = copies_.load_facts(name, source);
  if (!facts) return std::nullopt;
  Held held;
  held.since = facts->checked_at;
  const auto file = read_file(path(name), kMaxOctets);
  if (file && file->text.starts_with(kFirstLine)) {
    std::string_view text = file->text;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      read_line(text.substr(0, end), held);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
  if (held.facts.sha256 != facts->sha256) {
    Held unread;  // What is said is said of the one before.
    unread.facts.sha256 = facts->sha256;
    unread.since = facts->checked_at;
    unread.keep_out(held);
    held = std::move(unread);
  }
  held.facts = *std::move(facts);
  return held;
}

Result<SharedMemory> HeldStore::load_text(std::string_view name, const Held& held,
                                          std::uint64_t max_octets) const {
  Copy copy = POSTERN_TRY(copies_.load(name, held.facts.source, max_octets));
  if (copy.facts.sha256 != held.facts.sha256) {
    return fail(Errc::corrupt, "another update is on disk than the one that is held");
  }
  return std::move(copy.text);
}

Result<void> HeldStore::save(std::string_view name, const Held& held, const SharedMemory& text) {
  POSTERN_CHECK(copies_.save(name, held.facts, text));
  return replace_file(path(name), to_text(held));
}

Result<void> HeldStore::save_facts(std::string_view name, const Held& held) {
  POSTERN_CHECK(copies_.save_facts(name, held.facts));
  return replace_file(path(name), to_text(held));
}

void HeldStore::remove_text(std::string_view name, const Held& held) {
  copies_.remove_text(name, held.facts.sha256);
}

void HeldStore::remove(std::string_view name) {
  std::error_code ignored;
  const auto facts = copies_.facts(name);
  if (facts) copies_.remove_text(name, facts->sha256);
  std::filesystem::remove(copies_.meta_path(name), ignored);
  std::filesystem::remove(path(name), ignored);
}

}  // namespace postern::feeds
