// Where on a server a path lies, whatever drive, folder or case it was copied into.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::exchange {

/// What a place is to whoever hides something in it.
enum class Zone : std::uint8_t {
  other,
  aspnet_client,   ///< inetpub\wwwroot\aspnet_client: no page belongs there.
  wwwroot,         ///< The rest of inetpub\wwwroot.
  front_end,       ///< FrontEnd\HttpProxy of Exchange.
  front_end_auth,  ///< owa\auth and ecp\auth beneath it.
  client_access,   ///< ClientAccess of Exchange.
  inetpub,         ///< The rest of inetpub: logs, history.
  exchange,        ///< The rest of Exchange's folder.
  staging,         ///< ProgramData, Windows\Temp, PerfLogs, the bin, Users\Public, $WINDOWS.~BT.
  temporary_asp,   ///< Temporary ASP.NET Files.
  tasks,           ///< System32\Tasks.
  system,          ///< The rest of Windows.
  program_files,
};

/// A path with what it is to be read by.
struct ServerPlace {
  std::string path;  ///< Lower case, '/' between parts and in front.
  Zone zone{};
  std::string exchange_path;  ///< Beneath the installation, normal as in KnownGood; else empty.
};

/// By the folders in the path. Where a tree of a server was given from a folder within, the caller
/// puts that folder's own path in front.
ServerPlace server_place(std::string_view path);

/// True for places that a web server hands out.
bool is_web(Zone zone);

}  // namespace postern::exchange
