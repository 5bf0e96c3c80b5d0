// Evaluation: labelled files and generated servers, looked at as a sweep looks at them, for
// exchange/score to count what was found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/known_good.h"
#include "exchange/score.h"
#include "host/sweep_work.h"
#include "host/yara.h"

namespace postern::host {

struct SampleOptions {
  const exchange::KnownGood* known = nullptr;
  const YaraRules* yara = nullptr;
  /// What files are whose folder says nothing of it.
  bool is_malicious = true;
};

/// Samples of a folder, and how many files in it have no label, or are too large.
struct LabelledSamples {
  std::vector<exchange::Sample> samples;
  std::size_t skipped = 0;
};
inline constexpr std::size_t kMaxSamples = 500'000;
inline constexpr std::uint64_t kMaxSampleOctets = 16U << 20;

/// Looks at each labelled file of a folder as at a page that a web server hands out, where its
/// place says nothing. Labels are, in this order:
/// - labels.csv in the folder: columns path, label (malicious, benign) and source, in any order;
/// - folders malicious/ and benign/ in it; the folder in these is the source;
/// - else files whose name is a page's, all with the label of the options; the first folder is the
///   source. So a clone of a collection of web shells is measured as it is.
/// A name that is no page's is read as one of ASP.NET (samples are kept under other names).
Result<LabelledSamples> look_at_samples(const std::string& folder, const SampleOptions& options);

/// What a thing is. Neither: it belongs to an attack, but no rule has to call it one.
enum class Truth : std::uint8_t { malicious, benign, neither };

/// Something whose truth is known, on a generated server (tests/exchange/README.md).
struct KnownThing {
  std::string path;  ///< As findings say it.
  std::uint64_t line = 0, record = 0;
  std::string actor;
  std::vector<std::string> rules;  ///< That judge it; of benign things none.
  Truth truth = Truth::benign;
  bool is_loose = false;  ///< Its rules judge many rows: the actor tells it, not the place.
};

/// One sample for each thing that is malicious or benign, with what was found of it; and one for
/// each finding of tier attempt or worse that is of no known thing and of none's actor: it is a
/// false alarm.
std::vector<exchange::Sample> samples_of(std::span<const KnownThing> things,
                                         const SweepReport& report, std::string_view source);

}  // namespace postern::host
