// Whether the times of a page were set by a program: F-07.
//
// NTFS keeps two sets of times: one that any program may set, and one with the file's name, which
// the file system alone writes. Only its own table of files ($MFT) has the second.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "exchange/finding.h"

namespace postern::exchange {

struct PageTimes {
  std::string path;
  WallTime created{};             ///< As programs see and set it.
  WallTime name_created{};        ///< As the file system wrote it.
  bool created_is_whole = false;  ///< Whole seconds, as tools set them: one file in ten million has
                                  ///< them by chance.
  bool name_is_whole = false;

  bool operator==(const PageTimes&) const = default;
};

/// What speaks against a page of the web; nothing where nothing does, and of pages that Exchange
/// brings, whose times its setup sets.
std::optional<Finding> check_times(const PageTimes& page);

}  // namespace postern::exchange
