#include "api/routes.h"

#include <algorithm>

#include "api/assets.h"
#include "api/handlers.h"

namespace postern::api {
namespace {

constexpr Method kGet = Method::get;
constexpr Method kPost = Method::post;
constexpr Access kOpen = Access::open;
constexpr Access kSignedIn = Access::signed_in;

constexpr Route kRoutes[] = {
    {kGet, "/api/v1/session", kOpen, Runs::here, get_session},
    {kPost, "/api/v1/session", kOpen, Runs::here, open_session},
    {Method::del, "/api/v1/session", kOpen, Runs::here, close_session},
    {kPost, "/api/v1/token", Access::control, Runs::here, replace_token},
    {kGet, "/api/v1/status", kSignedIn, Runs::here, get_status},
    {kGet, "/api/v1/explain", kSignedIn, Runs::on_journal, explain_name},
    {kGet, "/api/v1/explain/{trace}", kSignedIn, Runs::on_journal, explain_trace},
    {kGet, "/api/v1/feeds", kSignedIn, Runs::here, get_feeds},
    {kPost, "/api/v1/feeds/update", kSignedIn, Runs::on_state, update_feeds},
    {kPost, "/api/v1/feeds/{name}/update", kSignedIn, Runs::on_state, update_feed},
    {kGet, "/api/v1/feeds/{name}/report", kSignedIn, Runs::here, get_gate_report},
    {kPost, "/api/v1/feeds/{name}/activate", kSignedIn, Runs::on_feeds, activate_feed},
    {kPost, "/api/v1/feeds/{name}/reject", kSignedIn, Runs::on_feeds, reject_feed},
    {kPost, "/api/v1/feeds/{name}/rollback", kSignedIn, Runs::on_feeds, roll_back_feed},
    {kGet, "/api/v1/generations", kSignedIn, Runs::here, get_generations},
    {kPost, "/api/v1/generations/{number}/rollback", kSignedIn, Runs::on_feeds, roll_back_all},
    {kGet, "/api/v1/publish/{name}/domains.txt", kSignedIn, Runs::on_journal, get_published_list},
    {kGet, "/api/v1/queries", kSignedIn, Runs::on_journal, get_queries},
    {kGet, "/api/v1/top", kSignedIn, Runs::on_journal, get_top},
    {kGet, "/api/v1/timeline", kSignedIn, Runs::on_journal, get_timeline},
    {kGet, "/api/v1/live", kSignedIn, Runs::here, watch_live},
    {kGet, "/api/v1/exceptions", kSignedIn, Runs::on_state, get_exceptions},
    {kPost, "/api/v1/exceptions", kSignedIn, Runs::on_state, add_exception},
    {Method::del, "/api/v1/exceptions/{id}", kSignedIn, Runs::on_state, remove_exception},
    {kGet, "/api/v1/audit", kSignedIn, Runs::on_state, get_audit},
    {kPost, "/api/v1/reload", kSignedIn, Runs::on_feeds, reload},
    {kGet, "/api/v1/openapi.yaml", kOpen, Runs::here, get_openapi},
    {kGet, "/taxii2/", Access::taxii, Runs::here, get_taxii_discovery},
    {kGet, "/taxii2/api/", Access::taxii, Runs::here, get_taxii_root},
    {kGet, "/taxii2/api/collections/", Access::taxii, Runs::here, get_taxii_collections},
    {kGet, "/taxii2/api/collections/{id}/", Access::taxii, Runs::here, get_taxii_collection},
    {kGet, "/taxii2/api/collections/{id}/manifest/", Access::taxii, Runs::on_journal,
     get_taxii_manifest},
    {kGet, "/taxii2/api/collections/{id}/objects/", Access::taxii, Runs::on_journal,
     get_taxii_objects},
    {kGet, "/taxii2/api/collections/{id}/objects/{object}/", Access::taxii, Runs::on_journal,
     get_taxii_objects},
    {kGet, "/taxii2/api/collections/{id}/objects/{object}/versions/", Access::taxii,
     Runs::on_journal, get_taxii_versions},
    {kGet, "/metrics", Access::metrics, Runs::here, get_metrics},
    {kGet, "/", kOpen, Runs::here, get_asset},
    {kGet, "/app.js", kOpen, Runs::here, get_asset},
    {kGet, "/app.css", kOpen, Runs::here, get_asset},
    {kGet, "/favicon.svg", kOpen, Runs::here, get_asset},
};

Response file(const Request& request, std::string_view content_type, std::string_view body) {
  Response response;
  const std::string tag = '"' + sha256_hex(body).substr(0, 20) + '"';
  response.content_type = content_type;
  response.cache_control = "no-cache";  // Kept, but asked about: a new binary has new files.
  response.headers.emplace_back("ETag", tag);
  if (request.if_none_match.find(tag) != std::string::npos) {
    response.status = 304;
  } else {
    response.body = body;
  }
  return response;
}

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

Result<bool> path_fits(std::string_view pattern, std::string_view path, std::string& capture,
                       std::string& second_capture) {
  std::string* next = &capture;
  for (;;) {
    const std::size_t open = pattern.find('{');
    if (open == pattern.npos) return pattern == path;
    if (!path.starts_with(pattern.substr(0, open))) return false;
    path.remove_prefix(open);
    pattern.remove_prefix(pattern.find('}') + 1);
    // Up to the next slash, or to the end of the path.
    const std::size_t end = std::min(path.find('/'), path.size());
    *next = POSTERN_TRY(percent_decode(path.substr(0, end), Plus::is_plus));
    path.remove_prefix(end);
    next = &second_capture;
  }
}

Response get_openapi(const Context&, const Call& call) {
  return file(call.request, "application/yaml", openapi_text());
}

Response get_asset(const Context&, const Call& call) {
  const std::string_view target = call.request.target;
  const Asset* asset = asset_at(target.substr(0, target.find('?')));
  if (asset == nullptr) return problem(404, "there is no such page");
  return file(call.request, asset->content_type, asset->body);
}

}  // namespace postern::api
