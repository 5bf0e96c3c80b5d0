// The functions behind the routes. Each takes an admitted call and gives the answer.
#pragma once

#include <optional>

#include "api/routes.h"

namespace postern::api {

// Who is here.
Response get_session(const Context& context, const Call& call);
Response open_session(const Context& context, const Call& call);
Response close_session(const Context& context, const Call& call);
Response replace_token(const Context& context, const Call& call);
/// The answer to a wrong token: counted, and logged unless it came too soon after others.
Response refuse_token(const Context& context, const Request& request, const Auth::Check& check);

// The server and its policy.
Response get_status(const Context& context, const Call& call);
Response get_metrics(const Context& context, const Call& call);
Response get_feeds(const Context& context, const Call& call);
Response update_feed(const Context& context, const Call& call);
Response update_feeds(const Context& context, const Call& call);
// What a person decides at the gate.
Response get_gate_report(const Context& context, const Call& call);
Response activate_feed(const Context& context, const Call& call);
Response reject_feed(const Context& context, const Call& call);
Response roll_back_feed(const Context& context, const Call& call);
Response roll_back_all(const Context& context, const Call& call);
Response get_generations(const Context& context, const Call& call);
Response reload(const Context& context, const Call& call);
Response get_published_list(const Context& context, const Call& call);
Response explain_name(const Context& context, const Call& call);
Response explain_trace(const Context& context, const Call& call);

// Exceptions.
Response add_exception(const Context& context, const Call& call);
Response get_exceptions(const Context& context, const Call& call);
Response remove_exception(const Context& context, const Call& call);
Response get_audit(const Context& context, const Call& call);

// The journal, and records as they come.
/// The answer to whoever asks for the past where none is kept.
Response no_journal();
Response get_queries(const Context& context, const Call& call);
Response get_top(const Context& context, const Call& call);
Response get_timeline(const Context& context, const Call& call);
Response watch_live(const Context& context, const Call& call);

// TAXII 2.1: published policies as collections.
/// `admit_taxii` says what to answer to who may read
/// none of them; else `call.collections` are those that are open to him.
std::optional<Response> admit_taxii(const Context& context, const Request& request, Call& call);
Response get_taxii_discovery(const Context& context, const Call& call);
Response get_taxii_root(const Context& context, const Call& call);
Response get_taxii_collections(const Context& context, const Call& call);
Response get_taxii_collection(const Context& context, const Call& call);
Response get_taxii_manifest(const Context& context, const Call& call);
Response get_taxii_objects(const Context& context, const Call& call);
Response get_taxii_versions(const Context& context, const Call& call);

// Files.
Response get_openapi(const Context& context, const Call& call);
Response get_asset(const Context& context, const Call& call);

}  // namespace postern::api
