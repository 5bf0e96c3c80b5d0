// What IIS is told: modules, folders, logging, and workarounds (F-14, PS-09, PN-04, PL-M, K-05).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "exchange/finding.h"
#include "exchange/patch_state.h"

namespace postern::exchange {

/// What one applicationHost.config or web.config says.
struct ConfigFacts {
  std::string path;
  bool powershell_rewrite = false;          ///< A rule of PN-04 is in it and in force.
  bool backend_rewrite = false;             ///< The rule of PL-M against X-BEResource,
  bool anonymous_rewrite = false;           ///< and that against X-AnonResource-Backend.
  bool clears_rules = false;                ///< It takes inherited rules away.
  std::optional<bool> extended_protection;  ///< Asked for where it must be / not everywhere.
  std::vector<std::string> log_folders;     ///< Of sites, as written: "%SystemDrive%\inetpub\…".
  std::vector<std::string> handled;         ///< Names that are answered without a file, lower case:
                                            ///< "lsv.ashx", "*.ashx". At most kMaxHandled.
  std::vector<Finding> findings;
};

inline constexpr std::size_t kMaxHandled = 1'000;

/// Reads and judges a configuration. An error is one of its XML.
Result<ConfigFacts> check_config(std::string_view path, OctetView octets);

/// True for the names of native modules that Windows puts into inetsrv: "static.dll".
bool is_iis_module(std::string_view file_name);

/// F-14 of a library in inetsrv: one that is no module of Windows', has the name of one and not its
/// maker's, or says it is Microsoft's and takes from Windows what no module of theirs does: to
/// start programs, to reach out. `path` is the library's.
std::optional<Finding> check_module(std::string_view path, OctetView library);

/// What holds of the server, by all its configurations: a workaround that the autodiscover of the
/// front end takes away does not hold.
Mitigations mitigations_of(const std::vector<ConfigFacts>& configs);

}  // namespace postern::exchange
