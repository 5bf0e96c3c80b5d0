#include "app/collection_door.h"

#include <utility>

#include "api/auth.h"
#include "feeds/files.h"

namespace postern::app {
namespace {

// A file that cannot be read lets nobody in.
bool is_secret(const std::string& path, std::string_view given) {
  if (path.empty()) return false;
  const auto secret = feeds::read_secret(path);
  // Digests are compared, so that the time tells nothing.
  return secret && api::equal_constant_time(api::sha256_hex(*secret), api::sha256_hex(given));
}

bool admits(const feeds::CollectionOptions& options, const api::HttpLogin& login) {
  if (login.is_token) return is_secret(options.token_file, login.secret);
  const bool is_user =
      api::equal_constant_time(api::sha256_hex(options.user), api::sha256_hex(login.user));
  return is_secret(options.password_file, login.secret) && is_user && !options.user.empty();
}

}  // namespace

std::vector<api::TaxiiCollection> collections_of(const feeds::ZoneServer& zones) {
  std::vector<api::TaxiiCollection> collections;
  for (feeds::PublishedCollection& each : zones.collections()) {
    api::TaxiiCollection& made = collections.emplace_back();
    made.id = std::move(each.id);
    made.title = each.options.title;
    made.indicators = std::move(each.indicators);
    made.admits = [options = std::move(each.options)](const api::HttpLogin& login) {
      return admits(options, login);
    };
  }
  return collections;
}

}  // namespace postern::app
