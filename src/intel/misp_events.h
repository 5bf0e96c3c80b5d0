// The events of a MISP feed (a folder with a manifest.json, MISP core format), as far as a misp
// feed has a use for them: what a poll of such a folder keeps as its copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "intel/json_value.h"

namespace postern::intel {

/// An event that a folder has.
struct MispEventVersion {
  std::string uuid;  ///< Its file is "UUID.json": nothing but hexadecimal digits and "-".
  std::uint64_t timestamp = 0;  ///< When it last changed, as the publisher says.

  bool operator==(const MispEventVersion&) const = default;
};

/// What a folder's manifest.json lists; entries that name no event are counted, not taken.
struct MispManifest {
  std::vector<MispEventVersion> events;
  std::size_t unread = 0;
};
inline constexpr std::size_t kMaxMispManifestOctets = std::size_t{64} << 20;
/// Errors: `invalid_input`, it is no manifest.
Result<MispManifest> read_misp_manifest(std::string_view text);

/// One thread.
///
/// Kept of an event are its attributes for detection of the types that the format misp knows, with
/// those markings (tlp:…) that hold for them.
class MispEvents {
 public:
  static constexpr std::size_t kMaxEvents = 1'000'000;
  static constexpr std::size_t kMaxEventOctets = std::size_t{32} << 20;

  /// `max_octets`: of all that is kept, as text.
  explicit MispEvents(std::uint64_t max_octets);

  /// Takes the file of an event in the place of its older version. Errors: `invalid_input`, it is
  /// no event, or another one's; `limit_exceeded`.
  Result<void> take(const MispEventVersion& version, std::string_view event);
  /// Takes all events of a text that `to_text` made. Errors: `corrupt`.
  Result<void> take_lines(std::string_view text);
  /// Forgets all events that are not among these. How many.
  std::size_t keep_only(const std::vector<MispEventVersion>& events);

  bool has(const MispEventVersion& version) const;
  std::size_t size() const { return events_.size(); }
  /// An attribute a line, of each event one line at least. The format misp reads it.
  std::string to_text() const;

 private:
  struct Event {
    std::uint64_t timestamp = 0;
    std::string lines;
  };

  Result<void> put(const std::string& uuid, Event event);

  const std::uint64_t max_octets_;
  std::uint64_t octets_ = 0;
  JsonParser parser_;
  std::map<std::string, Event> events_;
};

}  // namespace postern::intel
