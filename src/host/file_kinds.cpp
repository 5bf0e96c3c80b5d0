#include "host/file_kinds.h"

#include <algorithm>
#include <array>
#include <string>

#include "exchange/compiled_page.h"
#include "exchange/known_good.h"
#include "exchange/server_place.h"

namespace postern::host {

using exchange::Wanted;
using exchange::Zone;

std::string_view to_string(FileKind kind) {
  switch (kind) {
    case FileKind::other:
      return "other";
    case FileKind::page:
      return "page";
    case FileKind::config:
      return "configuration";
    case FileKind::task:
      return "task";
    case FileKind::compiled:
      return "compiled page";
    case FileKind::archive:
      return "archive";
    case FileKind::event_log:
      return "event log";
    case FileKind::log:
      return "log";
    case FileKind::hive:
      return "registry hive";
    case FileKind::module:
      return "module of IIS";
    case FileKind::file_table:
      return "table of files";
  }
  return "";
}

FileKind kind_of(std::string_view placed) {
  const exchange::ServerPlace place = exchange::server_place(placed);
  const std::string name =
      exchange::lower(exchange::plain_name(exchange::file_name_of(place.path)));
  const std::string_view extension = exchange::extension_of(name);
  if (place.zone == Zone::tasks) return FileKind::task;
  if (exchange::is_compiled_page(name)) return FileKind::compiled;
  if (name == "web.config" || name == "applicationhost.config") return FileKind::config;
  if (exchange::is_page_extension(extension)) return FileKind::page;
  if (extension == "dll" && place.path.ends_with("/system32/inetsrv/" + name)) {
    return FileKind::module;
  }
  if (name == "$mft") return FileKind::file_table;
  if (extension == "evtx") return FileKind::event_log;
  if (place.path.ends_with("/system32/config/software") ||
      place.path.ends_with("/system32/config/system")) {
    return FileKind::hive;
  }
  const bool log = extension == "log" || name.ends_with(".log.gz") || name.ends_with(".log.1");
  if (log) return FileKind::log;
  static constexpr std::array kArchives =
      std::to_array<std::string_view>({"zip", "7z", "rar", "cab", "gz", "tgz", "tar"});
  return std::ranges::find(kArchives, extension) == kArchives.end() ? FileKind::other
                                                                    : FileKind::archive;
}

Wanted wanted_of(FileKind kind, std::string_view placed, std::uint64_t size) {
  if (size == 0) return Wanted::nothing;
  switch (kind) {
    case FileKind::page:
    case FileKind::config:
    case FileKind::task:
    case FileKind::compiled:
    case FileKind::module:
      return Wanted::whole;
    case FileKind::archive:
      return Wanted::head;
    case FileKind::event_log:
    case FileKind::hive:
    case FileKind::file_table:
      return Wanted::nothing;
    case FileKind::log: {
      // Rows are read by others; a log where none belongs is looked at like any file.
      const Zone zone = exchange::server_place(placed).zone;
      const bool web = exchange::is_web(zone) || zone == Zone::staging;
      return web ? exchange::wanted_of(placed, size) : Wanted::nothing;
    }
    case FileKind::other:
      break;
  }
  return exchange::wanted_of(placed, size);
}

}  // namespace postern::host
