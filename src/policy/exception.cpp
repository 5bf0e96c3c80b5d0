#include "policy/exception.h"

namespace postern::policy {

std::string to_text(const Audience& audience) {
  switch (audience.kind) {
    case Audience::Kind::everyone:
      return "everyone";
    case Audience::Kind::tenant:
      return "tenant " + audience.name;
    case Audience::Kind::group:
      return "group " + audience.name;
    case Audience::Kind::clients:
      return "clients " + audience.clients.to_text();
  }
  return "nobody";
}

std::string pattern_text(const dns::Name& name, Scope scope) {
  if (scope == Scope::exact) return name.to_display();
  return name.is_root() ? "*" : "*." + name.to_display();
}

}  // namespace postern::policy
