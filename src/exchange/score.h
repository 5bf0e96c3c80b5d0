// Score: how much of what is bad a sweep finds, and what it takes for bad that is not, over things
// whose label is known.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "exchange/finding.h"

namespace postern::exchange {

/// One thing with a label, and what was found in it.
struct Sample {
  std::string path;
  std::string source;  ///< Where it is from; scores are told for each.
  bool is_malicious = false;
  std::vector<Finding> findings;
};

/// The bounds between which a share lies with 95 %, as Wilson computes them (1927): good for few
/// samples and for shares near 0 and 1, too.
struct Interval {
  double low = 0, high = 1;
};
Interval wilson(std::size_t hits, std::size_t total);

/// Which findings speak.
enum class Voices : std::uint8_t {
  own,  ///< All but imported signatures.
  all,
};

/// "our own rules", "with imported signatures".
std::string_view to_string(Voices voices);

/// Counts of one source, or of all. Found: a finding of tier attempt or exploited.
struct Score {
  std::size_t malicious = 0, found = 0;
  std::size_t hinted = 0;  ///< Malicious, and only a finding of a lower tier.
  std::size_t benign = 0, alarms = 0;

  double recall() const;
  double precision() const;  ///< Among these samples: it depends on how many are malicious.
};

/// How often one rule spoke, once a sample.
struct RuleScore {
  std::size_t found = 0, alarms = 0;
  std::size_t alone = 0;  ///< Malicious samples that no other rule found.
};

struct Evaluation {
  struct Part {
    Voices voices{};
    Score total;
    std::map<std::string, Score> by_source;
    std::map<std::string, RuleScore> by_rule;
    std::vector<std::size_t> missed, alarms;  ///< Numbers of samples.
  };
  std::vector<Part> parts;
};

/// `with_signatures`: some were imported, and speak too.
Evaluation evaluate(std::span<const Sample> samples, bool with_signatures);

/// For a terminal, and as one JSON object. `skipped`: files that have no label.
std::string to_text(const Evaluation& evaluation, std::span<const Sample> samples,
                    std::size_t skipped);
std::string to_json(const Evaluation& evaluation, std::span<const Sample> samples,
                    std::size_t skipped);

}  // namespace postern::exchange
