// What an image of ours says of where a zone's rules are from: ImageZone::source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "feeds/feeds.h"
#include "feeds/files.h"

namespace postern::feeds {

struct ImageSource {
  std::string reading;  ///< `reading_digest` of the feed.
  std::string sha256;   ///< Of the text.
  std::string program;  ///< Options::program of who read it.
  std::uint64_t lines_skipped = 0;
  std::optional<FileStamp> stamp;  ///< Of a local file when it was read.
  std::string first_skipped;

  bool operator==(const ImageSource&) const = default;
};

std::string to_text(const ImageSource& source);
/// Nothing where the text is none that `to_text` gives.
std::optional<ImageSource> image_source_from(std::string_view text);

/// Tells where a feed comes from and how its text is read: rules that were read otherwise are not
/// this feed's.
std::string reading_digest(const Source& source);

}  // namespace postern::feeds
