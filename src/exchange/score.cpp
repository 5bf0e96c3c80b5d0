#include "exchange/score.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "base/safe_text.h"
#include "event/json_writer.h"

namespace postern::exchange {
namespace {

/// Of the lists; JSON has all.
constexpr std::size_t kMostNamed = 50, kMostRules = 40;

bool speaks(const Finding& finding, Voices voices) {
  return voices == Voices::all || !finding.rule.starts_with("yara:");
}

/// What is said of one sample.
struct Said {
  std::set<std::string> rules;  ///< Of tier attempt or worse.
  bool is_hinted = false;
};

Said said_of(const Sample& sample, Voices voices) {
  Said out;
  for (const Finding& finding : sample.findings) {
    if (!speaks(finding, voices)) continue;
    if (finding.tier >= Tier::attempt) {
      out.rules.insert(finding.rule);
    } else {
      out.is_hinted = true;
    }
  }
  return out;
}

void count(Score& score, const Sample& sample, const Said& said) {
  const bool is_found = !said.rules.empty();
  if (!sample.is_malicious) {
    ++score.benign;
    if (is_found) ++score.alarms;
    return;
  }
  ++score.malicious;
  if (is_found) ++score.found;
  if (!is_found && said.is_hinted) ++score.hinted;
}

void count_rules(std::map<std::string, RuleScore>& rules, const Sample& sample, const Said& said) {
  for (const std::string& rule : said.rules) {
    RuleScore& score = rules[rule];
    ++(sample.is_malicious ? score.found : score.alarms);
    if (sample.is_malicious && said.rules.size() == 1) ++score.alone;
  }
}

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent(std::size_t part, std::size_t whole) {
  if (whole == 0) return "-";
  const Interval bounds = wilson(part, whole);
  return fmt::format("{} of {} = {:.1f} % ({:.1f} to {:.1f})", part, whole,
                     100 * share(part, whole), 100 * bounds.low, 100 * bounds.high);
}

std::string line_of(const Score& score) {
  std::string out;
  if (score.malicious > 0) {
    out += fmt::format("found {}", percent(score.found, score.malicious));
    if (score.hinted > 0) out += fmt::format(", {} more worth a look", score.hinted);
  }
  if (score.benign > 0) {
    out += fmt::format("{}false alarms {}", out.empty() ? "" : "; ",
                       percent(score.alarms, score.benign));
  }
  if (score.malicious > 0 && score.benign > 0 && score.found + score.alarms > 0) {
    out += fmt::format("; precision {}", percent(score.found, score.found + score.alarms));
  }
  return out;
}

void name_samples(std::string& out, std::string_view title, std::span<const std::size_t> numbers,
                  std::span<const Sample> samples) {
  if (numbers.empty()) return;
  out += fmt::format("  {} ({}):\n", title, numbers.size());
  for (const std::size_t number : numbers.first(std::min(numbers.size(), kMostNamed))) {
    std::set<std::string> rules;
    for (const Finding& finding : samples[number].findings) rules.insert(shown(finding.rule));
    std::string text;
    for (const std::string& rule : rules) text += " " + rule;
    out += fmt::format("    {}: {}{}{}\n", shown(samples[number].source),
                       shown(samples[number].path), text.empty() ? "" : ":", text);
  }
  if (numbers.size() > kMostNamed) {
    out += fmt::format("    and {} more: --json has them all\n", numbers.size() - kMostNamed);
  }
}

void write_score(event::JsonWriter& json, const Score& score) {
  const auto interval = [&](std::string_view name, std::size_t part, std::size_t whole) {
    json.key(name);
    if (whole == 0) {
      json.null();
      return;
    }
    const Interval bounds = wilson(part, whole);
    const auto of = [](double value) { return std::round(value * 100'000) / 100'000; };
    json.begin_array();
    json.real(of(share(part, whole))).real(of(bounds.low)).real(of(bounds.high));
    json.end_array();
  };
  json.field("malicious", score.malicious).field("found", score.found);
  json.field("hinted", score.hinted);
  json.field("benign", score.benign).field("alarms", score.alarms);
  interval("recall", score.found, score.malicious);
  interval("alarm_rate", score.alarms, score.benign);
  interval("precision", score.found, score.found + score.alarms);
}

void write_samples(event::JsonWriter& json, std::string_view name,
                   std::span<const std::size_t> numbers, std::span<const Sample> samples) {
  json.key(name).begin_array();
  for (const std::size_t number : numbers) {
    const Sample& sample = samples[number];
    json.begin_object().field("path", sample.path).field("source", sample.source);
    json.key("rules").begin_array();
    for (const Finding& finding : sample.findings) json.string(finding.rule);
    json.end_array().end_object();
  }
  json.end_array();
}

}  // namespace

Interval wilson(std::size_t hits, std::size_t total) {
  if (total == 0) return {};
  constexpr double kZ = 1.959963984540054;  // Of 95 %, on both sides.
  const auto n = static_cast<double>(total);
  const double p = share(hits, total);
  const double middle = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

std::string_view to_string(Voices voices) {
  return voices == Voices::own ? "our own rules" : "with imported signatures";
}

double Score::recall() const {
  return share(found, malicious);
}

double Score::precision() const {
  return share(found, found + alarms);
}

Evaluation evaluate(std::span<const Sample> samples, bool with_signatures) {
  Evaluation out;
  for (const Voices voices : {Voices::own, Voices::all}) {
    if (voices == Voices::all && !with_signatures) break;
    Evaluation::Part part;
    part.voices = voices;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const Sample& sample = samples[i];
      const Said said = said_of(sample, voices);
      count(part.total, sample, said);
      count(part.by_source[sample.source], sample, said);
      count_rules(part.by_rule, sample, said);
      if (sample.is_malicious && said.rules.empty()) part.missed.push_back(i);
      if (!sample.is_malicious && !said.rules.empty()) part.alarms.push_back(i);
    }
    out.parts.push_back(std::move(part));
  }
  return out;
}

std::string to_text(const Evaluation& evaluation, std::span<const Sample> samples,
                    std::size_t skipped) {
  std::string out;
  for (const Evaluation::Part& part : evaluation.parts) {
    out += fmt::format("{}: {}\n", to_string(part.voices), line_of(part.total));
    for (const auto& [source, score] : part.by_source) {
      out += fmt::format("  {}: {}\n", shown(source), line_of(score));
    }
    std::vector<std::pair<std::string, RuleScore>> rules(part.by_rule.begin(), part.by_rule.end());
    std::ranges::stable_sort(rules, std::greater(), [](const auto& rule) {
      return rule.second.found + rule.second.alarms;
    });
    for (const auto& [rule, score] : std::span(rules).first(std::min(rules.size(), kMostRules))) {
      out += fmt::format("  {}: {} found, {} by it alone, {} false alarms\n", shown(rule),
                         score.found, score.alone, score.alarms);
    }
    if (rules.size() > kMostRules) {
      out += fmt::format("  and {} more rules\n", rules.size() - kMostRules);
    }
    name_samples(out, "Missed", part.missed, samples);
    name_samples(out, "False alarms", part.alarms, samples);
  }
  if (skipped > 0) out += fmt::format("{} files have no label, and were left out.\n", skipped);
  return out;
}

std::string to_json(const Evaluation& evaluation, std::span<const Sample> samples,
                    std::size_t skipped) {
  event::JsonWriter json;
  json.begin_object().field("samples", samples.size()).field("skipped", skipped);
  json.key("parts").begin_array();
  for (const Evaluation::Part& part : evaluation.parts) {
    json.begin_object().field("rules", to_string(part.voices));
    write_score(json, part.total);
    json.key("sources").begin_array();
    for (const auto& [source, score] : part.by_source) {
      json.begin_object().field("source", source);
      write_score(json, score);
      json.end_object();
    }
    json.end_array().key("by_rule").begin_array();
    for (const auto& [rule, score] : part.by_rule) {
      json.begin_object().field("rule", rule).field("found", score.found);
      json.field("alone", score.alone).field("alarms", score.alarms).end_object();
    }
    json.end_array();
    write_samples(json, "missed", part.missed, samples);
    write_samples(json, "false_alarms", part.alarms, samples);
    json.end_object();
  }
  json.end_array().end_object();
  return std::move(json).take();
}

}  // namespace postern::exchange
