// Which trees of what is given are Exchange servers, and what their version is. Nothing is taken
// for granted of drives, folders or case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "exchange/known_good.h"
#include "exchange/patch_state.h"
#include "host/layout_source.h"

namespace postern::host {

/// Paths that say where a server is, collected while a tree is walked.
class LayoutMarks {
 public:
  static constexpr std::size_t kMaxMarks = 10'000;

  /// Of every file and folder; most are none.
  void see(std::string_view path);

  /// A file that is opened to tell a server by; nothing for all others.
  static std::optional<MarkKind> kind_of(std::string_view path);

  /// Whether there is more than signs: files that tell where Exchange was installed.
  bool has_installation() const { return !setups_.empty() || !hives_.empty(); }

 private:
  friend class LayoutFinder;
  std::vector<std::string> setups_;      ///< …/bin/ExSetup.exe
  std::vector<std::string> hives_;       ///< …/Windows/System32/config/SOFTWARE
  std::vector<std::string> front_ends_;  ///< …/Microsoft.Exchange.FrontEndHttpProxy.dll
  std::vector<std::string> versions_;    ///< …/owa/auth/15.1.2176
  std::vector<std::string> setup_logs_;  ///< …/ExchangeSetupLogs/ExchangeSetup.log
  std::vector<std::string> hybrids_;     ///< What the hybrid wizard and agent leave.
  std::vector<std::string> signs_;       ///< Anything else of Exchange or IIS: one is enough.
};

/// One server, as far as it was found.
struct ServerLayout {
  std::string name;            ///< Of its folder; of the root where that is all there is.
  std::string top;             ///< The folder with all of it, beneath the root; "" is the root.
  std::string install;         ///< Beneath the root: "Program Files/…/V15"; empty where not found.
  std::string install_source;  ///< "bin/ExSetup.exe", "the registry"; empty.
  std::string setup;           ///< What said the version, beneath the root; empty.
  std::optional<exchange::PatchFacts> patch;  ///< Nothing where no version was found.
  std::vector<std::string> notes;             ///< What could not be read, and what contradicts.
};

/// The servers of a tree by their tops, the longest first; none where nothing of Exchange is there.
/// Reads a few files: ExSetup.exe, the hive, at most one library a server. `root`: the path of the
/// tree, for the name of a server that is all of it.
std::vector<ServerLayout> find_servers(std::string_view root, const LayoutSource& source,
                                       const LayoutMarks& marks, const exchange::KnownGood* known);

/// The server that a path belongs to: an index, or nothing. An archive belongs to the server whose
/// folder was packed into it.
std::optional<std::size_t> server_of(const std::vector<ServerLayout>& servers,
                                     std::string_view path);

}  // namespace postern::host
