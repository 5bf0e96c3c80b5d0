#include "api/exception_json.h"

#include "event/time_text.h"

namespace postern::api {

void write_exception(event::JsonWriter& json, const policy::Exception& exception) {
  using Kind = policy::Audience::Kind;
  const policy::Audience& audience = exception.audience;
  const auto text_or_null = [&](std::string_view key, bool is_there, const std::string& text) {
    json.key(key);
    if (is_there) {
      json.string(text);
    } else {
      json.null();
    }
  };
  json.begin_object();
  json.key("id");
  if (exception.id == 0) {
    json.null();
  } else {
    json.number(exception.id);
  }
  json.field("action", exception.action == policy::Action::pass ? "allow" : "block");
  json.field("name", policy::pattern_text(exception.name, exception.scope));
  json.field("audience", policy::to_text(audience));
  text_or_null("tenant", audience.kind == Kind::tenant, audience.name);
  text_or_null("group", audience.kind == Kind::group, audience.name);
  text_or_null("client", audience.kind == Kind::clients, audience.clients.to_text());
  text_or_null("since", exception.id != 0, event::to_rfc3339(exception.since));
  text_or_null("until", exception.until.has_value(),
               event::to_rfc3339(exception.until.value_or(WallTime())));
  json.field("owner", exception.owner).field("reason", exception.reason);
  json.end_object();
}

}  // namespace postern::api
