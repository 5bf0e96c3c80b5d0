#include "api/deed.h"

#include <vector>

#include <fmt/format.h>
#include <pwd.h>

namespace postern::api {
namespace {

/// "postern (uid 105)".
std::string user_text(std::uint32_t uid) {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  const bool is_known =
      ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return is_known ? fmt::format("{} (uid {})", found->pw_name, uid) : fmt::format("uid {}", uid);
}

}  // namespace

std::string actor_of(const Call& call) {
  const Peer& peer = call.request.peer;
  if (peer.trusted) return user_text(peer.uid);
  return fmt::format("{} from {}",
                     call.let_in_by == Credential::Kind::session ? "console session" : "API token",
                     peer.to_text());
}

void keep_deed(const Context& context, const Call& call, const Done& done) {
  const std::string actor = actor_of(call);
  context.log.info("api", fmt::format("{}: {}, by {}", done.subject, done.action, actor));
  const auto kept = context.services.exceptions->note({.at = call.request.now,
                                                       .actor = actor,
                                                       .action = std::string(done.action),
                                                       .subject = done.subject,
                                                       .after = done.after});
  if (!kept) context.log.error("api", "not on the audit: " + kept.error().text);
}

}  // namespace postern::api
