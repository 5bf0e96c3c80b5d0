// One query as a JSON object: for `postern log --json`, the API and exports.
//
// The names and meanings below are a promise to those who parse them: a field may be added,
// none renamed. Every field is always there; what a record does not have is null.
//
//   at           string   RFC 3339, UTC, microseconds
//   trace        string   eight characters, see trace_text
//   client       string   the client's address
//   client_port  number
//   transport    string   udp tcp dot doh doq
//   name         string   the name asked, escaped as in zone files, without the last dot
//   type, class  string   "A", "TYPE731"; "IN", "CLASS32"
//   rcode        string   "NOERROR", "RCODE42"
//   disposition  string   answered allowed blocked observed refused failed
//   source       string   policy cache stale resolver local none
//   security     string   unknown insecure secure bogus
//   ede          number   RFC 8914 code, or null
//   latency_us   number
//   group        string   the client's group, or null
//   zone         string   the policy zone that decided, or null
//   action       string   what it asked for, or null
//   rule         string   "bad.example", "*.bad.example" (covers names below it), or null
//   rule_line    number   the rule's line in its source, or null
//   generation   number   of the policy that decided
//   in_chain     boolean  an alias or target in the answer matched, not the name asked
#pragma once

#include <string>

#include "event/json_writer.h"
#include "event/query.h"

namespace postern::event {

/// Appends the query's fields to the object that `json` has open.
void write_query_fields(JsonWriter& json, const Query& query);

/// The whole object, on one line.
std::string to_json(const Query& query);

/// The rule as a person would write it, or "" where none matched.
std::string rule_text(const Query& query);

}  // namespace postern::event
