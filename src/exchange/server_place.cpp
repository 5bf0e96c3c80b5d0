#include "exchange/server_place.h"

#include <array>

#include "exchange/known_good.h"

namespace postern::exchange {
namespace {

struct Mark {
  std::string_view folder;
  Zone zone;
};

// The first that is in the path decides: the narrow before the wide.
constexpr std::array kMarks = {
    Mark{"/wwwroot/aspnet_client/", Zone::aspnet_client},
    Mark{"/temporary asp.net files/", Zone::temporary_asp},
    Mark{"/frontend/httpproxy/owa/auth/", Zone::front_end_auth},
    Mark{"/frontend/httpproxy/ecp/auth/", Zone::front_end_auth},
    Mark{"/frontend/", Zone::front_end},
    Mark{"/clientaccess/", Zone::client_access},
    Mark{"/inetpub/wwwroot/", Zone::wwwroot},
    Mark{"/wwwroot/", Zone::wwwroot},
    Mark{"/inetpub/", Zone::inetpub},
    Mark{"/windows/temp/", Zone::staging},
    Mark{"/programdata/", Zone::staging},
    Mark{"/perflogs/", Zone::staging},
    Mark{"/$recycle.bin/", Zone::staging},
    Mark{"/recycler/", Zone::staging},
    Mark{"/users/public/", Zone::staging},
    Mark{"/windows/debug/", Zone::staging},
    Mark{"/system32/tasks/", Zone::tasks},
    Mark{"/exchange server/", Zone::exchange},
    Mark{"/windows/", Zone::system},
    Mark{"/program files/", Zone::program_files},
    Mark{"/program files (x86)/", Zone::program_files},
};

}  // namespace

ServerPlace server_place(std::string_view path) {
  ServerPlace out;
  out.path = "/" + lower(path);
  for (char& c : out.path) {
    if (c == '\\') c = '/';
  }
  for (const Mark& mark : kMarks) {
    if (out.path.find(mark.folder) == std::string::npos) continue;
    out.zone = mark.zone;
    break;
  }
  // A log of Exchange may lie below a folder of that name; only these two hold its web files.
  for (const std::string_view top : {"/frontend/", "/clientaccess/"}) {
    const std::size_t at = out.path.rfind(top);
    if (at != std::string::npos) out.exchange_path = normal_path(out.path.substr(at + 1));
  }
  return out;
}

bool is_web(Zone zone) {
  return zone == Zone::aspnet_client || zone == Zone::wwwroot || zone == Zone::front_end ||
         zone == Zone::front_end_auth || zone == Zone::client_access;
}

}  // namespace postern::exchange
