// What a file of a swept server says: its place, name, content and attributes against what is
// known (F-01 to F-04, F-06 to F-10, F-12, PS-08, PL-17).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/time.h"
#include "exchange/builds.h"
#include "exchange/compiled_page.h"
#include "exchange/finding.h"
#include "exchange/known_good.h"

namespace postern::exchange {

/// What is known of a file. Views are the caller's.
struct FileFacts {
  /// An alternate stream of NTFS.
  struct Stream {
    std::string_view name;
    OctetView head;
  };

  std::string_view path;  ///< Beneath the swept root, as a finding shows it.
  std::string_view
      placed;  ///< What its place is judged by: `path`, or with the root's own in front.
  std::uint64_t size = 0;
  std::optional<WallTime> created, modified;  ///< As anybody may set them.
  std::optional<WallTime> name_created;       ///< As the file system alone sets it ($FILE_NAME).
  std::optional<std::uint32_t> attributes;    ///< Of Windows: 1 read-only, 2 hidden, 4 system.
  std::vector<Stream> streams;
  std::optional<Sha256> hash;
  OctetView content;  ///< From the start; `size` says whether it is all.
};

/// What is known of the server and of Microsoft's files. All may be absent.
struct ServerFacts {
  const KnownGood* known = nullptr;
  std::optional<BuildVersion> build;
};

/// How far a file must be read before `check_file` can judge it.
enum class Wanted : std::uint8_t {
  nothing,  ///< Its name and attributes say all.
  head,     ///< kHeadOctets.
  whole,    ///< All up to kMaxPageOctets, and its hash.
};
inline constexpr std::size_t kHeadOctets = 64U << 10;

/// By its place and name. Cheap: most files of a server want nothing.
Wanted wanted_of(std::string_view placed, std::uint64_t size);

/// Any thread may call it. O(what it is given).
std::vector<Finding> check_file(const FileFacts& file, const ServerFacts& server);

/// The name that Windows takes a name for: no dots and blanks at its end, no ":stream".
std::string_view plain_name(std::string_view name);

/// True for pages that Exchange itself brings to the folder of its log-on page, in any build.
bool is_front_end_page(std::string_view file_name);

/// The name of Microsoft's that a name is made to be taken for; empty where there is none, or
/// where it is one. `known` may be nullptr.
std::string looks_like(std::string_view file_name, const KnownGood* known);

/// Where the page of a virtual path may stand on disk: ends of paths, lower case: "/frontend/
/// httpproxy/owa/auth/x.aspx".
std::vector<std::string> places_of_page(std::string_view virtual_path);

/// F-04: a page that ran and is gone. `path` is of the compiled file.
Finding check_ghost(std::string_view path, const CompiledPage& page, const ServerFacts& server);

}  // namespace postern::exchange
