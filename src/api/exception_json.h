// An exception as JSON: schema Exception in docs/reference/openapi.yaml.
#pragma once

#include "event/json_writer.h"
#include "policy/exception.h"

namespace postern::api {

void write_exception(event::JsonWriter& json, const policy::Exception& exception);

}  // namespace postern::api
