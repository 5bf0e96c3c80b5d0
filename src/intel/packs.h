// Packs: our own indicators, built into the binary. The format is in packs/README.md.
//
// Start at `built_in_packs`; `read_feed(pack.csv, pack_feed_options())` makes rules of one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "intel/format.h"

namespace postern::intel {

/// Views are of the program's own constant data.
struct Pack {
  std::string_view name;   ///< "hafnium"; fit to be a feed's name.
  std::string_view title;  ///< For people, one line.
  std::string_view date;   ///< "2021-04-01": of its newest indicator.
  std::string_view csv;    ///< The whole file, its header included.
};

std::span<const Pack> built_in_packs();

/// How a pack's text is read as a feed: the name of each row and all names below it.
FeedOptions pack_feed_options();

struct PackReference {
  std::string id;
  std::string date;
  std::string publisher;
  std::string title;
  std::string url;
};

struct PackIndicator {
  std::string value;
  std::string type;
  std::string first_published;          ///< "YYYY-MM-DD".
  std::vector<std::string> references;  ///< Ids of PackText::references.
  unsigned confidence = 0;              ///< 0 to 100.
  std::string note;
  std::uint32_t line = 0;
};

/// A pack's text taken apart: what `explain` shows beside a hit.
struct PackText {
  std::string name;
  std::string title;
  std::string date;
  std::string licence;
  std::vector<PackReference> references;
  std::vector<PackIndicator> indicators;
};

/// Strict, unlike the reading of feeds: packs are ours, and any fault is an error with its line.
Result<PackText> read_pack(std::string_view csv);

}  // namespace postern::intel
