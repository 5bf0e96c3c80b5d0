#include "event/query_json.h"

#include "event/time_text.h"

namespace postern::event {
namespace {

void text_or_null(JsonWriter& json, std::string_view key, std::string_view text) {
  if (text.empty()) {
    json.key(key).null();
  } else {
    json.field(key, text);
  }
}

template <class T>
void number_or_null(JsonWriter& json, std::string_view key, bool present, T value) {
  if (present) {
    json.field(key, value);
  } else {
    json.key(key).null();
  }
}

}  // namespace

std::string rule_text(const Query& query) {
  if (!query.has_matched) return "";
  const std::string owner = query.matched.to_display();
  return query.matched_wildcard ? (query.matched.is_root() ? "*" : "*." + owner) : owner;
}

void write_query_fields(JsonWriter& json, const Query& query) {
  json.field("at", to_rfc3339(query.at));
  json.field("trace", trace_text(query.trace_id));
  json.field("client", query.client.to_text());
  json.field("client_port", query.client_port);
  json.field("transport", to_string(query.transport));
  json.field("name", query.qname.to_display());
  json.field("type", dns::to_string(query.qtype));
  json.field("class", dns::to_string(query.qclass));
  json.field("rcode", dns::to_string(query.rcode));
  json.field("disposition", to_string(query.disposition));
  json.field("source", to_string(query.source));
  json.field("security", to_string(query.security));
  number_or_null(json, "ede", query.ede >= 0, query.ede);
  json.field("latency_us", query.latency_us);
  text_or_null(json, "group", query.group.view());
  text_or_null(json, "zone", query.zone.view());
  text_or_null(json, "action", query.action.view());
  text_or_null(json, "rule", rule_text(query));
  number_or_null(json, "rule_line", query.rule_line != 0, query.rule_line);
  json.field("generation", query.generation);
  json.field("in_chain", query.matched_in_chain);
}

std::string to_json(const Query& query) {
  JsonWriter json;
  json.begin_object();
  write_query_fields(json, query);
  json.end_object();
  return std::move(json).take();
}

}  // namespace postern::event
